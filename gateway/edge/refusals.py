"""Refusals that are not of the graph, in the form of its own: an unknown address, a method, a header. Knows no route."""

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from gateway.concurrency import RETRY_AFTER
from gateway.errors import Code
from gateway.response import error_entry

TEXTS = {404: "Cette adresse n'existe pas.", 405: "Cette méthode n'est pas servie ici."}


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A refusal that is not of the graph: an unknown path, a method, a header."""
    code = Code.ERREUR_INTERNE if status >= 500 else Code.REQUETE_INVALIDE
    return JSONResponse({"errors": [error_entry(message, code)]}, status, headers)


def retry_after(seconds: int = RETRY_AFTER) -> dict[str, str]:
    """The header that tells a client when to come back."""
    return {"retry-after": str(seconds)}


async def _error(request: Request, error: Exception) -> Response:
    """The answer to what Starlette's router refuses and to what failed, in the form of every other error."""
    if isinstance(error, HTTPException):
        return refusal(error.status_code, TEXTS.get(error.status_code, "Requête refusée."), error.headers)
    return refusal(500, "Erreur interne de la passerelle.")


EXCEPTION_HANDLERS: dict[Any, ExceptionHandler] = {HTTPException: _error, Exception: _error}
