"""What the Python servers of this bench share with the gateway: its services, its door, its views. They add only HTTP."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
import uvloop
from starlette.datastructures import Headers
from starlette.types import ASGIApp

from bench.http.query import TEXT, variables
from gateway.auth.authentication.authenticator import Authenticator
from gateway.auth.authentication.clients import Viewer, build_viewer
from gateway.auth.authorization.decision_cache import CachedDecision
from gateway.config import Configuration, load
from gateway.documents.parse import Document
from gateway.domain.days import paris_day
from gateway.federation.views.operation_context import OperationContext
from gateway.operation import Gateway, build_context
from gateway.server.allocator import GC_THRESHOLDS
from gateway.server.composition import build_authenticator, build_gateway, read_client_register
from gateway.server.services import build_services


@dataclass(slots=True)
class InHouse:
    """An open gateway without its HTTP: the same caller, records, views and masks."""

    configuration: Configuration
    gateway: Gateway
    authenticator: Authenticator
    _decisions: dict[str, CachedDecision] = field(default_factory=dict)

    @property
    def document(self) -> Document:
        return self.gateway.documents.read(TEXT, None)

    async def viewer(self, headers: Headers) -> Viewer:
        """The caller, its token checked. Raises Unauthenticated."""
        token, client = await self.authenticator.authenticate(headers.get("authorization"), None)
        return build_viewer(token, client, None, self.gateway.directory().referentiel)

    async def context(self, viewer: Viewer) -> OperationContext:
        """What the caller may see now; what may be read is decided once, as for code written for this one query."""
        return await build_context(self.gateway, viewer, self._decision(viewer).decision)

    def _decision(self, viewer: Viewer) -> CachedDecision:
        if viewer.client not in self._decisions:
            document, told = self.document, variables(1, paris_day(self.gateway.now()))
            self._decisions[viewer.client] = self.gateway.decision_cache.judge(
                document.tree, document.operation, told, viewer
            )
        return self._decisions[viewer.client]


@asynccontextmanager
async def open_world() -> AsyncIterator[InHouse]:
    """The house that the environment describes, as `python -m gateway serve` would find it."""
    configuration = load()
    services = build_services(configuration, os.environ)
    in_house = InHouse(
        configuration,
        build_gateway(services),
        build_authenticator(services, read_client_register(services.configuration)),
    )
    try:
        await services.registry.open()
        await services.readings_journal.open()
        await services.keeper.open()
        yield in_house
    finally:
        await services.aclose()


def serve(build: Callable[[InHouse], Awaitable[ASGIApp]]) -> None:
    """Serve an application over the house, with the server and the collector that the gateway has."""

    async def serve_until_stopped() -> None:
        async with open_world() as in_house:
            app = await build(in_house)
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)
            await uvicorn.Server(_settings(app, in_house.configuration)).serve()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(serve_until_stopped())


def _settings(app: ASGIApp, configuration: Configuration) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=configuration.host,
        port=configuration.port,
        access_log=False,
        log_level="critical",
        server_header=False,
        http="httptools",
        ws="none",
        proxy_headers=False,
        lifespan="off",
    )
