"""A reading held between two looks at what it came from: what it costs, and the age it tells."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.errors import SourceError, SourceSuspended, SourceUnavailable
from gateway.federation.collect.collector import VERIFY_AFTER, Collector
from gateway.federation.collect.plan import SourcePlan
from gateway.schema.organisations import TypeSource
from gateway.sources.units import CacheStatus, Unit, UnitFailure, UnitResult
from tests.support.access.small_world import EmptyRegistry, RegistryStore
from tests.support.unit.federation import DIRECTORY

pytestmark = pytest.mark.anyio
RECEIVED = datetime(2026, 10, 15, 9, tzinfo=UTC)
PLAN = SourcePlan(view=True, uais=("0600001A",))


class Erp:
    """One system, one CFA; counts what it is asked."""

    def __init__(self) -> None:
        self.version, self.readings_journal, self.glances = "1", 0, 0

    def partner_of_cfa(self, _uai: str) -> str | None:
        return "erp"

    def sources_of_cfa(self, _uai: str) -> tuple[str, ...]:
        return ("erp",)

    def sources_of(self, _nature: TypeSource) -> tuple[str, ...]:
        return ()

    def partners_of_structure(self, _code: str) -> tuple[str, ...]:
        return ()

    def cap(self, _source: str) -> int:
        return 200

    async def read(self, units: Sequence[Unit], _delay: float, _age_max: float | None, _account: object) -> list[Any]:
        self.readings_journal += len(units)
        return [UnitResult(unit, (), RECEIVED, CacheStatus.MISSED, self.version, 10.0) for unit in units]

    async def kept_versions(self, units: Sequence[Unit]) -> list[UnitResult | None]:
        self.glances += 1
        return [UnitResult(unit, (), RECEIVED, CacheStatus.HIT, self.version, 3.0) for unit in units]


async def test_a_held_reading_ages_and_is_looked_at_only_once_a_second() -> None:
    erp, instant = Erp(), 100.0
    collector = Collector(erp, RegistryStore(), "registre", 3.0, lambda: instant, lambda _source, _number: None)

    async def age() -> tuple[float, str]:
        line = (await collector.collect(PLAN, DIRECTORY)).freshness_by_source["erp"]
        return instant - line.said_at, line.status

    assert (await age(), erp.readings_journal) == ((10.0, "manque"), 1)
    instant += VERIFY_AFTER / 2
    assert (await age(), erp.glances) == ((10.5, "touche"), 0)
    instant += 2.0
    assert (await age(), erp.glances) == ((3.0, "touche"), 1)  # it was confirmed meanwhile
    instant += VERIFY_AFTER / 2
    assert (await age(), erp.glances, erp.readings_journal) == ((3.5, "touche"), 1, 1)
    erp.version = "2"
    instant += VERIFY_AFTER
    assert (await age(), erp.glances, erp.readings_journal) == ((10.0, "manque"), 2, 2)


class FailingErp(Erp):
    """The same, that fails in a way."""

    def __init__(self, error: SourceError) -> None:
        super().__init__()
        self.error = error

    async def read(self, units: Sequence[Unit], _delay: float, _age_max: float | None, _account: object) -> list[Any]:
        self.readings_journal += len(units)
        await asyncio.sleep(0)
        return [UnitFailure(unit, self.error) for unit in units]


@pytest.mark.parametrize(
    ("error", "readings_journal"), [(SourceSuspended("erp", "", 5.0), [1, 2]), (SourceUnavailable("erp", ""), [2, 3])]
)
async def test_a_partner_left_in_peace_is_not_work_to_do_again(error: SourceError, readings_journal: list[int]) -> None:
    """What is missing for want of asking is missing for a second; what failed is asked for again by whoever comes."""
    erp, instant = FailingErp(error), 100.0
    collector = Collector(erp, RegistryStore(), "registre", 3.0, lambda: instant, lambda _source, _number: None)
    for _ in range(2):
        instant += VERIFY_AFTER / 4
        assert (await collector.collect(PLAN, DIRECTORY)).errors == {"erp": error}
    views = [erp.readings_journal]
    instant += VERIFY_AFTER
    assert (await collector.collect(PLAN, DIRECTORY)).complete is False
    assert [*views, erp.readings_journal] == readings_journal


async def test_two_hundred_who_ask_the_same_thing_are_one_reading() -> None:
    """Some leave before it ends."""
    erp = FailingErp(SourceUnavailable("erp", ""))
    collector = Collector(erp, RegistryStore(), "registre", 3.0, lambda: 0.0, lambda _source, _number: None)
    tasks = [asyncio.create_task(collector.collect(PLAN, DIRECTORY)) for _ in range(200)]
    await asyncio.sleep(0)
    for task in tasks[:100]:
        task.cancel()
    readings_kept = await asyncio.gather(*tasks[100:])
    assert {id(readings) for readings in readings_kept} == {id(readings_kept[0])}
    assert (erp.readings_journal, len(collector.cache.flights)) == (1, 0)


class CountingRegistry(RegistryStore):
    """The registry of nobody; counts its readings, and changes when told."""

    def __init__(self) -> None:
        self.told, self.readings_journal = "1", 0

    async def version(self) -> str:
        return self.told

    async def records(self, *keys: Collection[Any]) -> EmptyRegistry:
        self.readings_journal += 1
        return EmptyRegistry(version=self.told)


async def test_what_is_said_again_is_neither_read_nor_joined_anew() -> None:
    """Fresh data wanted: each unit is asked, once, and nothing more is done when all say the same."""
    erp, registry = Erp(), CountingRegistry()
    collector = Collector(erp, registry, "registre", 3.0, lambda: 0.0, lambda _source, _number: None)
    first = await collector.collect(PLAN, DIRECTORY)
    same_again = await collector.collect(PLAN, DIRECTORY, 0.0)
    assert (erp.readings_journal, registry.readings_journal) == (2, 1)
    assert same_again.sourced_records is first.sourced_records
    assert (same_again.versions, same_again.registry) == (first.versions, "1")
    assert {name: view.line(0.0, RECEIVED) for name, view in same_again.freshness_by_source.items()} == {
        "erp": {"cache": "manque", "ageSecondes": 10},
        "registre": {"cache": "moisson", "ageSecondes": 0, "asOf": "2026-10-15T09:00:00Z"},
    }


@pytest.mark.parametrize("change", ["erp", "registre"])
async def test_what_changes_is_joined_without_being_asked_twice(change: str) -> None:
    erp, registry = Erp(), CountingRegistry()
    collector = Collector(erp, registry, "registre", 3.0, lambda: 0.0, lambda _source, _number: None)
    first = await collector.collect(PLAN, DIRECTORY, 0.0)
    if change == "erp":
        erp.version = "2"
    else:
        registry.told = "2"
    following = await collector.collect(PLAN, DIRECTORY, 0.0)
    assert (erp.readings_journal, registry.readings_journal) == (2, 2)
    assert following.versions != first.versions
    assert following.registry == registry.told


async def test_what_was_missing_is_never_told_as_said_again() -> None:
    """The same errors are not the same reading: who was missing may be there."""
    erp, error = FailingErp(SourceUnavailable("erp", "")), SourceUnavailable("erp", "")
    collector = Collector(erp, RegistryStore(), "registre", 3.0, lambda: 0.0, lambda _source, _number: None)
    for _ in range(2):
        assert str((await collector.collect(PLAN, DIRECTORY, 0.0)).errors["erp"]) == str(error)
    assert erp.readings_journal == 2
