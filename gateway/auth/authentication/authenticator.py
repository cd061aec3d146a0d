"""Who is calling, by an access token of a configured issuer or by an API key. Knows no HTTP: headers and clock are passed in.

Who answers for a token is a TokenIssuer: by its signature (`jwks`), or when it is asked (`token_introspection`).
"""

import base64
import hashlib
import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NoReturn, Protocol

from cachetools import LRUCache

from gateway.auth.authentication.client_register import client_of_key
from gateway.auth.authentication.clients import Principal, RegisteredClient
from gateway.domain.seal import Sealer
from gateway.domain.text import strict_json
from gateway.errors import ConfigurationError, StrongAuthenticationRequired, TokenFault, Unauthenticated
from gateway.issuer_settings import IssuerSettings

AGENT_MAX = 64  # characters of the claim that names an account
# Between an agent and its issuer, when its client has an issuer before: two may each have an "alice" (OpenID Connect Core §2).
BESIDE = "\N{NO-BREAK SPACE}"  # no agent's name holds one: it is not printable (`text_of`)
TOLERANCE = 30  # seconds of clock difference
SIZE_MAX = 8192  # characters of a token
VERIFIED_MAX = 10_000  # tokens that are known to hold
_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 §2.1: nothing else of a caller's is sent on to an issuer
ID_TOKEN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})  # OpenID Connect Core §2, §3.3.2.11


@dataclass(frozen=True, slots=True)
class Verified:
    """Claims that an issuer answers for, by that key of its set, or until that instant."""

    issuer: "TokenIssuer"
    claims: Mapping[str, Any]
    key: object = None
    until: float = 0.0


class TokenIssuer(Protocol):
    """Who answers for tokens."""

    @property
    def settings(self) -> IssuerSettings: ...

    async def verify(self, text: str) -> Verified:
        """What it answers for a token. Raises Unauthenticated, KeysUnavailable, ValueError, or TypeError."""

    async def confirms(self, known: Verified) -> bool:
        """True when what it answered stands."""

    async def open(self) -> None:
        """Raises ConfigurationError when it cannot answer."""

    async def is_usable(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Accepts the tokens of some issuers, whose client is registered. `wall_clock` gives seconds since the epoch."""

    issuers: Sequence[TokenIssuer]
    clients: Container[str]
    wall_clock: Callable[[], float]
    verified: LRUCache[bytes, Verified] = field(
        default_factory=lambda: LRUCache(VERIFIED_MAX), repr=False
    )  # by the hash of a token: no token stays in memory

    @property
    def first(self) -> tuple[str]:
        """The issuer of the clients for which the register names none."""
        return (self.issuers[0].settings.emetteur,)

    async def verify(self, authorization: str | None) -> Principal:
        """The bearer of an Authorization header. Raises Unauthenticated, or KeysUnavailable when nothing can tell."""
        try:
            known = await self._known(_bearer(authorization))
            return self._principal(known)
        except (ValueError, TypeError, RecursionError):
            raise Unauthenticated(TokenFault.UNREADABLE) from None

    async def _known(self, text: str) -> Verified:
        """A token that its issuer answers for. That is asked once, as long as the issuer's word stands: what the claims say
        is looked at each time."""
        digest = hashlib.sha256(text.encode()).digest()
        known = self.verified.get(digest)
        if known is None or not await known.issuer.confirms(known):
            known = self.verified[digest] = await self._issuer_of(text).verify(text)
        return known

    def _issuer_of(self, text: str) -> TokenIssuer:
        """Whose token it says it is: nothing of it is believed for that. One that says nothing is asked about, where one of
        the issuers is."""
        if not _B64TOKEN.fullmatch(text):
            refuse(TokenFault.UNREADABLE)
        name = claimed_issuer(text)
        for issuer in self.issuers:
            if issuer.settings.emetteur == name or (name is None and issuer.settings.introspection):
                return issuer
        raise Unauthenticated(TokenFault.UNREADABLE if name is None else TokenFault.ISSUER)

    def _principal(self, known: Verified) -> Principal:
        issuer, claims = known.issuer.settings, known.claims
        self._require_time(issuer, claims)
        if "cnf" in claims:  # bound to a key that we do not check (RFC 7800): whoever stole it could show it as well
            refuse(TokenFault.BOUND)
        client = text_of(claims, issuer.client)
        _require_audience(issuer, claims, client)
        if client not in self.clients:
            refuse(TokenFault.CLIENT, client)
        second = "mfa" in _list(claims.get("amr")) or claims.get("acr") in issuer.acr_admis
        return Principal(client, _account(issuer, claims, client), second, issuer.emetteur)

    def _require_time(self, issuer: IssuerSettings, claims: Mapping[str, Any]) -> None:
        now = self.wall_clock()
        for name in ("iat", "nbf"):
            if name in claims and now < instant(claims, name) - TOLERANCE:
                refuse(TokenFault.EARLY, name)
        if issuer.introspection and "exp" not in claims:
            return  # it was just said to be active, and is asked about again within the minute
        expires = instant(claims, "exp")
        if now >= expires + TOLERANCE:
            refuse(TokenFault.EXPIRED)
        if not issuer.introspection and not 0 < expires - instant(claims, "iat") <= issuer.vie_max_secondes:
            refuse(TokenFault.LIFE)

    async def open(self) -> None:
        """Make every issuer ready. Raises ConfigurationError when none is; one of several that is not is told."""
        failures = []
        for issuer in self.issuers:
            try:
                await issuer.open()
            except ConfigurationError as error:
                failures.append(error)
        if len(failures) == len(self.issuers):
            raise failures[0]

    async def is_usable(self) -> bool:
        """True when the tokens of some issuer can be verified now."""
        return any([await issuer.is_usable() for issuer in self.issuers])

    async def all_usable(self) -> bool:
        """True when those of each can."""
        return all([await issuer.is_usable() for issuer in self.issuers])


def _bearer(authorization: str | None) -> str:
    if authorization is None:
        refuse(TokenFault.ABSENT)
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(text) <= SIZE_MAX or not text.isascii():
        refuse(TokenFault.UNREADABLE)
    return text


def _require_audience(issuer: IssuerSettings, claims: Mapping[str, Any], client: str) -> None:
    """The token is for us, and not an ID token: one says for whom it is by the client's own name, which `typ` alone would tell
    apart (OpenID Connect Core §2)."""
    told = claims.get("aud")
    audiences = [told] if isinstance(told, str) else _list(told)
    if issuer.audience and issuer.audience not in audiences:
        refuse(TokenFault.AUDIENCE)
    of_keycloak = claims.get("typ")  # says in the claims which token it is, nonce or not
    if "JWT" in issuer.types and (
        client in audiences or (of_keycloak != "Bearer" if of_keycloak else ID_TOKEN_CLAIMS & claims.keys())
    ):
        refuse(TokenFault.LOGIN)


def _account(issuer: IssuerSettings, claims: Mapping[str, Any], client: str) -> str | None:
    """Who acts through the client: the claim of the issuer's configuration, else the subject where it is not the client."""
    alone = issuer.introspection and "sub" not in claims  # RFC 7662 §2.2: a machine may have none
    subject = client if alone else text_of(claims, "sub")
    if issuer.compte in claims and issuer.compte != "sub":
        return text_of(claims, issuer.compte, AGENT_MAX)
    return subject if subject != client else None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Tells who is calling, by one credential and only one. `day` gives today's date."""

    verifier: TokenVerifier
    clients: Mapping[str, RegisteredClient]
    sealer: Sealer
    day: Callable[[], date]

    async def authenticate(self, authorization: str | None, key: str | None) -> tuple[Principal, RegisteredClient]:
        """The bearer of an Authorization or of an X-Cle-Api header. Raises Unauthenticated, StrongAuthenticationRequired, or
        KeysUnavailable."""
        if key is None:
            principal = await self.verifier.verify(authorization)
        elif authorization is None:
            principal = Principal(client_of_key(self.clients, self.sealer, key, self.day()))
        else:
            raise Unauthenticated(TokenFault.TWICE)
        client = self.clients.get(principal.client)
        issuers = client.emetteurs or self.verifier.first if client else ()
        if client is None or principal.emetteur not in ("", *issuers):
            raise Unauthenticated(TokenFault.CLIENT, principal.client)  # an issuer names no client of another
        if principal.agent and principal.emetteur not in ("", issuers[0]):
            principal = replace(principal, agent=f"{principal.agent}{BESIDE}({principal.emetteur})")
        if client.mfa and not principal.mfa:
            raise StrongAuthenticationRequired
        if client.agent_exige and principal.agent is None:
            raise Unauthenticated(TokenFault.ACCOUNT, principal.client)
        return principal, client


def claimed_issuer(text: str) -> str | None:
    """Who a token says issued it, "" when it does not say; None for what is no JWT, which only its issuer can read."""
    try:
        name = json_part(text, 1).get("iss") if text.count(".") == 2 else None
    except (ValueError, Unauthenticated):
        return None
    return name if isinstance(name, str) else "" if text.count(".") == 2 else None


def json_part(text: str, rank: int) -> dict[str, Any]:
    """A part of a JWT, of which nothing is verified. Raises ValueError."""
    raw = text.split(".")[rank]
    part = strict_json(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode())
    if not isinstance(part, dict):
        raise ValueError("not an object")
    return part


def text_of(values: Mapping[str, Any], name: str, length: int = 256) -> str:
    """A text that can be written anywhere: no control, no lone surrogate, nothing unseen at its ends."""
    value = values.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= length:
        refuse(TokenFault.CLAIM, name)
    if not value.isprintable() or value != value.strip():
        refuse(TokenFault.CLAIM, name)
    return value


def instant(values: Mapping[str, Any], name: str) -> int:
    """Whole seconds since the epoch."""
    value = values.get(name)
    if type(value) is not int or value < 0:
        refuse(TokenFault.CLAIM, name)
    return value


def refuse(fault: TokenFault, about: object = "") -> NoReturn:
    """Raises Unauthenticated, outside of whatever was being read."""
    raise Unauthenticated(fault, about if isinstance(about, str) else "")
