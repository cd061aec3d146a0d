"""Polls the perimeters that somebody reads the events of, and writes what is new in their logs. Knows no SQL and no HTTP.

A poll is an ordinary plan, reading and view: it asks partners what a query would, within their quotas, and the last reading
serves as long as it holds. What a partner tells by an event, a copy that is harvested, a unit read again: each makes another
reading, and nothing else has to be listened to. One process polls a perimeter, by a lease of the store; each of them, while
nothing tells it what the others hear: what two find is written once. What fails delays a poll, and loses nothing: what is new is
still new at the next.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from gateway.auth.policy.policy import AccessPolicy
from gateway.auth.policy.rules import CategorieDonnee, Profil
from gateway.concurrency import Sleep, every, offload
from gateway.domain.days import paris_day
from gateway.domain.perimeter_events import EndedWrite, KnownPerimeter
from gateway.evenements.perimeter_logs import EventLog, known_after
from gateway.evenements.perimeters import WatchedPerimeter
from gateway.federation.change_detection import PollResult, detect_changes
from gateway.federation.collect.collector import Collector
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.collect.plan import SourcePlan, plan_of_perimetre
from gateway.federation.ids.id_assigner import IdAssigner
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.build import ViewCache, find_view
from gateway.federation.views.overlay import ViewInputs
from gateway.federation.views.view import Rights, View
from gateway.stores.lease import Lease

PERIOD = 1.0  # seconds between two polls of a perimeter; more where they are many
POLLS_A_SECOND = 100
FOLLOW = 1.0  # seconds between two readings of which perimeters are followed
RENEW = 20.0  # seconds after which the lease is taken again, a third of what it lasts
STANDBY = 5.0  # seconds between two looks at the lease of another process
OPENING = 60.0  # seconds for which the first poll of a perimeter waits for all of its sources
WHOLE = timedelta(hours=1)  # after which a poll is made whole, be nothing new said: it is written that units are heard

logger = logging.getLogger("gateway.evenements")


class PollParts(Protocol):
    """What a poll is made with: what a query is."""

    @property
    def collector(self) -> Collector: ...
    @property
    def views(self) -> ViewCache: ...
    @property
    def id_assigner(self) -> IdAssigner: ...
    @property
    def policy(self) -> AccessPolicy: ...
    @property
    def directory(self) -> Callable[[], Directory]: ...
    @property
    def now(self) -> Callable[[], datetime]: ...


class WrittenTestimonies(Protocol):
    """What is written through the gateway: of the persons of a view, and by an organisation. `revision`: the last heard of."""

    @property
    def revision(self) -> int: ...
    def over(self, view: View, inputs: ViewInputs) -> View: ...
    def ended(self, role: Profil, organisation: str) -> Sequence[EndedWrite]: ...


@dataclass(slots=True)
class Watched:
    """What is kept of a perimeter between two polls of this process: nothing, while another one polls."""

    perimeter: WatchedPerimeter
    known: KnownPerimeter | None = None
    seen: Hashable = None  # what the last whole poll was of
    seen_at: datetime | None = None
    revision: int = 0  # of the writes that were laid over it
    written: object = None  # what they told of its persons, and which of its organisation ended
    is_elected: bool = True  # this process alone polls
    renew_at: float = 0.0  # loop time, from which the lease is asked for again
    opens_at: float = 0.0  # loop time, from which a first poll is made of what answers


@dataclass
class Watcher:
    """Watches every perimeter that is followed, each by a task of its own: one that waits for its sources delays no other."""

    log: EventLog
    parts: PollParts
    written: WrittenTestimonies | None = None  # None: nothing is written through this gateway
    is_told: Callable[[], bool] = lambda: True  # this process hears what the others hear, or is alone
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self, sleep: Sleep) -> None:
        """Until cancelled."""
        try:
            await every(FOLLOW, lambda: self._follow(sleep), _tell_failure, sleep)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow(self, sleep: Sleep) -> None:
        followed = await self.log.followed()
        for key in self._tasks.keys() - followed.keys():
            self._tasks.pop(key).cancel()
        for key in followed.keys() - self._tasks.keys():
            self._tasks[key] = asyncio.create_task(self._watch(key, followed[key], sleep))

    async def _watch(self, key: str, perimeter: WatchedPerimeter, sleep: Sleep) -> None:
        opens_at = asyncio.get_running_loop().time() + OPENING
        watched, lease = Watched(perimeter, opens_at=opens_at), self.log.lease(key)

        async def attempt() -> float:
            if await self._is_to_poll(watched, lease):
                await self.poll(key, watched)
            return max(PERIOD, len(self._tasks) / POLLS_A_SECOND)

        def failed(error: Exception) -> None:
            watched.known = watched.seen = watched.written = None  # what was written is read again
            _tell_failure(error)

        try:
            await every(PERIOD, attempt, failed, sleep)
        finally:
            await lease.release()

    async def _is_to_poll(self, watched: Watched, lease: Lease) -> bool:
        """Whether this process polls: elected, or where another that does might not hear what it hears."""
        loop = asyncio.get_running_loop()
        if not self.is_told():
            if watched.is_elected:
                await lease.release()  # to one that is told
            watched.is_elected, watched.renew_at = False, 0.0
            return True
        if loop.time() >= watched.renew_at:
            watched.is_elected = await lease.elect()
            watched.renew_at = loop.time() + (RENEW if watched.is_elected else STANDBY)
            watched.known = watched.known if watched.is_elected else None
        return watched.is_elected

    async def poll(self, key: str, watched: Watched) -> None:
        """One poll, and what it finds written. Raises EventsUnavailable, and whatever a poll raises."""
        if watched.known is None:
            watched.known, watched.seen = await self.log.known(key), None
        parts, directory = self.parts, self.parts.directory()
        rights, now = watched.perimeter.rights(parts.policy, directory.referentiel), parts.now()
        readings = await parts.collector.collect(_plan(rights, directory), directory)
        seen = readings.versions, readings.complete, paris_day(now), directory
        revision = self.written.revision if self.written else 0
        is_due, is_seen = _is_due(watched, now), seen == watched.seen
        if readings.silent or (is_seen and revision == watched.revision and not is_due):
            return
        if _is_too_soon(watched, readings):
            return
        day = paris_day(now)
        view, _ = await find_view(parts.views, parts.id_assigner, readings, rights, directory, day)
        if view.stale is not None:
            return  # ids that are given without the ledger may be others tomorrow: nothing is announced of them
        poll = PollResult(readings, view, day, now, parts.collector.wall_clock(), self.log.ids)
        laid, written = self._laid(watched.perimeter, poll, ViewInputs(rights, directory, day, readings))
        watched.revision = revision
        if is_seen and written == watched.written and not is_due:
            return  # what was written since is of others
        if not watched.is_elected:
            watched.known = await self.log.known(key)  # others poll too
        found = await offload(len(view.persons), detect_changes, laid, watched.known)
        if not found.is_empty or not watched.known.opened:
            await self.log.write(key, found)
            watched.known = known_after(watched.known, found, now)
        watched.seen, watched.seen_at, watched.written = seen, now, written

    def _laid(self, perimeter: WatchedPerimeter, poll: PollResult, inputs: ViewInputs) -> tuple[PollResult, object]:
        """The poll with what was written laid over its view, and what that is."""
        if self.written is None:
            return poll, None
        view, ended = poll.view, self.written.ended(perimeter.role, perimeter.organisation)
        over = self.written.over(view, inputs)
        return replace(poll, view=over, ended=ended), (view.overlay and view.overlay.told, ended)


def _plan(rights: Rights, directory: Directory) -> SourcePlan:
    """The plan of whoever reads events of that perimeter, so that their readings and views are the same."""
    key = rights.perimetre, CategorieDonnee.SUIVI in rights.readable
    if key not in directory.plans:
        directory.plans[key] = plan_of_perimetre(rights.perimetre, directory.referentiel, suivi=key[1])
    plan: SourcePlan = directory.plans[key]
    return plan


def _is_too_soon(watched: Watched, readings: SourceReadings) -> bool:
    """Whether a perimeter is to be opened later: what its sources say a moment after the first poll would all be new."""
    opened = watched.known is not None and watched.known.opened
    return not opened and not readings.complete and asyncio.get_running_loop().time() < watched.opens_at


def _is_due(watched: Watched, now: datetime) -> bool:
    """Whether time alone may have changed something: a rupture that is missing may be over, units were heard an hour ago."""
    waits = watched.known and any(one.missing_since for one in watched.known.facts.values())
    return bool(waits) or watched.seen_at is None or now - watched.seen_at > WHOLE


def _tell_failure(error: Exception) -> None:
    logger.warning("veille des événements : %s", type(error).__name__)
