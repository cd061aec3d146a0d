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
from gateway.errors import ClesIndisponibles, ErreurConfiguration, NonAuthentifie

REFUS = "Jeton d'accès absent, invalide ou expiré."  # the same whatever is wrong: a prober learns nothing
OCTETS_MAX = 65_536
RELECTURE = 600  # seconds after which a set is read again: a removed key is refused within them
INTERVALLE = 60  # seconds between two readings, however many unknown key ids are shown
INTERVALLE_SANS_CLE = 5  # … when no set was ever read: the issuer may start after us
SURVIE = 3600  # seconds that the last good set outlives its issuer
BITS_MIN = 2048
LECTURE = "jwks"  # the one thing that is read

journal = logging.getLogger("gateway.auth.cles")


class Reserve(Protocol):
    """Where the last good set is kept from one process to the next, with the instant it was read."""

    def garder(self, lu_a: float, octets: bytes) -> None: ...
    def reprendre(self) -> tuple[float, bytes] | None: ...


class JeuDeCles:
    """The key set behind one configured address.

    `lire` returns the bytes of a JWKS and may raise anything; `horloge` gives seconds since the epoch.
    """

    def __init__(
        self, lire: Callable[[], Awaitable[bytes]], horloge: Callable[[], float], reserve: Reserve | None = None
    ) -> None:
        self._lire = lire
        self._horloge = horloge
        self._reserve = reserve
        self._cles: Mapping[str, RSAKey] = {}
        self._lu_a = self._essai_a = float("-inf")
        self._flights: SingleFlight[str, None] = SingleFlight()

    async def ouvrir(self) -> None:
        """Read the set, or else take the one that was kept. Raises ErreurConfiguration when neither can be trusted."""
        await self._relire()
        if not self._cles and self._reserve:
            self._reprendre(self._reserve)
        if self._age() > SURVIE:
            raise ErreurConfiguration(
                "jetons.jwks_url : ni jeu de clés à cette adresse, ni copie de moins d'une heure ; démarrer l'émetteur"
            )

    async def utilisable(self) -> bool:
        """Whether tokens can be verified now."""
        if self._age() > RELECTURE:
            await self._relire()
        return self._age() <= SURVIE

    async def cle(self, kid: str) -> RSAKey:
        """The key of that id. Raises NonAuthentifie for an id the issuer does not publish, ClesIndisponibles when no
        set is recent enough to say so."""
        if kid not in self._cles or self._age() > RELECTURE:
            await self._relire()
        if self._age() > SURVIE:
            raise ClesIndisponibles("La vérification des jetons est momentanément indisponible.")
        if kid not in self._cles:
            raise NonAuthentifie(REFUS)
        return self._cles[kid]

    def _age(self) -> float:
        return self._horloge() - self._lu_a

    async def _relire(self) -> None:
        """One reading at a time, shared by all who wait; whoever leaves does not stop it."""
        if LECTURE not in self._flights:
            intervalle = INTERVALLE if self._cles else INTERVALLE_SANS_CLE
            if self._horloge() - self._essai_a < intervalle:
                return
            self._essai_a = self._horloge()
        await self._flights.run(LECTURE, self._charger)

    async def _charger(self) -> None:
        try:
            octets = await self._lire()
            self._cles = lire_jwks(octets)
            self._lu_a = self._horloge()
        except Exception as erreur:  # whatever the issuer or the network does, the last good set goes on
            journal.warning("jeu de clés illisible (%s) : le dernier bon est gardé", type(erreur).__name__)
            return
        if self._reserve:
            await asyncio.to_thread(self._reserve.garder, self._lu_a, octets)

    def _reprendre(self, reserve: Reserve) -> None:
        with contextlib.suppress(ValueError):  # of another version
            lu_a, octets = reserve.reprendre() or (float("-inf"), b"")
            self._cles, self._lu_a = lire_jwks(octets), lu_a


def lire_jwks(octets: bytes) -> Mapping[str, RSAKey]:
    """The RSA signature keys of a JWKS, by id. Raises ValueError when it has none.

    An id given twice designates no key; keys of another kind, use or algorithm are left out.
    """
    if len(octets) > OCTETS_MAX:
        raise ValueError("jeu de clés trop long")
    document = json.loads(octets)
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("jeu de clés sans « keys »")
    publiees = [cle for cle in document["keys"] if isinstance(cle, dict) and _convient(cle)]
    fois = Counter(cle["kid"] for cle in publiees)
    cles = {cle["kid"]: _importer(cle) for cle in publiees if fois[cle["kid"]] == 1}
    bonnes = {kid: cle for kid, cle in cles.items() if cle is not None}
    if not bonnes:
        raise ValueError("jeu de clés sans clé RSA")
    return bonnes


def _convient(cle: dict[str, Any]) -> bool:
    kid, module = cle.get("kid"), cle.get("n")
    return (
        isinstance(kid, str)
        and isinstance(module, str)
        and len(module) * 6 >= BITS_MIN  # base64url
        and cle.get("kty") == "RSA"
        and cle.get("use", "sig") == "sig"
        and cle.get("alg", "RS256") == "RS256"
    )


def _importer(cle: dict[str, Any]) -> RSAKey | None:
    try:
        rsa = RSAKey.import_key({nom: cle[nom] for nom in ("kty", "kid", "n", "e")})
        return rsa if rsa.public_key.key_size >= BITS_MIN else None
    except (JoseError, ValueError, KeyError, TypeError):
        return None
