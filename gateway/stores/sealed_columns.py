"""Seals again what is kept sealed in a table, when keys turn: row by row, in the order of its key, a few in each transaction.

Killed anywhere, it leaves rows of both keys, which both open, and goes on from there when run again. Knows no store.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, func, inspect, select, tuple_, update

from gateway.domain.seal import Sealer
from gateway.stores.sql import Writer

BATCH = 500  # rows of one transaction: some tens of milliseconds, which a writer may wait for
SAMPLE = 20  # rows that tell whether the keys given are those of a table


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column `scelle` of a table: what it is sealed for, and what each row is bound to. A row may hold nothing there."""

    table: Table
    usage: str
    bound_to: Callable[[Any], bytes]

    @property
    def rows(self) -> Select[Any]:
        """The rows that hold something."""
        return select(self.table).where(self.table.c.scelle != b"")

    def plain(self, sealer: Sealer, row: Any) -> bytes | None:
        """None for what no key of ours sealed there."""
        return sealer.open(self.usage, _bytes(row), self.bound_to(row))


@dataclass(slots=True)
class Resealing:
    """What was done of a table: rows seen, of so many; sealed again; that no key opens, left as they are."""

    rows: int
    seen: int = 0
    resealed: int = 0
    unreadable: int = 0


async def reseal(writer: Writer, column: SealedColumn, sealer: Sealer, tell: Callable[[Resealing], None]) -> Resealing:
    """Seal again every row that the key of today did not seal; `tell` hears of each batch, once it is committed."""
    return await _walk(writer, partial(_reseal_row, column, sealer), column, tell)


async def check_sealed(writer: Writer, column: SealedColumn, sealer: Sealer) -> Resealing:
    """Open every row, and change nothing."""
    return await _walk(writer, partial(_try_row, column, sealer), column, lambda _: None)


Act = Callable[[Any, "Resealing", Connection], None]


async def _walk(writer: Writer, act: Act, column: SealedColumn, tell: Callable[[Resealing], None]) -> Resealing:
    done = Resealing(await writer.transaction(partial(_count, column)))
    last: tuple[Any, ...] | None = None
    while done.rows:
        batch, last = await writer.transaction(partial(_batch, act, column, last))
        if last is None:
            break
        done.seen, done.resealed = done.seen + batch.seen, done.resealed + batch.resealed
        done.unreadable += batch.unreadable
        tell(done)
    return done


def opens(connection: Connection, column: SealedColumn, sealer: Sealer) -> bool:
    """Whether our keys open a table: some of its first rows, or it has none. One altered row proves nothing."""
    rows = connection.execute(column.rows.limit(SAMPLE)).all()
    return not rows or any(column.plain(sealer, row) is not None for row in rows)


def _count(column: SealedColumn, connection: Connection) -> int:
    """None are there before the table is."""
    there = inspect(connection).has_table(column.table.name)
    return connection.scalar(select(func.count()).select_from(column.rows.subquery())) or 0 if there else 0


def _batch(
    act: Act, column: SealedColumn, after: tuple[Any, ...] | None, connection: Connection
) -> tuple[Resealing, tuple[Any, ...] | None]:
    """What was done of some rows, and the key of the last one; None behind the end."""
    key = list(column.table.primary_key.columns)
    page = column.rows.order_by(*key).limit(BATCH)
    rows = connection.execute(page if after is None else page.where(tuple_(*key) > tuple_(*after))).all()
    done = Resealing(0, seen=len(rows))
    for row in rows:
        act(row, done, connection)
    return done, tuple(getattr(rows[-1], one.name) for one in key) if rows else None


def _try_row(column: SealedColumn, sealer: Sealer, row: Any, done: Resealing, _: Connection) -> None:
    done.unreadable += column.plain(sealer, row) is None


def _reseal_row(column: SealedColumn, sealer: Sealer, row: Any, done: Resealing, connection: Connection) -> None:
    if sealer.is_current(column.usage, _bytes(row), column.bound_to(row)):
        return
    if (plain := column.plain(sealer, row)) is None:
        done.unreadable += 1
        return
    table = column.table
    same = [one == getattr(row, one.name) for one in table.primary_key.columns]
    # Unless somebody wrote it meanwhile, who sealed it with the keys of the day.
    here = and_(*same, table.c.scelle == row.scelle)
    sealed = sealer.seal(column.usage, plain, column.bound_to(row))
    done.resealed += connection.execute(update(table).where(here).values(scelle=sealed)).rowcount


def _bytes(row: Any) -> bytes:
    """The sealed bytes; none, which do not open, for what is of another type."""
    return row.scelle if isinstance(row.scelle, bytes) else b""
