"""How stores find and make their database."""

import pytest
from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from gateway.errors import ErreurConfiguration
from gateway.stores.migrations import migrate
from gateway.stores.sql import ouvrir_moteur, url_de

DEFAUT = "sqlite+aiosqlite:///donnees"


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///autre", "postgresql+asyncpg://qui:secret@ici/base"])
def test_a_database_is_named_by_its_url(url: str) -> None:
    assert url_de({"BASE": url}, "BASE", DEFAUT) == url
    assert url_de({}, "BASE", DEFAUT) == DEFAUT


@pytest.mark.parametrize(
    "url",
    ["", "postgresql://qui:secret@ici/base", "mysql+aiomysql://qui:secret@ici/base", "x://qui:secret@ici:99999999"],
)
def test_another_database_is_refused_in_one_line_that_does_not_show_it(url: str) -> None:
    with pytest.raises(ErreurConfiguration) as refus:
        url_de({"BASE": url}, "BASE", DEFAUT)
    assert str(refus.value) == "variable d'environnement BASE : sqlite+aiosqlite ou postgresql+asyncpg attendu"


@pytest.mark.anyio
async def test_tables_are_made_with_their_indexes_and_made_once(url: str) -> None:
    moteur = ouvrir_moteur(url, 2)
    for _ in range(2):
        async with moteur.begin() as connexion:
            await connexion.run_sync(migrate, "journal")
    async with moteur.connect() as connexion:
        assert await connexion.run_sync(_index) == {"quota_par_jour"}
    await moteur.dispose()


def _index(connexion: Connection) -> set[str | None]:
    return {index["name"] for index in inspect(connexion).get_indexes("quota_lues")}
