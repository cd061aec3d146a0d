"""Asks the sources what a plan states, within the deadline of the answer, and keeps what each said and how fresh it is.

Knows units and kinds of sources; no HTTP, no rule of merge or of access.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from gateway.connectors.base import Record
from gateway.errors import SourceError
from gateway.federation.collect.plan import SourcePlan
from gateway.federation.collect.readings import Freshness, Readings, ReadingsCache, Subject
from gateway.federation.collect.registry import Keys, RegistryAnswer, RegistrySource, read_registry
from gateway.federation.collect.relevant_cfas import in_order, residents_by_cfa
from gateway.federation.directory import Directory
from gateway.federation.join.link import link
from gateway.federation.join.merge import residence
from gateway.federation.join.records import SourcedRecord
from gateway.federation.offload import offload
from gateway.schema.organisations import TypeSource
from gateway.sources.units import CacheStatus, Resource, Unit, UnitFailure, UnitResult

# Of the answer's deadline. Partners first; the registry's store is ours and near; the rest is for merging and writing.
SOURCES_SHARE = 0.8
REGISTRY_SHARE = 0.95
VERIFY_AFTER = 1.0  # seconds before a reading is looked at again: what an event changes shows within five


class LiveSources(Protocol):
    """The sources asked at query time."""

    def partner_of_cfa(self, uai: str) -> str | None: ...
    def sources_of(self, type_source: TypeSource) -> tuple[str, ...]: ...
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
    cache: ReadingsCache = field(default_factory=ReadingsCache)

    async def collect(self, plan: SourcePlan, directory: Directory, age_max: float | None = None) -> Readings:
        """What the sources say; what was heard last for the same plan as long as each of them still says it, so that a
        warm query costs what its page costs, whatever the perimeter holds. `age_max`: in seconds, when the caller wants no
        older answer, where the partners allow it."""
        subject = plan, directory
        if age_max is None and (kept := await self._still_true(subject)):
            return kept
        # One reading for all who ask meanwhile: two hundred that join the same records would stop the process.
        return await self.cache.flights.run((subject, age_max), partial(self._read, subject, age_max))

    async def _still_true(self, subject: Subject) -> Readings | None:
        """The last reading while every unit is kept, young, at the version that was heard, and the registry brought nothing;
        its ages may be less than they were: a partner confirms what it said. Asks nobody."""
        kept, instant = self.cache.last(subject), self.wall_clock()
        if kept is None or instant < kept.verified + VERIFY_AFTER:
            return kept
        if not kept.complete:
            return None
        again = kept.again(await self.live_sources.kept_versions(tuple(kept.units)), instant)
        if again is None or await self.registry.version() != kept.registry:
            return None
        self.cache.keep(subject, again)
        return again

    async def _read(self, subject: Subject, age_max: float | None) -> Readings:
        """Ask the units heard last time, all together; when they do not all say the same again, or the registry brought
        something, follow the plan."""
        debut = self.wall_clock()
        fin, limit = debut + self.timeout * SOURCES_SHARE, debut + self.timeout * REGISTRY_SHARE
        round_ = _Round(self.live_sources, lambda: fin - self.wall_clock(), age_max)
        last, readings = self.cache.last(subject), None
        if last and last.complete and last.registry == await self.registry.version():
            readings = last.again(await round_.read(tuple(last.units)), self.wall_clock())
        readings = readings or await self._follow_plan(*subject, round_, limit)
        readings.verified = self.wall_clock()
        if readings.is_durable:
            self.cache.keep(subject, readings)
        return readings

    async def _follow_plan(self, plan: SourcePlan, directory: Directory, round_: "_Round", limit: float) -> Readings:
        """Ask the units of the plan and the registry together, then the CFAs that the registry adds for residents, then
        the registry for whoever was found elsewhere. When a partner would be asked for too much, the registry comes first."""
        readings = Readings()

        async def request(units: Sequence[Unit]) -> None:
            self._note(readings, await round_.read(units), directory)

        by_cfa = () if plan.codes_postaux else directory.cfa_keys(plan.uais)
        first = [*self._structures(plan.structures), *self._cfas(plan.uais)]
        if self._too_many(first):  # some will be left out: not those where the residents are
            first = []
        registry, _ = await asyncio.gather(
            self._from_registry(readings, limit, (plan.codes_postaux, by_cfa, ())), request(first)
        )
        told_values = (
            registry.records if registry and plan.codes_postaux else ()
        )  # a CFA's people are asked of that CFA
        cfas = in_order(plan.uais, residents_by_cfa(told_values, plan, directory))
        all_ = [*self._structures(plan.structures), *self._cfas(cfas)]
        await request([unit for unit in all_ if unit not in first])
        await self._hear_registry(readings, limit, plan, directory)
        if plan.suivi:
            values_read = readings.sourced_records
            structures = await offload(len(values_read), _residence_structures, values_read, directory)
            await request(self._structures(structures))
        return readings

    def _too_many(self, units: Iterable[Unit]) -> bool:
        """Whether one query may not ask for all that."""
        return any(n > self.live_sources.cap(source) for source, n in Counter(u.source for u in units).items())

    def _cfas(self, uais: Iterable[str]) -> list[Unit]:
        served = [(uai, self.live_sources.partner_of_cfa(uai)) for uai in uais]
        return [Unit(source, Resource.CFA, uai) for uai, source in served if source]

    def _structures(self, codes: Iterable[str]) -> list[Unit]:
        sources = self.live_sources.sources_of(TypeSource.MISSION_LOCALE)
        return [Unit(source, Resource.STRUCTURE, code) for source in sources for code in codes]

    async def _hear_registry(self, readings: Readings, fin: float, plan: SourcePlan, directory: Directory) -> None:
        """The contracts of whoever was found elsewhere and may be of the perimeter."""
        if self.registry_name in readings.errors:
            return
        values_read = readings.sourced_records
        absent = await offload(len(values_read), _absent, values_read, plan, directory, self.registry_name)
        if absent:
            await self._from_registry(readings, fin, ((), (), absent))

    async def _from_registry(self, readings: Readings, fin: float, keys: Keys) -> RegistryAnswer | None:
        """Read the store within the deadline, and note what it tells; None, and an error noted, when it tells nothing."""
        row_read = await read_registry(self.registry, self.registry_name, fin - self.wall_clock(), keys)
        if isinstance(row_read, SourceError):
            readings.errors[self.registry_name] = row_read
            readings.registry += "?"  # what it lacks makes it another reading
            return None
        response, as_of = row_read
        changed = readings.registry not in {"", response.version}
        readings.registry = f"{readings.registry}+{response.version}" if changed else response.version
        readings.freshness_by_source[self.registry_name] = Freshness("moisson", self.wall_clock(), as_of)
        readings.sourced_records += [
            SourcedRecord(self.registry_name, TypeSource.REGISTRE_CONTRATS, "", record, as_of)
            for record in response.records
        ]
        return response

    def _sourced_records(self, result: UnitResult) -> list[SourcedRecord]:
        """The testimonies of an answer, made once: what they were read to mean is kept with them."""
        unit = result.unit
        known_ones = self.cache.records(unit, result.version)
        if known_ones is not None:
            return known_ones
        nature = TypeSource.MISSION_LOCALE if unit.resource is Resource.STRUCTURE else TypeSource.ERP_CFA
        told_values = [SourcedRecord(unit.source, nature, unit.key, d, result.received_at) for d in result.records]
        self.cache.keep_records(unit, result.version, told_values)
        return told_values

    def _note(
        self, readings: Readings, rendered_ones: Sequence[UnitResult | UnitFailure], directory: Directory
    ) -> None:
        for rendered in rendered_ones:
            source = rendered.unit.source
            result = rendered.fallback if isinstance(rendered, UnitFailure) else rendered
            if isinstance(rendered, UnitFailure):
                (readings.covered if rendered.fallback else readings.errors).setdefault(source, rendered.error)
            if result:
                self._hear(readings, result)
            if result and result.cache is CacheStatus.MISSED:
                self.without_mission_locale(source, _unplaced(result.records, directory))

    def _hear(self, readings: Readings, result: UnitResult) -> None:
        unit = result.unit
        if unit.resource is Resource.STRUCTURE:
            readings.suivi_heard |= {unit.key}
        readings.units[unit] = result.version
        readings.date([result], self.wall_clock())
        readings.sourced_records += self._sourced_records(result)


@dataclass(frozen=True, slots=True)
class _Round:
    """One reading under way: each unit is asked once, and so many of a partner. `rest`: the seconds left."""

    live_sources: LiveSources
    rest: Callable[[], float]
    age_max: float | None
    values_read: dict[Unit, UnitResult | UnitFailure] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    async def read(self, units: Sequence[Unit]) -> list[UnitResult | UnitFailure]:
        """What each says, in order."""
        if new := [unit for unit in units if unit not in self.values_read]:
            values_read = await self.live_sources.read(new, self.rest(), self.age_max, self.asked)
            self.values_read.update(zip(new, values_read, strict=True))
        return [self.values_read[unit] for unit in units]


def _unplaced(records: Iterable[Record], directory: Directory) -> int:
    addresses = (record.jeune.adresse for record in records)
    return sum(directory.mission_locale_of_home(adresse) is None for adresse in addresses if adresse)


def _absent(
    sourced_records: Sequence[SourcedRecord], plan: SourcePlan, directory: Directory, registry: str
) -> set[str]:
    """Who may be of the perimeter, and that the registry has not told of. Normalising thousands of names holds a loop."""
    relevant = {t.identity for t in sourced_records if _may_concern(t, plan, directory)}
    return relevant - {t.identity for t in sourced_records if t.source == registry}


def _may_concern(sourced_record: SourcedRecord, plan: SourcePlan, directory: Directory) -> bool:
    """Those who see by residence need the contracts of homes that are theirs, or that nobody can place yet."""
    if not plan.codes_postaux or sourced_record.type is TypeSource.MISSION_LOCALE:
        return True
    code = directory.mission_locale_of_home(sourced_record.jeune.adresse)
    return code is None or code in plan.missions_locales


def _residence_structures(sourced_records: list[SourcedRecord], directory: Directory) -> list[str]:
    """The Missions locales of the homes of everybody found."""
    places = (residence(cluster, directory)[1] for cluster in link(sourced_records))
    return sorted({place.mission_locale for place in places if place and place.mission_locale})
