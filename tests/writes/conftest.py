"""A store of writes on each kind of database."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.stores.write_store import WriteStore
from tests.support.databases import BASES, base, empty_all


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with asyncio.Runner() as loop:
        is_open = base("postgresql", tmp_path_factory.getbasetemp())
        yield loop.run(is_open.__aenter__())
        loop.run(is_open.__aexit__(None, None, None))


@pytest.fixture(params=BASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database: the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'base.sqlite'}"
    shared: str = request.getfixturevalue("postgresql")
    asyncio.run(empty_all(shared))
    return shared


@pytest.fixture
async def store(url: str) -> AsyncIterator[WriteStore]:
    opened = WriteStore(url)
    await opened.open()
    yield opened
    await opened.close()
