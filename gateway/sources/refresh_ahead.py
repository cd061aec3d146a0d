"""Keeps young what callers use: units read lately are asked again before they expire, by what partners can spare.

Knows no noun, no caller and no HTTP. One unit at a time and a partner, in one process at a time; a partner in trouble is
left alone. What cannot be kept so is served stale and asked again behind, as anything else.
"""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

from gateway.cache.interface import Cache, CacheKey, Entry, canonical_key
from gateway.concurrency import Sleep, every
from gateway.sources.fetch import Sources
from gateway.sources.partners.file_format import CacheTable
from gateway.sources.units import Unit

ACTIVE = 900.0  # seconds a unit is kept young after it was last read
AHEAD = 0.8  # of its fresh lifetime: when it is asked again
PERIOD = 10.0  # seconds between two turns; what lives less than two of them is not worth keeping so
SWEEP = 60.0  # seconds of a turn, after which another process may have its own
RETRY_AFTER = 60.0  # seconds before what was asked is asked again, whatever came of it
PATIENCE = 0.2  # seconds a partner that others are asking is left alone

logger = logging.getLogger("gateway.sources")


def dues(last_read: Mapping[Unit, float], reviews: Mapping[Unit, float], source: str, instant: float) -> list[Unit]:
    """The units of a partner that are in use and to be looked at, the last read first. `reviews`: not before when."""
    useful = [u for u, read_at in last_read.items() if u.source == source and read_at > instant - ACTIVE]
    return sorted((u for u in useful if reviews.get(u, 0.0) <= instant), key=lambda u: (-last_read[u], u.key))


def to_refetch(kept: Entry, rules: CacheTable) -> float:
    """When a kept answer is to be asked again: before it expires, by enough to fetch it meanwhile; at once if it is known to
    be out of date."""
    return kept.said_at if kept.invalidated else kept.said_at + AHEAD * rules.duree_secondes


class RefreshAhead:
    """The upkeep of all partners. `sleep` waits; instants are the cache's."""

    def __init__(self, sources: Sources, cache: Cache, sleep: Sleep) -> None:
        self._sources, self._cache, self._sleep = sources, cache, sleep
        self._reviews: dict[Unit, float] = {}

    async def watch(self) -> None:
        """For ever: each partner at its own pace."""
        async with asyncio.TaskGroup() as group:
            for name, partner in self._sources.partners.items():
                if partner.cache.duree_secondes >= 2 * PERIOD:
                    group.create_task(self._watch(name))

    async def _watch(self, source: str) -> None:
        def failed(error: Exception) -> None:  # what it would have kept young is served stale
            logger.error("entretien de %s : %s", source, type(error).__name__)

        await every(PERIOD, partial(self.sweep, source), failed, self._sleep, first=PERIOD)

    async def sweep(self, source: str) -> None:
        """Once over what is used of a partner, unless another process is at it."""
        end = self._cache.now() + SWEEP
        self._forget()
        if not dues(self._sources.last_read, self._reviews, source, self._cache.now()):
            return
        key, duration = CacheKey(canonical_key("entretien", source), source), SWEEP + RETRY_AFTER
        lease = await self._cache.acquire(key, duration)
        if lease is None:
            return
        try:
            for unit, kept in await self._aged(source):
                if self._cache.now() >= end or not self._sources.is_accessible(source):
                    return
                await self._refresh(unit, kept)
        finally:
            await self._cache.release(key, lease)

    async def _aged(self, source: str) -> list[tuple[Unit, Entry | None]]:
        """What is due by now: another process may have brought it."""
        instant = self._cache.now()
        units = dues(self._sources.last_read, self._reviews, source, instant)
        kept_entries = await self._sources.kept_entries(units)
        self._reviews |= {u: self._next(u, kept, instant) for u, kept in zip(units, kept_entries, strict=True)}
        return [(u, kept) for u, kept in zip(units, kept_entries, strict=True) if self._reviews[u] <= instant]

    def _next(self, unit: Unit, kept: Entry | None, instant: float) -> float:
        """When to ask; at once what a query left out; what holds nobody, or could not be read, is left to who reads it."""
        if kept is None:
            return instant if unit in self._sources.left_out else instant + RETRY_AFTER
        if not kept.value.records:
            return instant + RETRY_AFTER
        return to_refetch(kept, self._sources.partners[unit.source].cache)

    async def _refresh(self, unit: Unit, kept: Entry | None) -> None:
        """Ask again, if the partner can spare it now; else leave it a moment, and that unit to the next turn."""
        if not self._sources.allows(unit):
            await self._sleep(PATIENCE)
            return
        self._reviews[unit] = self._cache.now() + RETRY_AFTER
        await self._sources.refresh(unit, kept)

    def _forget(self) -> None:
        """What nobody reads any more."""
        last_read, limit = self._sources.last_read, self._cache.now() - ACTIVE
        for unit in [unit for unit, read_at in last_read.items() if read_at <= limit]:
            del last_read[unit]
            self._reviews.pop(unit, None)
