"""Who is calling, by a token or by an API key. Knows no HTTP: header values are passed in.

An API key is 256 random bits, shown once. The register holds its HMAC under a key derived from the gateway's own (the
pepper), so that a stolen register opens nothing and a guess is worth nothing without that key.
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
