"""A cache that several processes share, each with a memory of its own in front of it. Knows names and bytes, no value.

Four names a key, all under PREFIX, all digests (`SealedCodec.name`):
  t  head: the version of the entry. It is short: a process that has already opened that version reads nothing more,
     and reading costs one exchange, whatever the number of keys.
  v  body: the entry, sealed. Written together with the head, so that none is read without the other for long.
  i  mark: drawn when the key is invalidated.
  b  lease: held by the process that makes the value.
One name a label:
  g  generation: drawn when the label is purged, or by whoever finds none.

The shared cache says which entries hold; a process's memory only saves it from opening them again. Two processes
answer alike therefore, as long as the shared cache answers. When it does not (`redis_breaker`), each process goes on with
its memory, and with the generations and marks that it last learned. Marks that were drawn meanwhile are told to it before
anything is read from it again: what it does not know of them would unsay them.

Who can write there may alter anything. A body that does not open, or is not of its head's version, is absent; what is no
generation or mark of ours is another generation, another mark: what was kept is asked again, nothing out of date is served.
"""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from aiocache.base import BaseCache
from cachetools import LRUCache

from gateway.cache.interface import ENTRIES_MAX, CacheKey, Entry, LocalCache, judged, new_generation
from gateway.cache.redis import BODY_MAX, PREFIX
from gateway.cache.sealed import SealedCodec
from gateway.redis_breaker import RedisBreaker

T = TypeVar("T")

GENERATION_LIFE = 7 * 24 * 3600.0  # seconds that a generation or a mark is remembered; forgotten, it is another
USE = "cache"
_DRAWN = re.compile(rb"[0-9a-f]{16}")  # what `new_generation` draws


class SharedCache:
    """`remote` keeps bytes by name; `local` holds what this process has opened, and the clock."""

    def __init__(
        self, remote: BaseCache, sealed_codec: SealedCodec, local: LocalCache, redis_breaker: RedisBreaker
    ) -> None:
        self._remote, self._sealed_codec, self._local = remote, sealed_codec, local
        self.now = local.now
        self._redis_breaker = redis_breaker
        self._untold: LRUCache[str, str] = LRUCache(ENTRIES_MAX)  # marks that it did not take, by name

    async def read(self, keys: Sequence[CacheKey]) -> list[Entry | None]:
        if not keys:
            return []
        if not await self._tell_marks():
            return await self._local.read(keys)
        opened = await self._local.raw(keys)
        labels = sorted({key.label for key in keys})
        names = [key.name for key in keys]
        values = await self._get([*self._names("g", labels), *self._names("t", names), *self._names("i", names)])
        if values is None:
            return await self._local.read(keys)
        generations, values = self._learn_generations(labels, values), values[len(labels) :]
        heads = values[: len(keys)]
        marks = self._learn_marks(keys, values[len(keys) :])
        # No head, and yet ours is opened: the shared cache lost it (its memory is bounded too), which unsays nothing.
        others = {
            key: head for key, entry, head in zip(keys, opened, heads, strict=True) if head and not _is(entry, head)
        }
        newly = await self._open(others)
        entries = [newly.get(key.name, entry) for key, entry in zip(keys, opened, strict=True)]
        return [
            judged(entry, generations[key.label], mark) for entry, key, mark in zip(entries, keys, marks, strict=True)
        ]

    async def generation(self, label: str) -> str:
        (name,), drawn = self._names("g", [label]), new_generation()
        # Whoever adds first decides for all: a generation read as missing by two processes must not become two.
        if await self._add(name, drawn, GENERATION_LIFE):
            self._local.learn(label, drawn)
        else:
            self._learn_generations([label], await self._get([name]) or [None])
        return self._local.known(label)

    async def keep(self, key: CacheKey, entry: Entry) -> None:
        await self._local.keep(key, entry)
        head, body = self._names("t", [key.name]) + self._names("v", [key.name])
        # Thousands of records are written and sealed: in a thread, the loop goes on answering.
        sealed = await asyncio.to_thread(self._sealed_codec.close, body, entry)
        lifetime = entry.expires_at - self.now()
        if lifetime > 0 and len(sealed) <= BODY_MAX:
            await self._set([(body, sealed), (head, entry.version.encode())], lifetime)

    async def purge(self, label: str) -> bool:
        (name,) = self._names("g", [label])
        return await self._set([(name, new_generation().encode())], GENERATION_LIFE)

    async def mark(self, key: CacheKey) -> str:
        if await self._tell_marks():
            self._learn_marks([key], await self._get(self._names("i", [key.name])) or [])
        return self._local.known_mark(key)

    async def invalidate(self, key: CacheKey) -> bool:
        (name,), drawn = self._names("i", [key.name]), new_generation()
        # Here at least the event holds at once, whether or not the shared cache can be told.
        self._local.learn_mark(key, drawn)
        self._untold[name] = drawn
        return await self._tell_marks()

    async def acquire(self, key: CacheKey, duration: float) -> str | None:
        (name,), lease = self._names("b", [key.name]), secrets.token_hex(8)
        return None if await self._add(name, lease, duration) is False else lease

    async def release(self, key: CacheKey, lease: str) -> None:
        (name,) = self._names("b", [key.name])
        if lease:
            await self._use(lambda: self._remote._redlock_release(name, lease.encode()))  # only while it is ours

    async def aclose(self) -> None:
        await self._remote.close()

    async def _tell_marks(self) -> bool:
        """Tell the marks that it was not told yet; False when it does not take them."""
        told = dict(self._untold)
        if told and not await self._set([(name, mark.encode()) for name, mark in told.items()], GENERATION_LIFE):
            return False
        for name, mark in told.items():
            if self._untold.get(name) == mark:  # and not another, drawn meanwhile
                del self._untold[name]
        return True

    def _names(self, kind: str, names: Sequence[str]) -> list[str]:
        """Heads and bodies are of one form of the values: two releases side by side have each its own."""
        form = f"{self._sealed_codec.form}/" if kind in "tv" else ""
        return [f"{PREFIX}:{kind}:{self._sealed_codec.name(form + name)}" for name in names]

    def _learn_generations(self, labels: Sequence[str], values: Sequence[bytes | None]) -> dict[str, str]:
        """The generations read, learned; of a label that has none, one that no entry has."""
        generations = {label: self._drawn(value) for label, value in zip(labels, values, strict=False)}
        for label, generation in generations.items():
            if generation:
                self._local.learn(label, generation)
        return generations

    def _learn_marks(self, keys: Sequence[CacheKey], values: Sequence[bytes | None]) -> list[str]:
        """The marks read, learned, an absent one included: two processes must not differ on it."""
        marks = [self._drawn(value) for value in values]
        for key, mark in zip(keys, marks, strict=False):
            self._local.learn_mark(key, mark)
        return marks

    def _drawn(self, value: bytes | None) -> str:
        """A generation or a mark as it was drawn, "" for none; of what is altered, one that every process reads alike."""
        if not value:
            return ""
        if _DRAWN.fullmatch(value):
            return value.decode()
        self._redis_breaker.altered(USE)
        return hashlib.sha256(value).hexdigest()[:16]

    async def _open(self, heads: Mapping[CacheKey, bytes]) -> dict[str, Entry]:
        """The entries that this process has not opened yet, by name of key: opened in a thread, then kept in its memory.

        One that is not of its head's version was written meanwhile, or is altered: absent, it is looked for again.
        """
        names = self._names("v", [key.name for key in heads])
        sealed = (await self._get(names) if names else None) or [None] * len(names)
        entries = await asyncio.to_thread(lambda: list(map(self._opened, names, sealed)))
        found = [
            (key, entry)
            for (key, head), entry in zip(heads.items(), entries, strict=True)
            if entry and entry.expires_at > self.now() and _is(entry, head)
        ]
        for key, entry in found:
            await self._local.keep(key, entry)
        return {key.name: entry for key, entry in found}

    def _opened(self, name: str, sealed: bytes | None) -> Entry | None:
        entry = self._sealed_codec.open(name, sealed) if sealed else None
        if sealed and entry is None:
            self._redis_breaker.altered(USE)
        return entry

    async def _get(self, names: Sequence[str]) -> list[bytes | None] | None:
        values = await self._use(lambda: self._remote.multi_get(names))
        # aiocache answers nothing at all where the environment says AIOCACHE_DISABLE
        return values if values is not None and len(values) == len(names) else None

    async def _set(self, pairs: list[tuple[str, bytes]], duration: float) -> bool:
        return bool(await self._use(lambda: self._remote.multi_set(pairs, ttl=float(duration))))

    async def _add(self, name: str, text: str, duration: float) -> bool | None:
        """True when it was written, False when somebody had before; None: the cache does not answer."""

        async def add() -> bool:
            try:
                return bool(await self._remote.add(name, text.encode(), ttl=float(duration)))
            except ValueError:  # somebody, or ourselves the time before, whose answer was late
                return bool(await self._remote.get(name) == text.encode())

        return await self._use(add)

    async def _use(self, request: Callable[[], Awaitable[T]]) -> T | None:
        """The answer of the shared cache, None when there is none."""
        return await self._redis_breaker.use(USE, request)


def _is(entry: Entry | None, head: bytes) -> bool:
    return entry is not None and entry.version.encode() == head
