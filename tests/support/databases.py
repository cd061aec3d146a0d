"""The databases that stores are tested on: SQLite in a directory, PostgreSQL where the machine has one.

`postgresql` and `url` are fixtures that every test may ask for (tests/conftest.py).
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

SERVER = os.environ.get("TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432")
BASES = ("sqlite", "postgresql")


@asynccontextmanager
async def base(nature: str, record: Path, like: str = "") -> AsyncIterator[str]:
    """The URL of a database, gone with the block: empty, or a copy of a PostgreSQL database that nobody uses meanwhile. Skips
    without PostgreSQL, except in CI."""
    if nature == "sqlite":
        yield f"sqlite+aiosqlite:///{record / 'base.sqlite'}"
        return
    name = f"passerelle_{uuid.uuid4().hex}"
    await _say(f"CREATE DATABASE {name}" + (f" TEMPLATE {make_url(like).database}" if like else ""))
    try:
        yield f"{SERVER.replace('postgresql://', 'postgresql+asyncpg://')}/{name}"
    finally:
        await _say(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL database for the session."""
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


async def empty_all(url: str) -> None:
    """Leave nothing in a PostgreSQL database: ten times faster than another database."""
    await _say("DROP SCHEMA public CASCADE; CREATE SCHEMA public", url.replace("+asyncpg", ""))


async def at_rest(url: str) -> bytes:
    """All that a database holds: the bytes of its files, or what a dump of it would write."""
    file = make_url(url)
    if file.drivername.startswith("sqlite"):
        return b"".join(f.read_bytes() for f in sorted(Path(file.database or "").parent.iterdir()) if f.is_file())
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        results = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [str(result["tablename"]) for result in results]
        rows = [line for table in tables for line in await connection.fetch(f"SELECT * FROM {table}")]
    finally:
        await connection.close()
    return b"\n".join([*(name.encode() for name in tables), *(_bytes(v) for line in rows for v in line.values())])


def read(url: str, partner_request: str) -> list[tuple[Any, ...]]:
    """The rows of a query, on either kind."""
    return asyncio.run(_read(url, partner_request))


def write(url: str, order: str) -> None:
    """Have a statement done, on either kind."""
    asyncio.run(_write(url, order))


async def _write(url: str, order: str) -> None:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(order))
    finally:
        await engine.dispose()


async def _read(url: str, partner_request: str) -> list[tuple[Any, ...]]:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return [tuple(line) for line in await connection.execute(text(partner_request))]
    finally:
        await engine.dispose()


def _bytes(valeur: object) -> bytes:
    return valeur if isinstance(valeur, bytes) else str(valeur).encode()


async def _say(order: str, url: str = f"{SERVER}/postgres") -> None:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (TimeoutError, OSError, asyncpg.PostgresError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL on {SERVER}: {type(error).__name__}")
    try:
        await connection.execute(order)
    finally:
        await connection.close()
