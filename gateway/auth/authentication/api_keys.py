"""API keys of machine partners, and the door that takes a token or a key. Knows no HTTP: header values are passed in.

A key is 256 random bits, shown once. The register holds its HMAC under a key derived from the gateway's own (the pepper),
so that a stolen register opens nothing and a guess is worth nothing without that key.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.auth.authentication.clients import RegisteredClient
from gateway.auth.authentication.jwks import REFUSAL
from gateway.auth.authentication.tokens import TokenVerifier
from gateway.auth.authentication.viewer import Principal
from gateway.domain.seal import Sealer
from gateway.errors import StrongAuthenticationRequired, Unauthenticated

PREFIX = "pa_"  # lets scanners of repositories recognise a lost key
LENGTH = len(PREFIX) + 43
USAGE = "clé d'API"


def create_key() -> str:
    """A new key: 256 random bits in base64url, under the prefix of the house."""
    return PREFIX + secrets.token_urlsafe(32)


def key_digest(sealer: Sealer, key: str) -> str:
    """What the register holds of a key."""
    return sealer.pseudonym(USAGE, key)


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Who is calling, by one credential and only one. `day` gives today's date."""

    verifier: TokenVerifier
    clients: Mapping[str, RegisteredClient]
    sealer: Sealer
    day: Callable[[], date]

    async def identifier(self, authorization: str | None, key: str | None) -> tuple[Principal, RegisteredClient]:
        """The bearer of an Authorization or of an X-Key-Api header. Raises Unauthenticated, the same whatever is wrong,
        StrongAuthenticationRequired, or KeysUnavailable."""
        if key is None:
            token = await self.verifier.verify(authorization)
        elif authorization is None:
            token = Principal(self._client_of(key))
        else:
            raise Unauthenticated(REFUSAL)
        client = self.clients.get(token.client)
        if client is None:
            raise Unauthenticated(REFUSAL)
        if client.mfa and not token.mfa:
            raise StrongAuthenticationRequired("Une authentification à deux facteurs est requise pour ce client.")
        return token, client

    def _client_of(self, key: str) -> str:
        """Every key of the register is compared, in constant time."""
        if len(key) != LENGTH or not key.isascii():
            raise Unauthenticated(REFUSAL)
        presented, day = key_digest(self.sealer, key), self.day()
        found_ones = [
            name
            for name, client in self.clients.items()
            for known in client.cles
            if hmac.compare_digest(known.empreinte, presented) and day <= known.expire
        ]
        if not found_ones:
            raise Unauthenticated(REFUSAL)
        return found_ones[0]
