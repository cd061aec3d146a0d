"""Our compiled execution alone over HTTP: rows already in memory, no token, no mask, no journal; bare ASGI and orjson.

What it does for a request: read the body, find the document by its text, coerce variables, run the plan, write JSON.
"""

import asyncio
import sys
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.http.in_house import InHouse, serve
from bench.http.query import filtre
from gateway.auth.authentication.clients import Principal, build_viewer
from gateway.auth.authorization.decide import Decision
from gateway.domain.days import paris_day
from gateway.schema.connections import PAGE_MAX, RuptureConnection
from gateway.schema.filters import FiltreRuptures
from gateway.schema.orders import TriRuptures
from gateway.schema.query import PageArgs
from gateway.server.composition import read_client_register

ATTEMPTS, PAUSE = 120, 0.5  # looks, and seconds between two, while the sources are gathered
KEPT = "gardees"  # argument
HEADERS = [(b"content-type", b"application/json")]


@dataclass(frozen=True, slots=True)
class Sampled:
    """The context of a resolver that has its rows. `frozen`: pages and their bytes are kept, as the gateway keeps them; else
    rows are written each time."""

    decision: Decision
    list_query: RuptureConnection
    frozen: bool
    pages: dict[int, RuptureConnection] = field(default_factory=dict)

    def is_open(self, _key: object) -> bool:
        return True

    def ruptures(self, _filter: FiltreRuptures | None, _sort: TriRuptures, page: PageArgs) -> RuptureConnection:
        if self.frozen and page.first in self.pages:
            return self.pages[page.first]
        whole = self.list_query
        made = RuptureConnection(
            edges=whole.edges[: page.first],
            nodes=whole.nodes[: page.first],
            page_info=whole.page_info,
            total_count=whole.total_count,
            complet=whole.complet,
        )
        made.kept_bytes = {}
        self.pages[page.first] = made
        return made


async def application(in_house: InHouse) -> ASGIApp:
    """Load the rows of `ml`, then answer from them."""
    gateway, context = in_house.gateway, await _sample(in_house)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        request = orjson.loads(await _body(receive))
        document = gateway.documents.read(request["query"], None)
        variables = document.variables(gateway.schema, request["variables"])
        result = gateway.executor.execute(document, variables, context)
        if result.errors:
            raise result.errors[0]
        rendered = orjson.dumps({"data": result.data})
        await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, _length(rendered)]})
        await send({"type": "http.response.body", "body": rendered})

    return app


async def _sample(in_house: InHouse) -> Sampled:
    clients = read_client_register(in_house.configuration)
    viewer = build_viewer(Principal("ml", mfa=True), clients["ml"], None, in_house.gateway.directory().referentiel)
    context = await in_house.context(viewer)
    for _ in range(ATTEMPTS):
        if context.readings.complete:
            break
        await asyncio.sleep(PAUSE)
        context = await in_house.context(viewer)
    depuis = paris_day(in_house.gateway.now()).replace(year=2000)
    list_query = context.ruptures(filtre(depuis), TriRuptures.DATE_DESC, PageArgs(PAGE_MAX, None))
    if list_query is None:
        raise SystemExit("no source answered")
    return Sampled(context.decision, list_query, frozen=KEPT in sys.argv)


async def _body(receive: Receive) -> bytes:
    chunks, following = [], True
    while following:
        message: Any = await receive()
        chunks.append(message.get("body", b""))
        following = message.get("more_body", False)
    return b"".join(chunks)


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(body)


if __name__ == "__main__":
    serve(application)
