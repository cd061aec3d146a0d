"""A cache that several processes share. What this one has opened stays in its memory; the shared one says whether it holds.

Under four names a key: a head (the version kept, to know without reading it whether ours is the one), a sealed body, a mark
(once invalidated) and a lease. The shared cache is left alone a second after it failed: meanwhile each process has its own.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from aiocache.base import BaseCache

from gateway.cache.sealed import SealedCodec
from gateway.cache.seam import CacheKey, Entry, LocalCache, judged, logger, new_generation

T = TypeVar("T")

REST = 1.0  # seconds
ATTEMPTS = 3  # of what no caller waits for
GENERATION = 7 * 24 * 3600.0  # seconds a generation or a mark is remembered; forgotten, it is another
PREFIX = "passerelle"


class SharedCache:
    """`distant` keeps bytes by name; `local` what this process has opened, and the clock."""

    def __init__(self, distant: BaseCache, sealed_codec: SealedCodec, local: LocalCache) -> None:
        self._remote, self._sealed_codec, self._local = distant, sealed_codec, local
        self.now = local.now
        self._rest_until = 0.0

    async def read(self, keys: Sequence[CacheKey]) -> list[Entry | None]:
        if not keys:
            return []
        locales = await self._local.raw(keys)
        labels = sorted({key.label for key in keys})
        names = [key.name for key in keys]
        values_read = await self._values_read(
            [*self._names("g", labels), *self._names("t", names), *self._names("i", names)]
        )
        if values_read is None:
            return await self._local.read(keys)
        generations, values_read = self._generations(labels, values_read), values_read[len(labels) :]
        heads = values_read[: len(keys)]
        marks = self._mark(keys, values_read[len(keys) :])
        fresh_ones = [key for key, g, head in zip(keys, locales, heads, strict=True) if head and not _is(g, head)]
        open_ones = await self._open(fresh_ones)
        kept_entries = [open_ones.get(key.name, locale) for key, locale in zip(keys, locales, strict=True)]
        return [judged(g, generations[key.label], mark) for g, key, mark in zip(kept_entries, keys, marks, strict=True)]

    async def generation(self, label: str) -> str:
        (name,) = self._names("g", [label])
        fresh_one = new_generation()
        if await self._add(name, fresh_one, GENERATION):
            self._local.learn(label, fresh_one)
        else:
            self._generations([label], await self._values_read([name], ATTEMPTS) or [None])
        return self._local.known(label)

    async def keep(self, key: CacheKey, kept: Entry) -> None:
        await self._local.keep(key, kept)
        head, body = self._names("t", [key.name]) + self._names("v", [key.name])
        sealed = await asyncio.to_thread(self._sealed_codec.close, body, kept)
        rest = kept.expires_at - self.now()
        if rest > 0:
            await self._write([(body, sealed), (head, kept.version.encode())], rest)

    async def purge(self, label: str) -> bool:
        (name,) = self._names("g", [label])
        return await self._write([(name, new_generation().encode())], GENERATION)

    async def mark(self, key: CacheKey) -> str:
        self._mark([key], await self._values_read(self._names("i", [key.name]), ATTEMPTS) or [])
        return self._local.known_mark(key)

    async def invalidate(self, key: CacheKey) -> bool:
        (name,), fresh_one = self._names("i", [key.name]), new_generation()
        self._local.learn_mark(key, fresh_one)
        return await self._write([(name, fresh_one.encode())], GENERATION)

    async def acquire(self, key: CacheKey, duration: float) -> str | None:
        (name,), lease = self._names("b", [key.name]), secrets.token_hex(8)
        return None if await self._add(name, lease, duration) is False else lease

    async def release(self, key: CacheKey, lease: str) -> None:
        (name,) = self._names("b", [key.name])
        await self._attempt(lambda: self._remote._redlock_release(name, lease.encode()))  # only while it is ours

    async def aclose(self) -> None:
        await self._remote.close()

    def _names(self, kind: str, keys: Sequence[str]) -> list[str]:
        return [f"{PREFIX}:{kind}:{self._sealed_codec.name(key)}" for key in keys]

    def _generations(self, labels: Sequence[str], rows_read: Sequence[bytes | None]) -> dict[str, str]:
        """The generations read, learned; of a tag that has none, one that no value has."""
        for label, row_read in zip(labels, rows_read, strict=False):
            if row_read:
                self._local.learn(label, row_read.decode())
        return {tag: row_read.decode() if row_read else "" for tag, row_read in zip(labels, rows_read, strict=False)}

    def _mark(self, keys: Sequence[CacheKey], rows_read: Sequence[bytes | None]) -> list[str]:
        """What the shared cache says of marks is what holds, an absent one included: two processes must not differ on it."""
        marks = [row_read.decode() if row_read else "" for row_read in rows_read]
        for key, mark in zip(keys, marks, strict=False):
            self._local.learn_mark(key, mark)
        return marks

    async def _open(self, keys: Sequence[CacheKey]) -> dict[str, Entry]:
        """The bodies that this process has not opened yet: opened beside the loop, and kept so."""
        names = self._names("v", [key.name for key in keys])
        sealed = (await self._values_read(names) if names else None) or [None] * len(names)
        kept_entries = await asyncio.to_thread(lambda: list(map(self._opened, names, sealed)))
        found_ones = [(c, g) for c, g in zip(keys, kept_entries, strict=True) if g and g.expires_at > self.now()]
        for key, kept in found_ones:
            await self._local.keep(key, kept)
        return {key.name: kept for key, kept in found_ones}

    def _opened(self, name: str, sealed: bytes | None) -> Entry | None:
        kept = self._sealed_codec.open(name, sealed) if sealed else None
        if sealed and kept is None:
            logger.warning("cache partagé : une valeur illisible est écartée")
        return kept

    async def _values_read(self, names: Sequence[str], attempts: int = 1) -> list[bytes | None] | None:
        values_read = await self._attempt(lambda: self._remote.multi_get(names), attempts)
        return (
            values_read if values_read is not None and len(values_read) == len(names) else None
        )  # AIOCACHE_DISABLE answers nothing

    async def _write(self, pairs: list[tuple[str, bytes]], duration: float) -> bool:
        return bool(await self._attempt(lambda: self._remote.multi_set(pairs, ttl=duration), ATTEMPTS))

    async def _add(self, name: str, text: str, duration: float) -> bool | None:
        """Whether it was written, False when somebody had before; None: the cache does not answer."""

        async def add() -> bool:
            try:
                return bool(await self._remote.add(name, text.encode(), ttl=float(duration)))
            except ValueError:  # somebody, or ourselves the time before, whose answer was late
                return bool(await self._remote.get(name) == text.encode())

        return await self._attempt(add, ATTEMPTS)

    async def _attempt(self, request: Callable[[], Awaitable[T]], attempts: int = 1) -> T | None:
        """None when the cache does not answer. A busy loop may see a late answer as none: flights can afford to insist."""
        if self.now() < self._rest_until:
            return None
        try:
            return await request()
        except TimeoutError as error:
            if attempts > 1:
                return await self._attempt(request, attempts - 1)
            self._rest(error)
        except Exception as error:  # a cache is never worth an answer
            self._rest(error)
        return None

    def _rest(self, error: Exception) -> None:
        """Leave it alone for a while. The text of the error may hold a key: its name is enough."""
        self._rest_until = self.now() + REST
        logger.warning("cache partagé sans réponse : %s", type(error).__name__)


def _is(kept: Entry | None, head: bytes) -> bool:
    return kept is not None and kept.version.encode() == head
