"""The in-process cache: an aiocache backend bounded in entries and in bytes. Knows nothing of what it keeps.

aiocache's own memory backend has no bound, keeps one timer a key and takes ttl=0 for "for ever" (SECURITY F6).
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from aiocache.base import BaseCache
from aiocache.serializers import NullSerializer
from cachetools import TLRUCache


class Pesee(Protocol):
    """What can be kept: `octets` is its approximate size in memory."""

    @property
    def octets(self) -> int: ...


class CacheMemoire(BaseCache):  # type: ignore[misc]
    """Least recently used entries leave first, expired ones before them. The clock (`minuterie`) counts seconds."""

    NAME = "memory"

    def __init__(self, entrees_max: int, octets_max: int, minuterie: Callable[[], float] = time.time) -> None:
        super().__init__(serializer=NullSerializer(), key_builder=telle_quelle, timeout=0)
        logging.getLogger("aiocache").setLevel(logging.WARNING)  # DEBUG prints keys
        plancher = -(-octets_max // entrees_max)  # the smallest weight, so that one bound holds both
        self._entrees: TLRUCache[str, tuple[Pesee, float], float] = TLRUCache(
            maxsize=plancher * entrees_max,
            ttu=lambda _cle, gardee, instant: instant + gardee[1],
            timer=minuterie,
            getsizeof=lambda gardee: max(plancher, gardee[0].octets),
        )

    async def _get(self, key: str, encoding: str | None = None, _conn: object = None) -> Pesee | None:
        gardee = self._entrees.get(key)
        return gardee[0] if gardee else None

    async def _multi_get(
        self, keys: Sequence[str], encoding: str | None = None, _conn: object = None
    ) -> list[Pesee | None]:
        return [await self._get(key) for key in keys]

    async def _set(
        self, key: str, value: Pesee, ttl: float | None = None, _cas_token: object = None, _conn: object = None
    ) -> bool:
        if ttl is None or not ttl > 0:
            raise ValueError("an entry needs a lifetime above zero")
        try:
            self._entrees[key] = (value, ttl)
        except ValueError:  # larger than the whole cache: not kept
            return False
        return True

    async def _delete(self, key: str, _conn: object = None) -> int:
        return 0 if self._entrees.pop(key, None) is None else 1


def telle_quelle(key: str, namespace: str | None = None) -> str:
    """Keys are ours, whole: aiocache joins namespaces without a separator (SECURITY F6)."""
    return key
