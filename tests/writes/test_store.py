"""The store of writes on both databases: keys, order, revisions, the queue, what is forgotten."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from gateway.stores.write_changes import resume, withdraw
from gateway.stores.write_queue import TryResult, WriteQueue
from gateway.stores.write_store import (
    DailyLimits,
    KeptWrite,
    LimitReached,
    NewWrite,
    UsedKey,
    WriteStore,
    next_revision,
)
from gateway.stores.write_tables import WRITES
from tests.support.databases import empty_all

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 10, 15, 9, tzinfo=UTC)
KEY = UsedKey("compte", "cle-1", "organisation", "empreinte")
WRITE = NewWrite("ecriture-1", "NOTER_SUIVI", "personne", "sujet", "imilo/60001", b"scelle")
MANY = DailyLimits(1000, 1000)


async def accept(store: WriteStore, rank: int, now: datetime = NOW, **changes: str) -> None:
    write = replace(WRITE, id=f"ecriture-{rank}", **changes)  # type: ignore[arg-type]
    assert await store.accept(replace(KEY, cle=f"cle-{rank}"), write, MANY, now) is None


async def kept(store: WriteStore) -> dict[str, KeptWrite]:
    return {write.id: write for write in await store.since(0)}


async def test_a_key_makes_one_write_however_many_ask_at_once(store: WriteStore) -> None:
    results = await asyncio.gather(*(store.accept(KEY, WRITE, MANY, NOW) for _ in range(20)))
    assert results.count(None) == 1
    assert {known[1].id for known in results if known} == {"ecriture-1"}
    assert await store.used(KEY) == ("empreinte", (await kept(store))["ecriture-1"])
    assert await store.used(replace(KEY, compte="autre")) is None


async def test_writes_of_a_person_have_an_order_and_instants_of_their_own(store: WriteStore) -> None:
    await asyncio.gather(*(accept(store, rank) for rank in range(10)))
    instants = [write.accepted_at for write in (await kept(store)).values()]
    assert len(set(instants)) == 10
    assert max(instants) - min(instants) == timedelta(microseconds=9)


async def test_revisions_follow_each_other_and_a_reader_misses_none(store: WriteStore) -> None:
    for rank in range(3):
        await accept(store, rank)
    seen = [write.revision for write in await store.since(0)]
    assert seen == sorted(set(seen))
    assert [write.id for write in await store.since(seen[1])] == ["ecriture-2"]
    await store.change(replace(KEY, cle="autre"), "ecriture-0", withdraw, NOW)
    (changed,) = await store.since(seen[-1])
    assert (changed.id, changed.etat) == ("ecriture-0", "ABANDONNEE")


async def test_the_quota_of_a_day_is_that_of_an_account_and_of_its_organisation(store: WriteStore) -> None:
    limits = DailyLimits(2, 3)
    for rank in range(2):
        await store.accept(replace(KEY, cle=f"c{rank}"), replace(WRITE, id=f"e{rank}"), limits, NOW)
    with pytest.raises(LimitReached) as reached:
        await store.accept(replace(KEY, cle="c2"), replace(WRITE, id="e2"), limits, NOW)
    assert (reached.value.limit, reached.value.whose) == (2, "compte")
    other = replace(KEY, compte="autre")
    await store.accept(replace(other, cle="c3"), replace(WRITE, id="e3"), limits, NOW)
    with pytest.raises(LimitReached) as reached:
        await store.accept(replace(other, cle="c4"), replace(WRITE, id="e4"), limits, NOW)
    assert (reached.value.limit, reached.value.whose) == (3, "organisation")
    await store.accept(replace(other, cle="c4"), replace(WRITE, id="e4"), limits, NOW + timedelta(days=1))


async def test_only_the_first_that_waits_of_each_person_is_due(store: WriteStore) -> None:
    for rank, subject in enumerate(("a", "a", "b")):
        await accept(store, rank, sujet=subject)
    await accept(store, 3, sujet="c", destination="")
    queue = WriteQueue(store, lambda: 1000.0)
    assert await queue.lease.elect()
    assert sorted(write.id for write in await queue.due()) == ["ecriture-0", "ecriture-2"]
    assert (await kept(store))["ecriture-3"].etat == "CONSERVEE"
    assert await queue.begin("ecriture-0", NOW)
    assert (await kept(store))["ecriture-0"].uncertain
    assert await queue.settle("ecriture-0", TryResult("EN_ATTENTE", "panne", True, 1005.0), NOW)
    assert [write.id for write in await queue.due()] == ["ecriture-2"]
    assert await queue.settle("ecriture-0", TryResult("TRANSMISE"), NOW)
    assert sorted(write.id for write in await queue.due()) == ["ecriture-1", "ecriture-2"]
    assert not await queue.settle("ecriture-0", TryResult("REFUSEE"), NOW)
    backlog = await queue.backlog()
    assert (set(backlog.oldest), backlog.failed) == ({"imilo/60001"}, 0)


async def test_who_does_not_hold_the_place_changes_nothing(store: WriteStore) -> None:
    await accept(store, 0)
    first, second = WriteQueue(store, lambda: 1000.0), WriteQueue(store, lambda: 1000.0)
    assert await first.lease.elect()
    assert not await second.lease.elect()
    assert not await second.begin("ecriture-0", NOW)
    assert (await kept(store))["ecriture-0"].tries == 0


async def test_what_failed_is_sent_again_behind_the_others(store: WriteStore) -> None:
    await accept(store, 0)
    await accept(store, 1)
    queue = WriteQueue(store, lambda: 1000.0)
    await queue.lease.elect()
    await queue.settle("ecriture-0", TryResult("EN_ECHEC", "panne"), NOW)
    assert await store.change(replace(KEY, cle="reprise"), "ecriture-0", resume, NOW)
    assert [write.id for write in await queue.due()] == ["ecriture-1"]
    assert not await store.change(replace(KEY, cle="encore"), "ecriture-0", resume, NOW)
    assert not await store.change(replace(KEY, organisation="autre", cle="x"), "ecriture-0", withdraw, NOW)


async def test_what_is_kept_long_enough_is_emptied_then_gone(store: WriteStore) -> None:
    await accept(store, 0, destination="")
    await store.purge(NOW + timedelta(days=364))
    assert (await kept(store))["ecriture-0"].sealed == b"scelle"
    later = NOW + timedelta(days=366)
    await store.purge(later)
    assert (await kept(store))["ecriture-0"].sealed == b""
    assert await store.used(replace(KEY, cle="cle-0")) is None
    await store.purge(later + timedelta(days=3))
    assert await kept(store) == {}


async def test_a_person_is_erased(store: WriteStore) -> None:
    await accept(store, 0)
    await accept(store, 1, personne="autre")
    assert await store.erase(["personne"], NOW) == 1
    written = await kept(store)
    assert (written["ecriture-0"].sealed, written["ecriture-1"].sealed) == (b"", b"scelle")


async def test_a_write_that_is_accepted_while_its_person_is_erased_is_erased_too(store: WriteStore, url: str) -> None:
    """Writes were looked for before the line of revisions was waited for: one that had it meanwhile stayed for ever."""
    other = WriteStore(url)
    await accept(store, 0)
    try:
        async with asyncio.timeout(30), other.engine.begin() as under_way:
            await under_way.run_sync(next_revision)
            erased = asyncio.create_task(store.erase(["personne"], NOW))
            await asyncio.sleep(0.3)
            await under_way.run_sync(_written)
        assert await erased == 2
    finally:
        await other.close()
    assert {write.sealed for write in (await kept(store)).values()} == {b""}


def _written(connection: Connection) -> None:
    """A write of the person more."""
    row = dict(connection.execute(select(WRITES)).mappings().one())
    connection.execute(WRITES.insert(), row | {"id": "ecriture-1", "rang": 2, "revision": 2})


async def test_processes_that_forget_and_write_at_once_never_wait_for_each_other(postgresql: str) -> None:
    await empty_all(postgresql)
    stores = [WriteStore(postgresql) for _ in range(4)]
    for one in stores:
        await one.open()
    one, other, purging, also = stores
    try:
        for rank in range(0, 200, 10):
            at = NOW + timedelta(days=rank)
            await asyncio.gather(
                *(accept(one, rank + n, at) for n in range(5)),
                *(accept(other, rank + n, at, personne="autre", sujet="autre") for n in range(5, 10)),
                *(store.purge(at + timedelta(days=500)) for store in (purging, also)),
                *(store.erase(["personne"], at) for store in (purging, also)),
            )
    finally:
        for store in stores:
            await store.close()
