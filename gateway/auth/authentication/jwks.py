"""Tokens that are signed, and the issuer's public keys: kept, renewed, outliving a short outage. Knows no HTTP: how keys are read
is passed in."""

import asyncio
import contextlib
import json
import logging
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.auth.authentication.authenticator import Verified, json_part, refuse, text_of
from gateway.concurrency import SingleFlight
from gateway.errors import ConfigurationError, KeysUnavailable, SourceError, TokenFault, Unauthenticated
from gateway.issuer_settings import IssuerSettings

BYTES_MAX = 65_536  # of a set, as published
REREAD_AFTER = 600  # seconds after which a set is read again: a removed key is refused within them
INTERVAL = 60  # seconds between two readings, however many unknown key ids are shown
INTERVAL_WITHOUT_KEY = 5  # … when no set was ever read: the issuer may start after us
SKEW = 60  # seconds by which a clock may be corrected
SURVIVAL = 3600  # seconds that the last good set outlives its issuer
BITS_MIN = 2048
# RFC 9864 renames it Ed25519; issuers write the former name still, and an operator chooses to accept it.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)
HEADERS = frozenset({"alg", "typ", "kid", "x5t", "x5t#S256"})  # crit, jwk, jku, x5u… would let the token choose its key
AT_JWT = "at+jwt"  # RFC 9068 §2.1: what is typed so has each claim that this standard requires
READING = "jwks"  # the key of the one flight there is
# What a key that does not say its algorithm may sign by, and the members it is made of (RFC 7518 §6, RFC 8037 §2).
BY_KIND: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "RSA": (("RS256", "PS256"), ("n", "e")),
    "EC": (("ES256",), ("crv", "x", "y")),
    "OKP": (("EdDSA", "Ed25519"), ("crv", "x")),
}
KINDS: Mapping[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
CURVES = {"EC": "P-256", "OKP": "Ed25519"}

logger = logging.getLogger("gateway.auth.cles")


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A published key, and the algorithms that it may sign by."""

    kid: str
    key: RSAKey | ECKey | OKPKey
    algorithms: Collection[str]


class KeySetStore(Protocol):
    """Where the last good set is kept from one process to the next, with the instant it was read."""

    def keep(self, read_at: float, plain: bytes) -> None: ...
    def resume(self) -> tuple[float, bytes] | None: ...


class KeySet:
    """The key set of one issuer.

    `read` returns the document of a JWKS, of `BYTES_MAX` at most, and may raise anything; `wall_clock` gives seconds
    since the epoch; `algorithms` are those that are accepted, `name` the issuer's in the log.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[Any]],
        wall_clock: Callable[[], float],
        store: KeySetStore | None = None,
        algorithms: Collection[str] = ("RS256",),
        name: str = "",
    ) -> None:
        self._read = read
        self._wall_clock = wall_clock
        self._store = store
        self._algorithms = algorithms
        self._name, self._cause = name, ""  # whose they are, and why the last reading failed
        self._keys: Mapping[str, SigningKey] = {}
        self._read_at = self._attempt_at = float("-inf")
        self._flights: SingleFlight[str, None] = SingleFlight()

    async def open(self) -> None:
        """Read the set, or else take the one that was kept. Raises ConfigurationError when neither can be trusted."""
        await self._reread()
        if not self._keys and self._store:
            self._resume(self._store)
        if self._age() > SURVIVAL:
            raise ConfigurationError(
                f"jetons.jwks_url : pas de jeu de clés ({self._cause}), ni copie de moins d'une heure ; démarrer l'émetteur"
            )

    async def is_usable(self) -> bool:
        """True when tokens can be verified now."""
        if self._age() > REREAD_AFTER:
            await self._reread()
        return self._age() <= SURVIVAL

    async def key(self, kid: str) -> SigningKey:
        """The key of that id. Raises Unauthenticated for an id the issuer does not publish, KeysUnavailable when no
        set is recent enough to say so."""
        if kid not in self._keys or self._age() > REREAD_AFTER:
            await self._reread()
        if self._age() > SURVIVAL:
            raise KeysUnavailable("La vérification des jetons est momentanément indisponible.")
        if kid not in self._keys:
            raise Unauthenticated(TokenFault.KEY, kid)
        return self._keys[kid]

    def _age(self) -> float:
        age = self._wall_clock() - self._read_at
        return age if age > -SKEW else float("inf")  # read in a future: the clock was set back since

    async def _reread(self) -> None:
        """One reading at a time, shared by all who wait; whoever leaves does not stop it."""
        if READING not in self._flights:
            interval = INTERVAL if self._keys else INTERVAL_WITHOUT_KEY
            if abs(self._wall_clock() - self._attempt_at) < interval:
                return
            self._attempt_at = self._wall_clock()
        await self._flights.run(READING, self._load)

    async def _load(self) -> None:
        try:
            document = await self._read()
            self._keys, plain = read_jwks(document, self._algorithms), json.dumps(document).encode()
            self._read_at = self._wall_clock()
        except Exception as error:  # whatever the issuer or the network does, the last good set goes on
            told = isinstance(error, SourceError | UnusableKeys)  # a text of ours: no address, no value
            cause = str(error) if told else type(error).__name__
            self._cause = f"{self._name} : {cause}" if self._name else cause
            logger.warning("jeu de clés illisible (%s) : le dernier bon est gardé", self._cause)
            return
        if self._store:
            await asyncio.to_thread(self._store.keep, self._read_at, plain)

    def _resume(self, store: KeySetStore) -> None:
        with contextlib.suppress(ValueError):  # of another version
            read_at, plain = store.resume() or (float("-inf"), b"")
            self._keys, self._read_at = read_jwks(json.loads(plain), self._algorithms), read_at


class UnusableKeys(ValueError):
    """A document that is no key set, or has no key for us. The text is French and holds nothing of it."""


def read_jwks(document: Any, algorithms: Collection[str] = ("RS256",)) -> Mapping[str, SigningKey]:
    """The signature keys of a JWKS for some algorithms, by id. Raises UnusableKeys when it has none.

    An id given twice designates no key; keys of another kind, use or algorithm are left out.
    """
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise UnusableKeys("pas un jeu de clés : « keys » absent")
    published = [key for key in document["keys"] if isinstance(key, dict) and _may_sign(key, algorithms)]
    times = Counter(key["kid"] for key in published)
    keys = {one["kid"]: key for one in published if times[one["kid"]] == 1 and (key := _import(one, algorithms))}
    if not keys:
        raise UnusableKeys(f"{len(document['keys'])} clés, aucune pour {', '.join(algorithms)}")
    return keys


def _may_sign(key: Mapping[str, Any], algorithms: Collection[str]) -> list[str]:
    """The algorithms of those accepted by which a key may sign: its own, if it names one."""
    kind, own = key.get("kty"), key.get("alg")
    if not isinstance(key.get("kid"), str) or key.get("use", "sig") != "sig" or not isinstance(kind, str):
        return []
    if key.get("crv") != CURVES.get(kind):
        return []
    possible = BY_KIND.get(kind, ((), ()))[0]
    return [name for name in possible if name in algorithms and own in (None, name)]


def _import(published: Mapping[str, Any], algorithms: Collection[str]) -> SigningKey | None:
    kind = published["kty"]
    members: dict[str, Any] = {name: published.get(name) for name in ("kty", "kid", *BY_KIND[kind][1])}
    if not all(isinstance(value, str) for value in members.values()):
        return None
    try:
        key = KINDS[kind].import_key(members)
        if isinstance(key, RSAKey) and key.public_key.key_size < BITS_MIN:
            return None
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    return SigningKey(published["kid"], key, _may_sign(published, algorithms))


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
        return isinstance(known.key, SigningKey) and await self.keys.key(known.key.kid) is known.key

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


def _type(header: Mapping[str, Any]) -> str:
    """`typ`, of which RFC 7515 §4.1.9 leaves case and "application/" to who writes it."""
    told = str(header.get("typ")).lower().removeprefix("application/")
    return "JWT" if told == "jwt" else told
