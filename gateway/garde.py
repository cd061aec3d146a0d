"""What surrounds every route: names answered to, headers given once, headers added, other origins, clean refusals.

Decides on the ASGI scope, never on a rebuilt URL (SECURITY F14). Knows no token and no graph.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from gateway.admission import RETRY_AFTER
from gateway.config import Http
from gateway.errors import Code
from gateway.reponses import error_entry
from gateway.sante import Sante

# Two of any of these would let a proxy and the gateway read two different requests.
UNIQUES = frozenset(
    {b"host", b"authorization", b"x-cle-api", b"x-finalite", b"content-type", b"content-length", b"content-encoding"}
)
# An answer that says otherwise for itself is left alone: the page of GraphiQL has a policy of its own.
ENTETES = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
TEXTES = {404: "Cette adresse n'existe pas.", 405: "Cette méthode n'est pas servie ici."}
FERMER = {"connection": "close"}  # the next request of this client goes elsewhere
SANTE = "/health/"  # asked by address, by whatever watches over the process


class Garde:
    """The outermost ASGI application. Whatever is not HTTP (a WebSocket) is closed."""

    def __init__(self, app: ASGIApp, http: Http, hote: str, sante: Sante) -> None:
        self._app = app
        self._sante = sante
        self._hotes = http.hotes | {hote.lower()}
        hsts = {"strict-transport-security": f"max-age={http.hsts_secondes}"} if http.hsts_secondes else {}
        self._entetes, self._fermer = _bruts(ENTETES | hsts), _bruts(ENTETES | hsts | FERMER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._servir(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _servir(self, scope: Scope, receive: Receive, send: Send) -> None:
        envoyer = _avec(self._fermer if self._sante.arret else self._entetes, send)
        try:
            await (self._reject(scope) or self._app)(scope, receive, envoyer)
        except asyncio.CancelledError:  # the process ends, and this lasted too long
            await refusal(503, "La passerelle s'arrête.", retry_after())(scope, receive, envoyer)

    def _reject(self, scope: Scope) -> Response | None:
        """The refusal of a request that no route may see, or None."""
        uniques = [nom for nom, _ in scope["headers"] if nom in UNIQUES]
        if len(set(uniques)) < len(uniques):
            return refusal(400, "Un en-tête est donné deux fois.")
        if scope["path"].startswith(SANTE):
            return None
        if not self._sante.ouverte:
            return refusal(503, "La passerelle n'est pas encore ouverte.", retry_after())
        hote = next((valeur.decode("latin-1") for nom, valeur in scope["headers"] if nom == b"host"), "")
        if _sans_port(hote) not in self._hotes:
            return refusal(400, "L'en-tête Host ne nomme pas cette passerelle.")
        return None


def _sans_port(hote: str) -> str:
    nom, deux_points, port = hote.lower().rpartition(":")
    return nom if deux_points and port.isdecimal() else hote.lower()


def _bruts(entetes: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(nom.encode(), valeur.encode()) for nom, valeur in entetes.items()]


def _avec(entetes: list[tuple[bytes, bytes]], send: Send) -> Send:
    async def envoyer(message: Message) -> None:
        if message["type"] == "http.response.start":
            presents = {nom.lower() for nom, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(un for un in entetes if un[0] not in presents)]
        await send(message)

    return envoyer


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A refusal that is not of the graph: an unknown path, a method, a header."""
    code = Code.ERREUR_INTERNE if status >= 500 else Code.REQUETE_INVALIDE
    return JSONResponse({"errors": [error_entry(message, code)]}, status, headers)


def retry_after(seconds: int = RETRY_AFTER) -> dict[str, str]:
    """The header that tells a client when to come back."""
    return {"retry-after": str(seconds)}


async def _erreur(request: Request, erreur: Exception) -> Response:
    """What Starlette's router refuses, and what failed, said as everything else is."""
    if isinstance(erreur, HTTPException):
        return refusal(erreur.status_code, TEXTES.get(erreur.status_code, "Requête refusée."), erreur.headers)
    return refusal(500, "Erreur interne de la passerelle.")


GESTIONNAIRES: dict[Any, ExceptionHandler] = {HTTPException: _erreur, Exception: _erreur}


def intermediaires(http: Http) -> list[Middleware]:
    """Pages of other origins: none, but those named. A token is never sent by a browser on its own: no credentials."""
    if not http.origines:
        return []
    entetes = ("authorization", "content-type", "x-cle-api", "x-finalite")
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=http.origines,
            allow_methods=("POST",),
            allow_headers=entetes,
            expose_headers=("x-request-id", "retry-after"),
            max_age=600,
        )
    ]
