"""What was written through the gateway: each write kept with its key, its state and its place in the order of its person.

SQL, pseudonyms, instants and sealed bytes; knows no act, no person and no partner. One write is one transaction; all of them take
the line of the last revision first, so that revisions are committed in their order and a reader that follows them misses none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, case, delete, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from gateway.errors import WritesUnavailable
from gateway.stores.database_errors import cause
from gateway.stores.schema_versions import prepare
from gateway.stores.sql import open_engine, told, writer
from gateway.stores.write_tables import KEYS, SUITE, WRITES

T = TypeVar("T")
LOCK_WAIT = 4  # seconds
BATCH = 500  # rows followed at a time
KEYS_KEPT, SENT_KEPT, KEPT = timedelta(days=30), timedelta(days=30), timedelta(days=365)
INSTANT = timedelta(microseconds=1)
EMPTIED_KEPT = timedelta(days=2)
WAITING, SENT, HELD, REFUSED, FAILED, WITHDRAWN = (
    "EN_ATTENTE",
    "TRANSMISE",
    "CONSERVEE",
    "REFUSEE",
    "EN_ECHEC",
    "ABANDONNEE",
)


@dataclass(frozen=True, slots=True)
class UsedKey:
    """The key of a caller's request: by account, with a stand-in for what was asked."""

    compte: str
    cle: str
    organisation: str
    empreinte: str


@dataclass(frozen=True, slots=True)
class NewWrite:
    """A write to be kept. `destination` "": by the gateway alone; `since`: a revision beyond which nothing may be written of its
    person, where its author said on what it is written."""

    id: str
    acte: str
    personne: str
    sujet: str
    destination: str
    sealed: bytes
    since: int | None = None


@dataclass(frozen=True, slots=True)
class KeptWrite:
    """A write as it is kept."""

    id: str
    compte: str
    organisation: str
    acte: str
    personne: str
    destination: str
    etat: str
    accepted_at: datetime
    sent_at: datetime | None
    tries: int
    uncertain: bool
    motif: str
    revision: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class DailyLimits:
    """How many writes an account and its organisation may have accepted in a day."""

    compte: int
    organisation: int


class LimitReached(Exception):
    """The account, or its organisation, wrote as much as it may today; `limit`: how much."""

    def __init__(self, limit: int, whose: str) -> None:
        super().__init__(whose)
        self.limit, self.whose = limit, whose


class ChangedSince(Exception):
    """Something was written of the person since the revision that a write is made on."""


class WriteStore:
    """The store. Its calls raise WritesUnavailable; close it, or its threads keep the process alive."""

    def __init__(self, url: str) -> None:
        self.engine: AsyncEngine = open_engine(url, LOCK_WAIT, is_durable=True)
        self._writer = writer(self.engine, LOCK_WAIT)

    async def open(self) -> None:
        """Bring the tables to the version this code knows. Raises ConfigurationError."""
        with told("ecritures"):
            await self._writer.transaction(lambda connection: prepare(connection, "ecritures"))

    async def close(self) -> None:
        await self._writer.close()
        await self.engine.dispose()

    async def used(self, key: UsedKey) -> tuple[str, KeptWrite] | None:
        """What a key served for, and the write that it made or changed; None for a new one."""
        return await self.transaction(lambda connection: _used(connection, key))

    async def accept(
        self, key: UsedKey, write: NewWrite, limits: DailyLimits, now: datetime
    ) -> tuple[str, KeptWrite] | None:
        """Keep a write; None once it is. Where its key served meanwhile, what `used` says. Raises LimitReached, ChangedSince."""
        return await self.transaction(lambda connection: _accept(connection, key, write, limits, now))

    async def change(
        self, key: UsedKey, identifier: str, change: Callable[[Connection, KeptWrite], bool], now: datetime
    ) -> bool:
        """Change a write of an organisation by `change`, which says whether it could; True once it is, and its key used."""

        def make(connection: Connection) -> bool:
            number = next_revision(connection)
            kept = _one(connection, (WRITES.c.id == identifier) & (WRITES.c.organisation == key.organisation))
            if kept is None or _used(connection, key) or not change(connection, kept):
                return False
            connection.execute(_touched(identifier, number, now))
            connection.execute(KEYS.insert(), _row_of(key, identifier, now))
            return True

        return await self.transaction(make)

    async def one(self, identifier: str) -> KeptWrite | None:
        """A write by its id."""
        return await self.transaction(lambda connection: _one(connection, WRITES.c.id == identifier))

    async def since(self, revision: int) -> list[KeptWrite]:
        """The writes changed since a revision, in the order of their changes: BATCH at most."""
        query = select(WRITES).where(WRITES.c.revision > revision).order_by(WRITES.c.revision).limit(BATCH)
        return await self.transaction(lambda connection: [kept_of(row) for row in connection.execute(query)])

    async def of_organisation(self, organisation: str, limit: int) -> list[KeptWrite]:
        """The writes of an organisation: those that failed first, then the last changed."""
        failed = case((WRITES.c.etat == FAILED, 0), (WRITES.c.etat == REFUSED, 1), else_=2)
        own = WRITES.c.organisation == organisation
        query = select(WRITES).where(own).order_by(failed, WRITES.c.revision.desc()).limit(limit)
        return await self.transaction(lambda connection: [kept_of(row) for row in connection.execute(query)])

    async def purge(self, now: datetime) -> None:
        """Forget what has been kept long enough: keys, writes sent, those that nobody takes."""

        def forget(connection: Connection) -> None:
            next_revision(connection)  # first, as whoever writes
            connection.execute(delete(KEYS).where(KEYS.c.jour < (now - KEYS_KEPT).astimezone(UTC).date().isoformat()))
            # What is emptied is told to whoever follows the revisions, before its row goes.
            emptied = (WRITES.c.scelle == b"") & (WRITES.c.change_le < text_of(now - EMPTIED_KEPT))
            connection.execute(delete(WRITES).where(emptied))
            ended = WRITES.c.etat.in_((SENT, WITHDRAWN)) & (WRITES.c.change_le < text_of(now - SENT_KEPT))
            old = (WRITES.c.etat != WAITING) & (WRITES.c.change_le < text_of(now - KEPT))
            _empty(connection, or_(ended, old) & (WRITES.c.scelle != b""), now)

        await self.transaction(forget)

    async def count_of(self, persons: Sequence[str]) -> int:
        """How many writes are kept of these persons."""
        query = select(func.count()).select_from(WRITES).where(WRITES.c.personne.in_(persons))
        return await self.transaction(lambda connection: int(connection.scalar(query) or 0))

    async def erase(self, persons: Sequence[str], now: datetime) -> int:
        """Forget all that was written of these persons; how many writes were."""
        return await self.transaction(lambda connection: _empty(connection, WRITES.c.personne.in_(persons), now))

    async def transaction(self, make: Callable[[Connection], T]) -> T:
        """What a transaction gives, once committed."""
        try:
            return await self._writer.transaction(make)
        except (SQLAlchemyError, OSError) as error:
            raise WritesUnavailable(cause(error)) from None


def _empty(connection: Connection, condition: Any, now: datetime) -> int:
    """Take away what these writes say, and of whom; how many there were."""
    nothing = {"scelle": b"", "personne": "", "etat": WITHDRAWN, "change_le": text_of(now)}
    next_revision(connection)  # before they are looked for: one that is accepted meanwhile is waited for
    identifiers = connection.scalars(select(WRITES.c.id).where(condition)).all()
    for identifier in identifiers:  # each its own revision: whoever follows them reads BATCH at a time
        connection.execute(
            update(WRITES).where(WRITES.c.id == identifier).values(revision=next_revision(connection), **nothing)
        )
    return len(identifiers)


def next_revision(connection: Connection) -> int:
    """The number of the next change, held until the transaction ends."""
    taken = update(SUITE).values(numero=SUITE.c.numero + 1).returning(SUITE.c.numero)
    return int(connection.execute(taken).scalar_one())


def _accept(
    connection: Connection, key: UsedKey, write: NewWrite, limits: DailyLimits, now: datetime
) -> tuple[str, KeptWrite] | None:
    number = next_revision(connection)
    if known := _used(connection, key):
        return known
    _limit(connection, key, limits, now)
    if write.since is not None:
        _require_unchanged(connection, write.personne, write.since)
    own = select(func.coalesce(func.max(WRITES.c.rang), 0)).where(WRITES.c.sujet == write.sujet)
    last = connection.scalar(select(func.max(WRITES.c.acceptee_le)).where(WRITES.c.personne == write.personne))
    # What is said of a person is said in an order, whatever the clocks: two writes are never of one instant.
    at = max(now, datetime.fromisoformat(last) + INSTANT) if last else now
    row = {
        "id": write.id,
        "compte": key.compte,
        "organisation": key.organisation,
        "acte": write.acte,
        "personne": write.personne,
        "sujet": write.sujet,
        "rang": int(connection.scalar(own) or 0) + 1,
        "destination": write.destination,
        "etat": WAITING if write.destination else HELD,
        "acceptee_le": text_of(at),
        "transmise_le": "",
        "change_le": text_of(now),
        "essais": 0,
        "incertaine": 0,
        "prochain": 0.0,
        "motif": "",
        "revision": number,
        "scelle": write.sealed,
    }
    connection.execute(WRITES.insert(), row)
    connection.execute(KEYS.insert(), _row_of(key, write.id, now))
    return None


def _require_unchanged(connection: Connection, person: str, since: int) -> None:
    later = (WRITES.c.personne == person) & (WRITES.c.revision > since)
    if connection.scalar(select(func.count()).select_from(WRITES).where(later)):
        raise ChangedSince


def _limit(connection: Connection, key: UsedKey, limits: DailyLimits, now: datetime) -> None:
    today = KEYS.c.jour == _day(now)
    own = (KEYS.c.compte == key.compte, limits.compte, "compte")
    for mine, limit, whose in (own, (KEYS.c.organisation == key.organisation, limits.organisation, "organisation")):
        if int(connection.scalar(select(func.count()).select_from(KEYS).where(mine & today)) or 0) >= limit:
            raise LimitReached(limit, whose)


def _used(connection: Connection, key: UsedKey) -> tuple[str, KeptWrite] | None:
    mine = (KEYS.c.compte == key.compte) & (KEYS.c.cle == key.cle)
    row = connection.execute(select(KEYS).where(mine)).one_or_none()
    kept = _one(connection, WRITES.c.id == row.ecriture) if row else None
    return (str(row.empreinte), kept) if row and kept else None


def _one(connection: Connection, condition: Any) -> KeptWrite | None:
    row = connection.execute(select(WRITES).where(condition)).one_or_none()
    return kept_of(row) if row else None


def _touched(identifier: str, number: int, now: datetime) -> Any:
    return update(WRITES).where(WRITES.c.id == identifier).values(revision=number, change_le=text_of(now))


def _row_of(key: UsedKey, identifier: str, now: datetime) -> dict[str, str]:
    asked = {"compte": key.compte, "cle": key.cle, "organisation": key.organisation, "empreinte": key.empreinte}
    return {**asked, "ecriture": identifier, "jour": _day(now)}


def kept_of(row: Row[Any]) -> KeptWrite:
    """A row as a value."""
    sent = datetime.fromisoformat(row.transmise_le) if row.transmise_le else None
    accepted = datetime.fromisoformat(row.acceptee_le)
    of_whom = (row.id, row.compte, row.organisation, row.acte, row.personne, row.destination, row.etat)
    told = (row.essais, bool(row.incertaine), row.motif, row.revision, row.scelle)
    return KeptWrite(*of_whom, accepted, sent, *told)


def text_of(instant: datetime) -> str:
    """Of one length and one offset, so that texts sort as instants do."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def _day(now: datetime) -> str:
    day: date = now.astimezone(UTC).date()
    return day.isoformat()
