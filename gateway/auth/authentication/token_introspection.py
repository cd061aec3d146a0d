"""Tokens that their issuer is asked about: plainly (RFC 7662), or by answers that it signs, and encrypts for us (RFC 9701).

A token is asked about once a minute at most, which is how late a revocation may be seen. Knows no HTTP: how the issuer is asked
is passed in.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cachetools import LRUCache
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from gateway.auth.authentication.authenticator import Verified, json_part, refuse, text_of
from gateway.auth.authentication.jwks import KeySet, signed_claims
from gateway.concurrency import SingleFlight
from gateway.domain.seal import Sealer
from gateway.domain.text import strict_json
from gateway.errors import KeysUnavailable, SourceDenied, SourceError, SourceInvalid, TokenFault, Unauthenticated
from gateway.issuer_settings import IntrospectionSettings, IssuerSettings

BELIEVED_FOR = 60  # seconds of an answer: docs/security.md T08
REST = 5  # seconds that an issuer which did not answer is left alone
UNDER_WAY_MAX = 64  # tokens asked about at once: whoever sends tokens at random does not send them on
INACTIVE_MAX = 10_000  # refused tokens kept, by their hash
SKEW = 60  # seconds between the clock of who signs an answer and ours
ANSWER_TYPE = "token-introspection+jwt"  # RFC 9701 §5: no other token of the issuer is one
USAGE = "clé de chiffrement"
# Strict on algorithms (and on `zip`, which is none of them), not on the claims that an issuer may repeat there (RFC 7519 §5.3).
ENCRYPTION = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"], strict_check_header=False)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (FIPS 186-5)

logger = logging.getLogger("gateway.auth.introspection")


@dataclass(slots=True, eq=False)
class IntrospectedTokens:
    """An issuer that is asked about each token, as `asked` says: `ask` returns its answer as it came, None where it takes the
    token for none. `keys` are what it signs by, `own_keys` what it encrypts for: the first is published."""

    settings: IssuerSettings
    asked: IntrospectionSettings
    ask: Callable[[str], Awaitable[bytes | None]]
    keys: KeySet
    own_keys: Sequence[ECKey]
    wall_clock: Callable[[], float]
    inactive: LRUCache[bytes, float] = field(default_factory=lambda: LRUCache(INACTIVE_MAX), repr=False)
    flights: SingleFlight[bytes, Verified] = field(default_factory=SingleFlight, repr=False)
    failed_at: float = float("-inf")

    async def verify(self, text: str) -> Verified:
        """Raises Unauthenticated for a token that its issuer does not know, KeysUnavailable when it does not answer."""
        digest, now = hashlib.sha256(text.encode()).digest(), self.wall_clock()
        if now < self.inactive.get(digest, 0.0):
            refuse(TokenFault.INACTIVE)
        if digest not in self.flights and (len(self.flights) >= UNDER_WAY_MAX or now - self.failed_at < REST):
            raise KeysUnavailable(UNAVAILABLE)
        return await self.flights.run(digest, partial(self._verify, text, digest))

    async def confirms(self, known: Verified) -> bool:
        return self.wall_clock() < known.until

    async def open(self) -> None:
        """What signs its answers must be known."""
        if self.asked.reponse != "json":
            await self.keys.open()

    async def is_usable(self) -> bool:
        return self.asked.reponse == "json" or await self.keys.is_usable()

    async def _verify(self, text: str, digest: bytes) -> Verified:
        claims = await self._answer(text)
        now = self.wall_clock()
        if claims.get("active") is not True:
            self.inactive[digest] = now + BELIEVED_FOR
            refuse(TokenFault.INACTIVE)
        if claims.get("iss", self.settings.emetteur) != self.settings.emetteur:
            refuse(TokenFault.ISSUER)
        told = claims.get(
            "token_type", claims.get("typ")
        )  # a refresh token is active too (RFC 7662 §2.1), and is no bearer's
        if str(told).lower() != "bearer":
            refuse(TokenFault.TYPE, told)
        end = claims.get("exp", now + BELIEVED_FOR)
        return Verified(self, claims, until=min(now + BELIEVED_FOR, end) if isinstance(end, int | float) else now)

    async def _answer(self, text: str) -> Mapping[str, Any]:
        """What the issuer says of a token. Raises KeysUnavailable when it says nothing that can be believed."""
        try:
            if (body := await self.ask(text)) is not None:
                return await self._read(body)
            logger.warning(
                "émetteur interrogé : il refuse la demande (400), jeton qui n'est pas de lui ou réglage à revoir"
            )
            return {}
        except SourceError as error:
            if not isinstance(error, SourceDenied | SourceInvalid):  # those are of one token, or of our configuration
                self.failed_at = self.wall_clock()
            cause: object = error
        except Unauthenticated as error:
            cause = f"réponse non crue, {error.fault}"
        except (JoseError, ValueError, TypeError, RecursionError):
            cause = "réponse illisible"
        logger.warning("émetteur interrogé en vain : %s", cause)
        raise KeysUnavailable(UNAVAILABLE)

    async def _read(self, body: bytes) -> Mapping[str, Any]:
        """The claims of an answer, in the one form that was agreed. Raises ValueError, JoseError, Unauthenticated."""
        text = body.decode().strip()
        if self.asked.reponse == "json":
            claims = strict_json(text)
        else:
            if self.asked.reponse == "chiffree":
                text = self._decrypted(text)
            claims = (await self._signed(text)).get("token_introspection")
        if not isinstance(claims, dict):
            raise ValueError("not an object")
        return claims

    def _decrypted(self, text: str) -> str:
        """What was encrypted for one of our keys: an issuer keeps the one that was published for a while. Raises JoseError."""
        for rank, key in enumerate(self.own_keys, 1):
            try:
                return (jwe.decrypt_compact(text, key, registry=ENCRYPTION).plaintext or b"").decode()
            except (JoseError, ValueError):
                if rank == len(self.own_keys):
                    raise
        raise ValueError("no key of ours")

    async def _signed(self, text: str) -> Mapping[str, Any]:
        """What the issuer signed, for us and now."""
        header = json_part(text, 0)
        if str(header.get("typ")).lower().removeprefix("application/") != ANSWER_TYPE:
            refuse(TokenFault.TYPE)
        key = await self.keys.key(text_of(header, "kid"))
        if header.get("alg") not in key.algorithms:
            refuse(TokenFault.ALGORITHM)
        claims = signed_claims(text, key, header["alg"])
        if claims.get("iss") != self.settings.emetteur:
            refuse(TokenFault.ISSUER)
        told = claims.get("aud")
        if not {self.asked.client, self.settings.audience} & set(told if isinstance(told, list) else [told]):
            refuse(TokenFault.AUDIENCE)
        if abs(self.wall_clock() - float(claims.get("iat", 0))) > SKEW:
            refuse(TokenFault.LIFE)
        return claims


UNAVAILABLE = "La vérification des jetons est momentanément indisponible."


def encryption_key(sealer: Sealer) -> ECKey:
    """Our own key pair, drawn from the gateway's key: the same for every process that shares it, and kept nowhere."""
    number = int.from_bytes(sealer.mac(USAGE, b"P-256"), "big") % (ORDER - 1) + 1
    private = ec.derive_private_key(number, ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = ECKey.import_key(pem, {"use": "enc", "alg": "ECDH-ES"})
    key.ensure_kid()
    return key
