"""What a day of the advisers was: counted as it goes, then summed up. Knows no population and no model."""

import os
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench._partners import CounterDesk
from gateway.federation.views.build import ViewCache, ViewKey
from gateway.federation.views.view import View
from gateway.response import GraphQLResponse
from gateway.server.services import Services

MOISSON = "moisson"  # state of what is read in the registry's store: its age is that of the last harvest
MEGA = 1e6


@dataclass(frozen=True, slots=True)
class Glance:
    """The process at one moment: bytes of memory, entries and bytes of the cache."""

    rss: int
    entries: int
    size: int


class CountedViews(ViewCache):
    """Counts what is built."""

    def __init__(self) -> None:
        super().__init__()
        self.requested = self.built = 0

    async def view(self, key: ViewKey, build: Callable[[], Awaitable[View]]) -> View:
        async def count() -> View:
            self.built += 1
            return await build()

        self.requested += 1
        return await super().view(key, count)


@dataclass
class Reading:
    """The figures of a day."""

    services: Services
    counter_desk: CounterDesk
    views: CountedViews
    before: int  # bytes of memory before the gateway was built: the population, its simulators, this bench
    refusal: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    partial_answers: int = 0
    size: int = 0
    waits: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ages: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    readings_journal: Counter[tuple[str, str]] = field(
        default_factory=Counter
    )  # units, by partner and state of the cache
    persons: dict[str, list[int]] = field(default_factory=dict)  # distinct, by scope of quota, for each reader
    glances: list[Glance] = field(default_factory=list)
    cpu: float = field(default_factory=time.process_time)
    duration: float = field(default_factory=time.monotonic)

    @property
    def responses(self) -> int:
        return sum(map(len, self.waits.values()))

    def note(self, action: str, response: GraphQLResponse, waiting: float, size: int) -> None:
        """One answer has left."""
        self.waits[action].append(waiting)
        self.size += size
        codes = {error["extensions"]["code"] for error in response.errors}
        self.errors.update(codes)
        self.partial_answers += any(code.startswith("SOURCE_") for code in codes)
        for source in response.extensions.get("sources", []):
            if source["cache"] not in (MOISSON, None):  # None: it said nothing
                self.ages[source["nom"]].append(source["ageSecondes"])

    def look_at(self) -> None:
        entries = self.services.sources._deps.cache._memory._entries  # type: ignore[attr-defined]
        self.glances.append(Glance(memory() - self.before, len(entries), int(entries.currsize)))

    def resume(self) -> str:
        seen, reel = self.glances[-1], time.monotonic() - self.duration
        return (
            f"{self.responses} answers, {sum(self.refusal.values())} refused, {self.views.built} views built, "
            f"{self.counter_desk.total} requests, RSS {seen.rss / MEGA:.0f} MB, cache {seen.size / MEGA:.0f} MB, "
            f"{reel:.0f} s real"
        )

    def close(self) -> None:
        """The day is over: what the gateway counted itself."""
        self.look_at()
        self.cpu, self.duration = (
            time.process_time() - self.cpu - self.counter_desk.cpu,
            time.monotonic() - self.duration,
        )
        for cost in self.services.counts.readings.collect():
            for point in cost.samples:
                if point.name.endswith("_total"):
                    self.readings_journal[point.labels["partenaire"], point.labels["cache"]] += int(point.value)
        self.persons = _persons(str(self.services.readings_journal.engine.url.database))


def memory() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _persons(base: str) -> dict[str, list[int]]:
    """How many distinct persons each account and each organisation read, as the quotas counted them."""
    with sqlite3.connect(base) as connection:
        results = connection.execute("SELECT portee, COUNT(*) FROM quota_lues GROUP BY portee, qui").fetchall()
    return {scope: sorted(number for p, number in results if p == scope) for scope in ("COMPTE", "ORGANISATION")}
