"""A service that dies and is started again over the same databases, beside a client that asks until it is answered and a partner
that goes on; and a checker over what the client was told, what the store holds and what the partner did (I1, I2, I3)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random

from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.errors import ConfigurationError
from gateway.federation.views.build import ViewCache
from gateway.stores.journal import Journal
from gateway.stores.write_store import WriteStore
from gateway.writes.delivery import Delivery, DeliveryMetrics
from tests.support.access.small_world import IDS, SmallWorld
from tests.support.writes.killer import Killed, Killer, MortalJournal, MortalQueue, MortalStore
from tests.support.writes.partner import Partner, ToPartner
from tests.support.writes.world import ADVISER, NOTE, SEALER, WrittenWorld, journal_url, key, somebody, written_world

SITUATIONS = ("RDV_PRIS", "NOUVEAU_PROJET", "REORIENTATION", "CHERCHE_CONTRAT")
DEATHS, SHARE = 4, 0.08  # of a process, and of the points that it passes
STARTS = 4  # of a process beside those that its deaths make
HAPPENS = ("ok", "ok", "ok", "ok", "hang", "lost", 503, 429)
ELAPSED = (1, 61, 4_000)  # seconds: within a lease, beyond it, beyond most delays
PEOPLE = [somebody(0), somebody(1)]
SMALL = SmallWorld(PEOPLE)  # what a process holds of its own is made anew each time that it starts; the rest is shared


@dataclass(frozen=True, slots=True)
class Asked:
    """A note of somebody, with its key."""

    numero: int
    situation: str
    key: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What lives came to: how many writes, deaths by point, and how often each point was passed."""

    written: int = 0
    died: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.written + other.written, self.died + other.died, self.met + other.met)

    @property
    def told(self) -> str:
        """In words, once all of it was checked."""
        died = f"{self.died.total()} morts à {len(self.died)} points"
        return f"{self.written} écritures, {died} : 0 perdue, 0 doublée"


@dataclass
class Life:
    """One life, drawn from a seed. `url`: of the database of writes; `folder`: of what each process has of its own."""

    url: str
    folder: Path
    seed: int
    processes: int = 1
    seconds: float = 1_000_000.0
    acknowledged: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._randomness = Random(self.seed)
        self.killers = [Killer(self._randomness, SHARE, DEATHS) for _ in range(self.processes)]
        self.partner = Partner((self._randomness.choice(HAPPENS) for _ in range(1000)), elapse=self._elapse)
        self.asked = [Asked(rank % 2, situation, key()) for rank, situation in enumerate(SITUATIONS)]
        self._waiting = list(self.asked)

    async def live(self) -> Tally:
        """Have all of it acknowledged and delivered, through as many processes as it takes."""
        await asyncio.gather(*(self._serve(rank) for rank in range(self.processes)))
        told = (Tally(0, killer.died, killer.met) for killer in self.killers)
        return sum(told, Tally(len(self.asked)))

    async def _serve(self, rank: int) -> None:
        """One process after another, until nothing is left to ask nor to deliver."""
        for _ in range(DEATHS + STARTS):
            # One whose database does not answer as it starts is started again, as any supervisor does.
            with suppress(Killed, ConfigurationError):
                async with self._process(rank) as (opened, delivery):
                    while self._waiting:
                        await self._ask(opened, self._waiting[0])
                        await delivery.deliver()
                    while (await delivery.queue.backlog()).oldest:
                        await delivery.deliver()
                        self._elapse()
                return
            self._elapse()  # the lease of who died runs out, or not yet

    async def _ask(self, opened: WrittenWorld, asked: Asked) -> None:
        """Every process may be asked the same, at once."""
        if asked.numero not in _KNOWN:
            _KNOWN[asked.numero] = await opened.id_of(ADVISER, asked.numero)
        saisie = {"cle": asked.key, "jeune": _KNOWN[asked.numero], "situation": asked.situation}
        answer = (await opened.ask(ADVISER, NOTE, saisie=saisie))["data"]["noterSuivi"]
        told = self.acknowledged.setdefault(asked.key, answer["ecriture"]["id"])
        assert told == answer["ecriture"]["id"], self.seed
        if asked in self._waiting:
            self._waiting.remove(asked)

    def _elapse(self) -> None:
        self.seconds += self._randomness.choice(ELAPSED)

    @asynccontextmanager
    async def _process(self, rank: int) -> AsyncIterator[tuple[WrittenWorld, Delivery]]:
        killer, own = self.killers[rank], folder_of(self.folder, rank)
        killer.dead = False
        store, journal = partial(MortalStore, killer=killer), partial(MortalJournal, killer=killer)
        world = written_world(own, PEOPLE, url=self.url, make_store=store, make_journal=journal, world=copy(SMALL))
        async with world as opened:
            writes = replace(opened.writes, destinations=ToPartner())
            opened.world.gateway = replace(opened.gateway, writes=writes, views=ViewCache())
            assert isinstance(opened.store, MortalStore)
            opened.store.armed = True
            queue = MortalQueue(opened.store, lambda: self.seconds, killer)
            clocks = (lambda: opened.instant), (lambda: self.seconds), (lambda: 0.0)
            yield opened, Delivery(queue, self.partner, SEALER, DeliveryMetrics(CollectorRegistry()), *clocks)


_KNOWN: dict[int, str] = {}


def folder_of(folder: Path, rank: int) -> Path:
    """What a process has of its own."""
    return folder / f"processus-{rank}"


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A write as the database holds it, read by no code of the gateway."""

    id: str
    sujet: str
    rang: int
    etat: str


class Lives:
    """Lives one after the other over one database, emptied in between. Open it as a context."""

    def __init__(self, url: str, folder: Path, processes: int = 1) -> None:
        self.url, self.folder, self.processes = url, folder, processes
        self._engine = create_async_engine(url)

    async def __aenter__(self) -> "Lives":
        # One after the other, as processes that start do: alembic holds the migration under way in a global of its own.
        journals = [Journal(journal_url(own), SEALER) for own in self._folders()]
        stores: list[WriteStore | Journal] = [WriteStore(self.url), *journals]
        for store in stores:
            await store.open()
            await store.close()
        return self

    def _folders(self) -> list[Path]:
        found = [folder_of(self.folder, rank) for rank in range(self.processes)]
        for own in found:
            own.mkdir()
        return found

    async def __aexit__(self, *_: object) -> None:
        await self._engine.dispose()

    async def play(self, seed: int) -> Tally:
        """One life, checked."""
        async with self._engine.begin() as connection:
            for order in ("DELETE FROM ecritures", "DELETE FROM ecritures_cles"):
                await connection.execute(text(order))
            await connection.execute(text("UPDATE ecritures_suite SET numero = 0, porteur = NULL, bail = 0"))
        life = Life(self.url, self.folder, seed, self.processes)
        tally = await life.live()
        async with self._engine.connect() as connection:
            rows = await connection.execute(text("SELECT id, sujet, rang, etat FROM ecritures"))
            check(life, [KeptRow(*row) for row in rows])
        return tally


def check(life: Life, rows: list[KeptRow]) -> None:
    """I1: acknowledged, recorded, delivered or told as failed; I2: once each; I3: in the order of each person."""
    told, seed = {opened[1] for one in life.acknowledged.values() if (opened := IDS.open(one))}, life.seed
    assert life.acknowledged.keys() == {one.key for one in life.asked}, seed
    assert ({row.id for row in rows}, len(rows)) == (told, len(life.asked)), seed
    assert {row.etat for row in rows} <= {"TRANSMISE", "EN_ECHEC"}, seed
    done = [said.key for effects in life.partner.effects.values() for said in effects]
    assert len(done) == len(set(done)), seed
    assert {row.id for row in rows if row.etat == "TRANSMISE"} <= set(done) <= told, seed
    ranks = {row.id: row.rang for row in rows}
    for effects in life.partner.effects.values():
        order = [ranks[said.key] for said in effects]
        assert order == sorted(order), seed
