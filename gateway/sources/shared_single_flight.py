"""Single flight: one run a key in this process, and one among all the processes of a shared cache; and who waits for them.

A flight belongs to nobody: it runs to its own end, whoever stops waiting, and its answer is kept (docs/architecture.md). Its
error is not kept as an answer, only remembered until the next flight for its key. Knows no caller, and a partner by its rules.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from cachetools import LRUCache

from gateway.cache.interface import Cache, CacheKey, Entry
from gateway.concurrency import HALF, SingleFlight
from gateway.error_places import place_of
from gateway.errors import SourceError, SourceInvalid
from gateway.sources.partners.load import Partner
from gateway.sources.units import CacheStatus, Unit, UnitFailure, UnitResult

WAIT = 0.05  # seconds between two looks at what another process is bringing
FAILURES_MAX = 4096
TIDYING = 2.0  # seconds beyond its reading that a flight may take: what it must not be overtaken in
BYTES_PER_RECORD = 4_608  # measured over the default population: a young person as nouns
INSTANT = 0.05  # seconds (docs/fiabilite.md) that a source left alone may cost an asker
WAITERS_MAX = HALF  # askers that wait for one partner at a time
logger = logging.getLogger("gateway.sources")

Flight = asyncio.Task[UnitResult | UnitFailure]


@dataclass(frozen=True, slots=True)
class Fetch:
    """One unit asked for: the entry kept of it and what that may serve for, and the flight that brings news, if there is one.

    `known` is what the entry says, with its age when the unit was asked for. `expected`: an answer is to be expected of the
    flight, no breaker is between us and the partner.
    """

    unit: Unit
    key: CacheKey
    kept: Entry | None = None
    status: CacheStatus = CacheStatus.MISSED
    known: UnitResult | None = None
    flight: Flight | None = None
    expected: bool = True

    def known_under(self, generation: str, mark: str) -> UnitResult | None:
        """What the partner may confirm; nothing of what was purged since, even if we still hold it, nor of what changed."""
        kept = self.kept
        said: UnitResult | None = kept.value if kept and (kept.generation, kept.mark) == (generation, mark) else None
        return said


class PartnerReader(Protocol):
    """Reads the units of one partner, within its rules."""

    partner: Partner

    async def read(self, unit: Unit, known: UnitResult | None = None) -> UnitResult | UnitFailure: ...


class SharedSingleFlight:
    """The flights under way, over one cache. `is_fresh`: whether an entry serves as an answer of now."""

    def __init__(
        self, cache: Cache, readers: Mapping[str, PartnerReader], is_fresh: Callable[[Unit, Entry], bool]
    ) -> None:
        self._cache, self._readers, self._is_fresh = cache, readers, is_fresh
        self._flights: SingleFlight[CacheKey, UnitResult | UnitFailure] = SingleFlight()
        self._failures: LRUCache[CacheKey, SourceError] = LRUCache(FAILURES_MAX)

    def failure(self, key: CacheKey) -> SourceError | None:
        """Why the last flight for a key brought nothing, None when it did."""
        return self._failures.get(key)

    def in_flight(self, key: CacheKey) -> bool:
        """Whether a flight is under way for a key."""
        return key in self._flights

    def flight(self, fetch: Fetch) -> Flight:
        """The flight under way for this key, else a new one, in a context that holds nothing of its first asker but ids.

        What was said after what is known is news, whoever brought it. One that has just landed is not: it may have left
        before an event, and whoever it woke may ask again before it is forgotten here.
        """
        return self._flights.start(fetch.key, partial(self._landed, fetch))

    async def aclose(self) -> None:
        """End them all."""
        await self._flights.aclose()

    async def _landed(self, fetch: Fetch) -> UnitResult | UnitFailure:
        """What the partner says, or what another process was told meanwhile. A flight that fails in any way is a failure of its
        unit: those who wait for others have theirs."""
        departure, reader, lease = self._cache.now(), self._readers[fetch.unit.source], ""
        try:
            lease, brought = await self._lease(fetch, departure, reader.partner.limites.delai_secondes + TIDYING)
            if lease:
                brought = await self._news(fetch, departure)
            if brought is not None:
                return brought
            generation, mark = await self._cache.generation(fetch.key.label), await self._cache.mark(fetch.key)
            answer = await reader.read(fetch.unit, fetch.known_under(generation, mark))
            await self._keep(fetch, answer, generation, mark)
            return answer
        except Exception as error:
            logger.error("source %s : %s", fetch.unit.source, place_of(error))
            failed = SourceInvalid(fetch.unit.source, "réponse du partenaire d'une forme inattendue")
            self._failures[fetch.key] = failed
            return UnitFailure(fetch.unit, failed)
        finally:
            if lease:
                await self._cache.release(fetch.key, lease)

    async def _lease(self, fetch: Fetch, departure: float, duration: float) -> tuple[str, UnitResult | None]:
        """The lease to fetch, for `duration` seconds, "" when there is none to have; and the answer of the process that had it:
        it comes by the cache, and when that one fails, it is our turn."""
        until = departure + 2 * duration
        # Beyond, whoever holds the lease is no process of ours: nobody reads for that long.
        while (lease := await self._cache.acquire(fetch.key, duration)) is None and self._cache.now() < until:
            if (brought := await self._news(fetch, departure)) is not None:
                return "", brought
            await asyncio.sleep(WAIT)
        # An empty lease: the cache does not answer, so that nobody could bring anything by it.
        return lease or "", None

    async def _news(self, fetch: Fetch, departure: float) -> UnitResult | None:
        """What was kept since what is known; before this flight left, it was there for an asker whom the cache did not answer:
        nobody asked the partner for him."""
        (kept,) = await self._cache.read([fetch.key])
        if kept is None or kept.invalidated or not self._is_fresh(fetch.unit, kept):
            return None
        if fetch.kept and kept.said_at <= fetch.kept.said_at:
            return None
        cache = CacheStatus.MISSED if kept.said_at >= departure else CacheStatus.HIT
        brought: UnitResult = replace(kept.value, cache=cache, age=self._cache.now() - kept.said_at)
        return brought

    async def _keep(self, fetch: Fetch, answer: UnitResult | UnitFailure, generation: str, mark: str) -> None:
        """Keep an answer under the generation and the mark read before it was asked for; remember a failure."""
        if isinstance(answer, UnitFailure):
            self._failures[fetch.key] = answer.error
            return
        self._failures.pop(fetch.key, None)
        now = self._cache.now()
        expires_at = now + self._readers[fetch.unit.source].partner.cache.secours_secondes
        size = BYTES_PER_RECORD * (1 + len(answer.records))
        version = f"{answer.version}@{now}"  # an answer that is confirmed is another one to keep: it has another age
        await self._cache.keep(fetch.key, Entry(answer, version, now, expires_at, generation, size, mark))


class Waiters:
    """Who waits for which partner, in this process.

    A partner that hangs would otherwise fill the gateway with those who wait for it, and turn away the readers of others.
    """

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()

    async def wait(self, fetches: Sequence[Fetch], timeout: float) -> None:
        """Until all have landed, or `timeout` seconds; a moment only for what is not sure, or too many wait for."""
        flights = [fetch.flight for fetch in fetches if fetch.flight]
        if not flights:
            return
        await asyncio.wait(flights, timeout=max(0.0, min(INSTANT, timeout)))
        remaining: defaultdict[str, list[Flight]] = defaultdict(list)
        for fetch in fetches:
            if fetch.flight and fetch.expected and not fetch.flight.done():
                remaining[fetch.unit.source].append(fetch.flight)
        await asyncio.gather(*(self._wait_seated(*pair, timeout - INSTANT) for pair in remaining.items()))

    async def _wait_seated(self, source: str, flights: Collection[Flight], timeout: float) -> None:
        if self._waiting[source] >= WAITERS_MAX:
            return
        self._waiting[source] += 1
        try:
            await asyncio.wait(flights, timeout=max(0.0, timeout))
        finally:
            self._waiting[source] -= 1
