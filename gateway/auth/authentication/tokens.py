"""A token that its issuer answers for: by its signature here, in `token_introspection` by the issuer's own word. Knows no
register of callers."""

import base64
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning

from gateway import strict_json
from gateway.auth.authentication.jwks import KeySet, SigningKey
from gateway.config import IssuerSettings
from gateway.errors import TokenFault, Unauthenticated

# RFC 9864 renames it Ed25519; issuers write the former name still, and an operator chooses to accept it.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)

HEADERS = frozenset({"alg", "typ", "kid", "x5t", "x5t#S256"})  # crit, jwk, jku, x5u… would let the token choose its key
AT_JWT = "at+jwt"  # RFC 9068 §2.1: what is typed so has each claim that this standard requires


@dataclass(frozen=True, slots=True)
class Verified:
    """Claims that an issuer answers for, by that key of its set, or until that instant."""

    issuer: "TokenIssuer"
    claims: Mapping[str, Any]
    key: SigningKey | None = None
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
class SignedTokens:
    """An issuer whose tokens are signed by the keys that it publishes."""

    settings: IssuerSettings
    keys: KeySet

    async def verify(self, text: str) -> Verified:
        header = self._header(text)
        key = await self.keys.key(text_of(header, "kid"))
        if header["alg"] not in key.algorithms:
            refuse(TokenFault.ALGORITHM, header["alg"])
        claims = signed_claims(text, key, header["alg"])
        if claims.get("iss") != self.settings.emetteur:
            refuse(TokenFault.ISSUER)
        if _type(header) == AT_JWT:
            text_of(claims, "jti")
        return Verified(self, claims, key)

    async def confirms(self, known: Verified) -> bool:
        return known.key is not None and await self.keys.key(known.key.kid) is known.key

    async def open(self) -> None:
        await self.keys.open()

    async def is_usable(self) -> bool:
        return await self.keys.is_usable()

    def _header(self, text: str) -> dict[str, Any]:
        """The header of a token that asks for nothing but an algorithm and a type accepted."""
        header = json_part(text, 0)
        if not header.keys() <= HEADERS:
            refuse(TokenFault.HEADER, min(header.keys() - HEADERS))
        if _type(header) not in self.settings.types:
            refuse(TokenFault.TYPE, header.get("typ"))
        if header.get("alg") not in self.settings.algorithmes:
            refuse(TokenFault.ALGORITHM, header.get("alg"))
        return header


def signed_claims(text: str, key: SigningKey, algorithm: str) -> dict[str, Any]:
    """The claims under a signature that holds. Raises Unauthenticated."""
    try:
        return jwt.decode(text, key.key, algorithms=[algorithm]).claims
    except JoseError:
        raise Unauthenticated(TokenFault.SIGNATURE) from None


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
    part = strict_json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode())
    if not isinstance(part, dict):
        raise ValueError("not an object")
    return part


def _type(header: Mapping[str, Any]) -> str:
    """`typ`, of which RFC 7515 §4.1.9 leaves case and "application/" to who writes it."""
    told = str(header.get("typ")).lower().removeprefix("application/")
    return "JWT" if told == "jwt" else told


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
