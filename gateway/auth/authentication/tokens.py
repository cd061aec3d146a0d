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
from gateway.auth.authentication.jwks import REFUSAL, KeySet
from gateway.auth.authentication.viewer import Principal
from gateway.errors import Unauthenticated

ALGORITHM = "RS256"
TYPES = ("at+jwt", "application/at+jwt")  # RFC 9068 §4: an ID token or a refresh token is not an access token
HEADERS = frozenset({"alg", "typ", "kid", "x5t", "x5t#S256"})  # crit, jwk, jku, x5u… would let the token choose its key
TOLERANCE = 30  # seconds of clock difference
DURATION_MAX = 3600  # longest life of a token, seconds
SIZE_MAX = 8192  # characters of a token
VERIFIED_MAX = 10_000  # tokens whose signature is known to hold


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Accepts the tokens of one issuer for one audience, whose `client_id` is registered.

    `wall_clock` gives seconds since the epoch.
    """

    emetteur: str
    audience: str
    keys: KeySet
    clients: Container[str]
    wall_clock: Callable[[], float]
    verified: LRUCache[bytes, tuple[str, RSAKey, dict[str, Any]]] = field(
        default_factory=lambda: LRUCache(VERIFIED_MAX), repr=False
    )  # by the hash of a token: no token stays in memory

    async def verify(self, authorization: str | None) -> Principal:
        """The bearer of an Authorization header. Raises Unauthenticated, the same whatever is wrong with the token,
        or KeysUnavailable when no key can be trusted any more."""
        try:
            return self._principal(await self._claims(_bearer(authorization)))
        except (JoseError, ValueError, TypeError, RecursionError):
            raise Unauthenticated(REFUSAL) from None

    async def _claims(self, text: str) -> dict[str, Any]:
        """The claims of a token whose signature holds. It is verified once, as long as the issuer publishes the same key:
        what the claims say is looked at each time."""
        digest = hashlib.sha256(text.encode()).digest()
        kid, key, claims = self.verified.get(digest) or (_kid(text), None, {})
        published = await self.keys.key(kid)
        if key is not published:
            claims = jwt.decode(text, published, algorithms=[ALGORITHM]).claims
            self.verified[digest] = (kid, published, claims)
        return claims

    def _principal(self, claims: dict[str, Any]) -> Principal:
        _require(claims.get("iss") == self.emetteur)
        audiences = claims.get("aud")
        _require(self.audience in ([audiences] if isinstance(audiences, str) else _list(audiences)))
        self._require_duration(claims)
        _text(claims, "sub")
        _text(claims, "jti")
        client = _text(claims, "client_id")
        _require(client in self.clients)
        agent = _text(claims, "agent") if "agent" in claims else None
        return Principal(client, agent, mfa="mfa" in _list(claims.get("amr")))

    def _require_duration(self, claims: dict[str, Any]) -> None:
        now = self.wall_clock()
        issued, expires = _instant(claims, "iat"), _instant(claims, "exp")
        _require(issued - TOLERANCE <= now < expires + TOLERANCE)
        _require(0 < expires - issued <= DURATION_MAX)
        if "nbf" in claims:
            _require(_instant(claims, "nbf") - TOLERANCE <= now)


def _require(condition: bool) -> None:
    if not condition:
        raise Unauthenticated(REFUSAL)


def _bearer(authorization: str | None) -> str:
    scheme, _, text = (authorization or "").partition(" ")
    _require(scheme.lower() == "bearer" and 0 < len(text) <= SIZE_MAX and text.isascii())
    return text


def _kid(text: str) -> str:
    """Key id of a token whose header asks for nothing but the one algorithm and type accepted."""
    raw = text.split(".", 1)[0]
    header = strict_json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode())
    _require(isinstance(header, dict) and header.keys() <= HEADERS)
    _require(header.get("alg") == ALGORITHM and str(header.get("typ")).lower() in TYPES)
    return _text(header, "kid")


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 256:
        raise Unauthenticated(REFUSAL)
    return value


def _instant(values: dict[str, Any], name: str) -> int:
    value = values.get(name)
    if type(value) is not int or value < 0:
        raise Unauthenticated(REFUSAL)
    return value


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
