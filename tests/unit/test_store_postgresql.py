"""The connections of PostgreSQL: what is kept on them, which server is called, and one that hangs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.errors import ConfigurationError
from gateway.stores import postgresql as connections
from gateway.stores.registry import _is_damage
from gateway.stores.sql import open_engine, told
from tests.support.databases import SERVER

pytestmark = pytest.mark.anyio
PREPARED = "SELECT count(*) FROM pg_prepared_statements"
PLACE = SERVER.rpartition("@")[2]


@asynccontextmanager
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    opened = open_engine(url, 2)
    try:
        yield opened
    finally:
        await opened.dispose()


async def number(opened: AsyncEngine, query: str) -> int:
    async with opened.begin() as connection:
        return int(await connection.scalar(text(query)) or 0)


@asynccontextmanager
async def mute() -> AsyncIterator[tuple[int, list[asyncio.StreamWriter]]]:
    """The port of a server that accepts and says nothing, and those who called."""
    called: list[asyncio.StreamWriter] = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(writer)
        await reader.read(-1)

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], called
        for writer in called:
            writer.close()
            await writer.wait_closed()


async def test_statements_are_kept_by_name_on_a_server_of_ones_own(postgresql: str) -> None:
    async with engine(postgresql) as opened:
        kept = await number(opened, PREPARED)
        for _ in range(2):
            assert await number(opened, "SELECT 1") == 1
        assert await number(opened, PREPARED) == kept + 1


async def test_behind_a_pooler_no_server_keeps_a_statement(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def pooled(_: object) -> bool:
        return True

    monkeypatch.setattr(connections, "_is_pooled", pooled)
    async with engine(postgresql) as opened:
        for _ in range(2):
            assert await number(opened, PREPARED) == 0
            assert await number(opened, "SELECT 1") == 1


async def test_a_connection_that_the_server_cut_is_opened_again(postgresql: str) -> None:
    async with engine(postgresql) as opened, engine(postgresql) as other:
        before = await number(opened, "SELECT pg_backend_pid()")
        await number(other, f"SELECT pg_terminate_backend({before})::int")
        assert await number(opened, "SELECT pg_backend_pid()") != before


async def test_a_mute_server_is_called_once_while_it_rests() -> None:
    async with mute() as (port, called), engine(f"postgresql://127.0.0.1:{port}/b?connect_timeout=1") as opened:
        for _ in range(3):
            with pytest.raises(ConfigurationError) as refusal, told("journal"):
                await number(opened, "SELECT 1")
            cause = "TimeoutError : pas de réponse ; regarder le réseau et le serveur"
            assert str(refusal.value) == f"journal : base inutilisable ({cause})"
        assert len(called) == 1


async def test_a_mute_server_does_not_take_the_time_of_the_next_and_is_called_last_then(postgresql: str) -> None:
    base = postgresql.rpartition("/")[2]
    async with mute() as (port, called):
        url = f"postgresql://postgres@127.0.0.1:{port},{PLACE}/{base}?connect_timeout=1"
        async with engine(url) as opened, opened.connect(), opened.connect():
            assert await number(opened, "SELECT 1") == 1
        assert len(called) == 1


async def test_whoever_gives_up_on_a_mute_server_has_the_next_called_then(postgresql: str) -> None:
    """Links stayed degraded after a failover: a probe was given less time than the frozen primary took."""
    base = postgresql.rpartition("/")[2]
    async with mute() as (port, called), engine(f"postgresql://postgres@127.0.0.1:{port},{PLACE}/{base}") as opened:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await number(opened, "SELECT 1")
        assert await number(opened, "SELECT 1") == 1
        assert len(called) == 1


async def test_a_cut_connection_is_no_damage() -> None:
    """After a failover, the registry was told damaged until each of its readings had been asked again."""

    class Cut(Exception):
        sqlstate = None

    class Page(Exception):
        sqlstate = "XX001"

    assert not _is_damage(DBAPIError("SELECT 1", {}, Cut()))
    assert _is_damage(DBAPIError("SELECT 1", {}, Page()))
