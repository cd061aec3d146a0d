"""How stores find and make their database."""

import pytest
from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from gateway.errors import ConfigurationError
from gateway.stores.migrations import migrate
from gateway.stores.sql import open_engine, url_de

DEFAULT = "sqlite+aiosqlite:///donnees"


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///autre", "postgresql+asyncpg://qui:secret@ici/base"])
def test_a_database_is_named_by_its_url(url: str) -> None:
    assert url_de({"BASE": url}, "BASE", DEFAULT) == url
    assert url_de({}, "BASE", DEFAULT) == DEFAULT


@pytest.mark.parametrize(
    "url",
    ["", "postgresql://qui:secret@ici/base", "mysql+aiomysql://qui:secret@ici/base", "x://qui:secret@ici:99999999"],
)
def test_another_database_is_refused_in_one_line_that_does_not_show_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        url_de({"BASE": url}, "BASE", DEFAULT)
    assert str(refusal.value) == "variable d'environnement BASE : sqlite+aiosqlite ou postgresql+asyncpg attendu"


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
