"""How stores find and make their database."""

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from gateway.errors import ConfigurationError
from gateway.stores.schema_versions import migrate
from gateway.stores.sql import database_url, open_engine

DEFAULT = "sqlite+aiosqlite:///donnees"


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///autre", "postgresql+asyncpg://qui:secret@ici/base"])
def test_a_database_is_named_by_its_url(url: str) -> None:
    assert database_url({"BASE": url}, "BASE", DEFAULT) == url
    assert database_url({}, "BASE", DEFAULT) == DEFAULT


@pytest.mark.parametrize(
    "url", ["", "sqlite:///base", "mysql+aiomysql://qui:secret@ici/base", "x://qui:secret@ici:99999999"]
)
def test_another_database_is_refused_in_one_line_that_does_not_show_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        database_url({"BASE": url}, "BASE", DEFAULT)
    expected = "sqlite+aiosqlite:///fichier ou postgresql://compte:secret@hôte/base attendu"
    assert str(refusal.value) == f"variable d'environnement BASE : {expected}"


@pytest.mark.anyio
async def test_tables_are_made_with_their_indexes_and_made_once(url: str) -> None:
    engine = open_engine(url, 2)
    for _ in range(2):
        async with engine.begin() as connection:
            await connection.run_sync(migrate, "journal")
    async with engine.connect() as connection:
        assert await connection.run_sync(_index) == {"quota_par_jour"}
    await engine.dispose()


def _index(connection: Connection) -> set[str | None]:
    return {index["name"] for index in inspect(connection).get_indexes("quota_lues")}


@pytest.mark.anyio
async def test_a_new_file_that_another_process_writes_is_waited_for(tmp_path: Path) -> None:
    """SQLite does not wait by itself to change the mode of a file that somebody writes."""
    other = sqlite3.connect(tmp_path / "base", check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE une (colonne)")
    threading.Timer(0.2, other.commit).start()
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path / 'base'}", 5)
    async with engine.connect() as connection:
        assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar() == "wal"
    await engine.dispose()
    other.close()


@pytest.mark.anyio
async def test_a_new_file_that_stays_locked_is_a_failure(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "base")
    other.execute("BEGIN IMMEDIATE")
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path / 'base'}", 0)
    with pytest.raises(OperationalError, match="locked"):
        await engine.connect()
    await engine.dispose()
    other.close()
