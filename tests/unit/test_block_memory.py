"""The blocks kept in memory: the sums that loops over the blocks give, read once a snapshot, and never those of another one."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from gateway.errors import BlocksUnavailable
from gateway.statistiques.block_memory import BYTES_MAX, BlockMemory
from gateway.stores.blocks import BLOCKS, BlockStore, CellRange, GroupedCells, Groups, PlaceBlocks, Snapshot
from gateway.stores.blocks_writer import BlockWriter, CellCount
from tests.support.databases import write

pytestmark = pytest.mark.anyio

NIGHT = datetime(2026, 10, 15, 1, tzinfo=UTC)
FIRST = Snapshot(1, date(2026, 10, 15), NIGHT, 5, None)
MONTHS = [f"{2024 + rank // 12}-{rank % 12 + 1:02}" for rank in range(6, 34)]
PLACES = [f"{rank:03}" for rank in range(12)]
KEYS = {"1a": ["3", "4", "INCONNU"], "1b": [""], "1c": ["3/F/DE_18_A_20", "4/M/DE_18_A_20", "3/M/INCONNU"]}
CLASSES = ("R3", "R6", "V")
QUESTIONS = 2_000
YEAR = CellRange("1a", "2026-01", "2026-12")


def drawn(randomness: Random) -> list[CellCount]:
    return [
        CellCount(maille, lieu, cles, mois, classe, 5 * randomness.randint(1, 9))
        for maille, keys in KEYS.items()
        for lieu in PLACES
        for mois in MONTHS
        for cles in keys
        for classe in CLASSES
        if randomness.random() < 0.3
    ]


@pytest.fixture
async def writer(url: str) -> AsyncIterator[BlockWriter]:
    store = BlockStore(url)
    await store.open()
    writer = BlockWriter(store)
    assert await writer.lease.elect()
    yield writer
    await store.close()


def added_up(blocks: dict[tuple[str, str], list[CellCount]], asked: CellRange, places: Groups) -> GroupedCells:
    """The same by loops."""
    told: dict[str, dict[tuple[str, str, str], tuple[int, int]]] = defaultdict(dict)
    for place, group in places:
        for block in blocks.get((asked.maille, place), ()):
            if asked.first <= block.mois <= asked.last and (asked.keys is None or block.cles in asked.keys):
                name = block.cles if asked.by_keys else "", block.mois, block.classe
                total, number = told[group].get(name, (0, 0))
                told[group][name] = total + block.nombre, number + 1
    return dict(told)


async def test_sums_are_those_of_the_blocks_one_by_one(writer: BlockWriter) -> None:
    randomness = Random(3)
    blocks = drawn(randomness)
    await writer.write_blocks(1, blocks)
    memory, by_place = BlockMemory(writer.store), defaultdict(list)
    for block in blocks:
        by_place[block.maille, block.lieu].append(block)
    for _ in range(QUESTIONS):
        maille = randomness.choice(sorted(KEYS))
        first, last = sorted(randomness.sample(MONTHS, 2))
        some = frozenset(randomness.sample([*KEYS[maille], "8"], 1))
        asked = CellRange(maille, first, last, randomness.random() < 0.5, randomness.choice((None, some)))
        places = [(randomness.choice([*PLACES, "absent"]), randomness.choice("ab")) for _ in range(4)]
        assert await memory.sums(FIRST, asked, places) == added_up(by_place, asked, places), asked


async def test_what_was_read_of_a_snapshot_is_not_read_again(
    writer: BlockWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writer.write_blocks(1, [CellCount("1a", "75", "4", "2026-08", "V", 5)])
    read: list[tuple[str, str]] = []
    ordinary = BlockStore.blocks

    def blocks(store: BlockStore, snapshot: int, maille: str, *span: str) -> AsyncGenerator[Sequence[PlaceBlocks]]:
        read.append((span[0], span[1]))
        return ordinary(store, snapshot, maille, *span)

    monkeypatch.setattr(BlockStore, "blocks", blocks)
    memory = BlockMemory(writer.store)
    for asked in (YEAR, YEAR, CellRange("1a", "2025-11", "2026-02"), CellRange("1a", "2025-12", "2026-12")):
        await memory.sums(FIRST, asked, [("75", "")])
    assert read == [("2026-01", "2026-12"), ("2025-11", "2025-12")]


async def test_a_snapshot_of_the_same_number_published_anew_is_another(writer: BlockWriter, url: str) -> None:
    """As where an operator forgets the blocks of a key that is known, and publishes from the first number again."""
    memory, told = BlockMemory(writer.store), []
    for value, later in ((5, 0), (20, 1)):
        async with writer.store.engine.begin() as connection:
            await connection.execute(BLOCKS.delete())
        await writer.write_blocks(1, [CellCount("1a", "75", "4", "2026-08", "V", value)])
        again = Snapshot(1, FIRST.as_of, NIGHT + timedelta(hours=later), 5, None)
        told.append(await memory.sums(again, YEAR, [("75", "")]))
    assert told == [{"": {("4", "2026-08", "V"): (value, 1)}} for value in (5, 20)]
    assert {snapshot.published_at for snapshot, _, _ in memory._kept} == {NIGHT + timedelta(hours=1)}
    assert 0 < memory._kept.currsize < BYTES_MAX


async def test_a_database_that_does_not_answer_is_told_and_asked_again(writer: BlockWriter, url: str) -> None:
    await writer.write_blocks(1, [CellCount("1a", "75", "4", "2026-08", "V", 5)])
    memory = BlockMemory(writer.store)
    await asyncio.to_thread(write, url, "ALTER TABLE statistiques_blocs RENAME TO ailleurs")
    with pytest.raises(BlocksUnavailable):
        await memory.sums(FIRST, YEAR, [("75", "")])
    await asyncio.to_thread(write, url, "ALTER TABLE ailleurs RENAME TO statistiques_blocs")
    assert await memory.sums(FIRST, YEAR, [("75", "")]) == {"": {("4", "2026-08", "V"): (5, 1)}}
