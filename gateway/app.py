"""The door: HTTP routes over one gateway. Knows no rule of the graph."""

import logging
import uuid
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway.admission import ClientDisconnected, RequestSlots
from gateway.auth.cles_api import Porte
from gateway.auth.viewer import Viewer, identifier
from gateway.config import Http
from gateway.entree import GRAPHQL_RESPONSE, JSON, Irrecevable, ecrire, lire_demande, media_choisi
from gateway.errors import (
    AuthentificationForteRequise,
    ClesIndisponibles,
    ErreurAppelant,
    JournalIndisponible,
    NonAuthentifie,
    QuotaAtteint,
    RequeteInvalide,
    Sature,
)
from gateway.evenements import chemin_des_appels
from gateway.garde import GESTIONNAIRES, Garde, intermediaires, retry_after
from gateway.operation import Passerelle, repondre
from gateway.reponses import reponse_refusee
from gateway.sante import Sante
from gateway.sources.appels import Receveur
from gateway.stores.debits import Solde
from gateway.web.pages import fichiers, page_graphiql

journal = logging.getLogger("gateway")

# Requests that never became an operation; None: as the media type says (GraphQL over HTTP).
STATUTS: dict[type[Exception], int | None] = {
    NonAuthentifie: 401,
    RequeteInvalide: 400,
    QuotaAtteint: 429,
    ErreurAppelant: None,
    ClesIndisponibles: 503,
    JournalIndisponible: 503,
    Sature: 503,
    ClientDisconnected: 499,  # nobody reads it
}


@dataclass(frozen=True, slots=True)
class AppState:
    """What the routes use."""

    gateway: Passerelle
    authenticator: Porte
    health: Sante
    slots: RequestSlots
    metrics: CollectorRegistry
    webhooks: Receveur
    http: Http
    host: str  # the address that is listened on, which is answered to as well


async def _graphql(request: Request) -> Response:
    """POST /graphql: bytes in, bytes out; whatever fails is an answer with a code."""
    state: AppState = request.app.state.gateway
    identifiant = uuid.uuid4().hex
    media = media_choisi(request.headers.get("accept"))
    if media is None:
        erreur = RequeteInvalide(f"Accepter {JSON} ou {GRAPHQL_RESPONSE}.")
        return ecrire(reponse_refusee(erreur), identifiant, JSON, 406)
    try:
        _exiger_rien_dans_l_url(request)
        viewer = await _viewer(request, state)
    except Exception as erreur:
        return _error_response(erreur, identifiant, media)
    rendue = await _repondre(request, viewer, identifiant, media)
    rendue.headers.update(_debit(await state.gateway.consigne.solde(viewer)))
    return rendue


async def _repondre(request: Request, viewer: Viewer, identifiant: str, media: str) -> Response:
    state: AppState = request.app.state.gateway
    try:
        await state.gateway.consigne.entrer(viewer)
        demande = await lire_demande(request, identifiant)
        async with state.slots.hold(request.receive):
            reponse = await repondre(state.gateway, viewer, demande)
    except Exception as erreur:
        return _error_response(erreur, identifiant, media)
    return ecrire(reponse, identifiant, media)


def _debit(solde: Solde) -> dict[str, str]:
    """What a client paces itself by, in units of cost a minute."""
    return {
        "ratelimit-limit": str(solde.limite),
        "ratelimit-remaining": str(solde.reste),
        "ratelimit-reset": str(solde.secondes),
    }


def _error_response(erreur: Exception, identifiant: str, media: str) -> Response:
    """The answer to a request that could not be served: its status says whose fault it is."""
    statut = next((statut for nature, statut in STATUTS.items() if isinstance(erreur, nature)), 500)
    if isinstance(erreur, Irrecevable):
        statut, erreur = erreur.statut, RequeteInvalide(str(erreur))
    if statut == 500:
        journal.error("requête %s : %s", identifiant, type(erreur).__name__)
    rendue = ecrire(reponse_refusee(erreur), identifiant, media, statut)
    if statut == 401:
        second = (
            ', error="insufficient_user_authentication"' if isinstance(erreur, AuthentificationForteRequise) else ""
        )
        rendue.headers["www-authenticate"] = f'Bearer realm="passerelle"{second}'
    if isinstance(erreur, QuotaAtteint):
        rendue.headers.update(retry_after(erreur.reessayer_dans))
    if isinstance(erreur, Sature):
        rendue.headers.update(retry_after())
    return rendue


def _exiger_rien_dans_l_url(request: Request) -> None:
    """A URL is written in logs on its way: a key or a value of a person found there is to be changed or told."""
    if request.scope["query_string"]:
        journal.warning("requête refusée : paramètres dans l'URL, à changer s'ils contiennent un secret")
        raise RequeteInvalide("Rien ne se passe dans l'URL : la requête va dans le corps, la clé dans X-Cle-Api.")


async def _viewer(request: Request, state: AppState) -> Viewer:
    entetes = request.headers
    jeton, client = await state.authenticator.identifier(entetes.get("authorization"), entetes.get("x-cle-api"))
    return identifier(jeton, client, entetes.get("x-finalite"), state.gateway.annuaire().referentiel)


async def _lecture(request: Request) -> Response:
    """GET /graphql: the page for a browser, where it is served; a query never travels in a URL."""
    state: AppState = request.app.state.gateway
    page = state.http.graphiql and "text/html" in request.headers.get("accept", "")
    if page and not request.scope["query_string"]:
        return await page_graphiql(request)
    rendue = ecrire(reponse_refusee(RequeteInvalide("Envoyer la requête par POST.")), uuid.uuid4().hex, JSON, 405)
    rendue.headers["allow"] = "POST"
    return rendue


async def _vivant(request: Request) -> Response:
    return JSONResponse({"etat": "vivant"})


async def _pret(request: Request) -> Response:
    """Whether requests may be sent here; a partner that is down changes nothing to it."""
    state: AppState = request.app.state.gateway
    etat = await state.health.etat()
    corps = {"etat": "pas prêt" if etat.manque else "prêt", "manque": etat.manque, "degrade": etat.degrade}
    return JSONResponse(corps, 503 if etat.manque else 200)


async def _mesures(request: Request) -> Response:
    state: AppState = request.app.state.gateway
    return Response(generate_latest(state.metrics), media_type=CONTENT_TYPE_LATEST)


def application(state: AppState) -> ASGIApp:
    """The ASGI application over an open gateway."""
    routes = [
        Route("/graphql", _graphql, methods=["POST"]),
        Route("/graphql", _lecture, methods=["GET"]),
        Route("/health/live", _vivant),
        Route("/health/ready", _pret),
        Route("/metrics", _mesures),
        chemin_des_appels(state.webhooks),
        *(fichiers() if state.http.graphiql else []),
    ]
    app = Starlette(routes=routes, middleware=intermediaires(state.http), exception_handlers=GESTIONNAIRES)
    app.router.redirect_slashes = False
    app.state.gateway = state
    return Garde(app, state.http, state.host, state.health)
