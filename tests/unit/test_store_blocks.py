"""The store of counts: a lot in place of what it gave, a snapshot swapped in whole, sums by group, one writer at a time."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from gateway.statistiques.block_memory import BlockMemory
from gateway.stores.blocks import (
    BlockStore,
    CellRange,
    CoverageRow,
    GroupedCells,
    Groups,
    Lot,
    LotState,
    Snapshot,
    lot_name,
)
from gateway.stores.blocks_writer import BlockWriter, CellCount, CountingUnderWay, LotCoverage

pytestmark = pytest.mark.anyio

NIGHT = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)
CFA, OTHER = lot_name("CFA", "0750001A"), lot_name("CFA", "0690002B")
ALL = {"1a": "2020-01", "3a": "2020-01"}
YEAR = CellRange("1a", "2025-12", "2026-11")


def lot(name: str = CFA, state: LotState = LotState.LU) -> Lot:
    return Lot(name, "ypareo", NIGHT, state, date(2026, 11, 30))


def cell(lieu: str, mois: str, classe: str, nombre: int, maille: str = "1a") -> CellCount:
    return CellCount(maille, lieu, "4", mois, classe, nombre)


async def sums(writer: BlockWriter, snapshot: int, cells: CellRange, places: Groups) -> GroupedCells:
    """The blocks of a snapshot, as a memory that is empty reads them."""
    return await BlockMemory(writer.store).sums(Snapshot(snapshot, date(2026, 11, 30), NIGHT, 5, None), cells, places)


@pytest.fixture
async def writer(url: str) -> AsyncIterator[BlockWriter]:
    store = BlockStore(url)
    await store.open()
    writer = BlockWriter(store)
    assert await writer.lease.elect()
    yield writer
    await store.close()


async def test_a_lot_is_written_in_place_of_what_it_gave_since_a_month(writer: BlockWriter) -> None:
    await writer.write_lot(lot(), [cell("75", "2024-11", "V", 9), cell("75", "2026-08", "V", 5)], ALL)
    await writer.write_lot(lot(OTHER), [cell("69", "2026-08", "V", 1)], ALL)
    await writer.write_lot(lot(), [cell("75", "2026-09", "R3", 2)], {**ALL, "1a": "2025-01"})
    assert await writer.sums("1a") == [
        cell("69", "2026-08", "V", 1),
        cell("75", "2024-11", "V", 9),
        cell("75", "2026-09", "R3", 2),
    ]
    both = [(CFA, "ici"), (OTHER, "ici"), (OTHER, "ailleurs")]
    assert await writer.store.counts(YEAR, both) == {
        "ailleurs": {("4", "2026-08", "V"): (1, 1)},
        "ici": {("4", "2026-08", "V"): (1, 1), ("4", "2026-09", "R3"): (2, 1)},
    }
    levels = [cell("75", "2026-10", "V", 3), cell("75", "2026-10", "V", 4)._replace(cles="5")]
    await writer.write_lot(lot(), levels, {"1a": "2026-10"})
    october = CellRange("1a", "2026-10", "2026-10", by_keys=False)
    assert await writer.store.counts(october, [(CFA, "")]) == {"": {("", "2026-10", "V"): (7, 2)}}
    assert await writer.store.lots() == {CFA: lot(), OTHER: lot(OTHER)}
    assert await writer.store.lots([OTHER]) == {OTHER: lot(OTHER)}


async def test_only_the_keys_that_are_asked_for_are_read(writer: BlockWriter) -> None:
    by_level = [cell("75", "2026-08", "V", n)._replace(cles=level) for level, n in (("3", 5), ("4", 10), ("5", 15))]
    await writer.write_blocks(1, by_level)
    some = CellRange("1a", "2026-08", "2026-08", keys=frozenset({"3", "5", "8"}))
    assert await sums(writer, 1, some, [("75", "")]) == {
        "": {("3", "2026-08", "V"): (5, 1), ("5", "2026-08", "V"): (15, 1)}
    }
    nothing = CellRange("1a", "2026-08", "2026-08", keys=frozenset())
    assert await sums(writer, 1, nothing, [("75", "")]) == {}
    together = CellRange("1a", "2026-08", "2026-08", by_keys=False)
    assert await sums(writer, 1, together, [("75", "")]) == {"": {("", "2026-08", "V"): (30, 3)}}


async def test_a_planner_that_counts_knows_a_snapshot_as_soon_as_it_is_published(writer: BlockWriter) -> None:
    await writer.write_blocks(1, [cell(f"{place:03}", "2026-08", "V", 5) for place in range(400)])
    await writer.publish(Snapshot(1, date(2026, 11, 30), NIGHT, 5, None), [])
    if writer.store.engine.dialect.name == "postgresql":
        async with writer.store.engine.connect() as connection:
            known = text("SELECT reltuples FROM pg_class WHERE relname = 'statistiques_blocs'")
            assert await connection.scalar(known) == 400


async def test_a_lot_that_failed_keeps_its_stocks_from_month_to_month(writer: BlockWriter) -> None:
    flow, stock = cell("75", "2026-09", "R3", 2), cell("75", "2026-09", "APPRENTI", 7, "3a")
    await writer.write_lot(lot(), [flow, stock], ALL)
    await writer.keep_lot(lot(state=LotState.ANCIEN), ["3a"], ["2026-09", "2026-10", "2026-11"])
    assert await writer.sums("1a") == [flow]
    assert await writer.sums("3a") == [stock._replace(mois=month) for month in ("2026-09", "2026-10", "2026-11")]
    assert (await writer.store.lots())[CFA].state is LotState.ANCIEN


async def test_a_snapshot_is_read_once_it_is_whole_and_two_are_kept(writer: BlockWriter) -> None:
    assert await writer.store.snapshot() is None
    for rank in (1, 2, 3):
        number = await writer.begin_snapshot()
        assert number == rank
        await writer.write_blocks(number, [cell("75", "2026-08", "V", 5 * rank), cell("69", "2026-08", "V", 5)])
        before = await writer.store.snapshot()
        assert before is None or before.number == rank - 1
        await writer.publish(Snapshot(number, date(2026, 11, rank), NIGHT, 5, 4), [])
    assert await writer.store.snapshot() == Snapshot(3, date(2026, 11, 3), NIGHT, 5, 4)
    places = [("75", "FR"), ("69", "FR"), ("69", "84")]
    assert await sums(writer, 3, YEAR, places) == {
        "84": {("4", "2026-08", "V"): (5, 1)},
        "FR": {("4", "2026-08", "V"): (20, 2)},
    }
    assert [len(await sums(writer, number, YEAR, places)) for number in (1, 2)] == [0, 2]


async def test_what_a_process_that_was_killed_left_of_a_snapshot_is_gone(writer: BlockWriter) -> None:
    await writer.write_blocks(await writer.begin_snapshot(), [cell("75", "2026-08", "V", 5)])
    assert await writer.begin_snapshot() == 1
    assert await sums(writer, 1, YEAR, [("75", "")]) == {}


async def test_old_blocks_stay_when_true_counts_are_forgotten(writer: BlockWriter) -> None:
    await writer.write_lot(lot(), [cell("75", "2021-08", "V", 6), cell("75", "2026-08", "V", 6)], ALL)
    await writer.write_blocks(1, [cell("75", "2021-08", "V", 5), cell("75", "2026-08", "V", 5)])
    await writer.publish(Snapshot(1, date(2026, 11, 30), NIGHT, 5, None), [])
    await writer.forget("2022-01")
    assert await writer.sums("1a") == [cell("75", "2026-08", "V", 6)]
    number = await writer.begin_snapshot()
    await writer.carry_blocks(number, "2022-01")
    found = await sums(writer, number, CellRange("1a", "2021-01", "2026-11"), [("75", "")])
    assert found == {"": {("4", "2021-08", "V"): (5, 1)}}


async def test_coverage_adds_up_by_source_and_month(writer: BlockWriter) -> None:
    told = [LotCoverage("ERP_CFA", "A", "2026-11", 1, 1), LotCoverage("ERP_CFA", "B", "2026-11", 0, 1)]
    await writer.publish(Snapshot(1, date(2026, 11, 30), NIGHT, 5, None), told)
    await writer.publish(Snapshot(2, date(2026, 11, 30), NIGHT, 5, None), told)
    assert await writer.store.coverage([("A", ""), ("B", "")], "2026-01", "2026-12") == [
        CoverageRow("ERP_CFA", "2026-11", 1, 2)
    ]


async def test_who_lost_its_place_writes_nothing(writer: BlockWriter) -> None:
    other = BlockWriter(writer.store)
    assert not await other.lease.elect()
    with pytest.raises(CountingUnderWay):
        await other.write_lot(lot(), [cell("75", "2026-08", "V", 6)], ALL)
    await writer.lease.release()
    assert await other.lease.elect()
    with pytest.raises(CountingUnderWay):
        await writer.begin_snapshot()
    assert await writer.store.lots() == {}


async def test_cells_are_added_up_over_their_keys_where_nobody_asks_for_them(writer: BlockWriter) -> None:
    counts = [cell("75", "2026-08", "V", 5), cell("75", "2026-08", "V", 2)._replace(cles="5")]
    await writer.write_lot(lot(), counts, {"1a": "2020-01"})
    told = await writer.store.counts(CellRange("1a", "2026-08", "2026-08", by_keys=False), [(CFA, "ici")])
    assert told == {"ici": {("", "2026-08", "V"): (7, 2)}}
