"""Untrusted bytes become a demand or a clear refusal; never a failure of ours."""

import asyncio
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from gateway.edge.graphql_http import (
    BYTES_MAX,
    GRAPHQL_RESPONSE,
    JSON,
    MalformedRequest,
    choose_media_type,
    read_request,
)
from gateway.errors import InvalidRequest, TooCostlyRequest
from gateway.operation_runner import GraphQLRequest


def partner_request(body: bytes, nature: str = "application/json") -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", nature.encode())] if nature else []
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


@pytest.mark.anyio
async def test_a_demand_is_read() -> None:
    body = b'{"query": "{ moi { profil } }", "operationName": null, "variables": {"n": 1}}'
    assert await read_request(partner_request(body)) == GraphQLRequest("{ moi { profil } }", None, {"n": 1}, values=2)


G14 = [
    b"1",
    b"null",
    b'"x"',
    b"[]",
    b"{}",
    b'{"query":1}',
    b'{"query":""}',
    b'{"query":"{a}","variables":[]}',
    b'{"query":"{a}","variables":{"a":NaN}}',
    b'{"query":"{a}","query":"{b}"}',
    b'\xef\xbb\xbf{"query":"{a}"}',
    b'{"query":"\xff"}',
    b'{"query":"\\ud800"}',
    b'{"query":"{a}","variables":{"a":' + b"9" * 5000 + b"}}",
    b"[" * 100_000,
    b'{"query":"{a}","autre":1}',
    b'[{"query":"{a}"},{"query":"{b}"}]',
    b'{"query":"{a}","operationName":3}',
    b'{"query":"{a}","extensions":1}',
    b'{"query":"{a}","variables":{"a":1e999}}',
    b'{"query":"{a}","variables":{"a":{"b":1,"b":2}}}',
    b'{"query":"{a}","extensions":{"persistedQuery":[]}}',
    b'{"query":"{a}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}',
    b'{"query":"{a}","extensions":{"persistedQuery":{"version":2,"sha256Hash":"' + b"a" * 64 + b'"}}}',
    b'{"extensions":{}}',
    b"",
]
LOURDES: list[object] = [
    {"a": ["x"] * 2001},
    {"a": [[1, 2, 3]] * 700},
    {"a": "x" * 2001},
    {str(n): n for n in range(2001)},
    json.loads("[" * 17 + "]" * 17),
]


@pytest.mark.anyio
@pytest.mark.parametrize("body", G14)
async def test_g14_odd_bodies_are_refused(body: bytes) -> None:
    with pytest.raises((MalformedRequest, InvalidRequest)) as refusal:
        await read_request(partner_request(body))
    assert getattr(refusal.value, "statut", 400) == 400


@pytest.mark.anyio
@pytest.mark.parametrize("heavy", LOURDES, ids=["list", "lists", "text", "keys", "levels"])
async def test_g14_variables_are_of_a_reasonable_size(heavy: object) -> None:
    with pytest.raises(TooCostlyRequest):
        await read_request(partner_request(json.dumps({"query": "{a}", "variables": {"v": heavy}}).encode()))


@pytest.mark.anyio
async def test_g05_a_batch_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidRequest, match="lots"):
        await read_request(partner_request(b'[{"query":"{a}"}]'))


@pytest.mark.anyio
async def test_a_hash_stands_for_its_text() -> None:
    body = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0a" * 32}}}
    assert await read_request(partner_request(json.dumps(body).encode())) == GraphQLRequest(
        None, None, {}, "0a" * 32, values=1
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    "nature",
    ["", "text/plain", "application/json; charset=latin-1", "multipart/form-data", "message/x; application/json"],
)
async def test_g13_only_json_in_utf8(nature: str) -> None:
    with pytest.raises(MalformedRequest) as refusal:
        await read_request(partner_request(b'{"query":"{a}"}', nature))
    assert refusal.value.status == 415


@pytest.mark.anyio
async def test_g15_a_long_body_is_refused_at_the_cap() -> None:
    with pytest.raises(MalformedRequest) as refusal:
        await read_request(partner_request(b" " * (BYTES_MAX + 1)))
    assert refusal.value.status == 413


@given(st.binary(max_size=200))
def test_g14_no_body_whatever_fails_here(body: bytes) -> None:
    with suppress(MalformedRequest, InvalidRequest, TooCostlyRequest):
        asyncio.run(read_request(partner_request(body)))


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        (f"{GRAPHQL_RESPONSE}, application/json;q=0.9", GRAPHQL_RESPONSE),
        (f"application/json, {GRAPHQL_RESPONSE}", JSON),
        (f"application/json;q=0.5, {GRAPHQL_RESPONSE};q=0.8", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE}, application/json, text/event-stream, multipart/mixed", GRAPHQL_RESPONSE),
        ("text/html", None),
        ("application/json;q=0", None),
        ("application/json;q=0, */*", GRAPHQL_RESPONSE),
        ("*/*;q=0.1, application/json;q=0", GRAPHQL_RESPONSE),
        (f"*/*, {GRAPHQL_RESPONSE};q=0.5", JSON),
        (f"application/*;q=0.2, {GRAPHQL_RESPONSE};q=0.3", GRAPHQL_RESPONSE),
        (f"application/json;q=nan, {GRAPHQL_RESPONSE};q=1e9", None),
        ("application/json; charset=utf-8; q=0.9", JSON),
    ],
)
def test_the_media_type_is_chosen_by_quality_then_order(accept: str | None, expected: str | None) -> None:
    assert choose_media_type(accept) == expected
