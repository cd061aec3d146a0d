"""The seam: what the gateway asks of a cache, whatever keeps it. Any error of the cache is a miss, never an answer lost."""

import logging
from collections.abc import Sequence
from typing import Any

from aiocache.base import BaseCache

from gateway.cache.memoire import CacheMemoire, Entree
from gateway.errors import ErreurConfiguration

ENTREES_MAX = 10_000
OCTETS_MAX = 512 * 1024 * 1024

journal = logging.getLogger("gateway.cache")


class Cache:
    """Values by canonical key, each with its lifetime. A value given is never changed afterwards by anybody."""

    def __init__(self, interne: BaseCache) -> None:
        self._interne = interne

    async def lire(self, cles: Sequence[str]) -> list[Any | None]:
        """The kept values in the order of the keys, None where there is none."""
        if not cles:
            return []
        try:
            entrees = await self._interne.multi_get(cles)
        except Exception as erreur:  # a cache is never worth an answer
            journal.warning("cache illisible : %s", type(erreur).__name__)
            entrees = []
        if len(entrees) != len(cles):
            return [None] * len(cles)
        return [entree.valeur if isinstance(entree, Entree) else None for entree in entrees]

    async def garder(self, cle: str, valeur: Any, duree: float, octets: int) -> None:
        """Keep `valeur` for `duree` seconds (above zero); `octets` is its approximate size."""
        if not duree > 0:
            raise ValueError("an entry needs a lifetime above zero")
        try:
            await self._interne.set(cle, Entree(valeur, octets), ttl=duree)
        except Exception as erreur:
            journal.warning("cache indisponible en écriture : %s", type(erreur).__name__)


def ouvrir_cache(url: str = "memory://") -> Cache:
    """The cache at `url`; only memory:// exists. Raises ErreurConfiguration."""
    if url != "memory://":
        raise ErreurConfiguration("GATEWAY_CACHE_URL : seul memory:// est pris en charge")
    return Cache(CacheMemoire(ENTREES_MAX, OCTETS_MAX))
