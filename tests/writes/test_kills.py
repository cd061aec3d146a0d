"""I1 and I2 under deaths: what was acknowledged is recorded, what is recorded is delivered once or told as failed.

A client asks again with the same key until it is answered; the process dies at labelled points, 200 seeds; its stores are opened
again. A checker then compares what the client was told, what the store holds and what the partner did.
"""

import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from gateway.stores.journal import Journal
from gateway.stores.write_store import WriteStore
from gateway.writes.delivery import Delivery, DeliveryMetrics
from tests.support.figures import note
from tests.support.writes.killer import Killed, Killer, MortalJournal, MortalQueue, MortalStore
from tests.support.writes.partner import Partner, ToPartner
from tests.support.writes.world import ADVISER, NOTE, SEALER, WRITES, WrittenWorld, key, somebody, written_world

pytestmark = pytest.mark.anyio
SEEDS = 200
PEOPLE = [somebody(0), somebody(1)]
SITUATIONS = ("RDV_PRIS", "NOUVEAU_PROJET", "REORIENTATION")


class Life:
    """A service that is started again each time it dies, over the same files, beside a partner that goes on."""

    def __init__(self, folder: Path, seed: int) -> None:
        randomness = Random(seed)
        self.folder, self.seconds = folder, 1_000_000.0
        self.killer = Killer(randomness, 0.08, 8)
        self.partner = Partner(randomness.choice(("ok", "ok", "ok", "hang", "lost", 503)) for _ in range(1000))

    @asynccontextmanager
    async def process(self) -> AsyncIterator[WrittenWorld]:
        store = partial(MortalStore, killer=self.killer)
        journal = partial(MortalJournal, killer=self.killer)
        async with written_world(self.folder, PEOPLE, make_store=store, make_journal=journal) as opened:
            opened.world.gateway = replace(opened.gateway, writes=replace(opened.writes, destinations=ToPartner()))
            assert isinstance(opened.store, MortalStore)
            opened.store.armed = True
            yield opened

    def deliverer(self, opened: WrittenWorld) -> Delivery:
        queue = MortalQueue(opened.store, lambda: self.seconds, self.killer)
        metrics = DeliveryMetrics(CollectorRegistry())
        return Delivery(queue, self.partner, SEALER, metrics, lambda: opened.instant, lambda: self.seconds, lambda: 0.0)

    async def live(self, asked: Iterator[tuple[int, str, str]], acknowledged: dict[str, str]) -> None:
        """Have all of it acknowledged and delivered, through as many processes as it takes."""
        waiting = list(asked)
        while waiting or await self._pending():
            with suppress(Killed):
                async with self.process() as opened:
                    while waiting:
                        numero, situation, own = waiting[0]
                        await self._ask(opened, numero, situation, own, acknowledged)
                        waiting.pop(0)
                        with suppress(Killed):
                            await self.deliverer(opened).deliver()
                    await self.deliverer(opened).deliver()
            self.seconds += 61  # the lease of who died runs out

    async def _ask(
        self, opened: WrittenWorld, numero: int, situation: str, own: str, acknowledged: dict[str, str]
    ) -> None:
        saisie = {"cle": own, "jeune": await opened.id_of(ADVISER, numero), "situation": situation}
        answer = await opened.ask(ADVISER, NOTE, saisie=saisie)
        acknowledged[own] = answer["data"]["noterSuivi"]["ecriture"]["id"]

    async def _pending(self) -> bool:
        store = WriteStore(f"sqlite+aiosqlite:///{self.folder / 'ecritures.sqlite'}")
        await store.open()
        waiting = (await MortalQueue(store, lambda: self.seconds, self.killer).backlog()).oldest
        await store.close()
        return bool(waiting)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores that are migrated already: 200 lives would else spend their time there."""
    import asyncio  # noqa: PLC0415 - of this fixture only

    folder = tmp_path_factory.mktemp("modele")

    async def make() -> None:
        store = WriteStore(f"sqlite+aiosqlite:///{folder / 'ecritures.sqlite'}")
        journal = Journal(f"sqlite+aiosqlite:///{folder / 'journal.sqlite'}", SEALER)
        await store.open()
        await journal.open()
        await store.close()
        await journal.close()

    asyncio.run(make())
    return folder


async def test_i1_and_i2_hold_through_deaths_at_every_point(template: Path, tmp_path: Path) -> None:
    written, died, met = 0, Counter[str](), Counter[str]()
    for seed in range(SEEDS):
        folder = tmp_path / str(seed)
        shutil.copytree(template, folder)
        life, acknowledged = Life(folder, seed), dict[str, str]()
        asked = [(rank % 2, SITUATIONS[rank % 3], key()) for rank in range(4)]
        await life.live(iter(asked), acknowledged)
        await _check(life, asked, acknowledged, seed)
        written += len(asked)
        died += life.killer.died
        met += life.killer.met
        shutil.rmtree(folder)
    assert set(died) == set(met), "each point was died at"
    note(f"I1, I2 : {written} écritures, {died.total()} morts à {len(died)} points : 0 perdue, 0 doublée")


async def _check(life: Life, asked: list[tuple[int, str, str]], acknowledged: dict[str, str], seed: int) -> None:
    assert set(acknowledged) == {own for _, _, own in asked}, seed
    async with written_world(life.folder, PEOPLE) as opened:
        listed = (await opened.ask(ADVISER, WRITES))["data"]["ecritures"]["nodes"]
    recorded = {one["id"]: one["etat"] for one in listed}
    assert set(recorded) == set(acknowledged.values()), seed
    assert set(recorded.values()) <= {"TRANSMISE", "EN_ECHEC"}, seed
    for numero in (0, 1):
        mine = [(situation, recorded[acknowledged[own]]) for who, situation, own in asked if who == numero]
        received = [situation for situation, etat in mine if etat == "TRANSMISE"]
        done = [said.content["situation"] for said in life.partner.effects[str(numero)]]
        # What failed may have been done and not answered: once, and in its place.
        assert [situation for situation in done if situation in received] == received, seed
        assert set(done) <= {situation for situation, _ in mine}, seed
    assert len(life.partner.keys) == len(set(life.partner.keys)) == sum(map(len, life.partner.effects.values())), seed
