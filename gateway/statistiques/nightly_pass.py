"""The nightly pass: reads what the lists read, lot by lot, and keeps how many are in each cell. Forgets the persons at once.

Theory of operation
-------------------
The problem. Every CFA and every Mission locale is read and counted in one night, within the quotas of partners, while some of
them are silent or say that we ask too much, and the process may be killed at any moment.

The steps. One process of all counts at once (a lease, kept while it lives). Each lot is read by the ordinary collector, joined
and merged as the lists are, and written in one transaction in place of what it gave for the same months. Lots that failed are
tried once more at the end, after a rest: a process that goes on where another was killed does not know what that one asked
in the last minute, and partners count it.

The invariants.
  1. A lot is all of one reading: what it gave before, or what it gives now.
  2. A lot whose sources do not all answer keeps its former counts, and its age is told: a silent network makes figures old, never
     smaller. After PATIENCE_DAYS it is counted of those that answer, and its coverage falls.
  3. A pass that was killed goes on: lots counted to its day are not read again until a snapshot of that day is published.
  4. Cohorts older than the months counted, and month-ends of a school year that is over, are as the last pass that counted them
     left them: sources forget, what was told does not change for it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Protocol

from gateway.concurrency import gather_or_fail
from gateway.errors import LinksUnavailable
from gateway.federation.collect.collector import Collector
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.ids.id_assigner import Fact, FirstSeen
from gateway.federation.join.merge import MergedPerson
from gateway.federation.organisation_directory import Directory
from gateway.schema.organisations import TypeSource
from gateway.statistiques.grids import GRIDS, Cell
from gateway.statistiques.nightly_lots import (
    CountedPeriod,
    LotSubject,
    counts_of,
    date_reports,
    facts_of,
    persons_of,
    subjects,
)
from gateway.statistiques.observations import Knowledge
from gateway.statistiques.periods import add_months, first_day, month_of
from gateway.statistiques.places import Places
from gateway.stores.blocks import Lot, LotState, lot_name
from gateway.stores.blocks_writer import BlockWriter, CellCount, CountingUnderWay
from gateway.stores.lease import TERM

BATCH = 8  # CFAs read at once: a partner has to answer them all within its delay
READING_TIMEOUT = 1800.0  # seconds for one lot: nobody waits for it
REST = 60.0  # seconds before lots that failed are asked a last time: quotas are of a minute
NIGHT = timedelta(hours=6)  # after which what is left keeps its former counts
PATIENCE_DAYS = 30  # that a lot whose sources do not answer keeps its counts
STOCKS = tuple(grid.name for grid in GRIDS.values() if grid.is_stock)

logger = logging.getLogger("gateway.statistiques")
Tell = Callable[[str], None]


class FirstSeenLedger(Protocol):
    """The ledger of first sightings. Raises LinksUnavailable."""

    async def first_seen(self, facts: Sequence[Fact], instant: datetime) -> FirstSeen: ...


@dataclass(frozen=True, slots=True)
class PassTools:
    """What a pass reads and writes by."""

    collector: Collector
    directory: Directory
    sightings: FirstSeenLedger
    writer: BlockWriter
    now: Callable[[], datetime]


@asynccontextmanager
async def mandate(writer: BlockWriter) -> AsyncIterator[None]:
    """The place of the one process that counts, kept for the block. Raises CountingUnderWay."""
    if not await writer.lease.elect():
        raise CountingUnderWay
    heartbeat = asyncio.create_task(_heartbeat(writer))
    try:
        yield
    finally:
        # Stopped before the place is given back: it would otherwise take it again.
        heartbeat.cancel()
        await asyncio.gather(heartbeat, return_exceptions=True)
        await writer.lease.release()


async def _heartbeat(writer: BlockWriter) -> None:
    while True:
        await asyncio.sleep(TERM / 3)
        await writer.lease.extend()


async def count_all(tools: PassTools, period: CountedPeriod, tell: Tell) -> Counter[LotState]:
    """Count every lot, as the mandate's holder; how many of each state. Raises CountingUnderWay when the place was lost."""
    night = _Night(tools, period, await tools.writer.store.lots())
    everybody = all_subjects(tools.collector, tools.directory)
    published = await tools.writer.store.snapshot()
    is_new = published is not None and published.as_of >= period.as_of
    left = [subject for subject in everybody if is_new or not night.is_counted(subject)]
    if len(left) < len(everybody):
        tell(f"relevé du {period.as_of:%d/%m/%Y} repris : {len(everybody) - len(left)} lots déjà comptés")
    failed = await _round(night, left, tell)
    if failed:
        tell(f"{len(failed)} lots dont une source se tait, demandés une dernière fois dans une minute")
        await asyncio.sleep(REST)
        for subject in await _round(night, failed, tell):
            await night.give_up(subject)
    lots = await tools.writer.store.lots()
    return Counter(lots[_name(subject)].state for subject in everybody if _name(subject) in lots)


def all_subjects(collector: Collector, directory: Directory) -> list[LotSubject]:
    sources = collector.live_sources
    names = (collector.registry_name, next(iter(sources.sources_of(TypeSource.MISSION_LOCALE)), ""))
    return subjects(directory.referentiel, sources.partner_of_cfa, names)


def _name(subject: LotSubject) -> str:
    return lot_name(subject.place.value, subject.code)


async def _round(night: "_Night", asked: Sequence[LotSubject], tell: Tell) -> list[LotSubject]:
    """Count these lots; those of which a source did not answer."""
    failed: list[LotSubject] = []
    done = 0
    for batch in _batches(asked):
        heard = await gather_or_fail(night.count(subject) for subject in batch if not night.is_over)
        failed += batch[len(heard) :]
        failed += [subject for subject, whole in zip(batch, heard, strict=False) if not whole]
        done += len(batch)
        tell(f"[{done}/{len(asked)}] lots, dont {len(failed)} en attente d'une source")
    return failed


def _batches(asked: Sequence[LotSubject]) -> list[list[LotSubject]]:
    """So many CFAs at once; Missions locales one by one, each of which takes a whole région through its hands."""
    found: list[list[LotSubject]] = []
    for is_of_homes, same in groupby(asked, key=lambda subject: subject.is_of_homes):
        told, size = list(same), 1 if is_of_homes else BATCH
        found += [told[start : start + size] for start in range(0, len(told), size)]
    return found


class _Night:
    """One pass: what it counts, and what was known before it."""

    def __init__(self, tools: PassTools, period: CountedPeriod, known: Mapping[str, Lot]) -> None:
        self.tools, self.period, self.known = tools, period, known
        self._patient = replace(tools.collector, timeout=READING_TIMEOUT)
        self._places = Places(tools.directory.referentiel)
        self._end = tools.now() + NIGHT
        self._writing = (
            asyncio.Lock()
        )  # one of our own at a time: they would wait for each other in the database, and not long

    @property
    def is_over(self) -> bool:
        return self.tools.now() > self._end

    def is_counted(self, subject: LotSubject) -> bool:
        """Whether an earlier process of the same day counted it whole."""
        known = self.known.get(_name(subject))
        return known is not None and known.state is LotState.LU and known.counted_on == self.period.as_of

    async def count(self, subject: LotSubject) -> bool:
        """Count a lot all of whose sources answer; False, and nothing written, for another."""
        readings = await self._patient.collect(subject.plan, self.tools.directory)
        if not readings.whole:
            return False
        persons, dated = await self._persons(subject, readings)
        if dated:
            await self._write(subject, readings, persons, LotState.LU)
        return dated

    async def give_up(self, subject: LotSubject) -> None:
        """Keep what a lot gave; once that is too old, or when it never gave anything, count it of those that answer."""
        known = self.known.get(_name(subject))
        if known and known.counted_on and self._is_recent(known):
            await self._keep(known, known.counted_on)
            return
        readings = await self._patient.collect(subject.plan, self.tools.directory)
        if self.tools.collector.registry_name not in readings.errors:
            persons, _ = await self._persons(subject, readings)
            await self._write(subject, readings, persons, LotState.SANS_SOURCE)
        elif known and known.counted_on:
            # Our own copy is mended, not given up: without it, everybody's contracts would be gone.
            await self._keep(known, known.counted_on)

    def _is_recent(self, known: Lot) -> bool:
        return known.seen_at is not None and self.tools.now() - known.seen_at < timedelta(days=PATIENCE_DAYS)

    async def _keep(self, known: Lot, counted_on: date) -> None:
        kept = replace(known, state=LotState.ANCIEN, counted_on=self.period.as_of)
        await self.tools.writer.keep_lot(kept, STOCKS, _months(counted_on, self.period.as_of))

    async def _persons(self, subject: LotSubject, readings: SourceReadings) -> tuple[list[MergedPerson], bool]:
        """Whom a lot may count; False when the ledger did not say when ruptures were reported."""
        directory = self.tools.directory
        persons = await asyncio.to_thread(persons_of, subject, readings, directory, self.period.as_of)
        if subject.is_of_homes:
            return persons, True  # none of its grids tells it
        try:
            async with self._writing:
                first_seen = await self.tools.sightings.first_seen(facts_of(persons, directory), self.tools.now())
        except LinksUnavailable:
            date_reports(persons, {}, directory)
            return persons, False
        date_reports(persons, first_seen, directory)
        return persons, True

    async def _write(
        self, subject: LotSubject, readings: SourceReadings, persons: Sequence[MergedPerson], state: LotState
    ) -> None:
        registry = self.tools.collector.registry_name
        former = self.known.get(_name(subject))
        known, period = Knowledge(self.period.as_of, registry, readings.suivi_heard), self._period(former)
        counts = await asyncio.to_thread(counts_of, subject, persons, known, period, self._places)
        seen_at = self.tools.now() if state is LotState.LU else former.seen_at if former else None
        lot = Lot(_name(subject), subject.source, seen_at, state, self.period.as_of)
        async with self._writing:
            since = {grid.name: month_of(period.counted_since(grid)) for grid in subject.grids}
            await self.tools.writer.write_lot(lot, _rows(counts), since)

    def _period(self, former: Lot | None) -> CountedPeriod:
        # What was never counted of all its sources is counted from the start: it would else lack, for good, whom they told of in
        # a school year that is over.
        return self.period.again(former.counted_on) if former and former.seen_at else self.period


def _rows(counts: Counter[Cell]) -> list[CellCount]:
    return [CellCount(*cell, nombre=number) for cell, number in sorted(counts.items())]


def _months(first: date, last: date) -> list[str]:
    """From the month of a day to that of another."""
    month, found = first_day(month_of(first)), []
    while month <= last:
        found.append(month_of(month))
        month = add_months(month, 1)
    return found
