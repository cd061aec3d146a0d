"""The door: HTTP routes over one gateway, and the life of the process. Knows no rule of the graph."""

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
import uvloop
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.auth.clients import Client
from gateway.auth.jetons import Verificateur
from gateway.auth.viewer import Viewer, identifier
from gateway.composition import (
    Services,
    construire_passerelle,
    construire_services,
    construire_verificateur,
    lire_registre_des_clients,
)
from gateway.config import Configuration, charger
from gateway.entree import GRAPHQL_RESPONSE, JSON, Irrecevable, ecrire, lire_demande, media_choisi
from gateway.errors import (
    ClesIndisponibles,
    ErreurAppelant,
    ErreurConfiguration,
    ErreurSource,
    NonAuthentifie,
    RequeteInvalide,
)
from gateway.operation import Passerelle, repondre
from gateway.reponses import Reponse, erreur_graphql, reponse_refusee
from gateway.sources.moisson import Avancement, veiller
from gateway.sources.moisson import moissonner as moissonner_registre
from gateway.web.pages import fichiers, page_graphiql

journal = logging.getLogger("gateway")

# Requests that never became an operation; None: as the media type says (GraphQL over HTTP).
STATUTS: dict[type[Exception], int | None] = {
    NonAuthentifie: 401,
    RequeteInvalide: 400,
    ErreurAppelant: None,
    ClesIndisponibles: 503,
}


@dataclass(frozen=True, slots=True)
class Guichet:
    """What the routes use."""

    passerelle: Passerelle
    verificateur: Verificateur
    clients: Mapping[str, Client]
    services: Services


async def _graphql(request: Request) -> Response:
    """POST /graphql: bytes in, bytes out; whatever fails is an answer with a code."""
    guichet: Guichet = request.app.state.guichet
    identifiant = uuid.uuid4().hex
    media = media_choisi(request.headers.get("accept"))
    if media is None:
        erreur = RequeteInvalide(f"Accepter {JSON} ou {GRAPHQL_RESPONSE}.")
        return ecrire(_refus(erreur), identifiant, JSON, 406)
    try:
        viewer = await _viewer(request, guichet)
        reponse = await repondre(guichet.passerelle, viewer, await lire_demande(request))
    except Exception as erreur:
        return _refuser(erreur, identifiant, media)
    return ecrire(reponse, identifiant, media)


def _refuser(erreur: Exception, identifiant: str, media: str) -> Response:
    """The answer to a request that could not be served: its status says whose fault it is."""
    statut = next((statut for nature, statut in STATUTS.items() if isinstance(erreur, nature)), 500)
    if isinstance(erreur, Irrecevable):
        statut, erreur = erreur.statut, RequeteInvalide(str(erreur))
    if statut == 500:
        journal.error("requête %s : %s", identifiant, type(erreur).__name__)
    rendue = ecrire(_refus(erreur), identifiant, media, statut)
    if statut == 401:
        rendue.headers["www-authenticate"] = 'Bearer realm="passerelle"'
    return rendue


def _refus(erreur: Exception) -> Reponse:
    return reponse_refusee([erreur_graphql(erreur)])


async def _viewer(request: Request, guichet: Guichet) -> Viewer:
    jeton = await guichet.verificateur.verifier(request.headers.get("authorization"))
    finalite = request.headers.get("x-finalite")
    referentiel = guichet.passerelle.annuaire().referentiel
    return identifier(jeton, guichet.clients[jeton.client], finalite, referentiel)


async def _lecture(request: Request) -> Response:
    """GET /graphql: the page for a browser; a query never travels in a URL."""
    if "text/html" in request.headers.get("accept", "") and not request.url.query:
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


def application(guichet: Guichet) -> Starlette:
    """The ASGI application over an open gateway."""
    routes = [
        Route("/graphql", _graphql, methods=["POST"]),
        Route("/graphql", _lecture, methods=["GET"]),
        Route("/health/live", _vivant),
        Route("/health/ready", _pret),
        Route("/metrics", _mesures),
        *fichiers(),
    ]
    app = Starlette(routes=routes)
    app.state.guichet = guichet
    return app


@asynccontextmanager
async def _taches(services: Services) -> AsyncIterator[None]:
    """The harvests that go on beside requests, ended with the process."""
    taches = [
        asyncio.create_task(veiller(services.champ, services.registre, services.maintenant, asyncio.sleep)),
        asyncio.create_task(services.gardien.veiller(asyncio.sleep)),
    ]
    try:
        yield
    finally:
        for tache in taches:
            tache.cancel()
        await asyncio.gather(*taches, return_exceptions=True)


def servir() -> None:
    """Serve until told to stop. Raises ErreurConfiguration before anything listens."""
    _journaux()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as boucle:
        boucle.run(_servir(charger()))


async def _servir(configuration: Configuration) -> None:
    services = construire_services(configuration, os.environ)
    clients = lire_registre_des_clients(configuration)
    passerelle = construire_passerelle(services)
    try:
        await services.registre.ouvrir()
        await services.gardien.ouvrir()
        guichet = Guichet(passerelle, construire_verificateur(services, clients), clients, services)
        async with _taches(services):
            await uvicorn.Server(_reglages(application(guichet), configuration)).serve()
    finally:
        await services.fermer()


def _reglages(app: Starlette, configuration: Configuration) -> uvicorn.Config:
    """No access log (a URL may say too much), no server header, twenty seconds to finish what is under way."""
    return uvicorn.Config(
        app,
        host=configuration.hote,
        port=configuration.port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=20,
    )


async def moissonner(dire: Callable[[str], None]) -> None:
    """Harvest the registry by hand, telling each window. Raises ErreurConfiguration when the partner stops us."""
    _journaux()
    services = construire_services(charger(), os.environ)
    await services.registre.ouvrir()
    try:
        await moissonner_registre(
            services.champ, services.registre, services.maintenant, lambda avancement: dire(_ligne(avancement))
        )
        avancee = await services.registre.avancee()
        dire(f"registre à jour au {avancee.dernier_jour} : {avancee.lignes} lignes")
    except ErreurSource as erreur:
        raise ErreurConfiguration(f"moisson arrêtée, à reprendre plus tard : {erreur.source} {erreur}") from None
    finally:
        await services.fermer()


def _ligne(avancement: Avancement) -> str:
    fenetre, compte = avancement.fenetre, avancement.compte
    fait = f"[{avancement.rang}/{avancement.total}] {fenetre.debut} → {fenetre.fin} : {avancement.lignes} lignes"
    rejets = f", {compte.rejets} rejetées" if compte.rejets else ""
    return f"{fait}{rejets} ({avancement.secondes:.1f} s)"


async def purger(source: str) -> None:
    """Forget what the shared cache keeps of a partner. Raises ErreurConfiguration."""
    configuration = charger()
    if configuration.cache == "memory://":
        raise ErreurConfiguration("GATEWAY_CACHE_URL : sans cache partagé, redémarrer la passerelle suffit")
    services = construire_services(configuration, os.environ)
    try:
        if source not in services.sources.partenaires:
            raise ErreurConfiguration(f"partenaires : « {source} » inconnu")
        if not await services.sources.purger(source):
            raise ErreurConfiguration("GATEWAY_CACHE_URL : le cache ne répond pas")
    finally:
        await services.fermer()


def decrire_sources() -> str:
    """The configured partners, a line each."""
    services = construire_services(charger(), os.environ)
    return "\n".join(
        f"{etat.nom:<14} {etat.type.value:<18} {etat.mode.value:<14} {len(services.sources.uais(etat.nom)):>5} CFA"
        for etat in services.sources.etats()
    )


def _journaux() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
