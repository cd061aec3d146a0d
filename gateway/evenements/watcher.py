"""Looks at the perimeters that somebody reads the events of, and writes what is new in their logs. Knows no SQL and no HTTP.

A look is an ordinary plan, reading and view: it asks partners what a query would, within their quotas, and the last reading
serves as long as it holds. What a partner tells by an event, a copy that is harvested, a unit read again: each makes another
reading, and nothing else has to be listened to. One process looks at a perimeter, by a lease of the store; were two to look, what
they write is written once. What fails delays a look, and loses nothing: what is new is still new at the next.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from gateway.auth.policy.policy import AccessPolicy
from gateway.auth.policy.rules import CategorieDonnee
from gateway.concurrency import Sleep, every, offload
from gateway.domain.announcements import KnownPerimeter
from gateway.domain.days import paris_day
from gateway.evenements.perimeter_logs import EventLog, known_after
from gateway.evenements.perimeters import WatchedPerimeter
from gateway.federation.changes import Look, changes
from gateway.federation.collect.collector import Collector
from gateway.federation.collect.plan import SourcePlan, plan_of_perimetre
from gateway.federation.directory import Directory
from gateway.federation.ids.assign import IdAssigner
from gateway.federation.views.build import ViewCache, find_view
from gateway.federation.views.view import Rights

PERIOD = 1.0  # seconds between two looks at a perimeter; more where they are many
LOOKS_A_SECOND = 100
FOLLOW = 1.0  # seconds between two readings of which perimeters are followed
RENEW = 20.0  # seconds after which the lease is taken again, a third of what it lasts
WHOLE = timedelta(hours=1)  # after which a look is taken whole, be nothing new said: it is written that units are heard

logger = logging.getLogger("gateway.evenements")


class LookParts(Protocol):
    """What a look is made with: what a query is."""

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


@dataclass(slots=True)
class Watched:
    """What is kept of a perimeter between two looks of this process: nothing, while another one looks."""

    perimeter: WatchedPerimeter
    known: KnownPerimeter | None = None
    seen: Hashable = None  # what the last whole look was of
    seen_at: datetime | None = None
    renew_at: float = 0.0  # loop time


@dataclass
class Watcher:
    """Watches every perimeter that is followed, each by a task of its own: one that waits for its sources delays no other."""

    log: EventLog
    parts: LookParts
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
        watched, lease = Watched(perimeter), self.log.lease(key)

        async def attempt() -> float:
            if asyncio.get_running_loop().time() >= watched.renew_at:
                is_ours = await lease.elect()
                watched.renew_at = asyncio.get_running_loop().time() + (RENEW if is_ours else 0.0)
                watched.known = watched.known if is_ours else None
                if not is_ours:
                    return RENEW / 4
            await self.look(key, watched)
            return max(PERIOD, len(self._tasks) / LOOKS_A_SECOND)

        def failed(error: Exception) -> None:
            watched.known = watched.seen = None  # what was written is read again
            _tell_failure(error)

        try:
            await every(PERIOD, attempt, failed, sleep)
        finally:
            await lease.release()

    async def look(self, key: str, watched: Watched) -> None:
        """One look, and what it finds written. Raises EventsUnavailable, and whatever a look raises."""
        if watched.known is None:
            watched.known, watched.seen = await self.log.known(key), None
        parts, directory = self.parts, self.parts.directory()
        rights, now = watched.perimeter.rights(parts.policy, directory.referentiel), parts.now()
        readings = await parts.collector.collect(_plan(rights, directory), directory)
        seen = readings.versions, readings.complete, paris_day(now), directory
        if readings.silent or (seen == watched.seen and not _is_due(watched, now)):
            return
        day = paris_day(now)
        view, _ = await find_view(parts.views, parts.id_assigner, readings, rights, directory, day)
        if view.stale is not None:
            return  # ids that are given without the ledger may be others tomorrow: nothing is announced of them
        look = Look(readings, view, day, now, parts.collector.wall_clock(), self.log.ids)
        found = await offload(len(view.persons), changes, look, watched.known)
        if not found.is_empty or not watched.known.opened:
            await self.log.write(key, found)
            watched.known = known_after(watched.known, found, now)
        watched.seen, watched.seen_at = seen, now


def _plan(rights: Rights, directory: Directory) -> SourcePlan:
    """The plan of whoever reads events of that perimeter, so that their readings and views are the same."""
    key = rights.perimetre, CategorieDonnee.SUIVI in rights.readable
    if key not in directory.plans:
        directory.plans[key] = plan_of_perimetre(rights.perimetre, directory.referentiel, suivi=key[1])
    plan: SourcePlan = directory.plans[key]
    return plan


def _is_due(watched: Watched, now: datetime) -> bool:
    """Whether time alone may have changed something: a rupture that is missing may be over, units were heard an hour ago."""
    waits = watched.known and any(one.missing_since for one in watched.known.facts.values())
    return bool(waits) or watched.seen_at is None or now - watched.seen_at > WHOLE


def _tell_failure(error: Exception) -> None:
    logger.warning("veille des événements : %s", type(error).__name__)
