"""Harvests the registry: windows of processing days, in order, page by page. Knows windows, no SQL and no HTTP.

Backfill in windows of at most `fenetre_jours` from `depuis`, then day by day up to yesterday (docs/domaine.md). Each page is
written with what comes next, so that a harvest stopped anywhere goes on from there, in this process or in another one.
"""

import asyncio
import logging
import time as timer_
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Protocol

from gateway.concurrency import Sleep, every
from gateway.connectors.base import Harvest, PartnerRequest, QualityCounts
from gateway.domain.days import paris_day
from gateway.errors import SourceClosed, SourceError, SourceInvalid
from gateway.sources.partner_client import HarvestPage
from gateway.sources.partner_state import is_open
from gateway.stores.registry import HarvestState, Window
from gateway.stores.registry_row import RegistryRow
from gateway.stores.registry_writer import LEASE, HarvestUnderWay, RegistryWriter, WindowUnderWay

LOOKBACK_DAYS = 3  # a harvest that lags no more than this goes day by day
EVE = 900.0  # seconds between two looks at what is due
WAIT_MIN, WAIT_MAX = 60.0, 6 * 3600.0  # what is believed of a partner that tells when to come back
RETENTION_YEARS = 2  # after its planned end, a contract is forgotten (docs/domaine.md, Registre)

logger = logging.getLogger("gateway.moisson")

UNREADABLE = 20  # rows refused of a page, and none kept: the format changed. Fewer are a bad day, counted and set aside

HarvestedRows = tuple[list[RegistryRow], QualityCounts]
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HarvestTarget:
    """What is harvested: how a page is asked for and read, from when, and how long windows are. `ouverture`: Europe/Paris,
    a hint."""

    source: str
    read: Callable[[PartnerRequest, int, Callable[[Any], HarvestedRows]], Awaitable[HarvestPage[HarvestedRows]]]
    moisson: Harvest
    depuis: date
    fenetre_jours: int
    ouverture: tuple[time, time] | None = None


@dataclass(frozen=True, slots=True)
class WindowStep:
    """Where a window is: the page just written, of how many, and the rows of the window so far."""

    operation: str
    page: int
    pages: int
    completed: bool  # the window is
    rows: int


@dataclass(frozen=True, slots=True)
class Progress:
    """One page written, for whoever watches: of the window of that rank among `total`, and what reading it made of it.
    `seconds` is what the window took here."""

    window: Window
    rank: int
    total: int
    step: WindowStep
    kept: int
    account: QualityCounts
    seconds: float


class ProgressListener(Protocol):
    """Who watches a harvest."""

    def advance(self, progress: Progress) -> None: ...
    def place(self, harvest_state: HarvestState, dues: int) -> None: ...


def due_windows(made_ones: Sequence[Window], depuis: date, yesterday: date, length: int) -> list[Window]:
    """What is left to harvest, in order of day: gaps first, then on from the last window; single days near the present."""
    return [due for gap in _gaps(made_ones, depuis, yesterday) for due in _split(gap, yesterday, length)]


def _gaps(made_ones: Sequence[Window], depuis: date, yesterday: date) -> Iterator[Window]:
    day = depuis
    for made in sorted(made_ones, key=lambda window: window.debut):
        if day < made.debut:
            yield Window(day, min(made.debut - ONE_DAY, yesterday))
        day = max(day, made.fin + ONE_DAY)
    yield Window(day, yesterday)


def _split(gap: Window, yesterday: date, length: int) -> Iterator[Window]:
    debut = gap.debut
    while debut <= gap.fin:
        near = (yesterday - debut).days < LOOKBACK_DAYS
        fin = debut if near else min(debut + timedelta(days=length - 1), gap.fin)
        yield Window(debut, fin)
        debut = fin + ONE_DAY


async def harvest(
    champ: HarvestTarget,
    registry_writer: RegistryWriter,
    now: Callable[[], datetime],
    follow: Callable[[Progress], None],
) -> int:
    """Harvest all that is due; returns the number of windows. Raises HarvestUnderWay when another process does it, and
    SourceError where the partner stops us.

    What is due is looked at again after each window: the day may have changed.
    """
    if not await _due(champ, registry_writer, now()):
        return 0
    async with _mandate(registry_writer):
        await registry_writer.forget(_deadline(paris_day(now())))
        made_ones = 0
        while dues := await _due(champ, registry_writer, now()):
            pass_ = _WindowHarvest(champ, registry_writer, now, follow, (made_ones + 1, made_ones + len(dues)))
            await pass_.harvest(await registry_writer.under_way() or WindowUnderWay(dues[0]))
            made_ones += 1
    return made_ones


@dataclass(frozen=True, slots=True)
class _WindowHarvest:
    """The harvest of one window."""

    champ: HarvestTarget
    registry_writer: RegistryWriter
    now: Callable[[], datetime]
    follow: Callable[[Progress], None]
    ranks: tuple[int, int]

    async def harvest(self, under_way: WindowUnderWay) -> None:
        """From where it was left to its last page."""
        partner_requests = self.champ.moisson.partner_requests(under_way.window.debut, under_way.window.fin)
        departure, last = timer_.monotonic(), b""
        while under_way.view < len(partner_requests):
            partner_request = partner_requests[under_way.view]
            page = await self._page(partner_request, under_way, last)
            following = under_way.after(page.total, len(page.row_read[0]))
            completed = following.view == len(partner_requests)
            await self.registry_writer.write_page(
                under_way, page.row_read[0], following, self.now() if completed else None
            )
            step = WindowStep(partner_request.operation, under_way.page, page.total, completed, following.rows)
            duration = timer_.monotonic() - departure
            self.follow(
                Progress(under_way.window, *self.ranks, step, len(page.row_read[0]), page.row_read[1], duration)
            )
            under_way, last = following, page.digest

    async def _page(
        self, partner_request: PartnerRequest, under_way: WindowUnderWay, last: bytes
    ) -> HarvestPage[HarvestedRows]:
        """The next page. Pages that move under our feet would lose rows or tell them twice: the window begins again. One of
        which nothing can be read stops the harvest: done, its rows would be lost for good."""
        read = partial(self.champ.moisson.rows, partner_request, under_way.window.fin)
        page = await self.champ.read(partner_request, under_way.page, read)
        if under_way.page > 1 and (page.total != under_way.total or page.digest == last):
            await self.registry_writer.abandon(under_way)
            raise SourceInvalid(self.champ.source, "les pages ont changé au cours de la fenêtre")
        kept, account = page.row_read
        if not kept and account.rejects >= UNREADABLE:
            raise SourceInvalid(self.champ.source, "aucune ligne de la page n'est lisible")
        return page


@asynccontextmanager
async def _mandate(registry_writer: RegistryWriter) -> AsyncIterator[None]:
    """The place of the one who harvests, kept for the block. Raises HarvestUnderWay."""
    if not await registry_writer.elect():
        raise HarvestUnderWay
    loop_lag = asyncio.create_task(_heartbeat(registry_writer))
    try:
        yield
    finally:
        loop_lag.cancel()
        await asyncio.gather(loop_lag, return_exceptions=True)
        await registry_writer.release()


async def _heartbeat(registry_writer: RegistryWriter) -> None:
    """A page may take ten minutes: meanwhile, others know that we are alive."""
    while True:
        await asyncio.sleep(LEASE / 3)
        await registry_writer.extend_lease()


async def _due(champ: HarvestTarget, registry_writer: RegistryWriter, instant: datetime) -> list[Window]:
    yesterday = paris_day(instant) - ONE_DAY
    return due_windows(await registry_writer.windows(), champ.depuis, yesterday, champ.fenetre_jours)


def _deadline(day: date) -> date:
    return day.replace(year=day.year - RETENTION_YEARS, day=1)


async def watch(
    champ: HarvestTarget,
    registry_writer: RegistryWriter,
    now: Callable[[], datetime],
    sleep: Sleep,
    suivi: ProgressListener,
) -> None:
    """Harvest what falls due, for ever. Whatever fails only delays it; one line says what, without a value."""

    async def harvest() -> float:
        try:
            return await _attempt(champ, registry_writer, now, suivi)
        finally:
            await _place(champ, registry_writer, now(), suivi)

    await every(EVE, harvest, _failed, sleep)


def _failed(error: Exception) -> None:
    """A full disk must not end the service; the text could hold a value."""
    logger.error("moisson interrompue : %s", type(error).__name__)


async def _attempt(
    champ: HarvestTarget, registry_writer: RegistryWriter, now: Callable[[], datetime], suivi: ProgressListener
) -> float:
    """One harvest, where the partner is open; the seconds to wait before the next."""
    try:
        if champ.ouverture is None or is_open(champ.ouverture, now()):
            await harvest(champ, registry_writer, now, suivi.advance)
    except HarvestUnderWay:
        return LEASE
    except SourceClosed as error:
        return min(max(error.retry_after or EVE, WAIT_MIN), WAIT_MAX)
    except SourceError as error:
        logger.warning("moisson interrompue : %s %s", error.source, error.code.value)
    return EVE


async def _place(
    champ: HarvestTarget, registry_writer: RegistryWriter, instant: datetime, suivi: ProgressListener
) -> None:
    """How far the harvest is, whoever did it."""
    try:
        suivi.place(await registry_writer.registry.harvest_state(), len(await _due(champ, registry_writer, instant)))
    except Exception as error:
        logger.error("moisson : avancement inconnu (%s)", type(error).__name__)
