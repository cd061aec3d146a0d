"""Asks the sources what a plan states, within the deadline of the answer, and says what each told and how fresh it is.

Knows units and kinds of sources; no HTTP, no rule of merge or of access.

Theory of operation
===================

A plan names what a perimeter needs: CFAs, Missions locales, postal codes at the registry. Following it costs a call for each
unit and a join of thousands of records, so the last reading of each plan is kept, and a warm query only checks that it still
holds. `collect` tries, the cheapest first:

1. held: the last reading was verified less than VERIFY_AFTER ago, and is served as it is;
2. still true: every unit is in the cache at the version that was read, and the registry has not changed. No partner is asked;
3. asked again: all the units of the last reading at once, which all tell the version that was read;
4. followed: the units of the plan and the registry; the CFAs that the registry adds for residents; the registry for those who
   were found elsewhere; at last, where the plan asks for follow-ups, the Missions locales of the homes found.

Invariants: a unit is asked once a reading, and no more units of a partner than its cap. A source that fails is an error of the
reading, never an exception. A reading is never changed once kept. Only one is under way for a plan and an age: who asks meanwhile
waits for it. Partners get SOURCES_SHARE of the deadline and the registry REGISTRY_SHARE: the rest is for merging and writing.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from gateway.concurrency import offload
from gateway.errors import SourceError
from gateway.federation.collect.kept_readings import (
    Freshness,
    Keys,
    Origin,
    Part,
    RegistrySource,
    SourceReadings,
    SourceReadingsCache,
    Subject,
    read_registry,
)
from gateway.federation.collect.plan import SourcePlan, in_order, may_live_in, residents_by_cfa
from gateway.federation.join.components import NOTHING, regroup
from gateway.federation.join.join_records import Cluster, SourcedRecord
from gateway.federation.join.merge import residence
from gateway.federation.organisation_directory import Directory
from gateway.schema.organisations import TypeSource
from gateway.sources.units import CacheStatus, Resource, Unit, UnitFailure, UnitResult

# Of the answer's deadline. Partners first; the registry's store is ours and near; the rest is for merging and writing.
SOURCES_SHARE = 0.8
REGISTRY_SHARE = 0.95
VERIFY_AFTER = 1.0  # seconds before a kept reading is verified again: what an event changes must show within five


class LiveSources(Protocol):
    """The sources asked at query time."""

    def partner_of_cfa(self, uai: str) -> str | None: ...
    def sources_of_cfa(self, uai: str) -> tuple[str, ...]: ...
    def sources_of(self, type_source: TypeSource) -> tuple[str, ...]: ...

    def partners_of_structure(self, code: str) -> tuple[str, ...]: ...
    def cap(self, source: str) -> int: ...
    async def read(
        self, units: Sequence[Unit], timeout: float, age_max: float | None, asked: Counter[str]
    ) -> list[UnitResult | UnitFailure]: ...
    async def kept_versions(self, units: Sequence[Unit]) -> list[UnitResult | None]: ...


@dataclass(frozen=True, slots=True)
class Collector:
    """The sources, and how long an answer may wait for them."""

    live_sources: LiveSources
    registry: RegistrySource
    registry_name: str
    timeout: float
    wall_clock: Callable[[], float]
    without_mission_locale: Callable[[str, int], None]  # counts, by source, homes nobody can place (docs/domaine.md)
    cache: SourceReadingsCache = field(default_factory=SourceReadingsCache)

    async def collect(
        self,
        plan: SourcePlan,
        directory: Directory,
        age_max: float | None = None,
        since: float = float("-inf"),
        timeout: float | None = None,
    ) -> SourceReadings:
        """What the sources say, or the last reading of the same plan while each still says it. `age_max`: in seconds, when no
        older answer is wanted, where the partners allow it; `since`: an instant after which it is to be begun; `timeout`:
        seconds that the caller waits for each reading. Raises StillUnderWay then."""
        subject = plan, directory
        if age_max is None and (kept := await self._still_true(subject, since)):
            return kept
        # One reading for all who ask meanwhile: two hundred that join the same records would stop the process.
        flight = (subject, age_max), partial(self._read, subject, age_max)
        readings = await self.cache.flights.run(*flight, timeout)
        return (
            readings if readings.begun > since else await self.cache.flights.run(*flight, timeout)
        )  # under way before

    async def _still_true(self, subject: Subject, since: float) -> SourceReadings | None:
        """The last reading, while every unit is in the cache at the version that was read and the registry is the same. Asks no
        partner. Ages may be less than they were: a partner may have confirmed what it said."""
        kept, instant = self.cache.last(subject), self.wall_clock()
        # An incomplete one is only kept when its sources are suspended: asking them again at once would bring nothing.
        if kept is None or (instant < kept.verified + VERIFY_AFTER and kept.begun > since):
            return kept
        if not kept.whole:
            return None
        again = kept.again(await self.live_sources.kept_versions(tuple(kept.units)), instant)
        if again is None or await self.registry.version() != kept.registry:
            return None
        self.cache.keep(subject, again)
        return again

    async def _read(self, subject: Subject, age_max: float | None) -> SourceReadings:
        """Ask the units of the last reading, all at once; follow the plan when one of them says something else."""
        start = self.wall_clock()
        partners_end, registry_end = start + self.timeout * SOURCES_SHARE, start + self.timeout * REGISTRY_SHARE
        unit_reader = _UnitReader(self.live_sources, lambda: partners_end - self.wall_clock(), age_max)
        last, readings = self.cache.last(subject), None
        if last and last.whole and last.registry == await self.registry.version():
            readings = last.again(await unit_reader.read(tuple(last.units)), self.wall_clock())
        readings = readings or await self._follow_plan(*subject, unit_reader, registry_end)
        readings.verified, readings.begun = self.wall_clock(), start
        if readings.is_durable:
            self.cache.keep(subject, readings)
        return readings

    async def _follow_plan(
        self, plan: SourcePlan, directory: Directory, unit_reader: "_UnitReader", registry_end: float
    ) -> SourceReadings:
        """What the units of the plan and the registry say, then those that their answers add."""
        readings = SourceReadings(pool=self.cache.pool)

        async def request(units: Sequence[Unit]) -> None:
            outcomes = await unit_reader.read(units)
            self._note(readings, outcomes)
            self._count_unplaced(readings, outcomes, directory)

        by_cfa = () if plan.codes_postaux else directory.cfa_keys(plan.uais)
        first = self.units_of(plan.structures, plan.uais)
        # Some will be left out, and must not be those where the residents are: the registry, which tells, comes first.
        if self._too_many(first):
            first = []
        registry, _ = await asyncio.gather(
            self._from_registry(readings, registry_end, (plan.codes_postaux, by_cfa, ())), request(first)
        )
        # Without homes there are no residents elsewhere: a CFA's people are asked of that CFA.
        residents = registry.once(_residents, plan, directory) if registry and plan.codes_postaux else Counter[str]()
        cfas = in_order(plan.uais, residents)
        await request([unit for unit in self.units_of(plan.structures, cfas) if unit not in first])
        await self._complete_from_registry(readings, registry_end, plan, directory)
        if plan.suivi:
            # Whoever they are asked of, they are asked: whether it is depends on nobody's dossier.
            readings.apart = frozenset(self.live_sources.sources_of(TypeSource.MISSION_LOCALE))
            await request(self._structures(await self._residence_structures(readings, (plan, directory))))
        return readings

    async def _residence_structures(self, readings: SourceReadings, subject: Subject) -> list[str]:
        """The Missions locales of the homes of everybody found so far, whom this groups."""
        last, count = self.cache.last(subject), len(readings.sourced_records)
        before = last.groups if last and last.groups else NOTHING
        told = {origin: part.records for origin, part in readings.parts.items()}
        readings.groups = await offload(count, regroup, readings.pool, told, before=before)
        return await offload(count, _structures_of, readings.groups.clusters.values(), subject[1])

    def _too_many(self, units: Iterable[Unit]) -> bool:
        """True when one of their partners would be asked for more than one query may."""
        return any(n > self.live_sources.cap(source) for source, n in Counter(u.source for u in units).items())

    def units_of(self, structures: Iterable[str], uais: Iterable[str]) -> list[Unit]:
        """What is asked of the partners of these Missions locales and CFAs."""
        cfas = [Unit(source, Resource.CFA, uai) for uai in uais for source in self.live_sources.sources_of_cfa(uai)]
        return [*self._structures(structures), *cfas]

    def _structures(self, codes: Iterable[str]) -> list[Unit]:
        asked = [(source, code) for code in codes for source in self.live_sources.partners_of_structure(code)]
        return [Unit(source, Resource.STRUCTURE, code) for source, code in asked]

    async def _complete_from_registry(
        self, readings: SourceReadings, end: float, plan: SourcePlan, directory: Directory
    ) -> None:
        """Add the contracts of those who were found elsewhere and may be of the perimeter."""
        if self.registry_name in readings.errors:
            return
        count = len(readings.sourced_records)
        absent = await offload(count, _absent, readings.parts, plan, directory, self.registry_name)
        if absent:
            await self._from_registry(readings, end, ((), (), absent))

    async def _from_registry(self, readings: SourceReadings, end: float, keys: Keys) -> Part | None:
        """Read the registry before `end` and note what it tells; None, and an error noted, when it tells nothing."""
        outcome = await read_registry(self.registry, self.registry_name, end - self.wall_clock(), keys)
        if isinstance(outcome, SourceError):
            readings.errors[self.registry_name] = outcome
            # What it lacks makes it another reading: a view made of it must not pass for a complete one.
            readings.registry += "?"
            return None
        answer, as_of = outcome
        # The two questions of one reading may fall on both sides of a harvest: neither version alone tells both.
        changed = readings.registry not in {"", answer.version}
        readings.registry = f"{readings.registry}+{answer.version}" if changed else answer.version
        readings.freshness_by_source[self.registry_name] = Freshness("moisson", self.wall_clock(), as_of)
        part, origin = self.cache.of_registry(self.registry_name, answer, as_of), (self.registry_name, "")
        known = readings.parts.get(origin)
        readings.parts[origin] = self.cache.together(known, part) if known else part
        readings.sourced_records += part.records
        return part

    def _note(self, readings: SourceReadings, outcomes: Sequence[UnitResult | UnitFailure]) -> None:
        for outcome in outcomes:
            result = outcome.fallback if isinstance(outcome, UnitFailure) else outcome
            if isinstance(outcome, UnitFailure):
                (readings.covered if result else readings.errors).setdefault(outcome.unit.source, outcome.error)
            if result:
                self._note_result(readings, result)

    def _count_unplaced(
        self, readings: SourceReadings, outcomes: Iterable[UnitResult | UnitFailure], directory: Directory
    ) -> None:
        """Counted when the partner tells it, not each time that the cache does."""
        for outcome in outcomes:
            result = outcome.fallback if isinstance(outcome, UnitFailure) else outcome
            if result and result.cache is CacheStatus.MISSED:
                part = readings.parts[result.unit.source, result.unit.key]
                self.without_mission_locale(result.unit.source, part.once(_unplaced, directory))

    def _note_result(self, readings: SourceReadings, result: UnitResult) -> None:
        if result.unit.resource is Resource.STRUCTURE:
            readings.suivi_heard |= {result.unit.key}
        readings.units[result.unit] = result.version
        readings.date([result], self.wall_clock())
        # Of a CFA that is asked too, what it transmitted fills what its answer lacks (docs/domaine.md, Conflits).
        stands_in = result.pushed is not None and len(self.live_sources.sources_of_cfa(result.unit.key)) > 1
        part = self.cache.heard(result, stands_in)
        readings.parts[result.unit.source, result.unit.key] = part
        readings.sourced_records += part.records


@dataclass(frozen=True, slots=True)
class _UnitReader:
    """Reads units for one reading: each is asked once, and so many of a partner. `remaining`: the seconds left."""

    live_sources: LiveSources
    remaining: Callable[[], float]
    age_max: float | None
    outcomes: dict[Unit, UnitResult | UnitFailure] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)  # by partner: what counts against its cap

    async def read(self, units: Sequence[Unit]) -> list[UnitResult | UnitFailure]:
        """What each says, in order."""
        if new := [unit for unit in units if unit not in self.outcomes]:
            outcomes = await self.live_sources.read(new, self.remaining(), self.age_max, self.asked)
            self.outcomes.update(zip(new, outcomes, strict=True))
        return [self.outcomes[unit] for unit in units]


def _unplaced(records: Sequence[SourcedRecord], directory: Directory) -> int:
    """How many addresses lead to no Mission locale."""
    addresses = (who.jeune.adresse for who in records)
    return sum(directory.mission_locale_of_home(adresse) is None for adresse in addresses if adresse)


def _absent(parts: Mapping[Origin, Part], plan: SourcePlan, directory: Directory, registry: str) -> set[str]:
    """The identities that may be of the perimeter, and that the registry has not told of."""
    found: set[str] = set()
    for (source, _), part in parts.items():
        if source != registry:
            found |= part.once(_relevant, plan, directory)
    told = parts.get((registry, ""))
    return found - told.once(_identities) if told else found


def _residents(records: Sequence[SourcedRecord], plan: SourcePlan, directory: Directory) -> Counter[str]:
    return residents_by_cfa((who.record for who in records), plan, directory)


def _relevant(records: Sequence[SourcedRecord], plan: SourcePlan, directory: Directory) -> frozenset[str]:
    return frozenset(who.identity for who in records if _may_concern(who, plan, directory))


def _identities(records: Sequence[SourcedRecord]) -> frozenset[str]:
    return frozenset(who.identity for who in records)


def _may_concern(sourced_record: SourcedRecord, plan: SourcePlan, directory: Directory) -> bool:
    # Whoever sees by residence needs the contracts of homes of its own, or that nobody can place yet.
    asked_anyway = not plan.codes_postaux or sourced_record.type is TypeSource.MISSION_LOCALE
    return asked_anyway or may_live_in(sourced_record.record, plan, directory)


def _structures_of(clusters: Iterable[Cluster], directory: Directory) -> list[str]:
    """The Missions locales of the homes of these people."""
    places = (residence(cluster, directory)[1] for cluster in clusters)
    return sorted({place.mission_locale for place in places if place and place.mission_locale})
