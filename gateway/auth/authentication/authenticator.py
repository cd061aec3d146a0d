"""Who is calling, by an access token (RS256, RFC 9068) or by an API key. Knows no HTTP: headers and clock are passed in.

An API key is 256 random bits, shown once. The register holds its HMAC under a key derived from the gateway's own (the
pepper), so that a stolen register opens nothing and a guess is worth nothing without that key.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cachetools import LRUCache
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from gateway import strict_json
from gateway.auth.authentication.clients import Principal, RegisteredClient
from gateway.auth.authentication.jwks import REFUSAL, KeySet
from gateway.domain.seal import Sealer
from gateway.errors import StrongAuthenticationRequired, Unauthenticated

ALGORITHM = "RS256"
TYPES = ("at+jwt", "application/at+jwt")  # RFC 9068 §4: an ID token or a refresh token is not an access token
HEADERS = frozenset({"alg", "typ", "kid", "x5t", "x5t#S256"})  # crit, jwk, jku, x5u… would let the token choose its key
AGENT_MAX = 64  # characters of the claim that names an account
TOLERANCE = 30  # seconds of clock difference
DURATION_MAX = 3600  # longest life of a token, seconds
SIZE_MAX = 8192  # characters of a token
VERIFIED_MAX = 10_000  # tokens whose signature is known to hold
PREFIX = "pa_"  # lets scanners of repositories recognise a lost key
LENGTH = len(PREFIX) + 43
USAGE = "clé d'API"


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Accepts the tokens of one issuer for one audience, whose `client_id` is registered.

    `wall_clock` gives seconds since the epoch. `account_claim`: the claim that names who acts through the client.
    """

    emetteur: str
    audience: str
    keys: KeySet
    clients: Container[str]
    wall_clock: Callable[[], float]
    account_claim: str = "agent"
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
        subject, client = _text(claims, "sub"), _text(claims, "client_id")
        _text(claims, "jti")
        _require(client in self.clients)
        agent = subject if subject != client else None
        if self.account_claim in claims:
            agent = _text(claims, self.account_claim, AGENT_MAX)
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


def _text(values: dict[str, Any], name: str, length: int = 256) -> str:
    """A text that can be written anywhere: no control, no lone surrogate, nothing unseen at its ends."""
    value = values.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= length:
        raise Unauthenticated(REFUSAL)
    _require(value.isprintable() and value == value.strip())
    return value


def _instant(values: dict[str, Any], name: str) -> int:
    value = values.get(name)
    if type(value) is not int or value < 0:
        raise Unauthenticated(REFUSAL)
    return value


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def create_key() -> str:
    """A new key: 256 random bits in base64url, after PREFIX."""
    return PREFIX + secrets.token_urlsafe(32)


def key_digest(sealer: Sealer, key: str) -> str:
    """The pseudonym of a key, which the register holds in place of it."""
    return sealer.pseudonym(USAGE, key)


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Tells who is calling, by one credential and only one. `day` gives today's date."""

    verifier: TokenVerifier
    clients: Mapping[str, RegisteredClient]
    sealer: Sealer
    day: Callable[[], date]

    async def authenticate(self, authorization: str | None, key: str | None) -> tuple[Principal, RegisteredClient]:
        """The bearer of an Authorization or of an X-Cle-Api header. Raises Unauthenticated, the same whatever is wrong,
        StrongAuthenticationRequired, or KeysUnavailable."""
        if key is None:
            principal = await self.verifier.verify(authorization)
        elif authorization is None:
            principal = Principal(self._client_of(key))
        else:
            raise Unauthenticated(REFUSAL)
        client = self.clients.get(principal.client)
        if client is None:
            raise Unauthenticated(REFUSAL)
        if client.mfa and not principal.mfa:
            raise StrongAuthenticationRequired("Une authentification à deux facteurs est requise pour ce client.")
        return principal, client

    def _client_of(self, key: str) -> str:
        """The client of a key. Every key of the register is compared, in constant time. Raises Unauthenticated."""
        if len(key) != LENGTH or not key.isascii():
            raise Unauthenticated(REFUSAL)
        presented, day = key_digest(self.sealer, key), self.day()
        matching = [
            name
            for name, client in self.clients.items()
            for known in client.cles
            if hmac.compare_digest(known.empreinte, presented) and day <= known.expire
        ]
        if not matching:
            raise Unauthenticated(REFUSAL)
        return matching[0]
