"""Everything heard for one operation, as one value, and the readings kept. Knows neither how it is asked nor its use."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from cachetools import LRUCache

from gateway.concurrency import SingleFlight
from gateway.errors import SourceError, SourceSuspended
from gateway.federation.collect.plan import SourcePlan
from gateway.federation.directory import Directory
from gateway.federation.join.records import SourcedRecord
from gateway.sources.units import CacheStatus, Unit, UnitFailure, UnitResult

READINGS_RECORDS_MAX = 400_000  # of the readings kept, which mostly share those of the last answers
READINGS_MIN = 80  # what a reading counts for at least: no more of them than of views
HEARD_MAX = 120_000  # testimonies kept, of the last answer of each unit: as many records as the cache holds

# A source that tells something stale is stale; else it was asked if any of its units was.
_PRIORITE = [CacheStatus.HIT.value, CacheStatus.MISSED.value, CacheStatus.STALE.value]

_Heard = tuple[str, list[SourcedRecord]]  # a version, and what it tells
Subject = tuple[SourcePlan, Directory]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh the oldest thing used of a source is: the status of the cache, and when the source said it.

    `said_at` is in the collector's seconds; `as_of`, of a harvest, until when it holds what the source told.
    """

    status: str
    said_at: float
    as_of: datetime | None = None

    def oldest(self, other: Self | None) -> Self:
        """The older of two, at the worse of their statuses."""
        if other is None:
            return self
        status = max(other.status, self.status, key=_PRIORITE.index)
        return replace(min(other, self, key=lambda one: one.said_at), status=status)

    def served_again(self) -> Self:
        """As whoever comes next finds it: nothing is asked anew."""
        return replace(self, status=CacheStatus.HIT.value) if self.status == CacheStatus.MISSED.value else self

    def line(self, seconds: float, now: datetime) -> dict[str, Any]:
        """Its age in seconds, as an answer tells it; `seconds` and `now` are the collector's and the gateway's."""
        if self.as_of is None:
            return {"ageSecondes": int(round(seconds - self.said_at, 6)), "cache": self.status}
        age = int((now - self.as_of).total_seconds())
        return {"ageSecondes": age, "cache": self.status, "asOf": self.as_of.isoformat()}


@dataclass(slots=True)
class Readings:
    """Everything heard for one operation. Errors are by source: nothing to show of it, or what it had said before."""

    sourced_records: list[SourcedRecord] = field(default_factory=list)
    errors: dict[str, SourceError] = field(default_factory=dict)
    covered: dict[str, SourceError] = field(default_factory=dict)
    freshness_by_source: dict[str, Freshness] = field(default_factory=dict)
    units: dict[Unit, str] = field(default_factory=dict)  # the version of each
    registry: str = ""  # the version of the registry's store
    suivi_heard: frozenset[str] = frozenset()  # Missions locales whose system answered
    verified: float = 0.0  # when it was last seen to hold, in the collector's seconds

    @property
    def versions(self) -> Hashable:
        """Changes with anything that was heard."""
        return frozenset(self.units.items()), self.registry

    @property
    def complete(self) -> bool:
        """Every source answered: what an earlier answer stands in for may lack what happened since."""
        return not self.errors and not self.covered

    @property
    def is_durable(self) -> bool:
        """Whether asking again at once would bring nothing: every source answered, or is left alone."""
        errors = (*self.errors.values(), *self.covered.values())
        return all(isinstance(error, SourceSuspended) for error in errors)

    @property
    def silent(self) -> bool:
        """Nobody answered: there is nothing to show, which is not the same as an empty list."""
        return bool(self.errors) and not self.freshness_by_source

    def date(self, results: Sequence[UnitResult], instant: float) -> None:
        """Note how fresh the sources of these results are: each as its oldest result."""
        for lu in results:
            source = lu.unit.source
            self.freshness_by_source[source] = Freshness(lu.cache.value, instant - lu.age).oldest(
                self.freshness_by_source.get(source)
            )

    def again(self, values_read: Sequence[UnitResult | UnitFailure | None], instant: float) -> Self | None:
        """The same, heard again at `instant`: every unit at the version that was heard. None: something else is said."""
        results = [lu for lu in values_read if isinstance(lu, UnitResult)]
        if {result.unit: result.version for result in results} != self.units:
            return None
        sources = {unit.source for unit in self.units}
        others = {name: freshness for name, freshness in self.freshness_by_source.items() if name not in sources}
        heard = replace(self, freshness_by_source=others, verified=instant)
        heard.date(results, instant)
        return heard


def volume(readings: Readings) -> int:
    """What a reading weighs among those kept. One that alone passes what is kept is kept, alone."""
    return min(max(READINGS_MIN, len(readings.sourced_records)), READINGS_RECORDS_MAX)


class ReadingsCache:
    """The last reading of each plan, the records of the last answer of each unit, which readings share, and the readings
    under way (`flights`), by plan and by the age that is asked for."""

    def __init__(self) -> None:
        self.flights: SingleFlight[tuple[Subject, float | None], Readings] = SingleFlight()
        self._readings: LRUCache[Subject, Readings] = LRUCache(READINGS_RECORDS_MAX, getsizeof=volume)
        self._heard: LRUCache[Unit, _Heard] = LRUCache(HEARD_MAX, getsizeof=lambda heard: 1 + len(heard[1]))

    def last(self, subject: Subject) -> Readings | None:
        """The last reading of a plan."""
        return self._readings.get(subject)

    def keep(self, subject: Subject, readings: Readings) -> None:
        """For whoever asks next, who asks nothing of the sources."""
        freshness_by_source = {
            name: freshness.served_again() for name, freshness in readings.freshness_by_source.items()
        }
        self._readings[subject] = replace(readings, freshness_by_source=freshness_by_source)

    def records(self, unit: Unit, version: str) -> list[SourcedRecord] | None:
        """What that version of a unit tells: made once, for what it was read to mean is kept with it."""
        heard = self._heard.get(unit)
        return heard[1] if heard is not None and heard[0] == version else None

    def keep_records(self, unit: Unit, version: str, records: list[SourcedRecord]) -> None:
        """Instead of those of its earlier versions."""
        if len(records) < HEARD_MAX:
            self._heard[unit] = version, records
