"""The protected blocks of the snapshot in force, kept in memory cohort by cohort: a published snapshot never changes, and a
question of a whole country adds up a hundred thousand of them. Knows no figure and no caller.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

from cachetools import LRUCache

from gateway.concurrency import SingleFlight, offload
from gateway.statistiques.compact_blocks import CompactBlocks
from gateway.statistiques.periods import add_months, first_day, month_of
from gateway.stores.blocks import BlockStore, CellRange, GroupedCells, Groups, PlaceBlocks, Snapshot

BYTES_MAX = 48 << 20  # of all that is kept: a country of five years takes some 20 MiB
_EMPTY = 64  # bytes that stand for a cohort without block
_Key = tuple[Snapshot, str, str]  # a snapshot, a grid, the first month of a cohort


class BlockMemory:
    """Reads the blocks of snapshots, each cohort of a grid once. Its calls raise BlocksUnavailable."""

    def __init__(self, store: BlockStore) -> None:
        self._store = store
        self._kept: LRUCache[_Key, CompactBlocks] = LRUCache(BYTES_MAX, getsizeof=lambda blocks: _EMPTY + blocks.size)
        self._readings: SingleFlight[tuple[Snapshot, str, str, str], dict[str, CompactBlocks]] = SingleFlight()

    async def sums(self, snapshot: Snapshot, cells: CellRange, places: Groups) -> GroupedCells:
        """The protected blocks of these places, added up by group. Blocks of 0 are not told."""
        months = _months(cells.first, cells.last)
        known = {month: self._kept.get((snapshot, cells.maille, month)) for month in months}
        missing = [month for month, blocks in known.items() if blocks is None]
        read: dict[str, CompactBlocks] = {}
        if missing:
            key = snapshot, cells.maille, missing[0], missing[-1]
            read = await self._readings.run(key, lambda: self._read(*key))
        every = [blocks or read[month] for month, blocks in known.items()]
        return await offload(len(places) * len(months), _sums, every, cells, places)

    async def _read(self, snapshot: Snapshot, maille: str, first: str, last: str) -> dict[str, CompactBlocks]:
        """The cohorts of a span, kept from now on; those of another snapshot are not."""
        places: dict[str, int] = {}
        found = {month: CompactBlocks(month, places) for month in _months(first, last)}
        async with aclosing(self._store.blocks(snapshot.number, maille, first, last)) as read:
            async for some in read:
                await asyncio.to_thread(_fill, found, some)
        for former in [key for key in self._kept if key[0] != snapshot]:
            del self._kept[former]
        for month, blocks in found.items():
            if _EMPTY + blocks.size <= BYTES_MAX:
                self._kept[snapshot, maille, month] = blocks
        return found


def _months(first: str, last: str) -> list[str]:
    month, end, found = first_day(first), first_day(last), []
    while month <= end:
        found.append(month_of(month))
        month = add_months(month, 1)
    return found


def _fill(found: dict[str, CompactBlocks], read: Sequence[PlaceBlocks]) -> None:
    for blocks in read:
        found[blocks.mois].add(blocks)


def _sums(cohorts: Sequence[CompactBlocks], cells: CellRange, places: Groups) -> GroupedCells:
    told: GroupedCells = {}
    for blocks in cohorts:
        blocks.add_up(told, cells, places)
    return told
