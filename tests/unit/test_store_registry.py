"""The sealed store of the registry: what goes in comes out, whole and once, and cannot be read on the disk."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.domain.official_numbers import identity_key
from gateway.domain.seal import Sealer
from gateway.errors import ConfigurationError, RegistryUnavailable
from gateway.stores.registry import RegistryStore, StoredContrat, Window
from gateway.stores.registry_row import RegistryRow
from gateway.stores.registry_writer import RegistryWriter, WindowRefused
from tests.support.databases import at_rest
from tests.support.unit.registry import COURRIEL, SEALER, TELEPHONE, charge, importer

pytestmark = pytest.mark.anyio

JANUARY = Window(date(2026, 1, 1), date(2026, 1, 31))
FEBRUARY = Window(date(2026, 2, 1), date(2026, 2, 28))
INSTANT = datetime(2026, 2, 1, 20, 30, tzinfo=UTC)


def line(no_contrat: str = "059202509000001", view: str = "TBA", **told_values: Any) -> RegistryRow:
    item = charge(no_contrat, **told_values)
    who = item["alternant"]
    return RegistryRow(
        no_contrat=no_contrat,
        view=view,
        day=JANUARY.fin,
        nom=who["nom"],
        prenom=who["prenom"],
        date_naissance=date.fromisoformat(who["dateNaissance"]),
        code_postal=who["adresse"]["codePostal"] or None,
        uai=told_values.get("uai", "0590001F"),
        siret_formation=told_values.get("siret"),
        fin=date.fromisoformat(told_values.get("fin", "2027-08-31")),
        payload=item,
    )


@pytest.fixture
async def registry(url: str) -> AsyncIterator[RegistryStore]:
    opened = RegistryStore(url, SEALER)
    await opened.open()
    yield opened
    await opened.close()


def numeros(registry: RegistryStore, stored_rows: Iterable[StoredContrat]) -> list[str]:
    return sorted({item["detailsContrat"]["noContrat"] for stored in stored_rows for item in registry.payloads(stored)})


def ruptures(registry: RegistryStore, stored: StoredContrat) -> list[str]:
    return [item["rupture"]["dateEffetRupture"] for item in registry.payloads(stored)]


async def test_all_contracts_of_whoever_has_one_there(registry: RegistryStore) -> None:
    elsewhere: dict[str, Any] = {"code_postal": "33000", "uai": "0330002Y"}
    other: dict[str, Any] = {"nom": "AUTRE", "code_postal": "33000", "uai": None, "siret": "13002526500013"}
    await importer(registry, JANUARY, [line("A"), line("B", **elsewhere), line("C", **other)], INSTANT)
    canary = identity_key("Canari", "ZOE", date(2007, 5, 17))
    assert numeros(registry, await registry.contrats(["59000"], [], [])) == ["A", "B"]
    assert numeros(registry, await registry.contrats([], ["0330002Y"], [])) == ["A", "B"]
    assert numeros(registry, await registry.contrats([], ["13002526500013"], [])) == ["C"]
    assert numeros(registry, await registry.contrats([], [], [canary])) == ["A", "B"]
    assert numeros(registry, await registry.contrats(["33000"], [], [])) == ["A", "B", "C"]
    assert await registry.contrats(["75001"], ["0750001U"], ["5:INCON"]) == []
    assert await registry.contrats([], [], []) == []


async def test_rows_of_a_contract_come_in_order_of_day_whatever_the_order_of_import(registry: RegistryStore) -> None:
    await importer(registry, FEBRUARY, [line("a", rupture="2026-02-10"), line("A", rupture="2026-02-11")], INSTANT)
    await importer(registry, JANUARY, [line("A")], INSTANT)
    (stored,) = await registry.contrats(["59000"], [], [])
    assert ruptures(registry, stored) == ["", "2026-02-10", "2026-02-11"]


async def test_same_number_and_other_birth_date_is_another_contract(registry: RegistryStore) -> None:
    await importer(registry, JANUARY, [line("A"), line("A", naissance="2006-01-02")], INSTANT)
    assert [len(stored.rows) for stored in await registry.contrats(["59000"], [], [])] == [1, 1]


async def test_a_corrected_name_keeps_the_contract_whole(registry: RegistryStore) -> None:
    await importer(registry, JANUARY, [line("A", nom="CANARD")], INSTANT)
    await importer(registry, FEBRUARY, [line("A", rupture="2026-02-10")], INSTANT)
    naissance = date(2007, 5, 17)
    for name in ("CANARD", "CANARI"):
        (stored,) = await registry.contrats([], [], [identity_key(name, "Zoé", naissance)])
        assert ruptures(registry, stored) == ["", "2026-02-10"]


async def test_a_contract_that_left_a_person_is_not_theirs(registry: RegistryStore) -> None:
    await importer(registry, JANUARY, [line("A", nom="CANARD"), line("B", nom="CANARD", uai="0330002Y")], INSTANT)
    await importer(registry, FEBRUARY, [line("A")], INSTANT)
    assert numeros(registry, await registry.contrats([], ["0330002Y"], [])) == ["B"]


@pytest.mark.parametrize("window", [JANUARY, Window(date(2026, 1, 31), date(2026, 2, 3))])
async def test_a_window_that_overlaps_another_is_refused_and_changes_nothing(
    registry: RegistryStore, window: Window
) -> None:
    await importer(registry, JANUARY, [line("A")], INSTANT)
    before = await registry.harvest_state()
    with pytest.raises(WindowRefused):
        await importer(registry, window, [line("B")], INSTANT)
    assert numeros(registry, await registry.contrats(["59000"], [], [])) == ["A"]
    assert await registry.harvest_state() == before
    assert await RegistryWriter(registry).windows() == [JANUARY]


async def test_a_window_is_written_whole_with_its_mark_or_not_at_all(registry: RegistryStore) -> None:
    good = [line(f"N{rank}") for rank in range(600)]
    unreadable = RegistryRow(
        "X", "TBA", JANUARY.fin, "N", "P", date(2007, 1, 1), None, None, None, None, {"o": object()}
    )
    with pytest.raises(TypeError):
        await importer(registry, JANUARY, [*good, unreadable], INSTANT)
    assert await registry.contrats(["59000"], [], []) == []
    assert await RegistryWriter(registry).windows() == []
    assert (await registry.harvest_state()).as_of is None


async def test_more_keys_than_a_statement_takes(registry: RegistryStore) -> None:
    await importer(registry, JANUARY, [line(f"N{r}", nom="N" + "A" * r) for r in range(1201)], INSTANT)
    keys = [identity_key("N" + "A" * rank, "Zoé", date(2007, 5, 17)) for rank in range(1201)]
    assert len(await registry.contrats([], [], keys)) == 1201
    assert len(await registry.contrats(["59000"], [], [])) == 1201


async def test_freshness_is_the_harvest_but_never_more_than_what_was_harvested(registry: RegistryStore) -> None:
    empty = await registry.harvest_state()
    assert (empty.last_day, empty.as_of, empty.rows) == (None, None, 0)
    await importer(registry, JANUARY, [], INSTANT)
    assert (await registry.harvest_state()).as_of == INSTANT
    await importer(registry, FEBRUARY, [], datetime(2026, 10, 15, 20, 0, tzinfo=UTC))
    delay = await registry.harvest_state()
    assert delay.as_of == datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
    assert delay.last_day == date(2026, 2, 28)


async def test_nothing_of_a_person_can_be_read_on_the_disk(registry: RegistryStore, url: str) -> None:
    await importer(registry, JANUARY, [line(siret="13002526500013")], INSTANT)
    open_rows = await at_rest(url)
    await registry.close()
    closed = await at_rest(url)
    canaries = ("CANARI", "Canari", "Zoé", "ZOE", "2007-05-17", TELEPHONE, COURRIEL, "059202509000001", "rue du")
    for content in (open_rows, closed):
        assert b"59000" in content
        assert [canary for canary in canaries if canary.encode().lower() in content.lower()] == []


async def test_a_row_moved_under_another_key_does_not_open(
    registry: RegistryStore, caplog: pytest.LogCaptureFixture
) -> None:
    await importer(registry, JANUARY, [line("A"), line("A", rupture="2026-01-20")], INSTANT)
    async with registry.engine.begin() as connection:
        other = "(SELECT scelle FROM registre_lignes WHERE rang = 0)"
        await connection.execute(text(f"UPDATE registre_lignes SET scelle = {other} WHERE rang = 1"))
    (stored,) = await registry.contrats(["59000"], [], [])
    assert ruptures(registry, stored) == [""]
    assert caplog.messages == ["registre : 1 ligne(s) altérée(s), mise(s) de côté"]


async def test_another_key_is_refused_at_the_start(registry: RegistryStore, url: str) -> None:
    await importer(registry, JANUARY, [line()], INSTANT)
    other = RegistryStore(url, Sealer(bytes(32)))
    with pytest.raises(ConfigurationError, match="GATEWAY_CLE"):
        await other.open()
    await other.close()


async def test_two_processes_may_create_the_store_at_once(url: str) -> None:
    two = [RegistryStore(url, SEALER) for _ in range(2)]
    await asyncio.gather(*(one.open() for one in two))
    await importer(two[0], JANUARY, [line()], INSTANT)
    assert (await two[1].harvest_state()).rows == 1
    for one in two:
        await one.close()


async def test_a_store_that_cannot_be_used_is_one_line_without_its_password() -> None:
    absent = RegistryStore("postgresql://personne:secret@127.0.0.1:1/registre", SEALER)
    with pytest.raises(ConfigurationError) as refusal:
        await absent.open()
    told = "connexion refusée ; démarrer le serveur, ou corriger l'hôte et le port"
    assert str(refusal.value) == f"registre : base inutilisable (ConnectionRefusedError : {told})"
    await absent.close()


async def test_a_store_that_went_away_says_so(registry: RegistryStore, url: str) -> None:
    await importer(registry, JANUARY, [line()], INSTANT)
    async with registry.engine.begin() as connection:
        await connection.execute(text("DROP TABLE registre_fenetres"))
        await connection.execute(text("DROP TABLE registre_lignes"))
    for reading in (registry.harvest_state(), registry.contrats(["59000"], [], [])):
        with pytest.raises(RegistryUnavailable):
            await reading


async def test_what_was_imported_is_there_after_a_restart(registry: RegistryStore, url: str) -> None:
    await importer(registry, JANUARY, [line()], INSTANT)
    await registry.close()
    restarted = RegistryStore(url, SEALER)
    await restarted.open()
    assert numeros(restarted, await restarted.contrats(["59000"], [], [])) == ["059202509000001"]
    await restarted.close()


async def test_a_closed_store_leaves_no_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    opened = RegistryStore(f"sqlite+aiosqlite:///{tmp_path / 'registre.sqlite'}", SEALER)
    await opened.open()
    await importer(opened, JANUARY, [line()], INSTANT)
    during = {thread for thread in set(threading.enumerate()) - before if not thread.name.startswith("asyncio")}
    await opened.close()
    assert during
    for thread in during:
        thread.join(timeout=30)
    assert {thread for thread in during if thread.is_alive()} == set()


async def test_what_tells_the_rows_of_a_contract_changes_with_them_only(registry: RegistryStore) -> None:
    await importer(registry, JANUARY, [line("A"), line("B")], INSTANT)
    before = {stored.contrat: stored.digest for stored in await registry.contrats(["59000"], [], [])}
    await importer(registry, FEBRUARY, [line("A", rupture="2026-02-10")], INSTANT)
    after = {stored.contrat: stored.digest for stored in await registry.contrats(["59000"], [], [])}
    assert sorted(before[contrat] == after[contrat] for contrat in before) == [False, True]


async def test_keys_of_a_read_are_told_apart_and_tell_nothing(registry: RegistryStore) -> None:
    digest = registry.digest(["59000", "59800"], [], ["CANARI"])
    assert digest == registry.digest({"59800", "59000"}, (), {"CANARI"})
    assert digest != registry.digest(["59000", "59800"], ["CANARI"], [])
    assert "CANARI" not in digest
