"""A gateway in this process, in its production profile, asked through ASGI: as thousands of bodies want it."""

import asyncio
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message, Receive

from fixtures.world import World
from gateway.app import admin_application, application
from gateway.config import load
from gateway.edge.guard import Health
from gateway.server.composition import build_state
from gateway.server.services import build_services

ADRESSE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class RawResponse:
    """An answer as it came."""

    statut: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.json.get("errors", [])]


@dataclass(frozen=True, slots=True)
class Edge:
    """The application, that of the operator, the loop they live in, its configuration directory, the bearer token of `ml`, and
    the figures, which the operator's page tells once a moment."""

    app: ASGIApp
    admin: ASGIApp
    loop: asyncio.Runner
    record: Path
    environment: Mapping[str, str]
    token: str
    figures: CollectorRegistry

    def graphql(self, document: object, **headers: str) -> RawResponse:
        """The answer to a JSON body, by `ml` unless `headers` says otherwise (`_` stands for `-`; "" leaves one out)."""
        return self.call_edge(json.dumps(document).encode(), **headers)

    def request(self, partner_request: str, **headers: str) -> RawResponse:
        return self.graphql({"query": partner_request}, **headers)

    def call_edge(self, body: bytes = b"", method: str = "POST", path: str = "/graphql", **headers: str) -> RawResponse:
        return self.loop.run(self.call(body, method, path, **headers))

    async def call(self, body: bytes, method: str = "POST", path: str = "/graphql", **headers: str) -> RawResponse:
        """The same from within the loop, for many."""
        good = {
            "host": ADRESSE,
            "content-type": "application/json",
            "authorization": f"Bearer {self.token}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in good.items() if value]
        return await exchange(self.app, method, path, pairs, body)


def is_open() -> Health:
    """The health of a process that opened and lacks nothing."""
    health = Health({}, {}, time.monotonic)
    health.open(())
    return health


async def exchange(
    app: ASGIApp, method: str, path: str, headers: list[tuple[bytes, bytes]], body: Receive | bytes = b""
) -> RawResponse:
    """One request, its body given or coming as it will, and its whole answer."""
    received: list[Message] = []
    name, _, parameters = path.partition("?")

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        received.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": name,
        "raw_path": name.encode(),
        "root_path": "",
        "query_string": parameters.encode(),
        "headers": headers,
        "scheme": "http",
        "server": (ADRESSE, 80),
        "http_version": "1.1",
    }
    await app(scope, receive if isinstance(body, bytes) else body, send)
    heads = {name.decode(): value.decode("latin-1") for name, value in received[0]["headers"]}
    return RawResponse(received[0]["status"], heads, b"".join(message.get("body", b"") for message in received[1:]))


@contextmanager
def open_edge(world: World, record: Path) -> Iterator[Edge]:
    """The gateway of that world over a copy of its configuration, with the page closed."""
    assert world.record is not None
    shutil.copytree(world.record / "partenaires", record / "partenaires")
    shutil.copy(world.record / "clients.toml", record)
    text = (world.record / "gateway.toml").read_text(encoding="utf-8")
    text = text.replace('dossier = "donnees"', f'dossier = "{world.record / "donnees"}"')
    (record / "gateway.toml").write_text(text.replace("graphiql = true", "graphiql = false"), encoding="utf-8")
    environment = {**world.environment, "GATEWAY_CONFIG": str(record)}
    with asyncio.Runner() as loop:
        services = build_services(load(environment), environment)
        state = build_state(services)
        loop.run(services.registry.open())
        loop.run(services.readings_journal.open())
        loop.run(services.keeper.open())
        state.health.open(())
        try:
            apps = application(state), admin_application(state)
            yield Edge(*apps, loop, record, environment, world.token("ml"), state.metrics.registry)
        finally:
            loop.run(services.aclose())
