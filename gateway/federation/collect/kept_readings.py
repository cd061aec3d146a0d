"""What the sources said for one operation, as one value; and the readings kept. Knows neither how they are asked nor why.

A reading is kept with the version of each unit it was made of: it holds as long as the units are at these versions, whatever
time has passed. The harvested registry is read within a delay, or the error is told.
"""

import asyncio
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, lru_cache, partial
from typing import Any, Protocol, Self, TypeVar

from cachetools import LRUCache

from gateway.concurrency import SingleFlight
from gateway.connectors.base import Record
from gateway.domain.days import write_instant
from gateway.errors import RegistryUnavailable, SourceError, SourceSuspended, SourceTimedOut, SourceUnavailable
from gateway.federation.collect.plan import SourcePlan
from gateway.federation.join.components import Components
from gateway.federation.join.join_records import SourcedRecord, told_by
from gateway.federation.join.record_pool import RecordPool
from gateway.federation.organisation_directory import Directory
from gateway.schema.organisations import EtatSource, TypeSource
from gateway.sources.units import CacheStatus, Unit, UnitFailure, UnitResult

Keys = tuple[Collection[str], Collection[str], Collection[str]]  # postal codes, CFAs, identities
READINGS_RECORDS_MAX = 400_000  # records of all the readings kept: they mostly share those of the last answers
COPY_FRESH = timedelta(days=2)  # two nights missed; the operator is alerted of one (docs/metriques.md)
READINGS_MIN = 80  # records that a reading counts for at least: no more readings than views are kept
HEARD_MAX = 120_000  # records kept of the last answer of each unit: as many as the cache of answers holds
# From the best status to the worst: a source of which anything is stale is stale; else it was asked if any unit was.
_STATUSES = [CacheStatus.HIT.value, CacheStatus.MISSED.value, CacheStatus.STALE.value]
REGISTRY_ANSWERS_MAX = 32  # whose records are kept: as many as its reader keeps, and two together for each
WORKED_OUT_MAX = 8  # of a part: plans that look at it, one after the other
Origin = tuple[str, str]  # an installation: partner and tenant
T = TypeVar("T")
Subject = tuple[SourcePlan, Directory]
_written = lru_cache(16)(write_instant)  # of a harvest, the same in each answer until the next


class RegistryAnswer(Protocol):
    """What the harvested registry answered."""

    @property
    def records(self) -> tuple[Record, ...]: ...
    @property
    def as_of(self) -> datetime | None: ...
    @property
    def version(self) -> str: ...


class RegistrySource(Protocol):
    """The harvested registry: read in its store, never asked live."""

    async def version(self) -> str: ...
    async def records(
        self, codes_postaux: Collection[str], cfas: Collection[str], identities: Collection[str]
    ) -> RegistryAnswer: ...


async def read_registry(
    registry: RegistrySource, name: str, timeout: float, keys: Keys
) -> tuple[RegistryAnswer, datetime] | SourceError:
    """What it holds under these keys and when it was harvested, read within `timeout` seconds; else the error of source
    `name`, returned: a registry that does not answer leaves the others to be shown."""
    try:
        async with asyncio.timeout(max(0.0, timeout)):
            answer = await registry.records(*keys)
    except TimeoutError:
        return SourceTimedOut(name, "la réponse n'est pas arrivée à temps")
    except RegistryUnavailable:
        return SourceUnavailable(name, "la copie du registre ne répond pas")
    if answer.as_of is None:
        return SourceUnavailable(name, "le registre n'a pas encore été moissonné")
    return answer, answer.as_of


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh the oldest thing used of a source is: the status of the cache, and when the source said it.

    `said_at` is in the collector's seconds; `as_of`, for a source that is not asked, is the instant of the last harvest or of
    the last transmission; `etat`, for transmissions only, what that says of those who transmit.
    """

    status: str
    said_at: float
    as_of: datetime | None = None
    etat: EtatSource | None = None

    def oldest(self, other: Self | None) -> Self:
        """The older of two, at the worse of their statuses."""
        if other is None:
            return self
        status = max(other.status, self.status, key=_STATUSES.index)
        # Some that are silent degrade what is told of all: none of it is missing while one of them transmits.
        etat = self.etat if self.etat is other.etat else EtatSource.DEGRADEE
        return replace(min(other, self, key=lambda freshness: freshness.said_at), status=status, etat=etat)

    def served_again(self) -> Self:
        """The same, as told to whoever is served from what is kept: nothing was asked for that answer."""
        return replace(self, status=CacheStatus.HIT.value) if self.status == CacheStatus.MISSED.value else self

    def state(self, own: EtatSource | None, now: datetime) -> EtatSource | None:
        """The state of its source as an answer tells it: a registry closed for the night fails nobody while its copy is fresh."""
        if self.etat is not None:
            return self.etat
        if self.as_of is None or own is not EtatSource.FERMEE:
            return own
        return EtatSource.DISPONIBLE if now - self.as_of <= COPY_FRESH else EtatSource.DEGRADEE

    def line(self, seconds: float, now: datetime) -> dict[str, Any]:
        """The line of an answer; ages in seconds. `seconds` is the collector's clock, `now` the gateway's."""
        if self.as_of is None:
            return {"ageSecondes": int(round(seconds - self.said_at, 6)), "cache": self.status}
        age = max(0, int((now - self.as_of).total_seconds()))  # a clock may be set back
        return {"ageSecondes": age, "cache": self.status, "asOf": _written(self.as_of)}


@dataclass(slots=True, eq=False)
class Part:
    """What one installation says, in one version: its records, when it came, and what was worked out of them."""

    version: str
    records: list[SourcedRecord]
    received_at: datetime | None  # None: each record tells its own
    _worked_out: dict[Hashable, Any] = field(default_factory=dict, init=False)

    def once(self, work: Callable[..., T], *args: Hashable) -> T:
        """What `work` makes of the records: worked out once, as they do not change."""
        # Several threads may be here, for several plans: at worst, two work out the same.
        kept, key = self._worked_out, (work, args)
        found: T = kept[key] if key in kept else work(self.records, *args)
        self._worked_out = kept if key in kept else {**(kept if len(kept) < WORKED_OUT_MAX else {}), key: found}
        return found


@dataclass
class SourceReadings:
    """What the sources said for one operation. By source: `errors`, nothing to show; `covered`, an earlier answer is shown."""

    sourced_records: list[SourcedRecord] = field(default_factory=list)
    errors: dict[str, SourceError] = field(default_factory=dict)
    covered: dict[str, SourceError] = field(default_factory=dict)
    freshness_by_source: dict[str, Freshness] = field(default_factory=dict)
    units: dict[Unit, str] = field(default_factory=dict)  # the version of each
    parts: dict[Origin, Part] = field(default_factory=dict, compare=False)  # the records by who says them
    registry: str = ""  # the version of the registry's store
    suivi_heard: frozenset[str] = frozenset()  # Missions locales whose system answered
    groups: Components | None = field(default=None, repr=False, compare=False)  # where the plan needed those who join
    pool: RecordPool = field(default_factory=RecordPool, repr=False, compare=False)
    apart: frozenset[str] = frozenset()  # sources asked for follow-ups alone: they say nothing of who is there
    verified: float = 0.0  # when it was last found to hold, in the collector's seconds
    progress: dict[str, Any] = field(default_factory=dict)  # `extensions.preparation`, while its view is being made
    begun: float = 0.0  # when that began to be asked: what others heard before, it knows of, where processes share it

    # Once a reading, which no longer changes when it is asked: a view is looked for by it at each answer.
    @cached_property
    def versions(self) -> Hashable:
        """Changes with anything that was heard."""
        return frozenset(self.units.items()), self.registry

    @property
    def received(self) -> Mapping[Origin, datetime]:
        """When what each installation says came."""
        return {origin: part.received_at for origin, part in self.parts.items() if part.received_at}

    @cached_property
    def by_installation(self) -> Mapping[Origin, Sequence[SourcedRecord]]:
        """The records by who says them: of what did not change since another reading, the same lists."""
        told: dict[Origin, list[SourcedRecord]] = {origin: part.records for origin, part in self.parts.items()}
        for record in () if self.parts else self.sourced_records:
            told.setdefault(record.origin, []).append(record)
        return told

    @property
    def complete(self) -> bool:
        """True when every source that says who is there answered: what is listed is then all that there is."""
        return not (self.errors.keys() | self.covered.keys()) - self.apart

    @property
    def whole(self) -> bool:
        """True when every source answered; an earlier answer that stands in may lack what happened since."""
        return not self.errors and not self.covered

    @property
    def is_durable(self) -> bool:
        """True when asking again at once would bring nothing: every source answered, or its calls are suspended."""
        errors = (*self.errors.values(), *self.covered.values())
        return all(isinstance(error, SourceSuspended) for error in errors)

    @property
    def silent(self) -> bool:
        """True when no source that says who is there answered: there is nothing to show, which is not an empty list."""
        return not self.complete and not self.freshness_by_source.keys() - self.apart

    def lines(
        self, state_of: Callable[[str], EtatSource | None], now: datetime, seconds: float
    ) -> dict[str, dict[str, Any]]:
        """`extensions.sources`: each source asked, its state, and how fresh what was used of it is (docs/graphe.md)."""
        rows = {}
        for name in sorted({*self.freshness_by_source, *self.errors}):
            state, used = state_of(name), self.freshness_by_source.get(name)
            age = used.line(seconds, now) if used else {"ageSecondes": None, "cache": None}
            state = used.state(state, now) if used else state
            rows[name] = {"nom": name, "etat": state and state.value, **age, "partiel": name in self.errors}
        return rows

    def date(self, results: Sequence[UnitResult], instant: float) -> None:
        """Note how fresh the sources of these results are: each as its oldest result."""
        for result in results:
            pushed = result.pushed
            if pushed and pushed.as_of is None:  # nothing was ever transmitted: it has no age
                continue
            told = (pushed.as_of, pushed.etat) if pushed else (None, None)
            freshness = Freshness(result.cache.value, instant - result.age, *told)
            source = result.unit.source
            self.freshness_by_source[source] = freshness.oldest(self.freshness_by_source.get(source))

    def again(self, outcomes: Sequence[UnitResult | UnitFailure | None], instant: float) -> Self | None:
        """The same, verified at `instant`; None when a unit is missing or at another version than was read."""
        results = [outcome for outcome in outcomes if isinstance(outcome, UnitResult)]
        if {result.unit: result.version for result in results} != self.units:
            return None
        # The registry's line stays as it is: it tells the age of a harvest, which no unit dates.
        sources = {unit.source for unit in self.units}
        others = {name: freshness for name, freshness in self.freshness_by_source.items() if name not in sources}
        # A copy: answers under way hold this one, and tell the ages they were made with.
        same = replace(self, freshness_by_source=others, verified=instant, begun=instant)
        same.date(results, instant)
        return same


class SourceReadingsCache:
    """The last reading of each plan, and the records of the last answer of each unit, which readings share.

    `flights`: the readings under way, by plan and by the age that is asked for.
    """

    def __init__(self) -> None:
        self.flights: SingleFlight[tuple[Subject, float | None], SourceReadings] = SingleFlight()
        self.pool = RecordPool()
        # A reading larger than all the room counts for all of it: it is kept, alone.
        volume = lambda one: min(max(READINGS_MIN, len(one.sourced_records)), READINGS_RECORDS_MAX)  # noqa: E731
        self._readings: LRUCache[Subject, SourceReadings] = LRUCache(READINGS_RECORDS_MAX, getsizeof=volume)
        self._heard: LRUCache[Unit, Part] = LRUCache(HEARD_MAX, getsizeof=lambda part: 1 + len(part.records))
        self._registry: LRUCache[tuple[int, ...], tuple[Sequence[object], Part]] = LRUCache(REGISTRY_ANSWERS_MAX)

    def last(self, subject: Subject) -> SourceReadings | None:
        """The last reading of a plan."""
        return self._readings.get(subject)

    def keep(self, subject: Subject, readings: SourceReadings) -> None:
        """Instead of the earlier reading of that plan."""
        freshness = {name: freshness.served_again() for name, freshness in readings.freshness_by_source.items()}
        self._readings[subject] = replace(readings, freshness_by_source=freshness)

    def heard(self, result: UnitResult, stands_in: bool) -> Part:
        """That version of a unit, made once: names and traits, costly to normalise, are kept with its records."""
        known = self._heard.get(result.unit)
        if known is not None and known.version == result.version:
            return known
        records = told_by(result, known.records if known is not None else None, stands_in)
        heard = Part(result.version, records, None if result.pushed else result.received_at)
        # One answer larger than the room would drop all the others, and itself.
        if len(records) < HEARD_MAX:
            self._heard[result.unit] = heard
        return heard

    def heard_of(self, units: Iterable[Unit]) -> int:
        """How many of these units answered, as far as their records are kept."""
        return sum(unit in self._heard for unit in units)

    def of_registry(self, name: str, answer: RegistryAnswer, as_of: datetime) -> Part:
        """What the registry answers, which is the same answer to the same question until it changes."""
        sourced = partial(SourcedRecord, name, TypeSource.REGISTRE_CONTRATS, "", received_at=as_of)
        return self._once(
            (answer.records,), lambda: Part(answer.version, [sourced(record=r) for r in answer.records], as_of)
        )

    def together(self, first: Part, second: Part) -> Part:
        """Two answers of one reading."""
        return self._once((first, second), lambda: replace(second, records=[*first.records, *second.records]))

    def _once(self, sources: Sequence[object], make: Callable[[], Part]) -> Part:
        """The part made of these very objects."""
        key = tuple(map(id, sources))
        known = self._registry.get(key)
        # Held with them, so that no others have their addresses.
        known = self._registry[key] = known or (sources, make())
        return known[1]
