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

from bench.http.requete import TEXTE, variables
from gateway.auth.cles_api import Porte
from gateway.auth.jugement import Jugement
from gateway.auth.viewer import Viewer, identifier
from gateway.composition import construire_passerelle, construire_porte
from gateway.config import Configuration, charger
from gateway.documents import Document
from gateway.federation.contexte import ContexteOperation
from gateway.operation import Passerelle, build_context
from gateway.services import construire_services
from gateway.vie import SEUILS_DU_RAMASSEUR


@dataclass(slots=True)
class Maison:
    """An open gateway without its HTTP: the same caller, records, views and masks."""

    configuration: Configuration
    passerelle: Passerelle
    porte: Porte
    _jugements: dict[str, Jugement] = field(default_factory=dict)

    @property
    def document(self) -> Document:
        return self.passerelle.documents.lire(TEXTE, None)

    async def viewer(self, entetes: Headers) -> Viewer:
        """The caller, its token checked. Raises NonAuthentifie."""
        jeton, client = await self.porte.identifier(entetes.get("authorization"), None)
        return identifier(jeton, client, None, self.passerelle.annuaire().referentiel)

    async def contexte(self, viewer: Viewer) -> ContexteOperation:
        """What the caller may see now; what may be read is decided once, as for code written for this one query."""
        return await build_context(self.passerelle, viewer, self._jugement(viewer).decision)

    def _jugement(self, viewer: Viewer) -> Jugement:
        if viewer.client not in self._jugements:
            document, dites = self.document, variables(1, self.passerelle.jour())
            self._jugements[viewer.client] = self.passerelle.juge.juger(
                document.arbre, document.operation, dites, viewer
            )
        return self._jugements[viewer.client]


@asynccontextmanager
async def ouvrir() -> AsyncIterator[Maison]:
    """The house that the environment describes, as `python -m gateway serve` would find it."""
    configuration = charger()
    services = construire_services(configuration, os.environ)
    maison = Maison(configuration, construire_passerelle(services), construire_porte(services))
    try:
        await services.registre.ouvrir()
        await services.lectures.ouvrir()
        await services.gardien.ouvrir()
        yield maison
    finally:
        await services.fermer()


def servir(construire: Callable[[Maison], Awaitable[ASGIApp]]) -> None:
    """Serve an application over the house, with the server and the collector that the gateway has."""

    async def tout() -> None:
        async with ouvrir() as maison:
            app = await construire(maison)
            gc.collect()
            gc.freeze()
            gc.set_threshold(*SEUILS_DU_RAMASSEUR)
            await uvicorn.Server(_reglages(app, maison.configuration)).serve()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as boucle:
        boucle.run(tout())


def _reglages(app: ASGIApp, configuration: Configuration) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=configuration.hote,
        port=configuration.port,
        access_log=False,
        log_level="critical",
        server_header=False,
        http="httptools",
        ws="none",
        proxy_headers=False,
        lifespan="off",
    )
