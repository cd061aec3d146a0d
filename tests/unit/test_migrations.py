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

from gateway.errors import ErreurConfiguration
from gateway.stores import chaine, liens, migrations, quotas, registre
from gateway.stores.journal import Journal
from gateway.stores.liens import Liens
from gateway.stores.migrations import HEADS, migrate, version_table
from gateway.stores.registre import Registre
from gateway.stores.sql import ouvrir_moteur
from tests.at_rest.opened import KINDS, VERSIONS, opened, run
from tests.bases import ecrire, lire
from tests.unit.registre_outils import SCEAU

METADATA = (chaine._tables, quotas._tables, registre._tables, liens._tables)


async def _open(url: str, *stores: str) -> None:
    moteur = ouvrir_moteur(url, 10)
    try:
        for store in stores:
            async with moteur.begin() as connexion:
                await connexion.run_sync(migrate, store)
    finally:
        await moteur.dispose()


@pytest.mark.anyio
async def test_histories_make_the_tables_that_the_code_names_and_no_other(url: str) -> None:
    await _open(url, *HEADS)
    await _open(url, *HEADS)
    moteur = ouvrir_moteur(url, 2)
    async with moteur.connect() as connexion:
        assert await connexion.run_sync(_differences) == []
    await moteur.dispose()


def _differences(connexion: Connection) -> list[Any]:
    ours = MetaData()
    for metadata in METADATA:
        for table in metadata.sorted_tables:
            table.to_metadata(ours)
    versions = {version_table(store) for store in HEADS}
    opts = {"include_object": lambda _, name, *rest: name not in versions}
    return list(compare_metadata(MigrationContext.configure(connexion, opts=opts), ours))


@pytest.mark.parametrize("store", HEADS)
def test_each_head_is_the_last_revision_of_a_straight_history(store: str) -> None:
    folder = str(Path(migrations.__file__).parent / store)
    scripts = ScriptDirectory(folder, version_locations=[folder])
    assert scripts.get_heads() == [HEADS[store]]
    assert len(scripts.get_bases()) == 1


@pytest.mark.anyio
async def test_those_who_start_together_wait_for_the_one_that_migrates(url: str) -> None:
    await asyncio.gather(*(_open(url, *HEADS) for _ in range(6)))
    moteur = ouvrir_moteur(url, 2)
    async with moteur.connect() as connexion:
        assert await connexion.run_sync(_differences) == []
    await moteur.dispose()


@pytest.mark.anyio
async def test_a_migration_that_fails_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HEADS, "registre", "absente")  # everything is created, and cannot be stamped
    with pytest.raises(Exception, match="absente"):
        await _open(url, "registre")
    monkeypatch.undo()
    moteur = ouvrir_moteur(url, 2)
    async with moteur.connect() as connexion:
        assert await connexion.run_sync(lambda c: c.dialect.get_table_names(c)) == []
    await moteur.dispose()


@pytest.mark.anyio
@pytest.mark.parametrize("store", HEADS)
async def test_a_database_of_a_later_code_is_refused_in_one_line(url: str, store: str) -> None:
    await _open(url, store)
    await asyncio.to_thread(ecrire, url, f"UPDATE {store}_version SET version_num = '9999'")
    journal, registry, ledger = Journal(url, SCEAU), Registre(url, SCEAU), Liens(url)
    opening: dict[str, Callable[[], Awaitable[object]]] = {
        "journal": journal.ouvrir,
        "registre": registry.ouvrir,
        "liens": lambda: ledger.lire(()),
    }
    try:
        with pytest.raises(ErreurConfiguration) as refus:
            await opening[store]()
        assert str(refus.value) == f"{store} : base d'une version plus récente que cette passerelle"
    finally:
        for opened_store in (journal, registry, ledger):
            await opened_store.fermer()


@pytest.mark.parametrize("kind", KINDS)
def test_the_tables_of_before_histories_are_taken_as_the_first_version(kind: str, tmp_path: Path) -> None:
    with opened(VERSIONS / "v0.1.0", tmp_path, kind) as data:
        sqlite = f"sqlite+aiosqlite:///{tmp_path / 'donnees' / 'journal.sqlite'}"
        url = data.environment.get("GATEWAY_JOURNAL_URL", sqlite)
        before = lire(url, "SELECT * FROM journal_entrees ORDER BY numero")
        asyncio.run(_open(url, "journal"))
        assert lire(url, "SELECT version_num FROM journal_version") == [("0001",)]
        assert lire(url, "SELECT * FROM journal_entrees ORDER BY numero") == before
        ecrire(url, "UPDATE journal_version SET version_num = '9999'")
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
from gateway.domain.sceau import Sceau
from gateway.stores.registre import Registre
async def main():
    registre = Registre({url!r}, Sceau(bytes(32)))
    await registre.ouvrir()
    await registre.fermer()
asyncio.run(main())
sys.exit("alembic" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
