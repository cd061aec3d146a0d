"""The place of the one process that does a work, among those that share a database: taken, kept while it lives, given back.

The lease is a line of a table that is there already, in two columns: who holds it, and until when, in seconds since 1970.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, ColumnElement, or_, true, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

TERM = 60.0  # seconds that a place is kept without a word


@dataclass(frozen=True, slots=True)
class LeaseColumns:
    """Where a lease is written: a table of one line, or the line of a table that `row` says."""

    holder: Column[Any]
    until: Column[Any]
    row: ColumnElement[bool] = field(default_factory=true)


class Lease:
    """One process's hold on a lease. `seconds` is a clock that the processes share, within less than TERM."""

    def __init__(self, engine: AsyncEngine, columns: LeaseColumns, seconds: Callable[[], float] = time.time) -> None:
        self._engine, self._columns, self._seconds = engine, columns, seconds
        self._me = secrets.token_hex(16)

    async def elect(self) -> bool:
        """Become the one that works; False while another one is alive."""
        holder, until = self._columns.holder, self._columns.until
        # A lease that ends beyond any that a living one may hold was taken before the clock was set back.
        ended = (until < self._seconds()) | (until > self._seconds() + 2 * TERM)
        async with self._engine.begin() as connection:
            return await self._write(connection, or_(holder.is_(None), holder == self._me, ended))

    async def require(self, connection: AsyncConnection) -> bool:
        """Hold the place until the transaction ends; False for one that was taken for dead and replaced."""
        return await self._write(connection, self._columns.holder == self._me)

    async def extend(self) -> None:
        """Say that we are alive. Raises nothing: a database that fails will fail the work too."""
        with suppress(SQLAlchemyError, OSError):
            async with self._engine.begin() as connection:
                await self.require(connection)

    async def release(self) -> None:
        """Leave the place. Raises nothing: where the database fails, the lease runs out."""
        holder = self._columns.holder
        with suppress(SQLAlchemyError, OSError):
            async with self._engine.begin() as connection:
                own = (holder == self._me) & self._columns.row
                await connection.execute(update(holder.table).where(own).values({holder: None}))

    async def _write(self, connection: AsyncConnection, condition: Any) -> bool:
        mine = {self._columns.holder: self._me, self._columns.until: self._seconds() + TERM}
        place = update(self._columns.holder.table).where(condition, self._columns.row).values(mine)
        return (await connection.execute(place)).rowcount == 1
