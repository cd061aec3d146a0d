"""What unit tests share: a database of their own, of each kind that stores are served on; a ledger of links in it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from gateway.stores.links import LinkStore
from tests.support.databases import BASES, base, empty_all
from tests.support.unit.links import UnitReader, reader


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL database for the session."""
    with asyncio.Runner() as loop:
        is_open = base("postgresql", tmp_path_factory.getbasetemp())
        yield loop.run(_come_in(is_open))
        loop.run(_go_out(is_open))


async def _come_in(is_open: AbstractAsyncContextManager[str]) -> str:
    return await is_open.__aenter__()


async def _go_out(is_open: AbstractAsyncContextManager[str]) -> None:
    await is_open.__aexit__(None, None, None)


@pytest.fixture(params=BASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database: the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'base.sqlite'}"
    shared: str = request.getfixturevalue("postgresql")
    asyncio.run(empty_all(shared))
    return shared


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[LinkStore]:
    opened = LinkStore(url)
    yield opened
    await opened.close()


@pytest.fixture
def here(ledger: LinkStore) -> UnitReader:
    return reader(ledger)
