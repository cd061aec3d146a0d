"""Databases of other versions: what a start refuses, what an operator runs, and versions that follow each other unstopped."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, inspect, text

from fixtures.gateway_process import ROOT
from gateway.__main__ import main
from gateway.config import load
from gateway.errors import ConfigurationError
from gateway.server.services import build_journal, build_links, build_receptions
from gateway.server.store_list import STORES, StorePlace
from gateway.stores.blocks import BlockStore
from gateway.stores.event_log import EventStore
from gateway.stores.journal import Journal
from gateway.stores.journal_queries import verify_chain
from gateway.stores.links import LinkStore
from gateway.stores.reception_tables import Transmission
from gateway.stores.receptions import ReceptionStore
from gateway.stores.registry import RegistryStore, Window
from gateway.stores.schema_versions import HEADS, StoreState, migrate, prepare, state_of
from gateway.stores.sql import open_engine
from gateway.stores.table_check import table_faults
from gateway.stores.webhook_store import WebhookStore
from gateway.stores.write_store import WriteStore
from tests.support.databases import read, write
from tests.support.unit.registry import SEALER, importer
from tests.unit.test_config import GOOD
from tests.unit.test_key_rings import entry, text_of
from tests.unit.test_store_registry import line, numeros

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TO_RUN = "la migrer : « python -m gateway base migrer »"


async def _with(url: str, act: Callable[[Connection], object]) -> object:
    engine = open_engine(url, 5)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(act)
    finally:
        await engine.dispose()


def does(url: str, act: Callable[[Connection], object]) -> object:
    return asyncio.run(_with(url, act))


def prepared(store: str) -> Callable[[Connection], object]:
    return lambda connection: prepare(connection, store)


def faults(tables: tuple[MetaData, ...]) -> Callable[[Connection], object]:
    return lambda connection: table_faults(connection, tables)


def _opening(store: str, url: str) -> tuple[Callable[[], Awaitable[object]], Callable[[], Awaitable[object]]]:
    """How a store opens and closes."""
    opened: dict[
        str, Journal | RegistryStore | LinkStore | ReceptionStore | BlockStore | WriteStore | EventStore | WebhookStore
    ] = {
        "journal": Journal(url, SEALER),
        "registre": RegistryStore(url, SEALER),
        "liens": LinkStore(url),
        "receptions": ReceptionStore(url),
        "statistiques": BlockStore(url),
        "ecritures": WriteStore(url),
        "evenements": EventStore(url),
        "abonnements": WebhookStore(url),
    }
    return opened[store].open, opened[store].close


async def refusal(store: str, url: str) -> str | None:
    """What a start says of a database, if it refuses it."""
    opening, closing = _opening(store, url)
    try:
        await opening()
    except ConfigurationError as error:
        return str(error)
    finally:
        await closing()
    return None


def test_the_list_names_every_history_and_every_table(url: str) -> None:
    assert {store.name for store in STORES} == HEADS.keys()
    for store in STORES:
        does(url, prepared(store.name))
        assert does(url, faults(store.tables)) == []
    named = {table.name for store in STORES for metadata in store.tables for table in metadata.sorted_tables}
    assert set(does(url, lambda connection: inspect(connection).get_table_names())) == named | {  # type: ignore[call-overload]
        f"{name}_version" for name in HEADS
    }


def test_the_list_says_where_services_open_each_store(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(GOOD, encoding="utf-8")
    configuration = load({"GATEWAY_CONFIG": str(tmp_path), "GATEWAY_CLE": text_of(1)})
    for environ in ({}, {"GATEWAY_DATABASE_URL": "postgresql://a/b", "GATEWAY_JOURNAL_URL": "postgresql://c/d"}):
        urls = {store.name: store.url(StorePlace(configuration.donnees, environ)) for store in STORES}
        journal = build_journal(configuration, environ)
        assert urls["journal"] == journal.url
        for name, store in (("liens", build_links), ("receptions", build_receptions)):
            engine = store(configuration, environ)._engine
            assert engine.url.database in (str(configuration.donnees / f"{name}.sqlite"), None)
            assert urls[name].endswith(engine.url.database or "/b")


@pytest.mark.parametrize("store", HEADS)
def test_a_start_refuses_an_older_database_in_one_line_that_names_the_command(url: str, store: str) -> None:
    does(url, prepared(store))
    write(url, f"UPDATE {store}_version SET version_num = '0000'")
    assert asyncio.run(refusal(store, url)) == f"{store} : base antérieure à cette passerelle ; {TO_RUN}"
    write(url, f"DROP TABLE {store}_version")  # as releases without histories wrote them
    assert asyncio.run(refusal(store, url)) == f"{store} : base antérieure à cette passerelle ; {TO_RUN}"


@pytest.mark.parametrize("store", HEADS)
def test_an_empty_database_is_made_and_one_version_ahead_is_accepted(url: str, store: str) -> None:
    assert does(url, lambda connection: state_of(connection, store)) is StoreState.EMPTY
    assert asyncio.run(refusal(store, url)) is None
    assert does(url, lambda connection: state_of(connection, store)) is StoreState.CURRENT
    write(url, f"UPDATE {store}_version SET version_num = '{int(HEADS[store]) + 1:04}'")
    assert asyncio.run(refusal(store, url)) is None
    write(url, f"UPDATE {store}_version SET version_num = '{int(HEADS[store]) + 2:04}'")
    assert asyncio.run(refusal(store, url)) == f"{store} : base d'une version plus récente que cette passerelle"


def test_no_store_migrates_by_itself() -> None:
    migrating = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "gateway").rglob("*.py")
        if re.search(r"\bmigrate\b", file.read_text(encoding="utf-8"))
    }
    assert migrating == {"gateway/stores/schema_versions.py", "gateway/cli/databases.py"}


@pytest.mark.anyio
async def test_this_version_runs_on_the_schema_of_the_next_one(url: str) -> None:
    """The next one may only add: tables, columns that may be null, indexes. Whatever this one writes and reads goes on."""
    for name in HEADS:
        await _with(url, prepared(name))
    await _with(url, _grown)
    journal, registry, links, received = (
        Journal(url, SEALER), RegistryStore(url, SEALER), LinkStore(url), ReceptionStore(url),
    )  # fmt: skip
    for store in (journal, registry, links, received):
        await store.open()
    await journal.append(entry(1))
    assert (await verify_chain(journal)).fault is None
    await importer(registry, Window(date(2026, 1, 1), date(2026, 1, 31)), [line("A")], NOW)
    assert numeros(registry, await registry.contrats(["59000"], [], [])) == ["A"]
    assert (await links.read(["inconnue"])).cousins == ()
    await received.record(Transmission("0590001F", "2026-01-02", "e" * 32, 1, 0, 0), [], NOW)
    assert len(await received.transmissions("0590001F")) == 1
    await received.import_key("c" * 32, "client", NOW.date())
    assert await received.client_of_key("c" * 32, NOW.date()) == "client"
    for store in (journal, registry, links, received):
        await store.close()


def _grown(connection: Connection) -> None:
    for name in inspect(connection).get_table_names():
        if not name.endswith("_version"):
            connection.execute(text(f"ALTER TABLE {name} ADD COLUMN apres VARCHAR(8)"))
    connection.execute(text("CREATE TABLE liens_apres (cle VARCHAR(8) PRIMARY KEY)"))
    for store, head in HEADS.items():
        connection.execute(text(f"UPDATE {store}_version SET version_num = '{int(head) + 1:04}'"))


def test_what_is_missing_is_told_and_what_is_more_is_not(url: str) -> None:
    for store in HEADS:
        does(url, prepared(store))
    does(url, _grown)
    (links,) = [store.tables for store in STORES if store.name == "liens"]
    assert does(url, faults(links)) == []
    write(url, "DROP TABLE liens_faits")
    write(url, "DROP INDEX liens_par_objet")
    told = does(url, faults(links))
    assert told == ["liens_faits : table absente", "liens.liens_par_objet : index absent"]


Command = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`python -m gateway …` over a data folder: exit code, lines, error."""
    (tmp_path / "gateway.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "donnees").mkdir()
    for name, value in {"GATEWAY_CONFIG": str(tmp_path), "GATEWAY_CLE": text_of(1)}.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, list[str], str]:
        code = main(list(arguments))
        told = capsys.readouterr()
        return code, told.out.splitlines(), told.err

    return run


def _of(folder: Path, store: str) -> str:
    return f"sqlite+aiosqlite:///{folder / 'donnees' / store}.sqlite"


def test_each_database_is_told_migrated_and_checked(command: Command, tmp_path: Path) -> None:
    code, told, _ = command("base", "etat")
    assert (code, told) == (0, [f"{store.name} : absente ; un départ la crée" for store in STORES])
    for name in ("liens", "journal"):
        does(_of(tmp_path, name), prepared(name))
    write(_of(tmp_path, "liens"), "DROP TABLE liens_suites")
    write(_of(tmp_path, "liens"), "UPDATE liens_version SET version_num = '0001'")
    code, told, _ = command("base", "etat")
    assert (code, told[:2]) == (
        1,
        [
            f"journal : version {HEADS['journal']}, à jour",
            "liens : version 0001, antérieure à cette passerelle (0002 attendue)",
        ],
    )
    assert command("base", "verifier")[0] == 1
    assert command("base", "migrer") == (
        0,
        [f"journal : version {HEADS['journal']}, à jour", "liens : version 0002, à jour, depuis 0001"],
        "",
    )
    assert command("base", "verifier") == (0, ["journal : entière", "liens : entière"], "")
    assert read(_of(tmp_path, "liens"), "SELECT count(*) FROM liens_suites") == [(0,)]


def test_a_database_of_a_later_code_is_not_migrated(command: Command, tmp_path: Path) -> None:
    does(_of(tmp_path, "liens"), lambda connection: migrate(connection, "liens"))
    write(_of(tmp_path, "liens"), "UPDATE liens_version SET version_num = '0099'")
    code, _, error = command("base", "migrer")
    assert (code, error) == (2, "configuration : liens : base d'une version plus récente que cette passerelle\n")


def test_what_is_damaged_or_sealed_by_another_key_is_told(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fill() -> None:
        registry = RegistryStore(_of(tmp_path, "registre"), SEALER)
        await registry.open()
        await importer(registry, Window(date(2026, 1, 1), date(2026, 1, 31)), [line("A"), line("B")], NOW)
        await registry.close()

    asyncio.run(fill())
    code, told, _ = command("base", "verifier")
    assert (code, told) == (1, ["registre : 2 ligne(s) sur 2 qu'aucune clé de GATEWAY_CLES n'ouvre"])
