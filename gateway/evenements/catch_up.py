"""Whether what is read of an event is what it tells, or what this process knew before, or nothing of the caller's.

Each process keeps readings of its own: one that found the event may have heard its partner when another had not. An event is
passed over without a word only where the reading is known to hold what was said when it was logged: verified since by what tells
of others, or made of what its sources said since (docs/decisions/0158). Knows no HTTP and no rule of access.
"""

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from cachetools import LRUCache

from gateway.domain.perimeter_events import LoggedEvent
from gateway.errors import SourceDenied
from gateway.federation.collect.kept_readings import Freshness, SourceReadings
from gateway.federation.views.event_resolver import EventStanding
from gateway.federation.views.overlay import DEPOSIT
from gateway.sources.units import Unit

AGAIN = 0.5  # seconds between two looks for an event: a reading is held for a second
GIVEN_UP = 30.0  # seconds for which an event that is not found is looked for
MET_KEPT = 2 * GIVEN_UP  # seconds: what was met before was met long ago
LONG_AGO = float("-inf")
FOLLOWED = 1.0  # seconds within which a process hears what is written, transmitted or harvested through another
SKEW = 2.0  # seconds by which the clocks of two processes may differ
INVALIDATED_MAX = 20_000  # units


@dataclass
class EventCatchUp:
    """What this process knows of the events that it does not find. `invalidate`: has a unit asked again; `is_told`: whether it
    is told now of what the others hear, or is alone; `seconds`: the collector's clock."""

    invalidate: Callable[[Unit], Awaitable[bool]]
    is_told: Callable[[], bool]
    seconds: Callable[[], float]
    now: Callable[[], datetime]
    _met: defaultdict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    _invalidated: LRUCache[Unit, float] = field(default_factory=lambda: LRUCache(INVALIDATED_MAX))

    def meet(self, key: str, numero: int) -> None:
        """Note that the events of a perimeter are met up to a number: those that wait for the same thing wait together."""
        instant = self.seconds()
        recent = [one for one in self._met[key] if instant - one[1] < MET_KEPT]
        self._met[key] = [*recent, (numero, instant)]

    def of(self, key: str) -> "CatchUpOfPerimeter":
        """The same, of one perimeter."""
        return CatchUpOfPerimeter(self, key)

    def last_met(self, key: str) -> float:
        """When the last events of a perimeter were met."""
        return max((instant for _, instant in self._met[key]), default=LONG_AGO)

    def met_at(self, key: str, event: LoggedEvent) -> float:
        """When an event was first met."""
        met = self._met[key]
        rank = bisect_left(met, event.numero, key=lambda one: one[0])
        return met[rank][1] if rank < len(met) else LONG_AGO

    def sighting(self, key: str, readings: SourceReadings, event: LoggedEvent, is_out: bool) -> EventStanding:
        """Whether these readings tell of an event as it is now; `is_out`: it is not found in them."""
        seen = self.met_at(key, event)
        if self._holds(readings, event, seen) if is_out else self._is_as_new(readings, event, seen):
            return EventStanding.SETTLED
        if self.seconds() - seen < GIVEN_UP:
            return EventStanding.BEHIND
        return EventStanding.GIVEN_UP if is_out else EventStanding.SETTLED

    async def ask_first(self, key: str, readings: SourceReadings, events: Sequence[LoggedEvent]) -> bool:
        """The same of the sources that these events name, where they were not heard since; whether any is asked."""
        given_up = self.seconds() - GIVEN_UP
        recent = itertools.takewhile(lambda event: self.met_at(key, event) > given_up, reversed(events))
        late = [event for event in recent if _is_of_one(event) and not self._is_told_by(key, readings, event)]
        return await self.ask_again(key, readings, late)

    async def ask_again(self, key: str, readings: SourceReadings, events: Iterable[LoggedEvent]) -> bool:
        """Where nothing tells what others heard, have the sources of these events asked, once since they were met; whether any
        is."""
        asked = False
        for event in itertools.filterfalse(self._is_shared, events):
            seen = self.met_at(key, event)
            lines = _asked(readings, _sources(readings, event))
            for unit in [unit for unit in readings.units if unit.source in lines]:
                if self._invalidated.get(unit, LONG_AGO) < seen:
                    self._invalidated[unit] = self.seconds()
                    await self.invalidate(unit)
                    asked = True
        return asked

    def _is_shared(self, event: LoggedEvent) -> bool:
        """Whether what told it was told to this process too."""
        return self.is_told() and not event.about.alone

    def _is_told_by(self, key: str, readings: SourceReadings, event: LoggedEvent) -> bool:
        lines, seen = _asked(readings, _sources(readings, event)), self.met_at(key, event)
        return all(self._is_heard(line, event, seen) for line in lines.values())

    def _is_as_new(self, readings: SourceReadings, event: LoggedEvent, seen: float) -> bool:
        """Whether what is in sight is what the event tells, and not what was there before, as far as one can be asked."""
        if self._is_shared(event):
            return readings.begun > seen
        # Of what names no source, all would be asked, each time: what is known of it is sent.
        asked = _asked(readings, _sources(readings, event)) if _is_of_one(event) else {}
        failed = readings.errors.keys() | readings.covered.keys()
        return all(self._is_heard(line, event, seen) for name, line in asked.items() if name not in failed)

    def _holds(self, readings: SourceReadings, event: LoggedEvent, seen: float) -> bool:
        """Whether the readings hold all that was known when the event was logged."""
        sources, is_of_one = _sources(readings, event), _is_of_one(event)
        failed = readings.errors.keys() & sources if is_of_one else readings.errors
        if failed or readings.begun <= seen + (0.0 if is_of_one and _asked(readings, sources) else FOLLOWED):
            return False
        # Of who refuses a part, the rest is told; any other earlier answer stands in for what may be new.
        covered = {name for name, error in readings.covered.items() if not isinstance(error, SourceDenied)}
        asked = _asked(readings, sources & covered if self._is_shared(event) else sources)
        return all(self._is_heard(line, event, seen) for line in asked.values())

    def _is_heard(self, line: Freshness, event: LoggedEvent, seen: float) -> bool:
        """Whether all that is used of a source was said since the event was logged."""
        logged = self.seconds() - (self.now() - event.quand).total_seconds()
        return line.said_at >= min(seen, logged + SKEW)


@dataclass(frozen=True, slots=True)
class CatchUpOfPerimeter:
    """What is known here of the events of one perimeter, by its key."""

    all: EventCatchUp
    key: str

    @property
    def met_at(self) -> float:
        return self.all.last_met(self.key)

    def sighting(self, readings: SourceReadings, event: LoggedEvent, is_out: bool) -> EventStanding:
        return self.all.sighting(self.key, readings, event, is_out)

    async def ask_first(self, readings: SourceReadings, events: Sequence[LoggedEvent]) -> bool:
        return await self.all.ask_first(self.key, readings, events)

    async def ask_again(self, readings: SourceReadings, events: Iterable[LoggedEvent]) -> bool:
        return await self.all.ask_again(self.key, readings, events)


def _is_of_one(event: LoggedEvent) -> bool:
    """Whether one source of the outside told it."""
    return event.about.source not in {None, DEPOSIT}


def _sources(readings: SourceReadings, event: LoggedEvent) -> frozenset[str]:
    """The sources that may have told an event: the one that it names, or all that are asked."""
    source = event.about.source
    return frozenset({source} if source and source != DEPOSIT else {unit.source for unit in readings.units})


def _asked(readings: SourceReadings, sources: Set[str]) -> dict[str, Freshness]:
    """Those of these sources that are asked: what is harvested or transmitted is read in stores that all processes share."""
    lines = readings.freshness_by_source.items()
    return {name: line for name, line in lines if name in sources and line.as_of is None}
