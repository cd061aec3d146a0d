"""The life of the process: it opens, says it is ready, serves, is told to stop, and ends. Knows no route and no rule.

What it acknowledged is on disk before it is acknowledged: however it ends, nothing of that is lost.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp

from gateway.app import AppState, application
from gateway.auth.cles_api import Porte
from gateway.composition import build_state
from gateway.config import Configuration, charger
from gateway.errors import ErreurConfiguration, LiensIndisponibles
from gateway.protocole import Protocole
from gateway.sante import Sante
from gateway.services import Services, construire_services
from gateway.sources.moisson import veiller
from gateway.tenue import tenir

SIGNAUX = (signal.SIGTERM, signal.SIGINT)
FIN = 20  # seconds left to what is under way, once nothing new is taken (SECURITY §5)
OUVERTURE = 4.0  # seconds for one of our own stores to open: a start that fails says so within five
INACTIVITE = 65  # seconds that a silent connection is kept: longer than a proxy keeps it, who would else find it closed
CONNEXIONS_MAX = 1000  # beyond, 503: a slow client costs a socket, not time
# A merge allocates by the ten thousand, and makes no cycle to find at once; views that go are cycles by the hundred thousand,
# and who takes them away stops the process meanwhile: a second for a million objects.
SEUILS_DU_RAMASSEUR = (50_000, 4, 250)
RETENTION_DES_LIENS = timedelta(days=2 * 365)  # without being seen (docs/decisions/0009)

journal = logging.getLogger("gateway.vie")

Etapes = Mapping[str, Callable[[], Awaitable[None]]]


class Serveur(uvicorn.Server):
    """Told to stop, it goes on for the notice, while whoever sends requests learns to send them elsewhere; it then takes
    nothing new, finishes what is under way, and returns. A second signal is the system's: the process ends there."""

    def __init__(self, reglages: uvicorn.Config, sante: Sante, preavis: float) -> None:
        super().__init__(reglages)
        self._sante, self._preavis = sante, preavis

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        boucle = asyncio.get_running_loop()
        for un in SIGNAUX:
            boucle.add_signal_handler(un, self.prevenir)
        yield

    def prevenir(self) -> None:
        """Not ready from now on; stopped after the notice."""
        boucle = asyncio.get_running_loop()
        for un in SIGNAUX:
            boucle.remove_signal_handler(un)
            signal.signal(un, signal.SIG_DFL)
        self._sante.arret = True
        boucle.call_later(self._preavis, self.arreter)

    def arreter(self) -> None:
        """Take nothing new, and finish."""
        self._sante.arret = True
        self.should_exit = True


def servir() -> None:
    """Serve until told to stop. Raises ErreurConfiguration."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as boucle:
        boucle.run(_servir(charger()))


async def _servir(configuration: Configuration) -> None:
    services = construire_services(configuration, os.environ)
    try:
        state = build_state(services)
        with _ecouter(configuration) as prise:
            await _vivre(services, state, prise)
    finally:
        await services.fermer()


async def _vivre(services: Services, state: AppState, prise: socket.socket) -> None:
    """Listen at once, for whoever watches over the process; ready when all is open. Raises what made the opening fail."""
    preavis = services.configuration.fichier.arret.preavis_secondes
    serveur = Serveur(_reglages(application(state)), state.health, preavis)
    travail = asyncio.create_task(_travailler(services, state))
    travail.add_done_callback(lambda _: serveur.arreter())
    await serveur.serve([prise])
    travail.cancel()
    with suppress(asyncio.CancelledError):
        await travail


async def _travailler(services: Services, state: AppState) -> None:
    """Open everything, then do what goes on beside requests, until cancelled."""
    await _ouvrir(_etapes(services, state.authenticator), state.health)
    calmer_le_ramasseur()
    await asyncio.gather(*(_tenir(veille) for veille in _veilles(services)))


async def _tenir(veille: Coroutine[Any, Any, None]) -> None:
    """What goes on beside requests fails alone: they are answered still."""
    try:
        await veille
    except Exception as erreur:  # each of them bears what it expects; the text could hold a value
        journal.critical("%s arrêtée : %s", getattr(veille, "__qualname__", "veille"), type(erreur).__name__)


async def _ouvrir(etapes: Etapes, sante: Sante) -> None:
    """One after the other, the quickest to fail first. Raises ErreurConfiguration."""
    noms = list(etapes)
    for rang, ouvrir in enumerate(etapes.values()):
        sante.ouvrir(noms[rang:])
        await ouvrir()
    sante.ouvrir(())


def _etapes(services: Services, authenticator: Porte) -> Etapes:
    return {
        "journal": lambda: _a_temps("journal", services.lectures.ouvrir()),
        "registre": lambda: _a_temps("registre", services.registre.ouvrir()),
        "liens": lambda: _purger_les_liens(services),
        "cles": authenticator.verificateur.cles.ouvrir,
        "referentiel": services.gardien.ouvrir,
    }


async def _a_temps(nom: str, ouverture: Coroutine[Any, Any, None]) -> None:
    try:
        await asyncio.wait_for(ouverture, OUVERTURE)
    except TimeoutError:
        raise ErreurConfiguration(f"{nom} : la base ne répond pas en {OUVERTURE:.0f} s") from None


async def _purger_les_liens(services: Services) -> None:
    """The ledger may be away when the process starts, as it may later: ids go on without it."""
    try:
        async with asyncio.timeout(OUVERTURE):
            await services.liens.purger(services.maintenant() - RETENTION_DES_LIENS)
    except (LiensIndisponibles, TimeoutError):
        services.comptes.liens_indisponibles.inc()


def _veilles(services: Services) -> list[Coroutine[Any, Any, None]]:
    return [
        veiller(services.champ, services.grange, services.maintenant, asyncio.sleep, services.suivi),
        services.gardien.veiller(asyncio.sleep),
        *(consommateur.veiller(asyncio.sleep) for consommateur in services.consommateurs),
        services.entretien.veiller(),
        tenir(services.lectures, services.configuration, services.maintenant, asyncio.sleep),
        services.pouls.battre(asyncio.sleep),
    ]


def calmer_le_ramasseur() -> None:
    """What was built at start lives as long as the process: the cycle collector need not read it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SEUILS_DU_RAMASSEUR)


def _ecouter(configuration: Configuration) -> socket.socket:
    """The socket that is listened on. Raises ErreurConfiguration when it is taken, or is not ours."""
    try:
        famille, *_, adresse = socket.getaddrinfo(
            configuration.hote, configuration.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(adresse[:2], family=famille)
    except OSError as erreur:
        ou = f"{configuration.hote}:{configuration.port}"
        raise ErreurConfiguration(f"variables d'environnement HOST et PORT : {ou} : {erreur.strerror}") from None


def _reglages(app: ASGIApp) -> uvicorn.Config:
    """No access log (a URL may say too much), no server header, no WebSocket, no header of a proxy believed, a bounded
    number of connections."""
    return uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        http=Protocole,
        ws="none",
        proxy_headers=False,
        limit_concurrency=CONNEXIONS_MAX,
        timeout_keep_alive=INACTIVITE,
        timeout_graceful_shutdown=FIN,
    )
