"""The reading journal in its store, on SQLite and on PostgreSQL: one chain, nothing of it changed unseen."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from gateway.audit.alerts import Alerts
from gateway.audit.entries import act, written_at
from gateway.audit.retention import JournalKeeper
from gateway.config import Configuration, GatewayFile
from gateway.domain.seal import Anchor, Sealer
from gateway.errors import ConfigurationError, JournalUnavailable
from gateway.stores.journal import Journal, JournalEntry, Verdict
from gateway.stores.journal_purge import purge_entries
from gateway.stores.journal_queries import head, readings_of, verify_chain
from gateway.stores.journal_tables import END, JournalTampered, take_anchor

pytestmark = pytest.mark.anyio

SEALER = Sealer(bytes(range(32)))
TOKENS = {"emetteur": "e", "audience": "a", "jwks_url": "http://127.0.0.1/"}
START = datetime(2026, 1, 1, tzinfo=UTC)


def journal_entry(rank: int, *persons: str) -> JournalEntry:
    return JournalEntry(act("LECTURE", START + timedelta(days=rank), rang=rank), persons)


@pytest.fixture
async def journal(url: str) -> AsyncIterator[Journal]:
    """Twenty entries: entry n, from 1, shows Zoé and the person n."""
    opened = Journal(url, SEALER)
    await opened.open()
    await asyncio.gather(*(opened.append(journal_entry(n, "zoe", f"personne {n + 1}")) for n in range(20)))
    yield opened
    await opened.close()


async def default(journal: Journal, anchor: Anchor | None = None) -> str | None:
    return (await verify_chain(journal, anchor)).fault


async def alter(journal: Journal, *orders: str) -> None:
    async with journal.engine.begin() as connection:
        for order in orders:
            await connection.execute(text(order))


async def test_a_whole_chain_verifies_and_tells_its_end(journal: Journal) -> None:
    verification = await verify_chain(journal)
    assert (verification.first, verification.last.numero, verification.fault) == (1, 20, None)
    assert verification.last == await head(journal)
    assert Anchor.read(str(verification.last)) == verification.last


async def test_l08_who_read_a_person_in_order_and_with_her_rank(journal: Journal) -> None:
    await journal.append(journal_entry(20, "autre", "personne 7"))
    results = [(json.loads(content)["rang"], *ranks) for content, ranks in await readings_of(journal, ["personne 7"])]
    assert results == [(6, 1), (20, 1)]
    assert len(await readings_of(journal, ["zoe"])) == 20
    assert await readings_of(journal, ["inconnue"]) == []


def _taken_up(column: str) -> str:
    """Give the entry 7 what the entry 2 holds."""
    other = f"(SELECT {column} FROM journal_entrees WHERE numero = 2)"
    return f"UPDATE journal_entrees SET {column} = {other} WHERE numero = 7"


def _de_l_ensemble(numeros: str) -> str:
    return f"ensemble IN (SELECT ensemble FROM journal_entrees WHERE numero {numeros})"


TABLES = ("journal_entrees", "journal_personnes", "journal_bornes")
ALTERATIONS = {
    "entrée 7 : altérée, déplacée ou refaite": [
        [_taken_up("contenu")],
        [_taken_up("personnes")],
        [_taken_up("empreinte")],
        [
            "UPDATE journal_entrees SET numero = 99 WHERE numero = 7",
            "UPDATE journal_entrees SET numero = 7 WHERE numero = 8",
            "UPDATE journal_entrees SET numero = 8 WHERE numero = 99",
        ],
    ],
    "entrée 7 : manquante": [["DELETE FROM journal_entrees WHERE numero = 7"]],
    "entrée 1 : manquante": [["DELETE FROM journal_entrees WHERE numero = 1"]],
    "entrée 18 : manquante, la chaîne va jusqu'à 20": [["DELETE FROM journal_entrees WHERE numero > 17"]],
    "entrée 1 : manquante, la chaîne va jusqu'à 20": [["DELETE FROM journal_entrees"]],
    "l'index des personnes ne correspond pas aux entrées": [
        [f"DELETE FROM journal_personnes WHERE {_de_l_ensemble('= 7')}"],
        [
            "INSERT INTO journal_personnes (personne, ensemble) SELECT 12, ensemble FROM journal_entrees WHERE numero = 7"
        ],
        [f"UPDATE journal_personnes SET personne = personne + 1 WHERE {_de_l_ensemble('= 20')}"],
        [_taken_up("ensemble")],
    ],
    "une borne du journal manque ou n'est pas signée par cette clé": [
        [
            f"DELETE FROM journal_personnes WHERE {_de_l_ensemble('> 17')}",
            "DELETE FROM journal_entrees WHERE numero > 17",
            "UPDATE journal_bornes SET numero = 17,"
            " empreinte = (SELECT empreinte FROM journal_entrees WHERE numero = 17) WHERE nom = 'fin'",
        ],
        [
            f"DELETE FROM journal_personnes WHERE {_de_l_ensemble('<= 3')}",
            "DELETE FROM journal_entrees WHERE numero <= 3",
            "UPDATE journal_bornes SET numero = 3 WHERE nom = 'debut'",
        ],
        ["DELETE FROM journal_bornes WHERE nom = 'debut'"],
    ],
}


async def test_l04_every_kind_of_tampering_is_found_and_named(journal: Journal) -> None:
    await alter(journal, *(f"CREATE TABLE copie_{name} AS SELECT * FROM {name}" for name in TABLES))
    for told, alterations in ALTERATIONS.items():
        for orders in alterations:
            await alter(journal, *orders)
            assert await default(journal) == told, orders
            await alter(journal, *(f"DELETE FROM {name}" for name in TABLES))
            await alter(journal, *(f"INSERT INTO {name} SELECT * FROM copie_{name}" for name in TABLES))
    assert await default(journal) is None


async def test_l04_who_has_no_key_cannot_make_the_chain_again(journal: Journal) -> None:
    false_entry = Journal(journal.url, Sealer(bytes(32)))
    with pytest.raises(ConfigurationError, match="GATEWAY_CLE"):
        await false_entry.open()
    await false_entry.close()


async def test_l04_a_journal_put_back_to_an_earlier_state_is_told_by_the_anchor_and_by_the_process(
    journal: Journal,
) -> None:
    anchor = await head(journal)
    async with journal.engine.connect() as connection:
        fin = (await connection.execute(text("SELECT * FROM journal_bornes WHERE nom = 'fin'"))).one()
    await journal.append(journal_entry(20, "zoe"))
    further = await head(journal)
    own = f"DELETE FROM journal_personnes WHERE {_de_l_ensemble('= 21')}"
    await alter(journal, own, "DELETE FROM journal_entrees WHERE numero = 21")
    async with journal.engine.begin() as connection:
        order = "UPDATE journal_bornes SET numero = :n, empreinte = :e, sceau = :s WHERE nom = 'fin'"
        await connection.execute(text(order), {"n": fin.numero, "e": fin.empreinte, "s": fin.sceau})
    assert await default(journal) is None  # nothing in the store can tell
    assert await default(journal, anchor) is None
    assert await default(journal, further) == "entrée 21 : manquante, l'ancre est à 21"
    with pytest.raises(JournalUnavailable):
        await journal.append(journal_entry(21, "zoe"))


async def test_l04_a_chain_that_is_not_the_one_of_the_anchor(journal: Journal) -> None:
    assert await default(journal, Anchor(7, bytes(32))) == "entrée 7 : ce n'est pas celle de l'ancre"


async def test_l03_several_processes_make_one_chain(journal: Journal) -> None:
    others = [Journal(journal.url, SEALER) for _ in range(3)]
    for other in others:
        await other.open()
    await asyncio.gather(*(j.append(journal_entry(30 + n, f"p{n}")) for n in range(15) for j in (journal, *others)))
    for other in others:
        await other.close()
    verification = await verify_chain(journal)
    assert (verification.last.numero, verification.fault) == (80, None)
    assert len(await readings_of(journal, ["p3"])) == 4


async def test_l03_a_process_that_opens_waits_for_no_writing_and_stops_none(journal: Journal, url: str) -> None:
    """It took the table of entries from whoever held the end of the chain, and waited for that end: a deadlock, which
    refused every nominative answer of the other, or the start of this one."""
    other = Journal(url, SEALER)
    async with asyncio.timeout(30), journal.engine.begin() as spelling:
        await spelling.run_sync(take_anchor, journal.keys, END)
        await other.open()
    await other.append(journal_entry(20, "zoe"))
    await other.close()
    assert await default(journal) is None


async def test_l03_a_hundred_answers_share_their_writes(journal: Journal) -> None:
    written: list[int] = []
    write = journal._attempt

    async def count(entries: list[JournalEntry]) -> list[Verdict] | None:
        written.append(len(entries))
        return await write(entries)

    journal._attempt = count  # type: ignore[assignment, method-assign]
    await asyncio.gather(*(journal.append(journal_entry(n, "zoe")) for n in range(100)))
    assert written == [64, 36]
    assert await default(journal) is None


async def test_l03_store_down_then_up(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    told_values: list[bool] = []
    journal._writer.state._report = told_values.append
    await alter(journal, "ALTER TABLE journal_entrees RENAME TO ailleurs")
    refused = [journal.append(journal_entry(n, "zoe")) for n in range(200)]  # three batches: one is tried
    assert {type(refusal) for refusal in await asyncio.gather(*refused, return_exceptions=True)} == {JournalUnavailable}
    with pytest.raises(JournalUnavailable):
        await journal.append(journal_entry(20, "zoe"))
    await alter(journal, "ALTER TABLE ailleurs RENAME TO journal_entrees")
    await journal.append(journal_entry(20, "zoe"))
    assert told_values == [False, True]
    assert len(caplog.records) == 2
    assert (await verify_chain(journal)).last.numero == 21


async def test_l03_a_probe_does_not_say_available_what_refuses_to_be_written(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """A balancer that probed each second had the alert withdrawn while every nominative answer was refused."""
    await alter(journal, "ALTER TABLE journal_entrees RENAME TO ailleurs")
    with pytest.raises(JournalUnavailable):
        await journal.append(journal_entry(20, "zoe"))
    assert [await journal.run_probe() for _ in range(2)] == [False, False]
    assert len(caplog.records) == 1
    await alter(journal, "ALTER TABLE ailleurs RENAME TO journal_entrees")
    assert [await journal.run_probe() for _ in range(2)] == [True, True]
    await journal.append(journal_entry(20, "zoe"))
    verification = await verify_chain(journal)
    assert (verification.last.numero, verification.fault) == (21, None)  # a probe leaves nothing


async def test_l03_a_caller_that_leaves_does_not_stop_the_others(journal: Journal) -> None:
    gone = asyncio.create_task(journal.append(journal_entry(20, "zoe")))
    rest = asyncio.create_task(journal.append(journal_entry(21, "zoe")))
    await asyncio.sleep(0)
    gone.cancel()
    await rest
    assert (await verify_chain(journal)).last.numero == 22


async def test_l07_old_entries_are_forgotten_and_the_chain_still_verifies(journal: Journal) -> None:
    limit = START + timedelta(days=12)

    async def forget() -> int:
        return await purge_entries(
            journal, lambda content: written_at(content) < limit, lambda n: act("PURGE", limit, entrees=n)
        )

    assert sorted(await asyncio.gather(forget(), forget())) == [0, 12]
    verification = await verify_chain(journal)
    assert (verification.first, verification.last.numero, verification.fault) == (13, 21, None)
    assert await readings_of(journal, ["personne 12"]) == []
    assert len(await readings_of(journal, ["zoe"])) == 8
    await alter(journal, "DELETE FROM journal_entrees WHERE numero = 13")
    assert await default(journal) == "entrée 13 : manquante"


async def test_l07_a_proof_of_tampering_is_not_forgotten(journal: Journal) -> None:
    await alter(journal, "DELETE FROM journal_entrees WHERE numero = 5")
    with pytest.raises(JournalTampered, match="entrée 5"):
        await purge_entries(journal, lambda _: True, lambda n: act("PURGE", START, entrees=n))


def configured(record: Path) -> Configuration:
    return Configuration(
        root=record,
        file=GatewayFile.model_validate({"jetons": TOKENS, "donnees": {"dossier": "d"}}),
        sealer=SEALER,
        fixed_now=None,
        candidate=None,
        host="",
        port=0,
        admin_host="",
        admin_port=0,
        cache="memory://",
        processus=1,
        cache_sealers=(SEALER,),
    )


async def test_l07_the_service_forgets_by_itself_and_tells_its_anchor(
    journal: Journal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A year later, told week after week as time passes, nothing of the twenty entries is left."""
    caplog.set_level(logging.INFO)
    days = iter(range(25, 396, 5))
    day = next(days)
    keeper = JournalKeeper(
        journal, configured(tmp_path), lambda: START + timedelta(days=day), Alerts(CollectorRegistry())
    )

    async def sleep(_: float) -> None:
        nonlocal day
        if (day := next(days, 0)) == 0:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keeper.keep(sleep)
    verification = await verify_chain(journal)
    assert (verification.first, verification.last.numero, verification.fault) == (21, 24, None)
    anchors = [line for line in caplog.messages if "ancre" in line]
    assert [line.partition("ancre ")[2].partition(":")[0] for line in anchors] == ["20", "21", "22", "23", "24"]
    assert await keeper.is_well()


async def test_l08_a_page_read_again_brings_no_row_and_is_found_after_a_purge(journal: Journal) -> None:
    """By another process too; whatever the order of the persons."""
    other = Journal(journal.url, SEALER)
    await journal.append(journal_entry(30, "anne", "zoe"))
    rows = await _rows_of_the_index(journal)
    await journal.append(journal_entry(31, "zoe", "anne"))
    await other.append(journal_entry(40, "anne", "zoe"))
    assert await _rows_of_the_index(journal) == rows
    assert [ranks for _, ranks in await readings_of(journal, ["anne"])] == [[0], [1], [0]]
    limit = START + timedelta(days=35)
    await purge_entries(other, lambda content: written_at(content) < limit, lambda n: act("PURGE", limit, entrees=n))
    assert [json.loads(content)["rang"] for content, _ in await readings_of(journal, ["anne"])] == [40]
    assert await _rows_of_the_index(journal) == 2
    assert await default(journal) is None
    await other.close()


async def _rows_of_the_index(journal: Journal) -> int:
    return await _rows(journal, "journal_personnes")


async def _rows(journal: Journal, table: str) -> int:
    async with journal.engine.connect() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_l07_what_no_entry_shows_any_more_stands_for_nobody(journal: Journal) -> None:
    """The codes of records too: once forgotten, nothing at rest tells whom an entry showed."""

    def shown(rank: int, *persons: str) -> JournalEntry:
        return replace(journal_entry(rank, *persons), records=tuple((f"dossier {one}",) for one in persons))

    await journal.append(shown(30, "anne", "zoe"))
    await journal.append(shown(31, "anne"))
    await journal.append(shown(40, "zoe"))
    assert await _rows(journal, "journal_fiches") == 2
    limit = START + timedelta(days=35)
    await purge_entries(journal, lambda content: written_at(content) < limit, lambda n: act("PURGE", limit, entrees=n))
    assert await _rows(journal, "journal_fiches") == 1
    assert await default(journal) is None
