"""Where the counts of statistics are written: a lot in one transaction, a snapshot of blocks swapped in by its number.

SQL, and nothing of persons, grids or secrecy. What a process that was killed left of a snapshot is never read, and goes with the
next one.
"""

import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.stores.blocks import (
    BLOCKS,
    COUNTS,
    COVERAGE,
    LOTS,
    SNAPSHOTS,
    STATE,
    BlockStore,
    Lot,
    Snapshot,
    latest_snapshot,
)
from gateway.stores.lease import Lease, LeaseColumns
from gateway.stores.sql import batches, insertion

BATCH = 5_000  # rows of one statement
SNAPSHOTS_KEPT = 2  # the one in force, and the one that answers under way read


class CountingUnderWay(Exception):
    """Another process counts, or took our place."""


class CellCount(NamedTuple):
    """How many units a cell holds."""

    maille: str
    lieu: str
    cles: str
    mois: str
    classe: str
    nombre: int


class LotCoverage(NamedTuple):
    """Whether the lot of a place is covered by the sources of a kind, in a month."""

    source: str
    lieu: str
    mois: str
    couverts: int
    attendus: int


class BlockWriter:
    """The writing half of a BlockStore."""

    def __init__(self, store: BlockStore, seconds: Callable[[], float] = time.time) -> None:
        self.store = store
        self._engine = store.engine
        self.lease = Lease(store.engine, LeaseColumns(STATE.c.titulaire, STATE.c.echeance), seconds)

    async def write_lot(self, lot: Lot, counts: Iterable[CellCount], since: Mapping[str, str]) -> None:
        """What a lot gives, of each grid from a month on, in place of what it gave. Raises CountingUnderWay."""
        rows = [{"lot": lot.name, **count._asdict()} for count in counts]
        async with self._writing() as connection:
            for maille, month in since.items():
                own = (COUNTS.c.lot == lot.name) & (COUNTS.c.maille == maille)
                await connection.execute(delete(COUNTS).where(own, COUNTS.c.mois >= month))
            for batch in batches(rows, BATCH):
                await connection.execute(insert(COUNTS), list(batch))
            await _put_lot(connection, lot)

    async def keep_lot(self, lot: Lot, mailles: Collection[str], months: Sequence[str]) -> None:
        """A lot that could not be counted: in these grids of stocks, what it gave in the first of the months goes on in the
        others. Raises CountingUnderWay."""
        async with self._writing() as connection:
            for month in months[1:]:
                await _carry(connection, lot.name, mailles, (months[0], month))
            await _put_lot(connection, lot)

    async def sums(self, maille: str) -> list[CellCount]:
        """The true counts of all the cells of a grid, all lots together."""
        cell = (COUNTS.c.maille, COUNTS.c.lieu, COUNTS.c.cles, COUNTS.c.mois, COUNTS.c.classe)
        query = select(*cell, func.sum(COUNTS.c.nombre)).where(COUNTS.c.maille == maille).group_by(*cell)
        known: dict[str, str] = {}  # the same few texts, a million times
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(*cell))
            return [CellCount._make((*(known.setdefault(text, text) for text in row[:5]), row[5])) for row in rows]

    async def begin_snapshot(self) -> int:
        """The number of the next snapshot, of which nothing is there. Raises CountingUnderWay."""
        async with self._writing() as connection:
            latest = await latest_snapshot(connection)
            number = latest.number + 1 if latest else 1
            await connection.execute(delete(BLOCKS).where(BLOCKS.c.releve >= number))
        return number

    async def write_blocks(self, snapshot: int, blocks: Sequence[CellCount]) -> None:
        """Protected blocks of a snapshot under way, which nobody reads yet. Raises CountingUnderWay."""
        for batch in batches(blocks, BATCH):
            rows = [_block_row(snapshot, block) for block in batch]
            async with self._writing() as connection:
                await connection.execute(insert(BLOCKS), rows)

    async def carry_blocks(self, snapshot: int, before: str) -> None:
        """The blocks of before a month, of the snapshot in force, go on in the one under way. Raises CountingUnderWay."""
        columns = [column for column in BLOCKS.c if column is not BLOCKS.c.releve]
        async with self._writing() as connection:
            latest = await latest_snapshot(connection)
            if latest is None:
                return
            former = select(literal(snapshot), *columns).where(BLOCKS.c.releve == latest.number, BLOCKS.c.mois < before)
            await connection.execute(insert(BLOCKS).from_select(["releve", *(c.name for c in columns)], former))

    async def publish(self, snapshot: Snapshot, coverage: Sequence[LotCoverage]) -> None:
        """Put a snapshot in force, with the coverage of its month, and forget the oldest. Raises CountingUnderWay."""
        oldest = snapshot.number - SNAPSHOTS_KEPT
        published = snapshot.published_at.astimezone(UTC).isoformat()
        row = {"numero": snapshot.number, "etat_au": snapshot.as_of, "publie_le": published}
        async with self._writing() as connection:
            await _put_coverage(connection, coverage)
            secrecy = {"pas": snapshot.step, "audit_minimum": snapshot.audit_minimum}
            await connection.execute(insert(SNAPSHOTS).values(**row, **secrecy))
            await connection.execute(update(STATE).values(refus_le=None, refus_minimum=None))
            await connection.execute(delete(SNAPSHOTS).where(SNAPSHOTS.c.numero <= oldest))
            await connection.execute(delete(BLOCKS).where(BLOCKS.c.releve <= oldest))
        await self._tell_planner()

    async def _tell_planner(self) -> None:
        """Have PostgreSQL count what a pass changed at once: its plans would else be those of an empty table until it does by
        itself. SQLite plans by its keys."""
        async with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(text(f"ANALYZE {COUNTS.name}, {BLOCKS.name}"))

    async def refuse(self, minimum: int, instant: datetime) -> None:
        """Note that a snapshot was refused, by a cell that holds so few values. Raises CountingUnderWay."""
        told = {"refus_le": instant.astimezone(UTC).isoformat(), "refus_minimum": minimum}
        async with self._writing() as connection:
            await connection.execute(update(STATE).values(told))

    async def forget(self, before: str) -> None:
        """Forget the true counts of the cohorts that began before a month. Raises CountingUnderWay."""
        async with self._writing() as connection:
            await connection.execute(delete(COUNTS).where(COUNTS.c.mois < before))

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.begin() as connection:
            if not await self.lease.require(connection):
                raise CountingUnderWay
            yield connection


def _block_row(snapshot: int, block: CellCount) -> dict[str, Any]:
    row = {"releve": snapshot, **block._asdict()}
    row["protege"] = row.pop("nombre")
    return row


async def _put_lot(connection: AsyncConnection, lot: Lot) -> None:
    row = {
        "lot": lot.name,
        "source": lot.source,
        "vu_le": lot.seen_at.astimezone(UTC).isoformat() if lot.seen_at else None,
        "etat": lot.state.value,
        "compte_au": lot.counted_on,
    }
    await connection.execute(
        insertion(connection, LOTS).values(row).on_conflict_do_update(index_elements=["lot"], set_=row)
    )


async def _carry(connection: AsyncConnection, lot: str, mailles: Collection[str], months: tuple[str, str]) -> None:
    """What a lot gave in a month, in another one."""
    former, month = months
    own = (COUNTS.c.lot == lot) & COUNTS.c.maille.in_(mailles)
    await connection.execute(delete(COUNTS).where(own, COUNTS.c.mois == month))
    columns = [literal(month).label("mois") if column is COUNTS.c.mois else column for column in COUNTS.c]
    told = select(*columns).where(own, COUNTS.c.mois == former)
    await connection.execute(insert(COUNTS).from_select([column.name for column in COUNTS.c], told))


async def _put_coverage(connection: AsyncConnection, coverage: Sequence[LotCoverage]) -> None:
    months = {row.mois for row in coverage}
    await connection.execute(delete(COVERAGE).where(COVERAGE.c.mois.in_(months)))
    for batch in batches(coverage, BATCH):
        await connection.execute(insert(COVERAGE), [row._asdict() for row in batch])
