"""The interface of every cache, and the cache of one process, bounded in entries and in bytes. Knows no partner and no value.

aiocache's own memory backend has no bound, keeps one timer a key and takes ttl=0 for "for ever" (docs/security.md F6).
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from aiocache.base import BaseCache
from aiocache.serializers import NullSerializer
from cachetools import LRUCache, TLRUCache

ENTRIES_MAX = 10_000
BYTES_MAX = 512 * 1024 * 1024


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


def canonical_key(*parts: str) -> str:
    """SHA-256, in hexadecimal, of the parts, each preceded by its length in bytes (docs/security.md F6, C02)."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class CacheKey:
    """`name` is canonical (`canonical_key`) and tells nothing; `label` names what is purged together: a source."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A kept value, which nobody changes afterwards: said at `said_at`, forgotten at `expires_at` (seconds since 1970).

    `version` differs from one value to the next; `size` is its approximate number of bytes in memory. `generation` and
    `mark` are those of the label and of the key when the value was asked for; `invalidated`, set by the cache that
    reads it: the mark has changed since.
    """

    value: Any
    version: str
    said_at: float
    expires_at: float
    generation: str
    size: int
    mark: str = ""
    invalidated: bool = False


class Cache(Protocol):
    """Values by key. Nothing here raises for the cache's own failures."""

    def now(self) -> float:
        """Seconds since 1970."""

    async def read(self, keys: Sequence[CacheKey]) -> list[Entry | None]:
        """The entry of each key, in order, None where there is nothing."""

    async def generation(self, label: str) -> str:
        """The generation of a label now; taken before asking, so that a purge meanwhile is not undone."""

    async def keep(self, key: CacheKey, entry: Entry) -> None:
        """Keep until the value expires; not at all when it has."""

    async def purge(self, label: str) -> bool:
        """Forget every entry of a label; False when it could not be done."""

    async def mark(self, key: CacheKey) -> str:
        """The mark of a key now, "" when it has none; taken before asking, as the generation is."""

    async def invalidate(self, key: CacheKey) -> bool:
        """Mark a key: its entry is out of date, wherever it is read. False when it could not be done."""

    async def acquire(self, key: CacheKey, duration: float) -> str | None:
        """A lease to make a value, for `duration` seconds; None while another process has it, "" when no other could."""

    async def release(self, key: CacheKey, lease: str) -> None:
        """Give a lease back."""

    async def aclose(self) -> None: ...


class LocalCache:
    """The cache of one process. `seconds` counts them since 1970.

    Under a shared cache, it also remembers what that one said of labels and keys (`learn`, `learn_mark`), for when it
    no longer answers.
    """

    def __init__(self, memory: MemoryBackend, seconds: Callable[[], float] = time.time) -> None:
        self._memory, self.now = memory, seconds
        self._generations: dict[str, str] = {}
        # A forgotten mark makes its entry good again, until it expires: so as many marks are held as there may be entries.
        self._marks: LRUCache[str, str] = LRUCache(ENTRIES_MAX)

    async def read(self, keys: Sequence[CacheKey]) -> list[Entry | None]:
        entries = await self.raw(keys)
        return [
            judged(entry, self.known(key.label), self.known_mark(key)) for entry, key in zip(entries, keys, strict=True)
        ]

    async def raw(self, keys: Sequence[CacheKey]) -> list[Entry | None]:
        """The entries, of whatever generation."""
        entries = await self._memory.multi_get([key.name for key in keys]) if keys else []
        # aiocache answers nothing at all where the environment says AIOCACHE_DISABLE
        return entries if len(entries) == len(keys) else [None] * len(keys)

    def known(self, label: str) -> str:
        return self._generations.setdefault(label, new_generation())

    def learn(self, label: str, generation: str) -> None:
        self._generations[label] = generation

    def known_mark(self, key: CacheKey) -> str:
        return self._marks.get(key.name, "")

    def learn_mark(self, key: CacheKey, mark: str) -> None:
        if mark:
            self._marks[key.name] = mark
        else:
            self._marks.pop(key.name, None)

    async def generation(self, label: str) -> str:
        return self.known(label)

    async def keep(self, key: CacheKey, entry: Entry) -> None:
        lifetime = entry.expires_at - self.now()
        if lifetime > 0:  # a short one may be over before the value comes
            await self._memory.set(key.name, entry, ttl=lifetime)

    async def purge(self, label: str) -> bool:
        self.learn(label, new_generation())
        return True

    async def mark(self, key: CacheKey) -> str:
        return self.known_mark(key)

    async def invalidate(self, key: CacheKey) -> bool:
        self.learn_mark(key, new_generation())
        return True

    async def acquire(self, key: CacheKey, duration: float) -> str | None:
        return ""  # flights of one process are already one a key

    async def release(self, key: CacheKey, lease: str) -> None:
        pass

    async def aclose(self) -> None:
        pass


def cache_local(seconds: Callable[[], float] = time.time) -> LocalCache:
    """A bounded cache in this process's memory."""
    return LocalCache(MemoryBackend(ENTRIES_MAX, BYTES_MAX, seconds), seconds)


def new_generation() -> str:
    return secrets.token_hex(8)


def judged(entry: Entry | None, generation: str, mark: str) -> Entry | None:
    """The entry, unless its label was purged since; it says whether its key was invalidated."""
    if entry is None or entry.generation != generation:
        return None
    return entry if entry.mark == mark else replace(entry, invalidated=True)
