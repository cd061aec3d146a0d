"""What unit tests share: a database of their own, of each kind that stores are served on; a ledger of links in it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from gateway.stores.liens import Liens
from tests.bases import BASES, base, vider
from tests.unit.liens_outils import Lecteur, lecteur


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL database for the session."""
    with asyncio.Runner() as boucle:
        ouverte = base("postgresql", tmp_path_factory.getbasetemp())
        yield boucle.run(_entrer(ouverte))
        boucle.run(_sortir(ouverte))


async def _entrer(ouverte: AbstractAsyncContextManager[str]) -> str:
    return await ouverte.__aenter__()


async def _sortir(ouverte: AbstractAsyncContextManager[str]) -> None:
    await ouverte.__aexit__(None, None, None)


@pytest.fixture(params=BASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database: the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'base.sqlite'}"
    partagee: str = request.getfixturevalue("postgresql")
    asyncio.run(vider(partagee))
    return partagee


@pytest.fixture
async def livre(url: str) -> AsyncIterator[Liens]:
    ouvert = Liens(url)
    yield ouvert
    await ouvert.fermer()


@pytest.fixture
def ici(livre: Liens) -> Lecteur:
    return lecteur(livre)
