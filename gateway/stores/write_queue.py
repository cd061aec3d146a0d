"""The writes that wait for a partner: those whose turn it is, and what each try made of them. SQL, no rule and no partner.

One process delivers, by the lease of the store; whoever lost it settles nothing: the one that has it tries again, by that key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, exists, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import WritesUnavailable
from gateway.stores.database_errors import cause
from gateway.stores.lease import Lease, LeaseColumns
from gateway.stores.write_store import (
    FAILED,
    HELD,
    SENT,
    WAITING,
    KeptWrite,
    WriteStore,
    kept_of,
    next_revision,
    text_of,
)
from gateway.stores.write_tables import SUITE, WRITES

T = TypeVar("T")
TAKEN = 20  # writes of one look


@dataclass(frozen=True, slots=True)
class TryResult:
    """What a try made of a write: its state, why, whether it may have been received all the same, and when to try again."""

    etat: str
    motif: str = ""
    uncertain: bool = False
    following: float = 0.0  # seconds since 1970


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits and what failed: when the oldest that waits for each destination was accepted, and how many failed."""

    oldest: dict[str, datetime]
    failed: int


@dataclass(frozen=True, slots=True)
class GivenTo:
    """Where a write that was kept alone goes: its destination, the subject whose order it enters, what is kept of it since."""

    destination: str
    sujet: str
    sealed: bytes


class WriteQueue:
    """The queue of a store. `seconds`: since 1970, a clock that the processes share."""

    def __init__(self, store: WriteStore, seconds: Callable[[], float]) -> None:
        self._store, self._seconds = store, seconds
        self.lease = Lease(store.engine, LeaseColumns(SUITE.c.porteur, SUITE.c.bail), seconds)

    async def due(self) -> list[KeptWrite]:
        """The writes whose turn it is: of each person at a destination, the first that waits, once it may be tried."""
        earlier = WRITES.alias()
        before = exists().where(
            (earlier.c.sujet == WRITES.c.sujet) & (earlier.c.etat == WAITING) & (earlier.c.rang < WRITES.c.rang)
        )
        mine = (WRITES.c.etat == WAITING) & (WRITES.c.prochain <= self._seconds()) & ~before
        query = select(WRITES).where(mine).order_by(WRITES.c.prochain, WRITES.c.revision).limit(TAKEN)
        return await self._store.transaction(lambda connection: [kept_of(row) for row in connection.execute(query)])

    async def begin(self, identifier: str, now: datetime) -> bool:
        """Note that a try begins: from now on the write may have been received. False when it no longer waits, or is not ours."""
        return await self._held(identifier, now, {"essais": WRITES.c.essais + 1, "incertaine": 1})

    async def settle(self, identifier: str, result: TryResult, now: datetime) -> bool:
        """Note what a try made of a write. False when it no longer waits, or is not ours."""
        values = {
            "etat": result.etat,
            "motif": result.motif[:200],
            "incertaine": int(result.uncertain),
            "prochain": result.following,
            "transmise_le": text_of(now) if result.etat == SENT else "",
        }
        return await self._held(identifier, now, values)

    async def backlog(self) -> Backlog:
        """What waits, and what failed."""

        def read(connection: Connection) -> Backlog:
            first = func.min(WRITES.c.acceptee_le)
            waiting = select(WRITES.c.destination, first).where(WRITES.c.etat == WAITING).group_by(WRITES.c.destination)
            oldest = {str(name): datetime.fromisoformat(at) for name, at in connection.execute(waiting)}
            failed = select(func.count()).select_from(WRITES).where(WRITES.c.etat == FAILED)
            return Backlog(oldest, int(connection.scalar(failed) or 0))

        return await self._store.transaction(read)

    async def kept_alone(self) -> list[KeptWrite]:
        """The writes that the gateway alone keeps, in the order of their acceptance."""
        alone = (WRITES.c.etat == HELD) & (WRITES.c.scelle != b"")
        query = select(WRITES).where(alone).order_by(WRITES.c.acceptee_le, WRITES.c.revision)
        return await self._store.transaction(lambda connection: [kept_of(row) for row in connection.execute(query)])

    async def give(self, identifier: str, to: GivenTo, now: datetime) -> bool:
        """Have a write that was kept alone wait for a partner, behind the others of its person; False for any other."""

        def change(connection: Connection) -> bool:
            number = next_revision(connection)
            last = int(connection.scalar(select(func.max(WRITES.c.rang)).where(WRITES.c.sujet == to.sujet)) or 0)
            moved = {
                "etat": WAITING,
                "destination": to.destination,
                "sujet": to.sujet,
                "rang": last + 1,
                "prochain": 0.0,
            }
            kept = {"scelle": to.sealed, "revision": number, "change_le": text_of(now)}
            alone = (WRITES.c.id == identifier) & (WRITES.c.etat == HELD)
            return connection.execute(update(WRITES).where(alone).values({**moved, **kept})).rowcount == 1

        return await self._store.transaction(change)

    async def _held(self, identifier: str, now: datetime, values: dict[str, Any]) -> bool:
        """Change a write that waits, in the transaction that proves that we deliver."""

        def change(connection: Connection) -> bool:
            waiting = (WRITES.c.id == identifier) & (WRITES.c.etat == WAITING)
            moved = {**values, "revision": next_revision(connection), "change_le": text_of(now)}
            return connection.execute(update(WRITES).where(waiting).values(moved)).rowcount == 1

        try:
            async with self._store.engine.begin() as connection:
                return await self.lease.require(connection) and await connection.run_sync(change)
        except (SQLAlchemyError, OSError) as error:
            raise WritesUnavailable(cause(error)) from None
