"""The seam: what the gateway asks of a cache, whatever keeps it. A cache that fails makes a slower gateway, never an error.

Entries are purged by tag: each is written under the generation its tag had, and a tag that changes generation loses all
of them at once. A generation nobody remembers is drawn, never read as a first one, or the purged would come back.
One key is invalidated by a mark: what was asked before it is still read, and says so, to stand in for a partner that fails.
"""

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from cachetools import LRUCache

from gateway.cache.memoire import CacheMemoire

ENTREES_MAX = 10_000
OCTETS_MAX = 512 * 1024 * 1024

journal = logging.getLogger("gateway.cache")


@dataclass(frozen=True, slots=True)
class Cle:
    """`nom` is canonical (`cle_canonique`) and tells nothing; `etiquette` names what is purged together: a source."""

    nom: str
    etiquette: str


@dataclass(frozen=True, slots=True)
class Garde:
    """A kept value, which nobody changes afterwards: said at `ne_a`, forgotten at `expire_a` (seconds since 1970).

    `version` differs from one value to the next; `octets` is its approximate size in memory. `marque` is the key's mark when
    the value was asked for; `invalidee`, told by the cache that reads it, that the mark has changed since.
    """

    valeur: Any
    version: str
    ne_a: float
    expire_a: float
    generation: str
    octets: int
    marque: str = ""
    invalidee: bool = False


class Cache(Protocol):
    """Values by key. Nothing here raises for the cache's own failures."""

    def maintenant(self) -> float:
        """Seconds since 1970."""
        ...

    async def lire(self, cles: Sequence[Cle]) -> list[Garde | None]:
        """What is kept of each key, in order, None where there is nothing."""
        ...

    async def generation(self, etiquette: str) -> str:
        """The generation of a tag now; taken before asking, so that a purge meanwhile is not undone."""
        ...

    async def garder(self, cle: Cle, garde: Garde) -> None:
        """Keep until the value expires; not at all when it has."""
        ...

    async def purger(self, etiquette: str) -> bool:
        """Forget all that a tag holds; False when it could not be done."""
        ...

    async def marque(self, cle: Cle) -> str:
        """The mark of a key now, "" when it has none; taken before asking, as the generation is."""
        ...

    async def invalider(self, cle: Cle) -> bool:
        """Mark a key: what is kept of it is out of date, wherever it is read. False when it could not be done."""
        ...

    async def prendre(self, cle: Cle, duree: float) -> str | None:
        """The right to make a value, for `duree` seconds; None while another process has it, "" when no other could."""
        ...

    async def rendre(self, cle: Cle, bail: str) -> None:
        """Give that right back."""
        ...

    async def aclose(self) -> None: ...


class CacheLocal:
    """The cache of one process. `secondes` counts them since 1970."""

    def __init__(self, memoire: CacheMemoire, secondes: Callable[[], float] = time.time) -> None:
        self._memoire, self.maintenant = memoire, secondes
        self._generations: dict[str, str] = {}
        self._marques: LRUCache[str, str] = LRUCache(ENTREES_MAX)

    async def lire(self, cles: Sequence[Cle]) -> list[Garde | None]:
        gardes = await self.brutes(cles)
        return [
            jugee(g, self.connue(cle.etiquette), self.marque_connue(cle)) for g, cle in zip(gardes, cles, strict=True)
        ]

    async def brutes(self, cles: Sequence[Cle]) -> list[Garde | None]:
        """What is kept, of whatever generation."""
        gardes = await self._memoire.multi_get([cle.nom for cle in cles]) if cles else []
        return gardes if len(gardes) == len(cles) else [None] * len(cles)  # AIOCACHE_DISABLE answers nothing

    def connue(self, etiquette: str) -> str:
        return self._generations.setdefault(etiquette, nouvelle_generation())

    def apprendre(self, etiquette: str, generation: str) -> None:
        """What the shared cache says of a tag, for when it no longer answers."""
        self._generations[etiquette] = generation

    def marque_connue(self, cle: Cle) -> str:
        return self._marques.get(cle.nom, "")

    def apprendre_marque(self, cle: Cle, marque: str) -> None:
        if marque:
            self._marques[cle.nom] = marque
        else:
            self._marques.pop(cle.nom, None)

    async def generation(self, etiquette: str) -> str:
        return self.connue(etiquette)

    async def garder(self, cle: Cle, garde: Garde) -> None:
        reste = garde.expire_a - self.maintenant()
        if reste > 0:  # a short lifetime may be over before it is kept
            await self._memoire.set(cle.nom, garde, ttl=reste)

    async def purger(self, etiquette: str) -> bool:
        self.apprendre(etiquette, nouvelle_generation())
        return True

    async def marque(self, cle: Cle) -> str:
        return self.marque_connue(cle)

    async def invalider(self, cle: Cle) -> bool:
        self.apprendre_marque(cle, nouvelle_generation())
        return True

    async def prendre(self, cle: Cle, duree: float) -> str | None:
        return ""  # flights of one process are already one a key

    async def rendre(self, cle: Cle, bail: str) -> None:
        pass

    async def aclose(self) -> None:
        pass


def cache_local(secondes: Callable[[], float] = time.time) -> CacheLocal:
    """A bounded cache in this process's memory."""
    return CacheLocal(CacheMemoire(ENTREES_MAX, OCTETS_MAX, secondes), secondes)


def nouvelle_generation() -> str:
    return secrets.token_hex(8)


def jugee(garde: Garde | None, generation: str, marque: str) -> Garde | None:
    """The value, unless its tag was purged since; it says whether its key was invalidated."""
    if garde is None or garde.generation != generation:
        return None
    return garde if garde.marque == marque else replace(garde, invalidee=True)
