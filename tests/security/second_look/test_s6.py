"""S6: who read a person is told whole, whatever ids she had: merged, parted, made without the ledger of links.

The truth is the readings themselves: which records each one showed. A person is the records that the last reading of all takes
for one; her readings are those that showed one of them.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from gateway.audit.entries import act
from gateway.audit.known_ids import known_as
from gateway.domain.links import KnownLinks, LinkWrites, RecordKey
from gateway.domain.seal import Sealer
from gateway.errors import LinksUnavailable
from gateway.federation.ids.id_assigner import Fact, FirstSeen, IdAssigner
from gateway.federation.ids.keep_or_create import RecordKeys
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.journal_purge import purge_entries
from gateway.stores.journal_queries import readings_of, verify_chain
from gateway.stores.links import LinkStore
from tests.support.unit.links import T0, derive

pytestmark = pytest.mark.anyio

RECORDS, STEPS, ASKED = 5, 6, 2  # ids asked of each
SEALER = Sealer(bytes(range(32)))


class MissingLedger:
    """A ledger that fails: ids are then made without it."""

    async def read(self, keys: Collection[str]) -> KnownLinks:
        raise LinksUnavailable

    async def read_cousins(self, identities: Collection[str]) -> KnownLinks:
        raise LinksUnavailable

    async def write(self, writes: LinkWrites) -> None:
        raise LinksUnavailable

    async def first_seen(self, facts: Sequence[Fact], instant: object) -> FirstSeen:
        raise LinksUnavailable


@dataclass
class History:
    """The records of some persons, and what became of them. `shown`: the records that each reading showed, and under which
    id; `last`: the records of each id, at the last reading; `leads`: former ids that the graph still answers to."""

    name: str
    shown: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    last: dict[str, frozenset[str]] = field(default_factory=dict)
    leads: dict[str, str] = field(default_factory=dict)

    def groups(self, randomness: random.Random, whole: bool) -> list[RecordKeys]:
        """Records joined anyhow; some are not heard, unless it is the last reading."""
        members: dict[int, list[str]] = defaultdict(list)
        for rank in range(RECORDS):
            members[randomness.randint(1 if whole else 0, 3)].append(f"{self.name}/{rank}")
        groups = [keys for place, keys in members.items() if place]
        return [RecordKeys(tuple(RecordKey(key, origin=f"{self.name}/{key}") for key in keys)) for keys in groups]

    def ids(self) -> dict[str, frozenset[str]]:
        """The ids that designate one person in the end, and her records: those of the last reading; those that the graph leads
        there; and those under which nothing but her records was ever shown."""
        found = dict(self.last) | {former: self.last[present] for former, present in self.leads.items()}
        for id_ in {id_ for id_, _ in self.shown} - found.keys():
            told = frozenset().union(*(records for shown, records in self.shown if shown == id_))
            for records in self.last.values():
                if told <= records:
                    found[id_] = records
        return found

    def readings(self, records: frozenset[str]) -> list[int]:
        return [rank for rank, (_, told) in enumerate(self.shown) if told & records]


async def play(journal: Journal, links: LinkStore, randomness: random.Random, number: int) -> list[History]:
    """Histories side by side: at each step, the ledger is there for some and not for others."""
    histories = [History(f"h{rank}") for rank in range(number)]
    for step in range(STEPS):
        last = step == STEPS - 1
        sides: dict[bool, list[tuple[History, RecordKeys]]] = {True: [], False: []}
        for history in histories:
            there = last or randomness.random() < 0.75
            sides[there] += [(history, group) for group in history.groups(randomness, last)]
        for there, groups in sides.items():
            store: Any = links if there else MissingLedger()
            await _read(journal, IdAssigner(store, derive, lambda: T0, lambda: None, 60), groups, last, randomness)
    return histories


async def _read(
    journal: Journal, assigner: IdAssigner, groups: list[tuple[History, RecordKeys]], last: bool, chance: random.Random
) -> None:
    """One view of these groups; some of them are shown, and written."""
    assigned = await assigner.assign([group for _, group in groups], ())
    written = []
    for history, group in groups:
        id_, records = assigned.id_of(group), tuple(key.key for key in group.keys)
        if last:
            history.last[id_] = frozenset(records)
        if chance.random() < 0.7:
            content = orjson.dumps({"histoire": history.name, "rang": len(history.shown), "fiches": True})
            history.shown.append((id_, frozenset(records)))
            written.append(journal.append(JournalEntry(content, (id_,), None, (records,))))
    if last:
        holders = {id_: history for history in {h.name: h for h, _ in groups}.values() for id_ in history.last}
        for former, present in assigned.former_ids.items():
            holders[present].leads[former] = present
    for rank in range(0, len(written), 100):  # fewer at once than the journal has places for
        await asyncio.gather(*written[rank : rank + 100])


async def told(journal: Journal, links: LinkStore, id_: str) -> list[tuple[str, int]]:
    readings = await readings_of(journal, *await known_as(id_, links, journal, derive))
    contents = [orjson.loads(content) for content, _ in readings]
    return [(content["histoire"], content["rang"]) for content in contents]


@pytest.fixture
async def journal(url: str) -> AsyncIterator[Journal]:
    """Zoé shown under one id with two records, then alone; two others beside her."""
    opened = Journal(url, SEALER)
    await opened.open()
    for persons, records in ((("z", "a"), (("d1", "d2"), ("d3",))), (("z",), (("d1",),)), (("b",), (("d2",),))):
        await opened.append(JournalEntry(act("LECTURE", T0, fiches=True), persons, None, records))
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    "order",
    [
        "DELETE FROM journal_fiches",
        "DELETE FROM journal_fiches WHERE fiche = (SELECT min(fiche) FROM journal_fiches)",
        "UPDATE journal_fiches SET dossier = dossier + 1",
        "UPDATE journal_fiches SET personne = personne + 1",
        "INSERT INTO journal_fiches SELECT DISTINCT fiche, 7, personne FROM journal_fiches",
        "INSERT INTO journal_fiches VALUES (7, 7, 7)",
    ],
)
async def test_s6_what_was_shown_is_not_changed_unseen(journal: Journal, order: str) -> None:
    assert (await verify_chain(journal)).fault is None
    async with journal.engine.begin() as connection:
        await connection.execute(text(order))
    assert (await verify_chain(journal)).fault == "l'index des personnes ne correspond pas aux entrées"


async def test_s6_what_no_entry_shows_any_more_is_forgotten(journal: Journal) -> None:
    seen = 0

    def old(_: bytes) -> bool:
        nonlocal seen
        seen += 1
        return seen <= 2

    await purge_entries(journal, old, lambda number: act("PURGE", T0, entrees=number))
    assert (await verify_chain(journal)).fault is None
    async with journal.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM journal_fiches")) == 1
    assert [ranks for _, ranks in await readings_of(journal, ["z"], ["d1", "d2"])] == [[0]]


async def test_s6_an_entry_of_before_is_found_by_every_id(journal: Journal) -> None:
    for former in ("ancienne", "z", "autre"):
        await journal.append(JournalEntry(act("LECTURE", T0, compte=former), (former,)))
    told = [orjson.loads(content) for content, _ in await readings_of(journal, ["z", "ancienne"], ["d1"])]
    assert [content.get("compte") for content in told] == [None, None, "ancienne", "z"]


@pytest.mark.parametrize("number", [50, pytest.param(1_000, marks=pytest.mark.chaos)])
async def test_s6_every_reading_of_a_person_and_of_nobody_else_by_any_of_her_ids(url: str, number: int) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    journal, links = Journal(url, SEALER), LinkStore(url)
    await journal.open()
    try:
        chance = random.Random(seed)
        histories = await play(journal, links, chance, number)
        asked, wrong = 0, []
        for history in histories:
            ids = history.ids()
            for id_ in chance.sample(sorted(ids), min(ASKED, len(ids))):
                asked, records = asked + 1, ids[id_]
                expected = [(history.name, rank) for rank in history.readings(records)]
                if sorted(found := await told(journal, links, id_)) != expected:
                    wrong.append((history, id_, sorted(found), expected))
        assert not wrong, (seed, len(wrong), asked, wrong[0])
        assert asked > 1.5 * number
        assert (await verify_chain(journal)).fault is None
    finally:
        await journal.close()
        await links.close()
