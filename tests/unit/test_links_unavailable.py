"""The ledger of links when its database hangs, or can be read and not written: nobody waits for it twice, and it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from gateway.errors import LinksUnavailable
from gateway.stores import links
from gateway.stores.links import LinkStore

pytestmark = pytest.mark.anyio
FACT = [("cle", "fait", "erp")]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def store(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LinkStore]:
    for name, value in (("LATE", 0.2), ("REST", 0.5), ("LOCK_WAIT", 1)):
        monkeypatch.setattr(links, name, value)
    opened = LinkStore(url)
    await opened.read(("",))
    yield opened
    await opened.close()


@asynccontextmanager
async def other(url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(url)
    yield engine
    await engine.dispose()


async def note(store: LinkStore) -> None:
    async with asyncio.timeout(2):
        await store.first_seen(FACT, NOW)


async def test_r6_a_ledger_that_hangs_is_waited_for_once(store: LinkStore, url: str) -> None:
    async with other(url) as engine, engine.connect() as holding:
        if engine.dialect.name == "sqlite":
            await holding.execute(text("BEGIN IMMEDIATE"))
        else:
            await holding.execute(text("LOCK TABLE liens_faits IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises((LinksUnavailable, TimeoutError)):
            await note(store)
        with pytest.raises(LinksUnavailable, match="left alone"):
            await note(store)
        await asyncio.sleep(0.6)
        trial = asyncio.create_task(note(store))
        await asyncio.sleep(0.1)
        with pytest.raises(LinksUnavailable, match="left alone"):
            await note(store)  # one call tries it
        await holding.rollback()
        await asyncio.wait([trial])
    if trial.exception() is not None:
        await asyncio.sleep(0.6)
    await note(store)
    assert await store.is_well()


async def test_r5_a_ledger_that_can_only_be_read_is_told_until_it_is_written(store: LinkStore, url: str) -> None:
    assert await store.is_well()
    async with other(url) as engine:
        await _refuse(engine)
        with pytest.raises(LinksUnavailable):
            await note(store)
        await store.read(("",))
        for _ in range(2):
            with pytest.raises(LinksUnavailable):
                await store.is_well()
        drop = "DROP TRIGGER plein" + (" ON liens_faits" if engine.dialect.name == "postgresql" else "")
        async with engine.begin() as connection:
            await connection.execute(text(drop))
    assert await store.is_well()
    await note(store)


async def _refuse(engine: AsyncEngine) -> None:
    """As a full disk would: whoever adds meets an error, whoever reads does not."""
    if engine.dialect.name == "sqlite":
        orders = ["CREATE TRIGGER plein BEFORE INSERT ON liens_faits BEGIN SELECT RAISE(ABORT, 'disk full'); END"]
    else:
        body = "$$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = 'disk_full'; END $$"
        orders = [
            f"CREATE FUNCTION plein() RETURNS trigger LANGUAGE plpgsql AS {body}",
            "CREATE TRIGGER plein BEFORE INSERT ON liens_faits EXECUTE FUNCTION plein()",
        ]
    async with engine.begin() as connection:
        for order in orders:
            await connection.execute(text(order))
