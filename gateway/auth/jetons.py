"""Verifies the access tokens of callers (RS256, RFC 9068). Knows no HTTP: the header and the clock are passed in."""

import base64
import hashlib
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from gateway import strict_json
from gateway.auth.cles import REFUS, JeuDeCles
from gateway.auth.viewer import Jeton
from gateway.errors import NonAuthentifie

ALGORITHME = "RS256"
TYPES = ("at+jwt", "application/at+jwt")  # RFC 9068 §4: an ID token or a refresh token is not an access token
ENTETES = frozenset({"alg", "typ", "kid", "x5t", "x5t#S256"})  # crit, jwk, jku, x5u… would let the token choose its key
TOLERANCE = 30  # seconds of clock difference
DUREE_MAX = 3600  # longest life of a token, seconds
TAILLE_MAX = 8192  # characters of a token
VERIFIES_MAX = 10_000  # tokens whose signature is known to hold


@dataclass(frozen=True, slots=True)
class Verificateur:
    """Accepts the tokens of one issuer for one audience, whose `client_id` is registered.

    `horloge` gives seconds since the epoch.
    """

    emetteur: str
    audience: str
    cles: JeuDeCles
    clients: Container[str]
    horloge: Callable[[], float]
    verifies: LRUCache[bytes, tuple[str, RSAKey, dict[str, Any]]] = field(
        default_factory=lambda: LRUCache(VERIFIES_MAX), repr=False
    )  # by the hash of a token: no token stays in memory

    async def verifier(self, autorisation: str | None) -> Jeton:
        """The bearer of an Authorization header. Raises NonAuthentifie, the same whatever is wrong with the token,
        or ClesIndisponibles when no key can be trusted any more."""
        try:
            return self._jeton(await self._revendications(_porteur(autorisation)))
        except (JoseError, ValueError, TypeError, RecursionError):
            raise NonAuthentifie(REFUS) from None

    async def _revendications(self, texte: str) -> dict[str, Any]:
        """What a token says, its signature verified once as long as the issuer publishes the same key; everything else is
        looked at each time."""
        empreinte = hashlib.sha256(texte.encode()).digest()
        kid, cle, dites = self.verifies.get(empreinte) or (_kid(texte), None, {})
        publiee = await self.cles.cle(kid)
        if cle is not publiee:
            dites = jwt.decode(texte, publiee, algorithms=[ALGORITHME]).claims
            self.verifies[empreinte] = (kid, publiee, dites)
        return dites

    def _jeton(self, revendications: dict[str, Any]) -> Jeton:
        _exiger(revendications.get("iss") == self.emetteur)
        audiences = revendications.get("aud")
        _exiger(self.audience in ([audiences] if isinstance(audiences, str) else _liste(audiences)))
        self._exiger_la_duree(revendications)
        _texte(revendications, "sub")
        _texte(revendications, "jti")
        client = _texte(revendications, "client_id")
        _exiger(client in self.clients)
        agent = _texte(revendications, "agent") if "agent" in revendications else None
        return Jeton(client, agent, mfa="mfa" in _liste(revendications.get("amr")))

    def _exiger_la_duree(self, revendications: dict[str, Any]) -> None:
        maintenant = self.horloge()
        emis, expire = _instant(revendications, "iat"), _instant(revendications, "exp")
        _exiger(emis - TOLERANCE <= maintenant < expire + TOLERANCE)
        _exiger(0 < expire - emis <= DUREE_MAX)
        if "nbf" in revendications:
            _exiger(_instant(revendications, "nbf") - TOLERANCE <= maintenant)


def _exiger(condition: bool) -> None:
    if not condition:
        raise NonAuthentifie(REFUS)


def _porteur(autorisation: str | None) -> str:
    schema, _, texte = (autorisation or "").partition(" ")
    _exiger(schema.lower() == "bearer" and 0 < len(texte) <= TAILLE_MAX and texte.isascii())
    return texte


def _kid(texte: str) -> str:
    """Key id of a token whose header asks for nothing but the one algorithm and type accepted."""
    brut = texte.split(".", 1)[0]
    entete = strict_json.loads(base64.urlsafe_b64decode(brut + "=" * (-len(brut) % 4)).decode())
    _exiger(isinstance(entete, dict) and entete.keys() <= ENTETES)
    _exiger(entete.get("alg") == ALGORITHME and str(entete.get("typ")).lower() in TYPES)
    return _texte(entete, "kid")


def _texte(valeurs: dict[str, Any], nom: str) -> str:
    valeur = valeurs.get(nom)
    if not isinstance(valeur, str) or not 0 < len(valeur) <= 256:
        raise NonAuthentifie(REFUS)
    return valeur


def _instant(valeurs: dict[str, Any], nom: str) -> int:
    valeur = valeurs.get(nom)
    if type(valeur) is not int or valeur < 0:
        raise NonAuthentifie(REFUS)
    return valeur


def _liste(valeur: object) -> list[object]:
    return valeur if isinstance(valeur, list) else []
