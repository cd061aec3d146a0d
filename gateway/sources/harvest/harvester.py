"""Harvests the registry: windows of processing days, in order, page by page. Knows windows, no SQL and no HTTP.

Theory of operation
-------------------
The problem. The registry tells what was processed between two days, up to a bounded number of days at once, by pages that take
minutes, at night, while the partner is open. A harvest is therefore interrupted: it must lose no row, tell none twice, and go
on from where it was left, in this process or in another one.

The states. The store holds the windows that are done, and at most one under way: its days, the view and the page that come
next. A turn is:

  due        the days from `depuis` to yesterday that no done window covers, cut in windows (`due_windows`);
  mandate    one process of all harvests: it holds a lease, which it extends while it lives (`_mandate`);
  page       one page is asked for and read, then written together with what comes next, in one transaction (`_WindowHarvest`);
  done       the last page of the last view closes its window, with the instant of that; what is due is then drawn again.

The invariants.
  1. A window is done when all its pages are written: what the copy tells is complete up to the end of its last window.
  2. Rows and place advance together: a process that is killed leaves a page written and passed, or neither.
  3. Pages of one window are those of one list: if they move meanwhile, the window begins again.
  4. A page that loses as many rows as it keeps is never passed: they would be lost for good. The harvest stops instead.
  5. A view that gave other rows than it announced begins its window again (docs/decisions/0072).

Why windows near the present are single days: the end of a window is how fresh the copy is, and a short one is soon done.
"""

import asyncio
import logging
import time as timer
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
from gateway.sources.connector_runs import requests_of
from gateway.sources.http.page_trail import InvalidPages, prove_whole
from gateway.sources.partner_client import HarvestPage, is_open
from gateway.stores.registry import HarvestState, Window
from gateway.stores.registry_row import RegistryRow
from gateway.stores.registry_writer import LEASE, HarvestUnderWay, RegistryWriter, WindowUnderWay

LOOKBACK_DAYS = 3  # a harvest that lags no more than this goes day by day
PERIOD = 900.0  # seconds between two looks at what is due
WAIT_MIN, WAIT_MAX = 60.0, 6 * 3600.0  # what is believed of a partner that tells when to come back
RETENTION_YEARS = 2  # after its planned end, a contract is forgotten (docs/domaine.md, Registre)
UNREADABLE = (
    20  # rows refused of a page, and no more kept: the format changed. Fewer are a bad day, counted and set aside
)
ONE_DAY = timedelta(days=1)

HarvestedRows = tuple[list[RegistryRow], QualityCounts]
Now = Callable[[], datetime]

logger = logging.getLogger("gateway.moisson")


@dataclass(frozen=True, slots=True)
class HarvestTarget:
    """What is harvested: how a page is asked for and read, from which day, in windows of how many days at most.

    `ouverture`: opening hours in Europe/Paris; a hint, the partner's 503 decides.
    """

    source: str
    read: Callable[[PartnerRequest, int, Callable[[Any], HarvestedRows]], Awaitable[HarvestPage[HarvestedRows]]]
    moisson: Harvest
    depuis: date
    fenetre_jours: int
    ouverture: tuple[time, time] | None = None


@dataclass(frozen=True, slots=True)
class WindowStep:
    """How far a window is: the page just written, of how many, and the rows of the window so far."""

    operation: str
    page: int
    pages: int
    completed: bool  # the window is
    rows: int


@dataclass(frozen=True, slots=True)
class Progress:
    """One page written: of the window of that rank among `total`, how many rows it kept and what it lost.

    `seconds` is what the window took in this process.
    """

    window: Window
    rank: int
    total: int
    step: WindowStep
    kept: int
    account: QualityCounts
    seconds: float


Follow = Callable[[Progress], None]


class ProgressListener(Protocol):
    """Told how a harvest goes."""

    def advance(self, progress: Progress) -> None: ...
    def place(self, harvest_state: HarvestState, dues: int) -> None: ...


def due_windows(done: Sequence[Window], depuis: date, yesterday: date, length: int) -> list[Window]:
    """What is left to harvest, in order of day: gaps first, then on from the last window; single days near the present."""
    return [window for gap in _gaps(done, depuis, yesterday) for window in _split(gap, yesterday, length)]


def _gaps(done: Sequence[Window], depuis: date, yesterday: date) -> Iterator[Window]:
    """The runs of days that no window covers; the last one, which goes on to yesterday, may be empty."""
    day = depuis
    for window in sorted(done, key=lambda window: window.debut):
        if day < window.debut:
            yield Window(day, min(window.debut - ONE_DAY, yesterday))
        day = max(day, window.fin + ONE_DAY)
    yield Window(day, yesterday)


def _split(gap: Window, yesterday: date, length: int) -> Iterator[Window]:
    start = gap.debut
    while start <= gap.fin:
        # Near the present a window is one day: the copy is as fresh as the end of its last window that is done.
        near = (yesterday - start).days < LOOKBACK_DAYS
        end = start if near else min(start + timedelta(days=length - 1), gap.fin)
        yield Window(start, end)
        start = end + ONE_DAY


async def harvest(target: HarvestTarget, writer: RegistryWriter, now: Now, follow: Follow) -> int:
    """Harvest all that is due; the number of windows done. Raises HarvestUnderWay when another process does it, and
    SourceError where the partner stops us."""
    # Looked at before the mandate: most turns have nothing to do, and must not take the place of a process that has.
    if not await _due(target, writer, now()):
        return 0
    async with _mandate(writer):
        today = paris_day(now())
        # What is harvested bounds what may be forgotten: a clock that jumps ahead must not empty the copy.
        heard = (await writer.registry.harvest_state()).last_day or today
        # Under the mandate, and once a harvest: to forget is to write, and two processes would do it twice.
        known = min(today, heard)
        await writer.forget(known.replace(year=known.year - RETENTION_YEARS, day=1))
        done = 0
        # What is due is drawn again after each window: a long harvest passes midnight, and the day is then another one.
        while dues := await _due(target, writer, now()):
            ranks = (done + 1, done + len(dues))
            # A window left under way comes first, as it was cut: its pages are counted within those days.
            under_way = await writer.under_way() or WindowUnderWay(dues[0])
            await _WindowHarvest(target, writer, now, follow, ranks).harvest(under_way)
            done += 1
    return done


@dataclass(frozen=True, slots=True)
class _WindowHarvest:
    """The harvest of one window. `ranks`: its own, and how many are due."""

    target: HarvestTarget
    writer: RegistryWriter
    now: Now
    follow: Follow
    ranks: tuple[int, int]

    async def harvest(self, under_way: WindowUnderWay) -> None:
        """From where the window was left to its last page."""
        moisson = self.target.moisson
        window = under_way.window
        # Beside the loop: it is the connector's.
        views = await asyncio.to_thread(lambda: requests_of(moisson.partner_requests(window.debut, window.fin)))
        start, last_digest, read = timer.monotonic(), b"", list[int | None]()
        while under_way.view < len(views):
            view = views[under_way.view]
            page = await self._page(view, under_way, last_digest)
            rows, account = page.content
            following = under_way.after(page.total, len(rows))
            completed = following.view == len(views)
            read.append(page.rows)
            if following.view > under_way.view:
                # Of pages written by a process that is no more, nothing tells how many rows they held.
                await self._prove_whole(read if len(read) == page.total else [None], page.announced, under_way)
                read = []
            # The rows and the place of the next page are one write: a kill between the two would lose or repeat a page.
            await self.writer.write_page(under_way, rows, following, self.now() if completed else None)
            step = WindowStep(view.operation, under_way.page, page.total, completed, following.rows)
            seconds = timer.monotonic() - start
            self.follow(Progress(under_way.window, *self.ranks, step, len(rows), account, seconds))
            under_way, last_digest = following, page.digest

    async def _prove_whole(self, read: Sequence[int | None], announced: int | None, under_way: WindowUnderWay) -> None:
        """Raises SourceInvalid when a view gave other rows than it announced: a window that is done is asked for no more."""
        try:
            prove_whole(read, [announced])
        except InvalidPages as error:
            await self.writer.abandon(under_way)
            raise SourceInvalid(self.target.source, f"pages du partenaire invalides : {error}") from None

    async def _page(
        self, view: PartnerRequest, under_way: WindowUnderWay, last_digest: bytes
    ) -> HarvestPage[HarvestedRows]:
        """The next page. Raises SourceInvalid for pages that moved and for a page of which nothing can be read."""
        read = partial(self.target.moisson.rows, view, under_way.window.fin)
        page = await self.target.read(view, under_way.page, read)
        # Another total, or the same page again: the list moved under our feet. Going on would lose rows or tell some twice.
        if under_way.page > 1 and (page.total != under_way.total or page.digest == last_digest):
            await self.writer.abandon(under_way)
            raise SourceInvalid(self.target.source, "les pages ont changé au cours de la fenêtre")
        rows, account = page.content
        # Marked done, the window would never be asked for again: a format that changed must stop the harvest here.
        if account.rejects >= max(UNREADABLE, len(rows)):
            raise SourceInvalid(self.target.source, "la plupart des lignes de la page sont illisibles")
        return page


@asynccontextmanager
async def _mandate(writer: RegistryWriter) -> AsyncIterator[None]:
    """The place of the one process that harvests, kept for the block. Raises HarvestUnderWay."""
    if not await writer.elect():
        raise HarvestUnderWay
    heartbeat = asyncio.create_task(_heartbeat(writer))
    try:
        yield
    finally:
        # Stopped before the place is given back: it would otherwise take it again.
        heartbeat.cancel()
        await asyncio.gather(heartbeat, return_exceptions=True)
        await writer.release()


async def _heartbeat(writer: RegistryWriter) -> None:
    """A page may take ten minutes: meanwhile, the others know that we are alive."""
    while True:
        # A third: two extensions may fail before the lease is another's.
        await asyncio.sleep(LEASE / 3)
        await writer.extend_lease()


async def _due(target: HarvestTarget, writer: RegistryWriter, instant: datetime) -> list[Window]:
    yesterday = paris_day(instant) - ONE_DAY
    return due_windows(await writer.windows(), target.depuis, yesterday, target.fenetre_jours)


async def watch(
    target: HarvestTarget, writer: RegistryWriter, now: Now, sleep: Sleep, listener: ProgressListener
) -> None:
    """Harvest what falls due, for ever. Whatever fails only delays it; one line says what, without a value."""

    async def turn() -> float:
        try:
            return await _attempt(target, writer, now, listener)
        finally:
            # Told by every process, whoever harvested: each has its own gauges.
            await _tell_place(target, writer, now(), listener)

    def failed(error: Exception) -> None:
        # A full disk must not end the service; the text of the error could hold a value.
        logger.error("moisson interrompue : %s", type(error).__name__)

    await every(PERIOD, turn, failed, sleep)


async def _attempt(target: HarvestTarget, writer: RegistryWriter, now: Now, listener: ProgressListener) -> float:
    """One harvest, where the partner is open; the seconds to wait before the next."""
    try:
        if target.ouverture is None or is_open(target.ouverture, now()):
            await harvest(target, writer, now, listener.advance)
    except HarvestUnderWay:
        # Should the other process die, its lease ends then at the latest, and its place is free.
        return LEASE
    except SourceClosed as error:
        # Bounded: a partner that says « in a week » by mistake would otherwise be believed for a week.
        return min(max(error.retry_after or PERIOD, WAIT_MIN), WAIT_MAX)
    except SourceError as error:
        logger.warning("moisson interrompue : %s %s", error.source, error.code.value)
    return PERIOD


async def _tell_place(
    target: HarvestTarget, writer: RegistryWriter, instant: datetime, listener: ProgressListener
) -> None:
    """How far the harvest is, whoever did it."""
    try:
        dues = await _due(target, writer, instant)
        listener.place(await writer.registry.harvest_state(), len(dues))
    except Exception as error:
        # Called as another error may be on its way: it must not be replaced by this one.
        logger.error("moisson : avancement inconnu (%s)", type(error).__name__)
