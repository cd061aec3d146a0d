"""A crowd that asks one same list while it is slow to come, and the readers of others meanwhile, in virtual time."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from prometheus_client import CollectorRegistry, Gauge
from starlette.types import Message

from gateway.auth.authentication.clients import Viewer
from gateway.concurrency import HALF, SLOTS
from gateway.edge.guard import RequestSlots
from gateway.errors import Overloaded, SourceTimedOut
from gateway.federation.ids.id_assigner import AssignedIds, Fact
from gateway.federation.ids.keep_or_create import RecordKeys
from gateway.operation import Gateway, answer
from gateway.operation_runner import GraphQLRequest
from gateway.sources.units import Unit, UnitFailure, UnitResult
from tests.simulation.loop import VirtualLoop, run
from tests.support.access.small_world import SmallWorld, Sources, WithoutLedger, caller, draw_from
from tests.support.figures import note

LIST = "{ ruptures(first: 3) { totalCount edges { node { id jeune { nom } } } } }"
CROWD_OF, OTHERS = caller("MISSION_LOCALE", "60001"), caller("MISSION_LOCALE", "75002")
SLOWNESS = 2.0  # seconds that a reading of the crowd's takes, then a view


class Hung(Sources):
    """The system of the crowd's Mission locale hangs until its deadline."""

    async def read(
        self, units: Sequence[Unit], timeout: float, age_max: float | None, account: object
    ) -> list[UnitResult | UnitFailure]:
        results = await super().read(units, timeout, age_max, account)
        if all(unit.key != CROWD_OF.organisation for unit in units):
            return results
        await asyncio.sleep(SLOWNESS)
        return [UnitFailure(unit, SourceTimedOut(unit.source, "")) for unit in units]


class Ledger(WithoutLedger):
    """A ledger of links that may be slow."""

    slowness = 0.0

    async def assign(
        self, key_sets: Sequence[RecordKeys], facts: Sequence[Fact], base: Sequence[RecordKeys] = ()
    ) -> AssignedIds:
        await asyncio.sleep(self.slowness)
        return await super().assign(key_sets, facts, base)


class Room:
    """A gateway and its places; clients stay."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._gauge = Gauge("en_cours", "", registry=CollectorRegistry())
        self._slots = RequestSlots(self._gauge)

    @property
    def taken(self) -> float:
        return float(self._gauge._value.get())

    async def request(self, viewer: Viewer, count: int) -> Counter[str]:
        """So many at once: what became of them."""
        return Counter(await asyncio.gather(*(self._request(viewer) for _ in range(count))))

    async def _request(self, viewer: Viewer) -> str:
        try:
            async with self._slots.hold(_stay):
                await answer(self.gateway, viewer, GraphQLRequest(LIST, None, {}))
        except Overloaded:
            return "refusée"
        return "répondue"


async def _stay() -> Message:
    await asyncio.sleep(3600)
    raise AssertionError("nobody waits that long")


def test_a_crowd_that_asks_the_same_list_leaves_half_of_the_slots() -> None:
    """They held all of them until their deadline: of a hundred readers of others, 55 were refused. Those of a reading and
    those of the view that is made of it are one crowd: the next reading does not bring a hundred more."""

    async def make(loop: VirtualLoop) -> None:
        ledger, inhabitants = Ledger(), draw_from(Random(3), 20)
        world = SmallWorld(inhabitants, live_sources=Hung(inhabitants), seconds=loop.time)
        room = Room(replace(world.gateway, id_assigner=ledger))  # type: ignore[arg-type]
        assert await room.request(OTHERS, 1) == {"répondue": 1}
        ledger.slowness = SLOWNESS
        first = asyncio.create_task(room.request(CROWD_OF, 300))
        others = Counter[str]()
        for _ in ("during the reading", "while the view is made"):
            await asyncio.sleep(SLOWNESS / 2)
            assert (room.taken, await room.request(CROWD_OF, 1)) == (HALF, {"refusée": 1})
            others += await room.request(OTHERS, 100)
            await asyncio.sleep(SLOWNESS / 2)
        issues = await first
        note(f"300 demandent une liste qui tarde : {dict(issues)} ; 100 lecteurs d'autres, deux fois : {dict(others)}")
        assert issues == {"répondue": HALF, "refusée": 200}
        assert others == {"répondue": 200}
        assert await room.request(CROWD_OF, 1) == {"répondue": 1}

    assert HALF * 2 == SLOTS
    run(Random(1), make)
