"""Places are counted, bounded, and free as soon as the client leaves, whatever he was waiting for."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Gauge
from starlette.types import Message

from gateway.admission import ClientDisconnected, RequestSlots
from gateway.errors import Sature

pytestmark = pytest.mark.anyio


class Salle:
    """So many places, and clients that stay until the test makes them leave."""

    def __init__(self, places: int) -> None:
        self.jauge = Gauge("en_cours", "", registry=CollectorRegistry())
        self.places = RequestSlots(self.jauge, places)
        self.depart = asyncio.Event()

    async def recevoir(self) -> Message:
        await self.depart.wait()
        return {"type": "http.disconnect"}

    async def attendre(self, travail: asyncio.Future[int]) -> int:
        async with self.places.hold(self.recevoir):
            return await asyncio.shield(travail)

    @property
    def prises(self) -> float:
        return float(self.jauge._value.get())


async def test_who_leaves_frees_his_place_and_the_work_of_others_goes_on() -> None:
    salle, travail = Salle(1000), asyncio.get_running_loop().create_future()
    clients = [asyncio.create_task(salle.attendre(travail)) for _ in range(1000)]
    await asyncio.sleep(0.01)
    assert salle.prises == 1000
    salle.depart.set()
    issues = await asyncio.gather(*clients, return_exceptions=True)
    assert [type(issue) for issue in issues] == [ClientDisconnected] * 1000
    assert salle.prises == 0
    assert not travail.cancelled()


async def test_beyond_the_places_a_request_is_turned_away_before_any_work() -> None:
    salle, travail = Salle(2), asyncio.get_running_loop().create_future()
    clients = [asyncio.create_task(salle.attendre(travail)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Sature):
        await salle.attendre(travail)
    assert salle.prises == 2
    travail.set_result(7)
    assert await asyncio.gather(*clients) == [7, 7]
    assert await salle.attendre(travail) == 7
    assert salle.prises == 0


@pytest.mark.parametrize("erreur", [TimeoutError, ValueError, asyncio.CancelledError])
async def test_whatever_fails_is_raised_as_it_is_and_frees_the_place(erreur: type[BaseException]) -> None:
    salle = Salle(1)
    with pytest.raises(erreur):
        async with salle.places.hold(salle.recevoir):
            raise erreur
    assert salle.prises == 0


async def test_a_client_who_was_gone_already_is_not_served() -> None:
    salle, travail = Salle(1), asyncio.get_running_loop().create_future()
    salle.depart.set()
    with pytest.raises(ClientDisconnected):
        await salle.attendre(travail)
