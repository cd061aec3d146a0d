"""The in-process cache: an aiocache backend bounded in entries and in bytes. Knows nothing of what it keeps.

aiocache's own memory backend has no bound, keeps one timer a key and takes ttl=0 for "for ever" (docs/security.md F6).
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from aiocache.base import BaseCache
from aiocache.serializers import NullSerializer
from cachetools import TLRUCache


class Sized(Protocol):
    """A value that can be kept: `size` is its approximate number of bytes in memory."""

    @property
    def size(self) -> int: ...


class MemoryBackend(BaseCache):  # type: ignore[misc]
    """Least recently used entries leave first, expired ones before them. The clock (`timer`) counts seconds."""

    NAME = "memory"

    def __init__(self, entries_max: int, bytes_max: int, timer: Callable[[], float] = time.time) -> None:
        super().__init__(serializer=NullSerializer(), key_builder=identity_key, timeout=0)
        logging.getLogger("aiocache").setLevel(logging.WARNING)  # DEBUG prints keys
        # One bound holds both: an entry weighs at least its share of the bytes, so there cannot be more than entries_max.
        floor = -(-bytes_max // entries_max)
        self._entries: TLRUCache[str, tuple[Sized, float], float] = TLRUCache(
            maxsize=floor * entries_max,
            ttu=lambda _key, kept, instant: instant + kept[1],
            timer=timer,
            getsizeof=lambda kept: max(floor, kept[0].size),
        )

    async def _get(self, key: str, encoding: str | None = None, _conn: object = None) -> Sized | None:
        kept = self._entries.get(key)
        return kept[0] if kept else None

    async def _multi_get(
        self, keys: Sequence[str], encoding: str | None = None, _conn: object = None
    ) -> list[Sized | None]:
        return [await self._get(key) for key in keys]

    async def _set(
        self, key: str, value: Sized, ttl: float | None = None, _cas_token: object = None, _conn: object = None
    ) -> bool:
        # TLRUCache takes such an entry as expired, aiocache as eternal: nobody may mean it.
        if ttl is None or not ttl > 0:
            raise ValueError("an entry needs a lifetime above zero")
        try:
            self._entries[key] = (value, ttl)
        except ValueError:  # larger than the whole cache: not kept
            return False
        return True

    async def _delete(self, key: str, _conn: object = None) -> int:
        return 0 if self._entries.pop(key, None) is None else 1


def identity_key(key: str, namespace: str | None = None) -> str:
    """Keys are ours, whole: aiocache joins namespaces without a separator (docs/security.md F6)."""
    return key
