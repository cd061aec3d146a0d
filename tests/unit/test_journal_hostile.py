"""The journal under hostile inputs, one suite for SQLite and PostgreSQL: a bad entry is refused alone, a hang holds nobody else,
a clock is not believed by itself (docs/security.md, R1, R5, R6, R8)."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gateway.audit.entries import act, written_at
from gateway.concurrency import SLOTS
from gateway.domain.quota_rules import CountUnder, Quota
from gateway.domain.seal import GENESIS, Anchor, Sealer
from gateway.errors import ClockNotBelieved, JournalUnavailable
from gateway.stores import journal_availability
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.journal_availability import WAITING_MAX, Availability
from gateway.stores.journal_purge import believe
from gateway.stores.journal_queries import verify_chain
from gateway.stores.journal_tables import END, JournalTampered, pseudonym, put_anchor, take_anchor
from gateway.stores.sql import storable

pytestmark = pytest.mark.anyio

SEALER = Sealer(bytes(range(32)))
DAY = date(2026, 1, 1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def counted(who: str, day: date = DAY, limit: int = 5, perimetre: str = "x") -> CountUnder:
    return CountUnder((Quota("COMPTE", who, day, day, limit, 0.9),), perimetre, 100)


def reading(*persons: Any, who: str = "zoe", day: date = DAY) -> JournalEntry:
    return JournalEntry(act("LECTURE", NOON), persons, counted(who, day))


@pytest.fixture
async def journal(url: str) -> AsyncIterator[Journal]:
    opened = Journal(url, SEALER)
    await opened.open()
    yield opened
    await opened.close()


async def execute(journal: Journal, *orders: str) -> None:
    async with journal.engine.begin() as connection:
        for order in orders:
            await connection.execute(text(order))


async def outcomes(journal: Journal, entries: list[JournalEntry]) -> list[str]:
    results = await asyncio.gather(*map(journal.append, entries), return_exceptions=True)
    return [type(result).__name__ if isinstance(result, BaseException) else "written" for result in results]


HOSTILE_NAMES = ("x\0", "\ud800", "a" * 400, "é" * 300, "", "\u202e\r\n", "'; --", "\udfff" * 300)
ODD = (
    JournalEntry("du texte", ("p",)),  # type: ignore[arg-type]
    JournalEntry(None, ("p",)),  # type: ignore[arg-type]
    JournalEntry(b"{}", (7,)),  # type: ignore[arg-type]
    JournalEntry(b"{}", ("p",), CountUnder((Quota("COMPTE" * 9, "z", DAY, DAY, None, 0.9),), "x", 2**80)),
)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
async def test_r1_whatever_a_caller_is_called_it_is_written_and_counted(journal: Journal, name: str) -> None:
    assert await outcomes(journal, [reading(f"p{n}", who=name) for n in range(5)]) == ["written"] * 5
    (crossed,) = await journal.append(reading("p5", who=name))
    assert (crossed.arret, crossed.persons) == (True, 5)
    assert await journal.append(reading("p5", who=f"{name}…")) == []  # another one
    assert (await verify_chain(journal)).fault is None


@pytest.mark.parametrize("odd", ODD)
async def test_r1_an_entry_that_no_database_takes_is_refused_alone(journal: Journal, odd: JournalEntry) -> None:
    told: list[bool] = []
    journal._writer.state._report = told.append
    entries = [reading(f"p{n}", who=f"w{n}") for n in range(20)]
    entries.insert(7, odd)
    assert await outcomes(journal, entries) == ["written"] * 7 + ["JournalUnavailable"] + ["written"] * 13
    verification = await verify_chain(journal)
    assert (verification.last.numero, verification.fault, told) == (20, None, [])


async def test_r1_half_a_character_in_the_key_of_a_person(journal: Journal) -> None:
    assert await outcomes(journal, [reading("\ud800"), reading("x\0")]) == ["written", "written"]


def test_r1_a_name_is_kept_as_it_is_wherever_a_database_takes_it() -> None:
    kept = ("alice\nalice", "é" * 256, "\u202eb", "")
    assert [storable(name, 256) for name in kept] == list(kept)
    changed = {storable(name, 256) for name in ("x\0", "x\0\0", "\ud800", "\ud801", "a" * 257, "a" * 258)}
    assert len(changed) == 6
    assert {len(name) <= 256 and name.isascii() is False and "\0" not in name for name in changed} == {True}
    assert [name.encode() for name in changed]


def test_r1_half_a_character_in_an_entry_is_written_and_read_back() -> None:
    assert json.loads(act("LECTURE", NOON, compte="\ud800x"))["compte"] == "\ud800x"


async def test_r5_a_probe_commits_what_it_writes(journal: Journal) -> None:
    async def trace() -> bytes:
        async with journal.engine.connect() as connection:
            query = text("SELECT empreinte FROM journal_bornes WHERE nom = 'essai'")
            return bytes(await connection.scalar(query) or b"")

    assert await journal.run_probe()
    first = await trace()
    assert len(first) == journal_availability.TRACE
    journal._writer._written_at = float("-inf")
    assert await journal.run_probe()
    assert await trace() != first
    assert (await verify_chain(journal)).last == GENESIS  # no entry is left


@pytest.mark.parametrize("table", ["journal_entrees", "journal_personnes", "quota_lues", "journal_bornes"])
async def test_r5_a_probe_meets_what_an_entry_would(journal: Journal, table: str) -> None:
    await execute(journal, f"ALTER TABLE {table} RENAME TO ailleurs")
    assert not await journal.run_probe()
    assert await outcomes(journal, [reading("p")]) == ["JournalUnavailable"]
    await execute(journal, f"ALTER TABLE ailleurs RENAME TO {table}")
    assert await journal.run_probe()
    assert await outcomes(journal, [reading("p")]) == ["written"]


class Instrument:
    """An availability, what it reports and the clock of the test."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self.seconds = 1000.0
        self.state = Availability(self.told.append, lambda: self.seconds)

    def pass_time(self, seconds: float, act: Callable[[], None]) -> None:
        self.seconds += seconds
        act()


def test_r5_what_comes_and_goes_is_not_told_each_time(caplog: pytest.LogCaptureFixture) -> None:
    """A disk at its last pages, where one write in two succeeds, each second for a minute."""
    here = Instrument()
    for _ in range(30):
        here.pass_time(1, lambda: here.state.fail("OperationalError"))
        here.pass_time(1, here.state.recover)
    assert here.told == [False, True, False]
    assert len(caplog.records) == 3
    here.pass_time(journal_availability.CALM, here.state.recover)
    assert here.told == [False, True, False, True]


def test_r5_a_first_recovery_is_told_at_once_and_a_later_one_too() -> None:
    here = Instrument()
    for _ in range(3):
        here.pass_time(journal_availability.RELAPSE, lambda: here.state.fail("OperationalError"))
        here.pass_time(1, here.state.recover)
    assert here.told == [False, True] * 3


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_availability, "LATE", 0.2)
    monkeypatch.setattr(journal_availability, "WRITE_TIMEOUT", 0.6)
    monkeypatch.setattr(journal_availability, "PROBE_PERIOD", 0.05)


@pytest.mark.usefixtures("hurried")
async def test_r6_what_comes_while_a_write_hangs_is_refused_at_once(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[bool] = []
    journal._writer.state._report = told.append
    await journal.append(reading("p"))
    async with journal.engine.begin() as holding:
        await holding.run_sync(take_anchor, journal.keys, END)
        first = asyncio.create_task(journal.append(reading("q")))
        await asyncio.sleep(0.01)
        behind = [asyncio.create_task(journal.append(reading("q"))) for _ in range(10)]
        await asyncio.wait(behind)
        assert {type(task.exception()) for task in behind} == {JournalUnavailable}
        assert not first.done()  # it alone waits for the database
        coming = journal.append(reading("q"))
        with pytest.raises(JournalUnavailable):
            coming.send(None)  # without waiting for anything
        assert not await journal.run_probe()
        with pytest.raises(JournalUnavailable):
            await first
    for _ in range(100):
        if await journal.run_probe():
            break
        await asyncio.sleep(0.1)
    await journal.append(reading("r"))
    assert told == [False, True]
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 2
    assert (await verify_chain(journal)).fault is None


async def test_r6_few_entries_wait_behind_a_slow_write(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        journal_availability, "LATE", 60.0
    )  # whatever else this machine does: it is slow, and does not hang
    async with journal.engine.begin() as holding:
        await holding.run_sync(take_anchor, journal.keys, END)
        tasks = [asyncio.create_task(journal.append(reading("p"))) for _ in range(WAITING_MAX + 50)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        refused = [task for task in tasks if task.done()]
        assert {type(task.exception()) for task in refused} == {JournalUnavailable}
        assert refused == tasks[WAITING_MAX:]  # the last come
        coming = journal.append(reading("q"))
        with pytest.raises(JournalUnavailable):
            coming.send(None)
    await asyncio.wait(tasks)
    assert [task.exception() for task in tasks[:WAITING_MAX]] == [None] * WAITING_MAX


async def test_r6_no_entry_of_a_burst_is_refused_by_a_journal_that_writes(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many requests as a process has slots, each with entries of its own: they wait for their turn."""
    monkeypatch.setattr(journal_availability, "SLOW", 60.0)  # whatever else this machine does
    monkeypatch.setattr(journal_availability, "LATE", 60.0)
    verdicts = await asyncio.gather(*(journal.append(reading("p")) for _ in range(3 * SLOTS)))
    assert verdicts == [[]] * (3 * SLOTS)
    assert (await verify_chain(journal)).fault is None


async def test_r8_a_clock_that_jumps_is_not_believed_and_one_that_goes_on_is(journal: Journal) -> None:
    await journal.append(reading("p"))  # at noon of the first day

    async def at(days: float, confirmed: bool = False) -> None:
        await believe(journal, NOON + timedelta(days=days), written_at, confirmed=confirmed)

    with pytest.raises(ClockNotBelieved, match="journal purger --confirmer"):
        await at(370)  # nothing was noted: the last entry tells
    for day in (6, 12, 18):
        await at(day)
    with pytest.raises(ClockNotBelieved, match="352 jours après"):
        await at(370)
    await at(17)  # set back: what is noted follows, so that the next jump is measured from there
    with pytest.raises(ClockNotBelieved):
        await at(24.1)
    await at(370, confirmed=True)
    await at(371)


async def test_r8_an_empty_journal_believes_the_clock(journal: Journal) -> None:
    await believe(journal, NOON, written_at)
    with pytest.raises(ClockNotBelieved):
        await believe(journal, NOON + timedelta(days=8), written_at)


async def test_r8_what_was_counted_on_a_day_to_come_counts_once(journal: Journal) -> None:
    """The clock was a day ahead, and is set back: who reached the quota is refused until midnight, not for two days."""
    ahead, today, tomorrow = DAY + timedelta(days=1), DAY, DAY + timedelta(days=1)
    for n in range(5):
        await journal.append(reading(f"p{n}", day=ahead))
    (crossed,) = await journal.append(reading("p9", day=today))
    assert crossed.arret
    assert await journal.append(reading("p1", day=today)) == []  # those already read
    assert await journal.append(reading("p9", day=tomorrow)) == []


async def test_e1_an_entry_of_another_journal_of_the_same_key_does_not_fit(journal: Journal, url: str) -> None:
    """Two journals share a prefix, then diverge: entry 4 of the one put in the other, its index too, is refused."""
    for n in range(3):
        await journal.append(JournalEntry(f"commune {n}".encode(), (f"p{n}",)))
    fork = await _rows(journal, "SELECT * FROM journal_bornes WHERE nom = 'fin'")
    await journal.append(JournalEntry(b"la premiere", ("a",)))
    await journal.append(JournalEntry(b"la suite", ("s",)))
    spliced = (await _rows(journal, "SELECT * FROM journal_entrees WHERE numero = 5"))[0]
    # the other one: it begins again at the fork, and its fourth entry differs
    await execute(journal, "DELETE FROM journal_entrees WHERE numero > 3")
    codes = ", ".join(str(pseudonym(SEALER, key)) for key in ("a", "s"))
    await execute(journal, f"DELETE FROM journal_personnes WHERE personne IN ({codes})")
    async with journal.engine.begin() as connection:
        await connection.run_sync(put_anchor, SEALER, END, Anchor(fork[0].numero, bytes(fork[0].empreinte)))
    other = Journal(url, SEALER)
    await other.append(JournalEntry(b"l'autre", ("b",)))
    await other.append(JournalEntry(b"la suite", ("s",)))
    assert (await verify_chain(other)).fault is None
    async with journal.engine.begin() as connection:
        order = "UPDATE journal_entrees SET contenu = :c, personnes = :p, empreinte = :e WHERE numero = 5"
        await connection.execute(text(order), {"c": spliced.contenu, "p": spliced.personnes, "e": spliced.empreinte})
    assert (await verify_chain(other)).fault == "entrée 5 : altérée, déplacée ou refaite"
    await other.close()


async def _rows(journal: Journal, query: str) -> list[Any]:
    async with journal.engine.connect() as connection:
        return list((await connection.execute(text(query))).all())


async def test_r8_the_instant_last_seen_cannot_be_moved_by_who_has_no_key(journal: Journal) -> None:
    await believe(journal, NOON, written_at)
    await execute(journal, "UPDATE journal_bornes SET numero = numero + 40000000 WHERE nom = 'horloge'")
    assert (await verify_chain(journal)).fault == "une borne du journal manque ou n'est pas signée par cette clé"
    with pytest.raises(JournalTampered):
        await believe(journal, NOON + timedelta(days=370), written_at)
    await believe(journal, NOON, written_at, confirmed=True)
    assert (await verify_chain(journal)).fault is None
