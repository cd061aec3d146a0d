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

from gateway.cache.memory import MemoryBackend

ENTRIES_MAX = 10_000
BYTES_MAX = 512 * 1024 * 1024

logger = logging.getLogger("gateway.cache")


@dataclass(frozen=True, slots=True)
class CacheKey:
    """`name` is canonical (`canonical_key`) and tells nothing; `label` names what is purged together: a source."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A kept value, which nobody changes afterwards: said at `ne_a`, forgotten at `expires_at` (seconds since 1970).

    `version` differs from one value to the next; `bytes_` is its approximate size in memory. `mark` is the key's mark when
    the value was asked for; `invalidated`, told by the cache that reads it, that the mark has changed since.
    """

    value: Any
    version: str
    ne_a: float
    expires_at: float
    generation: str
    bytes_: int
    mark: str = ""
    invalidated: bool = False


class Cache(Protocol):
    """Values by key. Nothing here raises for the cache's own failures."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    async def read(self, keys: Sequence[CacheKey]) -> list[Entry | None]:
        """What is kept of each key, in order, None where there is nothing."""
        ...

    async def generation(self, label: str) -> str:
        """The generation of a tag now; taken before asking, so that a purge meanwhile is not undone."""
        ...

    async def keep(self, key: CacheKey, kept: Entry) -> None:
        """Keep until the value expires; not at all when it has."""
        ...

    async def purge(self, label: str) -> bool:
        """Forget all that a tag holds; False when it could not be done."""
        ...

    async def mark(self, key: CacheKey) -> str:
        """The mark of a key now, "" when it has none; taken before asking, as the generation is."""
        ...

    async def invalidate(self, key: CacheKey) -> bool:
        """Mark a key: what is kept of it is out of date, wherever it is read. False when it could not be done."""
        ...

    async def acquire(self, key: CacheKey, duration: float) -> str | None:
        """The right to make a value, for `duration` seconds; None while another process has it, "" when no other could."""
        ...

    async def release(self, key: CacheKey, lease: str) -> None:
        """Give that right back."""
        ...

    async def aclose(self) -> None: ...


class LocalCache:
    """The cache of one process. `seconds` counts them since 1970."""

    def __init__(self, memory: MemoryBackend, seconds: Callable[[], float] = time.time) -> None:
        self._memory, self.now = memory, seconds
        self._generations: dict[str, str] = {}
        self._marks: LRUCache[str, str] = LRUCache(ENTRIES_MAX)

    async def read(self, keys: Sequence[CacheKey]) -> list[Entry | None]:
        kept_entries = await self.raw(keys)
        return [
            judged(g, self.known(key.label), self.known_mark(key)) for g, key in zip(kept_entries, keys, strict=True)
        ]

    async def raw(self, keys: Sequence[CacheKey]) -> list[Entry | None]:
        """What is kept, of whatever generation."""
        kept_entries = await self._memory.multi_get([key.name for key in keys]) if keys else []
        return (
            kept_entries if len(kept_entries) == len(keys) else [None] * len(keys)
        )  # AIOCACHE_DISABLE answers nothing

    def known(self, label: str) -> str:
        return self._generations.setdefault(label, new_generation())

    def learn(self, label: str, generation: str) -> None:
        """What the shared cache says of a tag, for when it no longer answers."""
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

    async def keep(self, key: CacheKey, kept: Entry) -> None:
        rest = kept.expires_at - self.now()
        if rest > 0:  # a short lifetime may be over before it is kept
            await self._memory.set(key.name, kept, ttl=rest)

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


def judged(kept: Entry | None, generation: str, mark: str) -> Entry | None:
    """The value, unless its tag was purged since; it says whether its key was invalidated."""
    if kept is None or kept.generation != generation:
        return None
    return kept if kept.mark == mark else replace(kept, invalidated=True)
