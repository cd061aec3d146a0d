"""GraphQL over SSE, check by check, against a real gateway: what its PROTOCOL.md asks of a server in distinct connections mode.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md, `test_e01` to `test_e12`. Single connection mode is not served
(docs/decisions/0108).
"""

import json

import httpx
import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.event_listener import raw_stream

STREAM = "text/event-stream"
EVENTS = "subscription { evenements { id } }"


@pytest.fixture(scope="module")
def token(world: World) -> str:
    return world.token("ml", agent="audit sse")


def post(gateway: LaunchedGateway, token: str, body: object, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"authorization": f"Bearer {token}", "accept": STREAM, "content-type": "application/json"} | headers
    return httpx.post(f"{gateway.url}/graphql", content=content, headers=given, timeout=30)


def messages(answer: httpx.Response) -> list[tuple[str, str]]:
    """Each message of a stream, by its event and its data."""
    assert answer.headers["content-type"].partition(";")[0] == STREAM
    blocks = [block.split("\n") for block in answer.text.split("\n\n") if block and not block.startswith(":")]
    return [tuple(line.partition(":")[2].strip() for line in block) for block in blocks]  # type: ignore[misc]


def open_stream(gateway: LaunchedGateway, token: str, accept: str = STREAM) -> httpx.Response:
    """The head of an answer that goes on."""
    headers = {"authorization": f"Bearer {token}", "accept": accept}
    with httpx.stream("POST", f"{gateway.url}/graphql", json={"query": EVENTS}, headers=headers) as answer:
        return answer


def test_e01_a_subscription_is_answered_200_as_an_event_stream_in_utf8(gateway: LaunchedGateway, token: str) -> None:
    answer = open_stream(gateway, token)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


def test_e02_it_is_neither_kept_nor_held_back_on_its_way(gateway: LaunchedGateway, token: str) -> None:
    headers = open_stream(gateway, token).headers
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
    assert "content-length" not in headers


def test_e03_it_begins_at_once_with_a_comment(gateway: LaunchedGateway, token: str) -> None:
    raw_stream(gateway.url, token).close()


def test_e04_what_is_wrong_with_the_operation_is_next_then_complete(gateway: LaunchedGateway, token: str) -> None:
    (name, data), end = messages(post(gateway, token, {"query": "subscription { nulle }"}))
    assert name == "next"
    assert json.loads(data)["errors"][0]["extensions"]["code"] == "REQUETE_INVALIDE"
    assert "data" not in json.loads(data)
    assert end == ("complete", "")


def test_e05_a_syntax_error_is_next_then_complete(gateway: LaunchedGateway, token: str) -> None:
    answer = post(gateway, token, {"query": "subscription {"})
    (name, data), end = messages(answer)
    assert (answer.status_code, name, end) == (200, "next", ("complete", ""))
    assert json.loads(data)["errors"][0]["extensions"]["detail"] == "SYNTAXE"


def test_e06_complete_has_a_data_line_without_which_browsers_drop_it(gateway: LaunchedGateway, token: str) -> None:
    assert post(gateway, token, {"query": "subscription {"}).text.endswith("event: complete\ndata:\n\n")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"query": 1}'])
def test_e07_what_is_no_request_is_refused_by_http(gateway: LaunchedGateway, token: str, body: bytes) -> None:
    assert post(gateway, token, body).status_code == 400


def test_e08_a_body_that_is_no_json_is_refused_by_http(gateway: LaunchedGateway, token: str) -> None:
    answer = post(gateway, token, {"query": EVENTS}, **{"content-type": "text/plain"})
    assert answer.status_code == 415


def test_e09_without_credentials_it_is_refused_by_http(gateway: LaunchedGateway) -> None:
    assert post(gateway, "faux", {"query": EVENTS}).status_code == 401


def test_e10_a_query_is_never_streamed(gateway: LaunchedGateway, token: str) -> None:
    assert post(gateway, token, {"query": "{ moi { profil } }"}).status_code == 406
    both = post(gateway, token, {"query": "{ moi { profil } }"}, accept=f"application/json, {STREAM}")
    assert both.json()["data"] == {"moi": {"profil": "MISSION_LOCALE"}}


def test_e11_a_client_that_reads_both_is_streamed_a_subscription(gateway: LaunchedGateway, token: str) -> None:
    """urql and Apollo Client name every media type that they know in one header."""
    accept = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
    assert open_stream(gateway, token, accept).headers["content-type"].startswith(STREAM)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET"])
def test_e12_no_place_is_reserved_for_a_single_connection(gateway: LaunchedGateway, token: str, method: str) -> None:
    headers = {"authorization": f"Bearer {token}", "accept": STREAM, "x-graphql-event-stream-token": "t"}
    assert httpx.request(method, f"{gateway.url}/graphql", headers=headers).status_code == 405
