"""An answer leaves by its deadline, however long its territory takes to read, join and merge; what is not there then is said,
goes on behind, and is there for who asks next. In virtual time."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from gateway import operation
from gateway.federation.ids.id_assigner import AssignedIds, Fact
from gateway.federation.ids.keep_or_create import RecordKeys
from gateway.sources.units import CacheStatus, Unit, UnitFailure, UnitResult
from tests.simulation.loop import VirtualLoop, run
from tests.support.access.small_world import (
    RECEIVED,
    EmptyRegistry,
    Inhabitant,
    RegistryStore,
    SmallWorld,
    Sources,
    WithoutLedger,
    caller,
    draw_from,
)

DEADLINE, LATEST = 3.0, 3.3  # seconds: what is promised, and a tenth more
LIST = "{ jeunes { totalCount complet } }"
READER = caller("ACADEMIE", "20")
LATE = "SOURCE_DELAI_DEPASSE"
UNITS = {"unites": 2, "sur": 2}  # the two CFAs of that academy


class Changing(Sources):
    """Systems that answer at once, or after `slowness`; `version` is that of what they say."""

    slowness = 0.0
    version = "1"

    async def read(
        self, units: Sequence[Unit], timeout: float, age_max: float | None, account: object
    ) -> list[UnitResult | UnitFailure]:
        self.requests += [(unit.source, unit.key) for unit in units]
        await asyncio.sleep(self.slowness)
        told = (CacheStatus.MISSED, self.version)
        return [UnitResult(unit, self._records(unit), RECEIVED, *told) for unit in units]


class Ledger(WithoutLedger):
    """A ledger of links after which a view is there only `slowness` seconds later."""

    slowness = 0.0
    asked = 0

    async def assign(
        self, key_sets: Sequence[RecordKeys], facts: Sequence[Fact], base: Sequence[RecordKeys] = ()
    ) -> AssignedIds:
        self.asked += 1
        await asyncio.sleep(self.slowness)
        return await super().assign(key_sets, facts, base)


class Registry(RegistryStore):
    """A copy of the registry that is long to read, and is read to its end: twice asked, it is read once."""

    def __init__(self, lasts: float) -> None:
        self._lasts, self._read = lasts, dict[str, asyncio.Task[EmptyRegistry]]()

    async def records(
        self, codes_postaux: Collection[str], cfas: Collection[str], identities: Collection[Any]
    ) -> EmptyRegistry:
        key = repr((sorted(codes_postaux), sorted(cfas), sorted(identities)))
        if key not in self._read:
            self._read[key] = asyncio.create_task(self._end())
        return await asyncio.shield(self._read[key])

    async def _end(self) -> EmptyRegistry:
        await asyncio.sleep(self._lasts)
        return EmptyRegistry()


class Territory:
    """Twenty people, whom their academy looks at; any of them is many."""

    def __init__(self, loop: VirtualLoop, inhabitants: Sequence[Inhabitant]) -> None:
        self.sources, self.ledger, self._loop = Changing(inhabitants), Ledger(), loop
        world = SmallWorld(inhabitants, live_sources=self.sources, seconds=loop.time, timeout=DEADLINE)
        world.gateway = replace(world.gateway, id_assigner=self.ledger)  # type: ignore[arg-type]
        self.world = world

    async def ask(self) -> tuple[float, dict[str, Any]]:
        """How long the answer took, and what it says."""
        begun = self._loop.time()
        answer = await self.world.request(READER, LIST)
        return self._loop.time() - begun, answer


def _codes(answer: dict[str, Any]) -> dict[str, str]:
    return {error["extensions"]["source"]: error["extensions"]["code"] for error in answer.get("errors", [])}


Scene = Callable[[Territory], Coroutine[Any, Any, None]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scene], None]:
    """Play a scene in which every territory is a large one."""
    monkeypatch.setattr(operation, "FEW", 0)
    inhabitants = draw_from(Random(7), 20)

    def play(scene: Scene) -> None:
        async def make(loop: VirtualLoop) -> None:
            await scene(Territory(loop, inhabitants))

        run(Random(1), make)

    return play


def test_a_view_that_takes_long_is_said_and_is_there_for_the_next(play: Callable[[Scene], None]) -> None:
    async def scene(territory: Territory) -> None:
        territory.ledger.slowness = 20.0
        took, answer = await territory.ask()
        assert DEADLINE - 0.1 < took <= LATEST
        assert answer["data"] == {"jeunes": None}
        assert _codes(answer) == {"erp": LATE, "registre": LATE}
        assert answer["extensions"]["preparation"] == UNITS
        assert all(line["partiel"] and line["ageSecondes"] is None for line in answer["extensions"]["sources"])
        while "preparation" in answer["extensions"]:
            took, answer = await territory.ask()
            assert took <= LATEST
        expected = sum(one.cfa in {"0600001A", "0600002B"} for one in territory.world.inhabitants)
        assert 0 < answer["data"]["jeunes"]["totalCount"] <= expected
        assert answer["data"]["jeunes"]["complet"] is True
        assert "errors" not in answer
        assert territory.ledger.asked == 1  # who asked meanwhile added no work

    play(scene)


def test_the_last_view_is_shown_at_its_age_while_the_next_is_made(play: Callable[[Scene], None]) -> None:
    async def scene(territory: Territory) -> None:
        _, first = await territory.ask()
        assert first["data"]["jeunes"]["complet"] is True
        await asyncio.sleep(60)
        territory.sources.version, territory.sources.inhabitants = "2", territory.sources.inhabitants[:10]
        territory.ledger.slowness = 20.0
        took, meanwhile = await territory.ask()
        assert took <= LATEST
        assert meanwhile["data"]["jeunes"] == {**first["data"]["jeunes"], "complet": False}
        assert _codes(meanwhile) == {"erp": LATE, "registre": LATE}
        ages = {error["extensions"]["source"]: error["extensions"]["ageSecondes"] for error in meanwhile["errors"]}
        assert 60 <= ages["erp"] <= 64
        assert meanwhile["extensions"]["preparation"] == UNITS
        await asyncio.sleep(20)
        _, last = await territory.ask()
        assert last["data"]["jeunes"]["complet"] is True
        assert last["data"]["jeunes"]["totalCount"] < first["data"]["jeunes"]["totalCount"]
        assert "preparation" not in last["extensions"]

    play(scene)


def test_a_view_last_found_true_too_long_before_stands_in_for_nothing(play: Callable[[Scene], None]) -> None:
    async def scene(territory: Territory) -> None:
        for hours_ago, shown, people in ((0.9, True, 10), (1.1, False, 20)):
            territory.ledger.slowness = 0.0
            _, whole = await territory.ask()
            await asyncio.sleep(3000)
            _, confirmed = await territory.ask()  # nothing has changed: it is true now
            assert confirmed["data"] == whole["data"]
            await asyncio.sleep(3600 * hours_ago)
            territory.sources.version, territory.ledger.slowness = f"{territory.sources.version}+", 20.0
            territory.sources.inhabitants = territory.world.inhabitants[:people]
            took, answer = await territory.ask()
            assert took <= LATEST
            assert "preparation" in answer["extensions"]
            assert (answer["data"]["jeunes"] is not None) is shown
            await asyncio.sleep(60)

    play(scene)


def test_sources_that_answer_later_than_they_may_hold_no_answer(play: Callable[[Scene], None]) -> None:
    async def scene(territory: Territory) -> None:
        territory.sources.slowness = 12.0
        took, answer = await territory.ask()
        assert DEADLINE - 0.1 < took <= LATEST
        assert (answer["data"], answer["extensions"]["preparation"]) == ({"jeunes": None}, {"unites": 0, "sur": 2})
        territory.sources.slowness = 0.0
        await asyncio.sleep(14)
        took, answer = await territory.ask()
        assert took < 0.1
        assert answer["data"]["jeunes"]["complet"] is True

    play(scene)


def test_the_registry_is_waited_for_behind_and_no_view_is_made_without_it(play: Callable[[Scene], None]) -> None:
    async def scene(territory: Territory) -> None:
        gateway = territory.world.gateway
        collector = replace(gateway.collector, registry=Registry(lasts=10.0))
        territory.world.gateway = replace(gateway, collector=collector)
        took, answer = await territory.ask()
        assert took <= LATEST
        assert (answer["data"], territory.ledger.asked) == ({"jeunes": None}, 0)
        await asyncio.sleep(30)
        assert territory.ledger.asked == 1  # nobody asked again
        _, answer = await territory.ask()
        assert answer["data"]["jeunes"]["complet"] is True
        assert "errors" not in answer

    play(scene)


def test_a_registry_that_never_answers_keeps_nobody_from_what_the_others_say(play: Callable[[Scene], None]) -> None:
    async def scene(territory: Territory) -> None:
        gateway = territory.world.gateway
        collector = replace(gateway.collector, registry=Registry(lasts=1e5))
        territory.world.gateway = replace(gateway, collector=collector)
        await territory.ask()
        await asyncio.sleep(120)
        took, answer = await territory.ask()
        assert took <= LATEST
        assert answer["data"]["jeunes"]["totalCount"] > 0
        assert answer["data"]["jeunes"]["complet"] is False
        assert _codes(answer) == {"registre": LATE}

    play(scene)


def test_a_small_territory_is_waited_for() -> None:
    """A second or so late, it is worth more than an answer without it."""

    async def make(loop: VirtualLoop) -> None:
        territory = Territory(loop, draw_from(Random(7), 20))
        territory.ledger.slowness = 4.0
        took, answer = await territory.ask()
        assert took == pytest.approx(4.0, abs=0.1)
        assert answer["data"]["jeunes"]["complet"] is True

    run(Random(1), make)
