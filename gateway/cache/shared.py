"""A cache that several processes share, each with a memory of its own in front of it. Knows names and bytes, no value."""

# Four names a key, all under PREFIX, all digests (`SealedCodec.name`):
#   t  head: the version of the entry. It is short: a process that has already opened that version reads nothing more,
#      and reading costs one exchange, whatever the number of keys.
#   v  body: the entry, sealed. Written together with the head, so that none is read without the other for long.
#   i  mark: drawn when the key is invalidated.
#   b  lease: held by the process that makes the value.
# One name a label:
#   g  generation: drawn when the label is purged, or by whoever finds none.
#
# The shared cache says which entries hold; a process's memory only saves it from opening them again. Two processes
# answer alike therefore, as long as the shared cache answers. When it does not, it is left alone for REST seconds, so
# that requests do not queue behind its timeouts, and each process goes on with its memory, and with the generations
# and marks that it last learned.

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
GENERATION_LIFE = 7 * 24 * 3600.0  # seconds that a generation or a mark is remembered; forgotten, it is another
PREFIX = "passerelle"


class SharedCache:
    """`remote` keeps bytes by name; `local` holds what this process has opened, and the clock."""

    def __init__(self, remote: BaseCache, sealed_codec: SealedCodec, local: LocalCache) -> None:
        self._remote, self._sealed_codec, self._local = remote, sealed_codec, local
        self.now = local.now
        self._rest_until = 0.0

    async def read(self, keys: Sequence[CacheKey]) -> list[Entry | None]:
        if not keys:
            return []
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
        others = [key for key, entry, head in zip(keys, opened, heads, strict=True) if head and not _is(entry, head)]
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
            self._learn_generations([label], await self._get([name], ATTEMPTS) or [None])
        return self._local.known(label)

    async def keep(self, key: CacheKey, entry: Entry) -> None:
        await self._local.keep(key, entry)
        head, body = self._names("t", [key.name]) + self._names("v", [key.name])
        # Thousands of records are written and sealed: in a thread, the loop goes on answering.
        sealed = await asyncio.to_thread(self._sealed_codec.close, body, entry)
        lifetime = entry.expires_at - self.now()
        if lifetime > 0:
            await self._set([(body, sealed), (head, entry.version.encode())], lifetime)

    async def purge(self, label: str) -> bool:
        (name,) = self._names("g", [label])
        return await self._set([(name, new_generation().encode())], GENERATION_LIFE)

    async def mark(self, key: CacheKey) -> str:
        self._learn_marks([key], await self._get(self._names("i", [key.name]), ATTEMPTS) or [])
        return self._local.known_mark(key)

    async def invalidate(self, key: CacheKey) -> bool:
        (name,), drawn = self._names("i", [key.name]), new_generation()
        # Here at least the event holds at once, whether or not the shared cache can be told.
        self._local.learn_mark(key, drawn)
        return await self._set([(name, drawn.encode())], GENERATION_LIFE)

    async def acquire(self, key: CacheKey, duration: float) -> str | None:
        (name,), lease = self._names("b", [key.name]), secrets.token_hex(8)
        return None if await self._add(name, lease, duration) is False else lease

    async def release(self, key: CacheKey, lease: str) -> None:
        (name,) = self._names("b", [key.name])
        await self._attempt(lambda: self._remote._redlock_release(name, lease.encode()))  # only while it is ours

    async def aclose(self) -> None:
        await self._remote.close()

    def _names(self, kind: str, names: Sequence[str]) -> list[str]:
        return [f"{PREFIX}:{kind}:{self._sealed_codec.name(name)}" for name in names]

    def _learn_generations(self, labels: Sequence[str], values: Sequence[bytes | None]) -> dict[str, str]:
        """The generations read, learned; of a label that has none, one that no entry has."""
        generations = {label: value.decode() if value else "" for label, value in zip(labels, values, strict=False)}
        for label, generation in generations.items():
            if generation:
                self._local.learn(label, generation)
        return generations

    def _learn_marks(self, keys: Sequence[CacheKey], values: Sequence[bytes | None]) -> list[str]:
        """The marks read, learned, an absent one included: two processes must not differ on it."""
        marks = [value.decode() if value else "" for value in values]
        for key, mark in zip(keys, marks, strict=False):
            self._local.learn_mark(key, mark)
        return marks

    async def _open(self, keys: Sequence[CacheKey]) -> dict[str, Entry]:
        """The entries that this process has not opened yet, by name of key: opened in a thread, then kept in its memory."""
        names = self._names("v", [key.name for key in keys])
        sealed = (await self._get(names) if names else None) or [None] * len(names)
        entries = await asyncio.to_thread(lambda: list(map(self._opened, names, sealed)))
        found = [(key, e) for key, e in zip(keys, entries, strict=True) if e and e.expires_at > self.now()]
        for key, entry in found:
            await self._local.keep(key, entry)
        return {key.name: entry for key, entry in found}

    def _opened(self, name: str, sealed: bytes | None) -> Entry | None:
        entry = self._sealed_codec.open(name, sealed) if sealed else None
        if sealed and entry is None:
            logger.warning("cache partagé : une valeur illisible est écartée")
        return entry

    async def _get(self, names: Sequence[str], attempts: int = 1) -> list[bytes | None] | None:
        values = await self._attempt(lambda: self._remote.multi_get(names), attempts)
        # aiocache answers nothing at all where the environment says AIOCACHE_DISABLE
        return values if values is not None and len(values) == len(names) else None

    async def _set(self, pairs: list[tuple[str, bytes]], duration: float) -> bool:
        return bool(await self._attempt(lambda: self._remote.multi_set(pairs, ttl=duration), ATTEMPTS))

    async def _add(self, name: str, text: str, duration: float) -> bool | None:
        """True when it was written, False when somebody had before; None: the cache does not answer."""

        async def add() -> bool:
            try:
                return bool(await self._remote.add(name, text.encode(), ttl=float(duration)))
            except ValueError:  # somebody, or ourselves the time before, whose answer was late
                return bool(await self._remote.get(name) == text.encode())

        return await self._attempt(add, ATTEMPTS)

    async def _attempt(self, request: Callable[[], Awaitable[T]], attempts: int = 1) -> T | None:
        """The answer, or None when there is none within `attempts` timeouts or the cache rests."""
        if self.now() < self._rest_until:
            return None
        try:
            return await request()
        except TimeoutError as error:
            # A busy loop may see too late an answer that came: who has nobody waiting insists.
            if attempts > 1:
                return await self._attempt(request, attempts - 1)
            self._rest(error)
        except Exception as error:  # a cache is never worth an answer
            self._rest(error)
        return None

    def _rest(self, error: Exception) -> None:
        self._rest_until = self.now() + REST
        # The text of the error may hold a name: its kind is enough.
        logger.warning("cache partagé sans réponse : %s", type(error).__name__)


def _is(entry: Entry | None, head: bytes) -> bool:
    return entry is not None and entry.version.encode() == head
