"""The issuer's public keys: kept, renewed, outliving a short outage. Knows no HTTP: how they are read is passed in."""

import asyncio
import contextlib
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from gateway.concurrency import SingleFlight
from gateway.errors import ConfigurationError, KeysUnavailable, Unauthenticated

REFUSAL = "Jeton d'accès absent, invalide ou expiré."  # the same whatever is wrong: a prober learns nothing
BYTES_MAX = 65_536  # of a set, as published
REREAD_AFTER = 600  # seconds after which a set is read again: a removed key is refused within them
INTERVAL = 60  # seconds between two readings, however many unknown key ids are shown
INTERVAL_WITHOUT_KEY = 5  # … when no set was ever read: the issuer may start after us
SKEW = 60  # seconds by which a clock may be corrected
SURVIVAL = 3600  # seconds that the last good set outlives its issuer
BITS_MIN = 2048
READING = "jwks"  # the key of the one flight there is

logger = logging.getLogger("gateway.auth.cles")


class KeySetStore(Protocol):
    """Where the last good set is kept from one process to the next, with the instant it was read."""

    def keep(self, read_at: float, plain: bytes) -> None: ...
    def resume(self) -> tuple[float, bytes] | None: ...


class KeySet:
    """The key set behind one configured address.

    `read` returns the document of a JWKS, of `BYTES_MAX` at most, and may raise anything; `wall_clock` gives seconds
    since the epoch.
    """

    def __init__(
        self, read: Callable[[], Awaitable[Any]], wall_clock: Callable[[], float], store: KeySetStore | None = None
    ) -> None:
        self._read = read
        self._wall_clock = wall_clock
        self._store = store
        self._keys: Mapping[str, RSAKey] = {}
        self._read_at = self._attempt_at = float("-inf")
        self._flights: SingleFlight[str, None] = SingleFlight()

    async def open(self) -> None:
        """Read the set, or else take the one that was kept. Raises ConfigurationError when neither can be trusted."""
        await self._reread()
        if not self._keys and self._store:
            self._resume(self._store)
        if self._age() > SURVIVAL:
            raise ConfigurationError(
                "jetons.jwks_url : ni jeu de clés à cette adresse, ni copie de moins d'une heure ; démarrer l'émetteur"
            )

    async def is_usable(self) -> bool:
        """True when tokens can be verified now."""
        if self._age() > REREAD_AFTER:
            await self._reread()
        return self._age() <= SURVIVAL

    async def key(self, kid: str) -> RSAKey:
        """The key of that id. Raises Unauthenticated for an id the issuer does not publish, KeysUnavailable when no
        set is recent enough to say so."""
        if kid not in self._keys or self._age() > REREAD_AFTER:
            await self._reread()
        if self._age() > SURVIVAL:
            raise KeysUnavailable("La vérification des jetons est momentanément indisponible.")
        if kid not in self._keys:
            raise Unauthenticated(REFUSAL)
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
            self._keys, plain = read_jwks(document), json.dumps(document).encode()
            self._read_at = self._wall_clock()
        except Exception as error:  # whatever the issuer or the network does, the last good set goes on
            logger.warning("jeu de clés illisible (%s) : le dernier bon est gardé", type(error).__name__)
            return
        if self._store:
            await asyncio.to_thread(self._store.keep, self._read_at, plain)

    def _resume(self, store: KeySetStore) -> None:
        with contextlib.suppress(ValueError):  # of another version
            read_at, plain = store.resume() or (float("-inf"), b"")
            self._keys, self._read_at = read_jwks(json.loads(plain)), read_at


def read_jwks(document: Any) -> Mapping[str, RSAKey]:
    """The RSA signature keys of a JWKS, by id. Raises ValueError when it has none.

    An id given twice designates no key; keys of another kind, use or algorithm are left out.
    """
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("jeu de clés sans « keys »")
    published = [key for key in document["keys"] if isinstance(key, dict) and _suits(key)]
    times = Counter(key["kid"] for key in published)
    keys = {key["kid"]: rsa for key in published if times[key["kid"]] == 1 and (rsa := _import(key)) is not None}
    if not keys:
        raise ValueError("jeu de clés sans clé RSA")
    return keys


def _suits(key: dict[str, Any]) -> bool:
    modulus = key.get("n")
    return (
        isinstance(key.get("kid"), str)
        and isinstance(modulus, str)
        and len(modulus) * 6 >= BITS_MIN  # base64url
        and key.get("kty") == "RSA"
        and key.get("use", "sig") == "sig"
        and key.get("alg", "RS256") == "RS256"
    )


def _import(key: dict[str, Any]) -> RSAKey | None:
    try:
        rsa = RSAKey.import_key({name: key[name] for name in ("kty", "kid", "n", "e")})
        return rsa if rsa.public_key.key_size >= BITS_MIN else None
    except (JoseError, ValueError, KeyError, TypeError):
        return None
