"""The view that an operation shows, found within the deadline of its answer (docs/graphe.md, Pages, identifiants, fraîcheur).

What takes longer is prepared behind, for whoever asks next: a region of forty thousand young people takes twenty seconds to read,
join and merge the first time. Meanwhile the last view of the same persons is shown, at its own age; without one, no source is
told to have answered, and the answer says how many units are read. Knows no GraphQL.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Protocol

from gateway.concurrency import SingleFlight, StillUnderWay
from gateway.errors import SourceError, SourceTimedOut
from gateway.federation.collect.collector import Collector
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.collect.plan import SourcePlan
from gateway.federation.ids.id_assigner import IdAssigner
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.build import BuiltView, ViewCache, find_view, view_key
from gateway.federation.views.view import Rights, View

FEW = 5_000  # records: joined and merged in a second or so, which is waited for rather than asked again
# Seconds since a view was last found true: older, it stands in for nothing, no more than a kept answer of a partner does.
OLDEST = 3600.0
TRIES, REST = 20, 1.0  # readings, and the seconds between two, while the registry is still being read
LATE = "la réponse n'est pas arrivée à temps"


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """Whom a view is for, and whom it is of."""

    plan: SourcePlan
    rights: Rights
    directory: Directory
    day: date


class ViewParts(Protocol):
    """What of the gateway finds a view."""

    @property
    def collector(self) -> Collector: ...
    @property
    def id_assigner(self) -> IdAssigner: ...
    @property
    def views(self) -> ViewCache: ...
    @property
    def late_views(self) -> SingleFlight[ViewRequest, None]: ...


# What was read, what is shown of it, and how many persons were known to be there.
Found = tuple[SourceReadings, View, int]


async def prepared(parts: ViewParts, wanted: ViewRequest) -> None:
    """Wait for that view, if it is being prepared. Raises StillUnderWay."""
    if wanted in parts.late_views:
        await parts.late_views.run(wanted, partial(_prepare, parts, wanted), parts.collector.timeout)


async def view_in_time(parts: ViewParts, wanted: ViewRequest, readings: SourceReadings, end: float) -> Found:
    """What these rights see of many records, built before `end`. Raises StillUnderWay."""
    if _awaits_registry(parts.collector, readings) and _last(parts, wanted, readings) is None:
        raise StillUnderWay  # a first view without contracts would take as long, and be thrown away
    try:
        async with asyncio.timeout(max(0.0, end - parts.collector.wall_clock())):
            return readings, *await _build(parts, wanted, readings)
    except TimeoutError:
        raise StillUnderWay from None


async def _build(parts: ViewParts, wanted: ViewRequest, readings: SourceReadings) -> tuple[View, int]:
    """What these rights see of these readings, and how many persons they were known to see before."""
    return await find_view(parts.views, parts.id_assigner, readings, wanted.rights, wanted.directory, wanted.day)


def meanwhile(parts: ViewParts, wanted: ViewRequest) -> Found:
    """Have that view read and built behind. Until then: the last view of the same persons, with what it was read from; else
    nothing, every source being late."""
    parts.late_views.start(wanted, partial(_prepare, parts, wanted))
    units = parts.collector.units_of(wanted.plan.structures, wanted.plan.uais)
    progress = {"preparation": {"unites": parts.collector.cache.heard_of(units), "sur": len(units)}}
    kept = parts.collector.cache.last((wanted.plan, wanted.directory))
    last = _last(parts, wanted, kept) if kept else None
    readings = last.readings if last else None
    if last is None or readings is None or parts.collector.wall_clock() - readings.verified > OLDEST:
        names = {parts.collector.registry_name, *(unit.source for unit in units)}
        return SourceReadings(errors=_late(names), progress=progress), View(), 0
    covered = _late(readings.freshness_by_source) | readings.covered
    return replace(readings, covered=covered, progress=progress), last, len(last.persons)


def _last(parts: ViewParts, wanted: ViewRequest, readings: SourceReadings) -> BuiltView | None:
    """The last view of the same persons, told by the same units."""
    return parts.views.last(view_key(readings, wanted.rights, wanted.directory, wanted.day).subject)


def _awaits_registry(collector: Collector, readings: SourceReadings) -> bool:
    """Whether the registry is still being read: its copy is ours, and a reading of it goes on to its end."""
    return isinstance(readings.errors.get(collector.registry_name), SourceTimedOut)


async def _prepare(parts: ViewParts, wanted: ViewRequest) -> None:
    """Read and build that view to the end."""
    for _ in range(TRIES):
        readings = await parts.collector.collect(wanted.plan, wanted.directory)
        if not _awaits_registry(parts.collector, readings):
            break
        await asyncio.sleep(REST)
    await _build(parts, wanted, readings)


def _late(names: Iterable[str]) -> dict[str, SourceError]:
    return {name: SourceTimedOut(name, LATE) for name in sorted(names)}
