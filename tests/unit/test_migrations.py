"""The histories of the stores: from nothing, from the tables of before them, by several processes at once, never backwards."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

from gateway.errors import ConfigurationError
from gateway.stores import (
    blocks,
    event_log,
    journal_tables,
    links,
    migrations,
    quota_counters,
    reception_tables,
    registry,
    sealing_keys,
    webhook_store,
    write_tables,
)
from gateway.stores.blocks import BlockStore
from gateway.stores.event_log import EventStore
from gateway.stores.journal import Journal
from gateway.stores.links import LinkStore
from gateway.stores.receptions import ReceptionStore
from gateway.stores.registry import RegistryStore
from gateway.stores.schema_versions import HEADS, migrate, version_table
from gateway.stores.sql import open_engine
from gateway.stores.webhook_store import WebhookStore
from gateway.stores.write_store import WriteStore
from tests.at_rest.opened import KINDS, VERSIONS, as_written, run
from tests.support.databases import read, write
from tests.support.unit.registry import SEALER

METADATA = (
    journal_tables._tables,
    quota_counters._tables,
    registry._tables,
    sealing_keys.NAMES.metadata,
    links._tables,
    blocks._tables,
    reception_tables.TABLES,
    write_tables._tables,
    event_log._tables,
    webhook_store._tables,
)


async def _open(url: str, *stores: str) -> None:
    engine = open_engine(url, 10)
    try:
        for store in stores:
            async with engine.begin() as connection:
                await connection.run_sync(migrate, store)
    finally:
        await engine.dispose()


@pytest.mark.anyio
async def test_histories_make_the_tables_that_the_code_names_and_no_other(url: str) -> None:
    await _open(url, *HEADS)
    await _open(url, *HEADS)
    engine = open_engine(url, 2)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


def _differences(connection: Connection) -> list[Any]:
    ours = MetaData()
    for metadata in METADATA:
        for table in metadata.sorted_tables:
            table.to_metadata(ours)
    versions = {version_table(store) for store in HEADS}
    opts = {"include_object": lambda _, name, *rest: name not in versions}
    return list(compare_metadata(MigrationContext.configure(connection, opts=opts), ours))


@pytest.mark.parametrize("store", HEADS)
def test_each_head_is_the_last_revision_of_a_straight_history(store: str) -> None:
    folder = str(Path(migrations.__file__).parent / store)
    scripts = ScriptDirectory(folder, version_locations=[folder])
    assert scripts.get_heads() == [HEADS[store]]
    assert len(scripts.get_bases()) == 1


@pytest.mark.anyio
async def test_those_who_start_together_wait_for_the_one_that_migrates(url: str) -> None:
    await asyncio.gather(*(_open(url, *HEADS) for _ in range(6)))
    engine = open_engine(url, 2)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


@pytest.mark.anyio
async def test_a_migration_that_fails_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HEADS, "registre", "absente")  # everything is created, and cannot be stamped
    with pytest.raises(Exception, match="absente"):
        await _open(url, "registre")
    monkeypatch.undo()
    engine = open_engine(url, 2)
    async with engine.connect() as connection:
        assert await connection.run_sync(lambda c: c.dialect.get_table_names(c)) == []
    await engine.dispose()


@pytest.mark.anyio
@pytest.mark.parametrize("store", HEADS)
async def test_a_database_of_a_later_code_is_refused_in_one_line(url: str, store: str) -> None:
    await _open(url, store)
    await asyncio.to_thread(write, url, f"UPDATE {store}_version SET version_num = '9999'")
    journal, registry, ledger = Journal(url, SEALER), RegistryStore(url, SEALER), LinkStore(url)
    received = ReceptionStore(url)
    counted, written, events = BlockStore(url), WriteStore(url), EventStore(url)
    webhooks = WebhookStore(url)
    opening: dict[str, Callable[[], Awaitable[object]]] = {
        "journal": journal.open,
        "registre": registry.open,
        "liens": lambda: ledger.read(()),
        "receptions": received.open,
        "statistiques": counted.open,
        "ecritures": written.open,
        "evenements": events.open,
        "abonnements": webhooks.open,
    }
    try:
        with pytest.raises(ConfigurationError) as refusal:
            await opening[store]()
        assert str(refusal.value) == f"{store} : base d'une version plus récente que cette passerelle"
    finally:
        for opened_store in (journal, registry, ledger, counted, received, written, events, webhooks):
            await opened_store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_the_tables_of_before_histories_are_taken_as_the_first_version(kind: str, tmp_path: Path) -> None:
    with as_written(VERSIONS / "v0.1.0", tmp_path, kind) as data:
        sqlite = f"sqlite+aiosqlite:///{tmp_path / 'donnees' / 'journal.sqlite'}"
        url = data.environment.get("GATEWAY_JOURNAL_URL", sqlite)
        before = read(url, "SELECT * FROM journal_entrees ORDER BY numero")
        asyncio.run(_open(url, "journal"))
        assert read(url, "SELECT version_num FROM journal_version") == [(HEADS["journal"],)]
        assert read(url, "SELECT * FROM journal_entrees ORDER BY numero") == before
        write(url, "UPDATE journal_version SET version_num = '9999'")
        done = run(data.environment, "journal", "verifier")
    assert (done.returncode, done.stderr) == (
        2,
        "configuration : journal : base d'une version plus récente que cette passerelle\n",
    )


def test_an_up_to_date_database_opens_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'base.sqlite'}"
    asyncio.run(_open(url, *HEADS))
    code = f"""
import asyncio, sys
from gateway.domain.seal import Sealer
from gateway.stores.registry import RegistryStore
async def main():
    registry = RegistryStore({url!r}, Sealer(bytes(32)))
    await registry.open()
    await registry.close()
asyncio.run(main())
sys.exit("alembic" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
