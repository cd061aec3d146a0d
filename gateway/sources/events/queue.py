"""Consumes a partner's queue: what an event concerns is invalidated, and only then is the event acknowledged.

At least once, in no order: doing it twice costs a request. Knows no dialect. One process at a time reads a queue, by a lease
of the shared cache; over a cache of its own, each process reads for itself and the others hear nothing (docs/decisions/0021).
While a shared cache does not answer, each reads for itself too: an event waits HELD seconds, so that all of them read it.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from cachetools import LRUCache

from gateway.cache.interface import Cache, CacheKey, canonical_key
from gateway.concurrency import gather_or_fail
from gateway.connectors.base import ChangeNotice, EventQueue
from gateway.domain.official_numbers import is_valid_uai
from gateway.errors import SourceError, SourceInvalid
from gateway.sources.connector_runs import lazily
from gateway.sources.fetch import Sources
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partners.load import Partner
from gateway.sources.units import Resource, Unit

LEASE = 3.0  # seconds beyond the period: how long a queue is left alone by a process that died
BACKOFF_MAX = 30.0  # seconds between two looks at a queue that fails
ATTEMPTS_MAX = 5  # of what fails while others do not
FOLLOWED_MAX = 4096
HELD = 10.0  # seconds for which an event that the cache was not told of waits in the queue: a queue gives so many at a time
CONCURRENT_MAX = 2  # records looked for at once: callers wait in the same line

logger = logging.getLogger("gateway.evenements")


def unit_of_code(partner: Partner, code: str) -> Unit | None:
    """The unit of what a partner calls a tenant, None when we do not read it."""
    if partner.abonnes is None:
        return Unit(partner.nom, Resource.STRUCTURE, code)
    uai = next((uai for uai, tenant_config in partner.abonnes.items() if tenant_config.tenant.code == code), None)
    resource = Resource.CFA if uai and is_valid_uai(uai) else Resource.STRUCTURE
    return Unit(partner.nom, resource, uai) if uai else None


@dataclass
class QueueConsumer:
    """One queue, of the partner that `sources` knows by its name."""

    partner: Partner
    queue: EventQueue
    periode: float
    sources: Sources
    cache: Cache  # the sources' own
    metrics: SourceMetrics
    _attempts: LRUCache[str, int] = field(default_factory=lambda: LRUCache(FOLLOWED_MAX))
    _held: LRUCache[str, float] = field(
        default_factory=lambda: LRUCache(FOLLOWED_MAX)
    )  # since when, by what acknowledges
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONCURRENT_MAX))

    async def watch(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Consume for ever, every period, less often while the queue fails. The lease is kept between two looks, so that all
        processes together look as often as one."""
        key = CacheKey(canonical_key("evenements", self.partner.nom), self.partner.nom)
        waiting = self.periode
        while True:
            lease = await self.cache.acquire(key, self.periode + LEASE)
            if lease is None:
                await sleep(self.periode)
                continue
            try:
                waiting = self.periode if await self._attempt() else min(2 * waiting, BACKOFF_MAX)
                await sleep(waiting)
            finally:
                await self.cache.release(key, lease)

    async def _attempt(self) -> bool:
        """One look; False when nothing went forward. Whatever fails, the events wait in the queue."""
        try:
            return await self.consume()
        except SourceError as error:
            logger.warning("événements %s : %s", self.partner.nom, error.code.value)
        except Exception as error:  # the text could hold a value
            logger.error("événements %s : %s", self.partner.nom, type(error).__name__)
        return False

    async def consume(self) -> bool:
        """Deal with what the queue gives now. Raises SourceError when it gives nothing."""
        notices: list[ChangeNotice] = await self.sources.execute(self.partner.nom, lazily(self.queue.read))
        held = {notice.key for notice in notices if notice.key in self._held}
        await self._end_wait(held)
        by_record = _by_record(notice for notice in notices if notice.key not in held)
        await self._invalidate(await self.sources.holders(self.partner.nom, by_record.keys() - {""}))
        failures = await gather_or_fail(self._handle(*pair) for pair in by_record.items())
        ahead = None in failures or not failures
        for (record, keys), failure in zip(by_record.items(), failures, strict=True):
            if failure and (ahead or isinstance(failure, SourceInvalid)):  # it, and not the partner
                await self._miss(record, keys, failure)
        return ahead

    async def _handle(self, record: str, keys: Collection[str]) -> SourceError | None:
        """Invalidate where a record is now, then acknowledge all that was told of it, at once where the others know."""
        try:
            async with self._slots:
                if record and not await self._invalidate(await self._place(record)):
                    self._held.update(dict.fromkeys(keys, _seconds()))
                    return None
                await self._acknowledge(keys)
        except SourceError as error:
            return error
        self._attempts.pop(record, None)
        self.metrics.event(self.partner.nom, "invalide" if record else "sans_objet", len(keys))
        return None

    async def _place(self, record: str) -> list[Unit]:
        code = await self.sources.execute(self.partner.nom, lazily(lambda: self.queue.place(record)))
        unit = unit_of_code(self.partner, code) if code else None
        return [unit] if unit else []

    async def _end_wait(self, keys: Iterable[str]) -> None:
        """Acknowledge those of these events that waited long enough. Raises SourceError."""
        over = [key for key in keys if _seconds() - self._held[key] >= HELD]
        await self._acknowledge(over)
        for key in over:
            del self._held[key]
        self.metrics.event(self.partner.nom, "invalide", len(over))

    async def _invalidate(self, units: Iterable[Unit]) -> bool:
        """Have units asked again; False where this process alone knows of some."""
        return all([await self.sources.invalidate(unit) for unit in units])

    async def _acknowledge(self, keys: Collection[str]) -> None:
        for key in keys:
            await self.sources.execute(self.partner.nom, lazily(partial(self.queue.acknowledge, key)))

    async def _miss(self, record: str, keys: Collection[str], failure: SourceError) -> None:
        """Give up what cannot be dealt with, or it would fill the queue: its unit then lives its ordinary life."""
        self._attempts[record] = self._attempts.get(record, 0) + 1
        if self._attempts[record] < ATTEMPTS_MAX:
            return
        logger.error("événements %s : abandon après %d essais (%s)", self.partner.nom, ATTEMPTS_MAX, failure.code.value)
        self.metrics.event(self.partner.nom, "abandonne", len(keys))
        del self._attempts[record]
        try:
            await self._acknowledge(keys)
        except SourceError as error:
            logger.warning("événements %s : %s", self.partner.nom, error.code.value)


def _seconds() -> float:
    return asyncio.get_running_loop().time()


def _by_record(notices: Iterable[ChangeNotice]) -> Mapping[str, set[str]]:
    """What acknowledges the events, by the record they tell of: it is looked for once."""
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for notice in notices:
        keys[notice.record].add(notice.key)
    return keys
