"""Places are counted, bounded, and free as soon as the client leaves, whatever he was waiting for."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Gauge
from starlette.types import Message

from gateway.edge.guard import INCOMPLETE_MAX, ClientDisconnected, IncompleteBodies, RequestSlots
from gateway.errors import Overloaded, QuotaReached

pytestmark = pytest.mark.anyio


class Room:
    """So many places, and clients that stay until the test makes them leave."""

    def __init__(self, places: int) -> None:
        self.gauge = Gauge("en_cours", "", registry=CollectorRegistry())
        self.places = RequestSlots(self.gauge, places)
        self.departure = asyncio.Event()

    async def receive(self) -> Message:
        await self.departure.wait()
        return {"type": "http.disconnect"}

    async def wait(self, work: asyncio.Future[int]) -> int:
        async with self.places.hold(self.receive):
            return await asyncio.shield(work)

    @property
    def taken(self) -> float:
        return float(self.gauge._value.get())


async def test_who_leaves_frees_his_place_and_the_work_of_others_goes_on() -> None:
    room, work = Room(1000), asyncio.get_running_loop().create_future()
    clients = [asyncio.create_task(room.wait(work)) for _ in range(1000)]
    await asyncio.sleep(0.01)
    assert room.taken == 1000
    room.departure.set()
    issues = await asyncio.gather(*clients, return_exceptions=True)
    assert [type(outcome) for outcome in issues] == [ClientDisconnected] * 1000
    assert room.taken == 0
    assert not work.cancelled()


async def test_beyond_the_places_a_request_is_turned_away_before_any_work() -> None:
    room, work = Room(2), asyncio.get_running_loop().create_future()
    clients = [asyncio.create_task(room.wait(work)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await room.wait(work)
    assert room.taken == 2
    work.set_result(7)
    assert await asyncio.gather(*clients) == [7, 7]
    assert await room.wait(work) == 7
    assert room.taken == 0


@pytest.mark.parametrize("error", [TimeoutError, ValueError, asyncio.CancelledError])
async def test_whatever_fails_is_raised_as_it_is_and_frees_the_place(error: type[BaseException]) -> None:
    room = Room(1)
    with pytest.raises(error):
        async with room.places.hold(room.receive):
            raise error
    assert room.taken == 0


async def test_a_client_who_was_gone_already_is_not_served() -> None:
    room, work = Room(1), asyncio.get_running_loop().create_future()
    room.departure.set()
    with pytest.raises(ClientDisconnected):
        await room.wait(work)


async def test_r4_incomplete_bodies_of_a_client_hold_so_many_bytes_and_not_those_of_others() -> None:
    assert INCOMPLETE_MAX == 16_777_216
    bodies = IncompleteBodies()
    with bodies.of("ml") as first, bodies.of("ml") as second:
        first(16_777_215)
        second(1)
        with pytest.raises(QuotaReached), bodies.of("ml") as third:
            third(1)
        with bodies.of("cfa") as other:
            other(16_777_216)
    with bodies.of("ml") as again:
        again(16_777_216)
    assert bodies._held == {}
