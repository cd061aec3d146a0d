"""Flights: one a key in this process, and one among all the processes of a shared cache. Knows no caller and no partner.

A flight belongs to nobody: it runs to its own end, whoever stops waiting, and its answer is kept (docs/architecture.md). Its
error is not kept as an answer, only remembered until the next flight for its key.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from cachetools import LRUCache

from gateway.cache.seam import Cache, CacheKey, Entry
from gateway.concurrency import SingleFlight
from gateway.errors import SourceError
from gateway.sources.units import CacheStatus, Unit, UnitFailure, UnitResult

WAIT = 0.05  # seconds between two looks at what another process is bringing
FAILURES_MAX = 4096
TIDYING = 2.0  # seconds beyond its reading that a flight may take: what it must not be overtaken in
BYTES_PER_RECORD = 4_608  # measured over the default population: a young person as nouns


@dataclass(frozen=True, slots=True)
class Fetch:
    """One fetch to make: how to read the unit, within `timeout` seconds, how long its answer may be kept, what is known, and
    what another process may have brought: `fresh` says whether it serves as an answer of now."""

    unit: Unit
    key: CacheKey
    read: Callable[[Unit, UnitResult | None], Awaitable[UnitResult | UnitFailure]]
    timeout: float
    duration: float
    fresh: Callable[[Entry], bool]
    kept: Entry | None = None

    def known(self, generation: str, mark: str) -> UnitResult | None:
        """What the partner may confirm; nothing of what was purged since, even if we still hold it, nor of what changed."""
        kept = self.kept
        known: UnitResult | None = kept.value if kept and (kept.generation, kept.mark) == (generation, mark) else None
        return known


class SharedFlights:
    """The flights under way, over one cache."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._flights: SingleFlight[CacheKey, UnitResult | UnitFailure] = SingleFlight()
        self._failures: LRUCache[CacheKey, SourceError] = LRUCache(FAILURES_MAX)

    def failure(self, key: CacheKey) -> SourceError | None:
        """Why the last flight for a key brought nothing, None when it did."""
        return self._failures.get(key)

    def in_flight(self, key: CacheKey) -> bool:
        """Whether a flight is under way for a key."""
        return key in self._flights

    def flight(self, fetch: Fetch) -> asyncio.Task[UnitResult | UnitFailure]:
        """The flight under way for this key, else a new one, in a context that holds nothing of its first asker.

        What was said after what is known is news, whoever brought it. One that has just landed is not: it may have left
        before an event, and whoever it woke may ask again before it is forgotten here.
        """
        return self._flights.start(fetch.key, partial(self._fly, fetch))

    async def aclose(self) -> None:
        """End them all."""
        await self._flights.aclose()

    async def _fly(self, fetch: Fetch) -> UnitResult | UnitFailure:
        """Fetch, or wait for the process that does: its answer comes by the cache; when it fails, it is our turn."""
        departure = self._cache.now()
        while (lease := await self._cache.acquire(fetch.key, fetch.timeout + TIDYING)) is None:
            if (brought := await self._is_new(fetch, departure)) is not None:
                return brought
            await asyncio.sleep(WAIT)
        try:
            if (
                lease and (brought := await self._is_new(fetch, departure)) is not None
            ):  # no lease: nobody could bring any
                return brought
            generation, mark = await self._cache.generation(fetch.key.label), await self._cache.mark(fetch.key)
            answer = await fetch.read(fetch.unit, fetch.known(generation, mark))
            await self._keep(fetch, answer, generation, mark)
            return answer
        finally:
            await self._cache.release(fetch.key, lease)

    async def _is_new(self, fetch: Fetch, departure: float) -> UnitResult | None:
        """What was kept since what is known; before this flight left, it was there for an asker whom the cache did not answer:
        nobody asked the partner for him."""
        (kept,) = await self._cache.read([fetch.key])
        if kept is None or kept.invalidated or not fetch.fresh(kept):
            return None
        if fetch.kept and kept.ne_a <= fetch.kept.ne_a:
            return None
        cache = CacheStatus.MISSED if kept.ne_a >= departure else CacheStatus.HIT
        brought: UnitResult = replace(kept.value, cache=cache, age=self._cache.now() - kept.ne_a)
        return brought

    async def _keep(self, fetch: Fetch, answer: UnitResult | UnitFailure, generation: str, mark: str) -> None:
        """Keep an answer under the generation and the mark read before it was asked for; remember a failure."""
        if isinstance(answer, UnitFailure):
            self._failures[fetch.key] = answer.error
            return
        self._failures.pop(fetch.key, None)
        now = self._cache.now()
        size = BYTES_PER_RECORD * (1 + len(answer.records))
        version = f"{answer.version}@{now}"  # an answer that is confirmed is another one to keep: it has another age
        await self._cache.keep(fetch.key, Entry(answer, version, now, now + fetch.duration, generation, size, mark))
