"""A collector receives the spans of requests that their caller follows: names that are listed, nothing of a person."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fixtures.servers import HOST, Servers, reserve
from fixtures.world import World
from gateway.edge.traces import ATTRIBUTES
from tests.support.canaries import traces
from tests.support.e2e.queries import until_complete

TRACE = "0af7651916cd43dd8448eb211c80319c"
LIST = "query ListeDeZoe { ruptures(first: 20) { edges { node { date jeune { nom prenom dateNaissance } } } } }"
WITHIN = 60.0  # seconds for spans to arrive: they are sent every five


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Its address, and the bodies that it takes."""
    taken: list[bytes] = []

    async def take(request: Request) -> Response:
        assert request.headers["content-type"] == "application/json"
        taken.append(await request.body())
        return JSONResponse({})

    with reserve(0) as place:
        address = f"http://{HOST}:{place.getsockname()[1]}/v1/traces"
        with Servers([(place, Starlette(routes=[Route("/v1/traces", take, methods=["POST"])]))]):
            yield address, taken


def spans_of(taken: list[bytes]) -> list[dict[str, Any]]:
    documents = [json.loads(body) for body in taken]
    return [
        span
        for document in documents
        for resource in document["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
        if span["traceId"] == TRACE
    ]


def test_l01_spans_arrive_and_say_nothing_of_a_person(
    world: World, collector: tuple[str, list[bytes]], tmp_path: Path
) -> None:
    address, taken = collector
    assert world.record is not None
    copy = tmp_path / "configuration"
    shutil.copytree(world.record, copy, ignore=shutil.ignore_patterns("*.log"))
    with (copy / "gateway.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[traces]\nadresse = "{address}"\npart = 0.0\n')
    token = world.token("ml")
    with world.gateway(GATEWAY_CONFIG=str(copy)) as gateway:
        until_complete(gateway, token, LIST)
        told = gateway.graphql(token, LIST, traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
        limit = time.monotonic() + WITHIN
        while not spans_of(taken) and time.monotonic() < limit:
            time.sleep(0.2)
    assert told["data"]["ruptures"]["edges"]
    root, *stages = spans_of(taken)
    assert root["parentSpanId"] == "b7ad6b7169203331"
    assert {stage["name"] for stage in stages} >= {"analyse", "collecte", "execution", "journal"}
    for stage in stages:
        assert int(root["startTimeUnixNano"]) <= int(stage["startTimeUnixNano"])
        assert int(stage["endTimeUnixNano"]) <= int(root["endTimeUnixNano"])
    said = {one["key"] for span in (root, *stages) for one in span.get("attributes", [])}
    assert {"passerelle.requete", "passerelle.profil", "http.response.status_code"} <= said <= ATTRIBUTES
    assert "graphql.operation.name" not in said  # no trusted document has that name
    assert {event["name"] for event in root["events"]} == {"source"}
    (tmp_path / "traces.json").write_bytes(b"\n".join(taken))
    assert traces(world.population, [tmp_path / "traces.json"]) == []
    assert b"ListeDeZoe" not in b"".join(taken)
