"""The HTTP edge of /graphql: from untrusted bytes to a demand, from an answer to bytes. Knows no source and no noun."""

import asyncio
import json
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.errors import ErreurPasserelle, RequeteInvalide
from gateway.operation import Demande
from gateway.reponses import Reponse

OCTETS_MAX = 256 * 1024
DELAI_CORPS = 10.0  # seconds for a whole body to arrive (SECURITY F9)
GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
CLES = frozenset({"query", "operationName", "variables", "extensions"})


class Irrecevable(ErreurPasserelle):
    """The bytes are not a GraphQL request; `statut` is the HTTP status that says so."""

    def __init__(self, statut: int, message: str) -> None:
        super().__init__(message)
        self.statut = statut


async def lire_demande(request: Request) -> Demande:
    """The demand of a POST. Raises Irrecevable (413, 415, 408, 400) or RequeteInvalide."""
    _exiger_json(request)
    try:
        octets = await asyncio.wait_for(_corps(request), DELAI_CORPS)
    except TimeoutError:
        raise Irrecevable(408, "Le corps de la requête n'est pas arrivé à temps.") from None
    return _demande(octets)


def _exiger_json(request: Request) -> None:
    nature, _, parametres = request.headers.get("content-type", "").partition(";")
    jeu = parametres.strip().lower().replace('"', "").replace(" ", "")
    if nature.strip().lower() != JSON or jeu not in ("", "charset=utf-8"):
        raise Irrecevable(415, "Envoyer un corps application/json en UTF-8.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Irrecevable(415, "Envoyer un corps non compressé.")


async def _corps(request: Request) -> bytes:
    """Reading stops at the cap, whatever the declared length."""
    octets = bytearray()
    try:
        async for morceau in request.stream():
            octets += morceau
            if len(octets) > OCTETS_MAX:
                raise Irrecevable(413, f"Corps trop long : {OCTETS_MAX} octets au plus.")
    except ClientDisconnect:
        raise Irrecevable(400, "La connexion a été fermée avant la fin du corps.") from None
    return bytes(octets)


def _demande(octets: bytes) -> Demande:
    document = _json(octets)
    if not isinstance(document, dict) or not document.keys() <= CLES:
        raise RequeteInvalide("Envoyer un objet JSON avec query, et au besoin operationName et variables.")
    texte, nom, variables = document.get("query"), document.get("operationName"), document.get("variables")
    if not isinstance(texte, str) or not texte.strip():
        raise RequeteInvalide("La clé query est requise : le texte d'une requête GraphQL.")
    if not isinstance(nom, str | None) or not isinstance(variables, dict | None):
        raise RequeteInvalide("operationName est un texte, variables est un objet.")
    if not isinstance(document.get("extensions"), dict | None):
        raise RequeteInvalide("extensions est un objet.")
    return Demande(texte, nom or None, variables or {})


def _json(octets: bytes) -> Any:
    try:
        texte = octets.decode("utf-8")
        texte.encode("utf-8")
        lu = json.loads(texte, object_pairs_hook=_sans_doublon, parse_constant=_refuser)
        json.dumps(lu, ensure_ascii=False).encode("utf-8")  # lone surrogates cannot go back
    except (ValueError, RecursionError):
        raise Irrecevable(400, "Le corps n'est pas un document JSON valide en UTF-8.") from None
    return lu


def _sans_doublon(paires: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({cle for cle, _ in paires}) != len(paires):
        raise ValueError("duplicate key")
    return dict(paires)


def _refuser(constante: str) -> None:
    raise ValueError(constante)


def media_choisi(accept: str | None) -> str | None:
    """The media type of the answer by quality, then order of Accept; None when the client accepts neither of ours."""
    if not accept or not accept.strip():
        return JSON
    voeux = [_voeu(partie) for partie in accept.split(",")]
    choisi, meilleure = None, 0.0
    for nature, qualite in voeux:
        notre = {GRAPHQL_RESPONSE: GRAPHQL_RESPONSE, JSON: JSON, "*/*": JSON, "application/*": JSON}.get(nature)
        if notre and qualite > meilleure:
            choisi, meilleure = notre, qualite
    return choisi


def _voeu(partie: str) -> tuple[str, float]:
    nature, *parametres = (morceau.strip().lower() for morceau in partie.split(";"))
    qualites = [morceau.removeprefix("q=") for morceau in parametres if morceau.startswith("q=")]
    try:
        return nature, float(qualites[0]) if qualites else 1.0
    except ValueError:
        return nature, 0.0


def ecrire(reponse: Reponse, identifiant: str, media: str, statut: int | None = None) -> Response:
    """The bytes of an answer, with the status that its media type asks (GraphQL over HTTP)."""
    if statut is None:
        statut = 400 if reponse.refusee and media == GRAPHQL_RESPONSE else 200
    corps = orjson.dumps(reponse.corps(identifiant))
    entetes = {"content-type": f"{media}; charset=utf-8", "cache-control": "no-store", "x-request-id": identifiant}
    return Response(corps, status_code=statut, headers=entetes)
