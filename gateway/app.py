"""The door: HTTP routes over one gateway, and the life of the process. Knows no rule of the graph."""

import asyncio
import gc
import logging
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import uvicorn
import uvloop
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway.auth.cles_api import Porte
from gateway.auth.viewer import Viewer, identifier
from gateway.composition import construire_passerelle, construire_porte
from gateway.config import Configuration, Http, charger
from gateway.entree import GRAPHQL_RESPONSE, JSON, Irrecevable, ecrire, lire_demande, media_choisi
from gateway.errors import (
    AuthentificationForteRequise,
    ClesIndisponibles,
    ErreurAppelant,
    JournalIndisponible,
    LiensIndisponibles,
    NonAuthentifie,
    QuotaAtteint,
    RequeteInvalide,
)
from gateway.garde import GESTIONNAIRES, Garde, intermediaires
from gateway.operation import Passerelle, repondre
from gateway.protocole import Protocole
from gateway.reponses import Reponse, erreur_graphql, reponse_refusee
from gateway.services import Services, construire_services
from gateway.sources.moisson import veiller
from gateway.stores.debits import Solde
from gateway.tenue import tenir
from gateway.web.pages import fichiers, page_graphiql

journal = logging.getLogger("gateway")

SEUILS_DU_RAMASSEUR = (50_000, 20, 50)  # a merge allocates by the ten thousand, and makes no cycle to find at once
RETENTION_DES_LIENS = timedelta(days=2 * 365)  # without being seen (docs/decisions/0009)
DUREE_CLE = timedelta(days=365)
CONNEXIONS_MAX = 1000  # beyond, 503: a slow client costs a socket, not time

# Requests that never became an operation; None: as the media type says (GraphQL over HTTP).
STATUTS: dict[type[Exception], int | None] = {
    NonAuthentifie: 401,
    RequeteInvalide: 400,
    QuotaAtteint: 429,
    ErreurAppelant: None,
    ClesIndisponibles: 503,
    JournalIndisponible: 503,
}


@dataclass(frozen=True, slots=True)
class Guichet:
    """What the routes use."""

    passerelle: Passerelle
    porte: Porte
    services: Services

    @property
    def http(self) -> Http:
        return self.services.configuration.fichier.http


async def _graphql(request: Request) -> Response:
    """POST /graphql: bytes in, bytes out; whatever fails is an answer with a code."""
    guichet: Guichet = request.app.state.guichet
    identifiant = uuid.uuid4().hex
    media = media_choisi(request.headers.get("accept"))
    if media is None:
        erreur = RequeteInvalide(f"Accepter {JSON} ou {GRAPHQL_RESPONSE}.")
        return ecrire(_refus(erreur), identifiant, JSON, 406)
    try:
        _exiger_rien_dans_l_url(request)
        viewer = await _viewer(request, guichet)
    except Exception as erreur:
        return _refuser(erreur, identifiant, media)
    rendue = await _repondre(request, viewer, identifiant, media)
    rendue.headers.update(_debit(await guichet.passerelle.consigne.solde(viewer)))
    return rendue


async def _repondre(request: Request, viewer: Viewer, identifiant: str, media: str) -> Response:
    passerelle: Passerelle = request.app.state.guichet.passerelle
    try:
        await passerelle.consigne.entrer(viewer)
        demande = replace(await lire_demande(request), identifiant=identifiant)
        reponse = await repondre(passerelle, viewer, demande)
    except Exception as erreur:
        return _refuser(erreur, identifiant, media)
    return ecrire(reponse, identifiant, media)


def _debit(solde: Solde) -> dict[str, str]:
    """What a client paces itself by, in units of cost a minute."""
    return {
        "ratelimit-limit": str(solde.limite),
        "ratelimit-remaining": str(solde.reste),
        "ratelimit-reset": str(solde.secondes),
    }


def _refuser(erreur: Exception, identifiant: str, media: str) -> Response:
    """The answer to a request that could not be served: its status says whose fault it is."""
    statut = next((statut for nature, statut in STATUTS.items() if isinstance(erreur, nature)), 500)
    if isinstance(erreur, Irrecevable):
        statut, erreur = erreur.statut, RequeteInvalide(str(erreur))
    if statut == 500:
        journal.error("requête %s : %s", identifiant, type(erreur).__name__)
    rendue = ecrire(_refus(erreur), identifiant, media, statut)
    if statut == 401:
        second = (
            ', error="insufficient_user_authentication"' if isinstance(erreur, AuthentificationForteRequise) else ""
        )
        rendue.headers["www-authenticate"] = f'Bearer realm="passerelle"{second}'
    if isinstance(erreur, QuotaAtteint):
        rendue.headers["retry-after"] = str(erreur.reessayer_dans)
    return rendue


def _refus(erreur: Exception) -> Reponse:
    return reponse_refusee([erreur_graphql(erreur)])


def _exiger_rien_dans_l_url(request: Request) -> None:
    """A URL is written in logs on its way: a key or a value of a person found there is to be changed or told."""
    if request.scope["query_string"]:
        journal.warning("requête refusée : paramètres dans l'URL, à changer s'ils contiennent un secret")
        raise RequeteInvalide("Rien ne se passe dans l'URL : la requête va dans le corps, la clé dans X-Cle-Api.")


async def _viewer(request: Request, guichet: Guichet) -> Viewer:
    entetes = request.headers
    jeton, client = await guichet.porte.identifier(entetes.get("authorization"), entetes.get("x-cle-api"))
    return identifier(jeton, client, entetes.get("x-finalite"), guichet.passerelle.annuaire().referentiel)


async def _lecture(request: Request) -> Response:
    """GET /graphql: the page for a browser, where it is served; a query never travels in a URL."""
    guichet: Guichet = request.app.state.guichet
    page = guichet.http.graphiql and "text/html" in request.headers.get("accept", "")
    if page and not request.scope["query_string"]:
        return await page_graphiql(request)
    rendue = ecrire(_refus(RequeteInvalide("Envoyer la requête par POST.")), uuid.uuid4().hex, JSON, 405)
    rendue.headers["allow"] = "POST"
    return rendue


async def _vivant(request: Request) -> Response:
    return JSONResponse({"etat": "vivant"})


async def _pret(request: Request) -> Response:
    return JSONResponse({"etat": "prêt"})


async def _mesures(request: Request) -> Response:
    guichet: Guichet = request.app.state.guichet
    return Response(generate_latest(guichet.services.mesures), media_type=CONTENT_TYPE_LATEST)


def application(guichet: Guichet) -> ASGIApp:
    """The ASGI application over an open gateway."""
    routes = [
        Route("/graphql", _graphql, methods=["POST"]),
        Route("/graphql", _lecture, methods=["GET"]),
        Route("/health/live", _vivant),
        Route("/health/ready", _pret),
        Route("/metrics", _mesures),
        *(fichiers() if guichet.http.graphiql else []),
    ]
    app = Starlette(routes=routes, middleware=intermediaires(guichet.http), exception_handlers=GESTIONNAIRES)
    app.router.redirect_slashes = False
    app.state.guichet = guichet
    return Garde(app, guichet.http, guichet.services.configuration.hote)


@asynccontextmanager
async def _taches(services: Services) -> AsyncIterator[None]:
    """The harvests that go on beside requests, ended with the process."""
    taches = [
        asyncio.create_task(veiller(services.champ, services.registre, services.maintenant, asyncio.sleep)),
        asyncio.create_task(services.gardien.veiller(asyncio.sleep)),
        asyncio.create_task(tenir(services.lectures, services.configuration, services.maintenant, asyncio.sleep)),
    ]
    try:
        yield
    finally:
        for tache in taches:
            tache.cancel()
        await asyncio.gather(*taches, return_exceptions=True)


def servir() -> None:
    """Serve until told to stop. Raises ErreurConfiguration before anything listens."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as boucle:
        boucle.run(_servir(charger()))


async def _servir(configuration: Configuration) -> None:
    services = construire_services(configuration, os.environ)
    porte = construire_porte(services)
    passerelle = construire_passerelle(services)
    try:
        await services.registre.ouvrir()
        await _purger_les_liens(services)
        await services.lectures.ouvrir()
        await services.gardien.ouvrir()
        guichet = Guichet(passerelle, porte, services)
        _calmer_le_ramasseur()
        async with _taches(services):
            await uvicorn.Server(_reglages(application(guichet), configuration)).serve()
    finally:
        await services.fermer()


def _calmer_le_ramasseur() -> None:
    """What was built at start lives as long as the process: the cycle collector need not read it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SEUILS_DU_RAMASSEUR)


async def _purger_les_liens(services: Services) -> None:
    """The ledger may be away when the process starts, as it may later: ids go on without it."""
    try:
        await services.liens.purger(services.maintenant() - RETENTION_DES_LIENS)
    except LiensIndisponibles:
        services.comptes.liens_indisponibles.inc()


def _reglages(app: ASGIApp, configuration: Configuration) -> uvicorn.Config:
    """No access log (a URL may say too much), no server header, no WebSocket, no header of a proxy believed, a bounded
    number of connections, twenty seconds to finish what is under way."""
    return uvicorn.Config(
        app,
        host=configuration.hote,
        port=configuration.port,
        access_log=False,
        log_level="warning",
        server_header=False,
        http=Protocole,
        ws="none",
        proxy_headers=False,
        limit_concurrency=CONNEXIONS_MAX,
        timeout_graceful_shutdown=20,
    )
