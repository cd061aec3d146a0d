"""The HTTP edge of /graphql: from untrusted bytes to a demand, from an answer to bytes. Knows no source and no noun."""

import asyncio
import re
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway import strict_json
from gateway.errors import ErreurPasserelle, RequeteInvalide, RequeteTropCouteuse
from gateway.operation import Demande
from gateway.reponses import Reponse

OCTETS_MAX = 256 * 1024
DELAI_CORPS = 10.0  # seconds for a whole body to arrive (SECURITY F9)
NIVEAUX_MAX = 16  # of objects and lists in a body
VALEURS_MAX = 2000  # in a body: no filter of this graph needs a tenth of it
TEXTE_VARIABLE_MAX = 1000  # characters of a text among the variables
GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
CLES = frozenset({"query", "operationName", "variables", "extensions"})


class Irrecevable(ErreurPasserelle):
    """The bytes are not a GraphQL request; `statut` is the HTTP status that says so."""

    def __init__(self, statut: int, message: str) -> None:
        super().__init__(message)
        self.statut = statut


async def lire_demande(request: Request, identifiant: str = "") -> Demande:
    """The demand of a POST. Raises Irrecevable (413, 415, 408, 400) or RequeteInvalide."""
    _exiger_json(request)
    return _demande(await lire_corps(request, OCTETS_MAX), identifiant)


def _exiger_json(request: Request) -> None:
    nature, _, parametres = request.headers.get("content-type", "").partition(";")
    jeu = parametres.strip().lower().replace('"', "").replace(" ", "")
    if nature.strip().lower() != JSON or jeu not in ("", "charset=utf-8"):
        raise Irrecevable(415, "Envoyer un corps application/json en UTF-8.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Irrecevable(415, "Envoyer un corps non compressé.")


async def lire_corps(request: Request, octets_max: int) -> bytes:
    """The bytes of a POST, within a size and a time. Raises Irrecevable (413, 408, 400)."""
    try:
        async with asyncio.timeout(DELAI_CORPS):
            return await _corps(request, octets_max)
    except TimeoutError:
        raise Irrecevable(408, "Le corps de la requête n'est pas arrivé à temps.") from None


async def _corps(request: Request, octets_max: int) -> bytes:
    """Reading stops at the cap, whatever the declared length."""
    octets = bytearray()
    try:
        async for morceau in request.stream():
            octets += morceau
            if len(octets) > octets_max:
                raise Irrecevable(413, f"Corps trop long : {octets_max} octets au plus.")
    except ClientDisconnect:
        raise Irrecevable(400, "La connexion a été fermée avant la fin du corps.") from None
    return bytes(octets)


def _demande(octets: bytes, identifiant: str) -> Demande:
    document = _json(octets)
    if isinstance(document, list):
        raise RequeteInvalide("Envoyer une seule opération par requête : les lots sont refusés.")
    if not isinstance(document, dict) or not document.keys() <= CLES:
        raise RequeteInvalide("Envoyer un objet JSON avec query, et au besoin operationName, variables et extensions.")
    texte, nom, variables = document.get("query"), document.get("operationName"), document.get("variables")
    if not isinstance(texte, str | None) or (texte is not None and not texte.strip()):
        raise RequeteInvalide("query est le texte d'une requête GraphQL.")
    if not isinstance(nom, str | None) or not isinstance(variables, dict | None):
        raise RequeteInvalide("operationName est un texte, variables est un objet.")
    empreinte = _empreinte(document.get("extensions"))
    if texte is None and empreinte is None:
        raise RequeteInvalide("La clé query est requise : le texte d'une requête GraphQL.")
    _compter(variables)
    return Demande(texte, nom or None, variables or {}, empreinte, identifiant)


def _empreinte(extensions: object) -> str | None:
    """The hash of Apollo's persisted queries, when there is one."""
    if not isinstance(extensions, dict | None):
        raise RequeteInvalide("extensions est un objet.")
    voeu = (extensions or {}).get("persistedQuery")
    if voeu is None:
        return None
    sha = voeu.get("sha256Hash") if isinstance(voeu, dict) and voeu.get("version") == 1 else None
    if not isinstance(sha, str) or not re.fullmatch("[0-9a-f]{64}", sha):
        raise RequeteInvalide("persistedQuery attend version 1 et sha256Hash en hexadécimal.")
    return sha


def _compter(variables: object) -> None:
    """Refuse variables of an unreasonable size, level by level: nothing recurses. Raises RequeteTropCouteuse."""
    niveau, valeurs = [variables], 0
    for _ in range(NIVEAUX_MAX):
        valeurs += len(niveau)
        if any(isinstance(valeur, str) and len(valeur) > TEXTE_VARIABLE_MAX for valeur in niveau):
            raise RequeteTropCouteuse(f"Variables refusées : texte de plus de {TEXTE_VARIABLE_MAX} caractères.")
        niveau = [dedans for valeur in niveau for dedans in _contenu(valeur)]
        if valeurs + len(niveau) > VALEURS_MAX:
            raise RequeteTropCouteuse(f"Variables refusées : plus de {VALEURS_MAX} valeurs.")
    if niveau:
        raise RequeteTropCouteuse(f"Variables refusées : plus de {NIVEAUX_MAX} niveaux.")


def _contenu(valeur: object) -> Iterable[object]:
    return valeur.values() if isinstance(valeur, dict) else valeur if isinstance(valeur, list) else ()


def _json(octets: bytes) -> Any:
    try:
        texte = octets.decode("utf-8")
        lu = strict_json.loads(texte)
        if strict_json.has_lone_surrogate(texte, lu):
            raise ValueError("cannot be written back")
    except ValueError:
        raise Irrecevable(400, "Le corps n'est pas un document JSON valide en UTF-8.") from None
    return lu


def media_choisi(accept: str | None) -> str | None:
    """The media type of the answer by quality, then order of Accept, the more precise wish deciding for each of ours
    (RFC 9110 §12.5.1); None when the client accepts neither."""
    if not accept or not accept.strip():
        return JSON
    voeux: dict[str, tuple[float, int]] = {}
    for rang, partie in enumerate(accept.split(",")):
        nature, qualite = _voeu(partie)
        voeux.setdefault(nature, (qualite, -rang))
    offres = [(_pour(media, voeux), media) for media in (JSON, GRAPHQL_RESPONSE)]
    (qualite, _), media = max(offres, key=itemgetter(0))
    return media if qualite > 0 else None


def _pour(media: str, voeux: dict[str, tuple[float, int]]) -> tuple[float, int]:
    return next((voeux[nature] for nature in (media, "application/*", "*/*") if nature in voeux), (0.0, 0))


def _voeu(partie: str) -> tuple[str, float]:
    nature, *parametres = (morceau.strip().lower() for morceau in partie.split(";"))
    qualites = [morceau.removeprefix("q=") for morceau in parametres if morceau.startswith("q=")]
    if not qualites:
        return nature, 1.0
    return nature, float(qualites[0]) if re.fullmatch(r"[01](\.\d{0,3})?", qualites[0]) else 0.0


def ecrire(reponse: Reponse, identifiant: str, media: str, statut: int | None = None) -> Response:
    """The bytes of an answer, with the status that its media type asks (GraphQL over HTTP)."""
    if statut is None:
        statut = 400 if reponse.refusee and media == GRAPHQL_RESPONSE else 200
    corps = orjson.dumps(reponse.corps(identifiant))
    entetes = {"content-type": f"{media}; charset=utf-8", "cache-control": "no-store", "x-request-id": identifiant}
    return Response(corps, status_code=statut, headers=entetes)
