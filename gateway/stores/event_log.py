"""The log of what is new, by perimeter: events in their order, the facts that were announced, the units that were heard.

SQL, stand-ins (HMAC), sealed rows and instants; knows no person, no view and no rule. Numbers are taken under a lock of the line
of the perimeter: none is ever committed before a lower one, so that who reads up to a number has read all that is below.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import CallerError, Code
from gateway.stores.database_errors import cause
from gateway.stores.journal_availability import Outage
from gateway.stores.lease import Lease, LeaseColumns
from gateway.stores.schema_versions import prepare
from gateway.stores.sql import batches, hold_every, insertion, open_engine, told, writer

T = TypeVar("T")
LOCK_WAIT = 5  # seconds: a transaction of thousands of facts takes some tens of milliseconds
BATCH = 2_000  # rows of one statement
EVENTS_KEPT = timedelta(days=7)
FACTS_KEPT = timedelta(days=396)  # thirteen months: a fact told again after a school year is not new

_tables = MetaData()
PERIMETERS = Table(
    "evenements_perimetres",
    _tables,
    Column("perimetre", String(32), primary_key=True),
    Column("numero", Integer, nullable=False),  # of its last event
    Column("ouvert", Boolean, nullable=False),  # a first look was written
    Column("suivi_jusqua", String(32), nullable=False),
    Column("porteur", String(32)),  # the process that looks
    Column("bail", Float, nullable=False),
    Column("scelle", LargeBinary, nullable=False),  # whose perimeter it is
)
EVENTS = Table(
    "evenements",
    _tables,
    Column("perimetre", String(32), primary_key=True),
    Column("numero", Integer, primary_key=True, autoincrement=False),
    Column("type", String(32), nullable=False),
    Column("quand", String(32), nullable=False),
    Column("scelle", LargeBinary, nullable=False),
    Index("evenements_par_instant", "quand"),
)
FACTS = Table(
    "annonces",
    _tables,
    Column("perimetre", String(32), primary_key=True),
    Column("fait", String(32), primary_key=True),
    Column("vu_le", String(32), nullable=False),
    Column("absent_depuis", String(32)),
    Column("scelle", LargeBinary),  # of a fact whose end is told
    Index("annonces_par_vue", "vu_le"),
)
UNITS = Table(
    "evenements_unites",
    _tables,
    Column("perimetre", String(32), primary_key=True),
    Column("unite", String(32), primary_key=True),
    Column("entendue_le", String(32), nullable=False),
)


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as it is kept; `numero` 0 for one that has none yet."""

    kind: str
    quand: datetime
    sealed: bytes
    numero: int = 0


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact as it is kept."""

    key: str
    missing_since: datetime | None = None
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class PollRows:
    """What one poll writes, at an instant. `told`: events with the key of their fact, written where it is not known by then;
    `ended`: the same of facts that are over, where they still are known, and which are forgotten; `gone`: those forgotten without
    a word; `missing`, `back`: those that are not there, and that are again; `units`: heard."""

    now: datetime
    told: Sequence[tuple[str, EventRow]] = ()
    ended: Sequence[tuple[str, EventRow]] = ()
    facts: Sequence[FactRow] = ()
    missing: Collection[str] = ()
    back: Collection[str] = ()
    gone: Collection[str] = ()
    units: Collection[str] = ()


class EventsUnavailable(CallerError):
    """The log cannot be read or written: no event is told, and none is lost."""

    code = Code.EVENEMENTS_INDISPONIBLES

    def __init__(self) -> None:
        super().__init__("Le fil des événements ne répond pas. Réessayer ; les listes sont servies.")


class EventStore:
    """The store. Its calls raise EventsUnavailable; close it, or its threads keep the process alive."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url, LOCK_WAIT, is_durable=True)
        self._writer, self._outage = writer(self._engine, LOCK_WAIT), Outage("evenements")

    async def open(self) -> None:
        """Bring the tables to the version this code knows. Raises ConfigurationError."""
        with told("evenements"):
            await self._writer.transaction(lambda connection: prepare(connection, "evenements"))

    async def close(self) -> None:
        await self._writer.close()
        await self._engine.dispose()

    def lease(self, perimetre: str) -> Lease:
        """The place of the one process that looks at a perimeter."""
        row = PERIMETERS.c.perimetre == perimetre
        return Lease(self._engine, LeaseColumns(PERIMETERS.c.porteur, PERIMETERS.c.bail, row))

    async def follow(self, perimetre: str, sealed: bytes, until: datetime) -> None:
        """Have a perimeter looked at until an instant, at least."""
        row = {"numero": 0, "ouvert": False, "bail": 0.0, "scelle": sealed, "suivi_jusqua": _text(until)}

        def upsert(connection: Connection) -> None:
            insert = insertion(connection, PERIMETERS).values(perimetre=perimetre, **row)
            later = {"suivi_jusqua": _text(until), "scelle": sealed}
            connection.execute(insert.on_conflict_do_update(index_elements=["perimetre"], set_=later))

        await self._transaction(upsert)

    async def followed(self, now: datetime) -> dict[str, bytes]:
        """The perimeters to look at."""
        query = select(PERIMETERS.c.perimetre, PERIMETERS.c.scelle).where(PERIMETERS.c.suivi_jusqua > _text(now))
        return {row.perimetre: row.scelle for row in await self._rows(query)}

    async def known(self, perimetre: str) -> tuple[bool, list[FactRow], dict[str, datetime]]:
        """Whether a first look was written, the facts known, and when each unit was last heard."""

        def read(connection: Connection) -> tuple[bool, list[FactRow], dict[str, datetime]]:
            opened = connection.scalar(select(PERIMETERS.c.ouvert).where(PERIMETERS.c.perimetre == perimetre))
            facts = connection.execute(select(FACTS).where(FACTS.c.perimetre == perimetre))
            units = connection.execute(select(UNITS).where(UNITS.c.perimetre == perimetre))
            return (
                bool(opened),
                [FactRow(row.fait, _instant(row.absent_depuis), row.scelle) for row in facts],
                {row.unite: datetime.fromisoformat(row.entendue_le) for row in units},
            )

        return await self._transaction(read)

    async def record(self, perimetre: str, rows: PollRows) -> int:
        """Write a look, whole or not at all; the number of the last event of the perimeter."""
        return await self._transaction(lambda connection: _record(connection, perimetre, rows))

    async def after(self, perimetre: str, numero: int) -> list[EventRow]:
        """The events of a perimeter beyond a number, in order."""
        own = (EVENTS.c.perimetre == perimetre) & (EVENTS.c.numero > numero)
        rows = await self._rows(select(EVENTS).where(own).order_by(EVENTS.c.numero))
        return [EventRow(row.type, datetime.fromisoformat(row.quand), row.scelle, row.numero) for row in rows]

    async def last_numbers(self, perimetres: Collection[str]) -> dict[str, int]:
        """The number of the last event of each perimeter."""
        found: dict[str, int] = {}
        for batch in batches(sorted(perimetres), BATCH):
            query = select(PERIMETERS.c.perimetre, PERIMETERS.c.numero).where(PERIMETERS.c.perimetre.in_(batch))
            found |= {row.perimetre: row.numero for row in await self._rows(query)}
        return found

    async def purge(self, now: datetime) -> None:
        """Forget what has been kept long enough."""

        def forget(connection: Connection) -> None:
            hold_every(connection, PERIMETERS.c.perimetre)  # first, as whoever writes in one
            connection.execute(delete(EVENTS).where(EVENTS.c.quand < _text(now - EVENTS_KEPT)))
            connection.execute(delete(FACTS).where(FACTS.c.vu_le < _text(now - FACTS_KEPT)))
            connection.execute(delete(UNITS).where(UNITS.c.entendue_le < _text(now - FACTS_KEPT)))

        await self._transaction(forget)

    async def _rows(self, query: Any) -> list[Any]:
        return await self._transaction(lambda connection: list(connection.execute(query)))

    async def _transaction(self, make: Callable[[Connection], T]) -> T:
        try:
            made = await self._writer.transaction(make)
        except (SQLAlchemyError, OSError) as error:
            self._outage.begin(cause(error))
            raise EventsUnavailable from None
        self._outage.end()
        return made


def _record(connection: Connection, perimetre: str, rows: PollRows) -> int:
    own = PERIMETERS.c.perimetre == perimetre
    # First: whoever writes for the same perimeter waits here, until all of it is committed.
    connection.execute(update(PERIMETERS).where(own).values(ouvert=True))
    last = connection.scalar(select(PERIMETERS.c.numero).where(own)) or 0
    now, ended = _text(rows.now), [key for key, _ in rows.ended]
    known = _present(connection, perimetre, [*ended, *(fact.key for fact in rows.facts)])
    _forget(connection, perimetre, [*ended, *rows.gone])
    new = [fact for fact in rows.facts if fact.key not in known]
    _insert(connection, FACTS, [_fact_row(perimetre, fact, now) for fact in new])
    _date_missing(connection, perimetre, rows.missing, now)
    _date_missing(connection, perimetre, rows.back, None)
    _hear(connection, perimetre, rows.units, now)
    told = [event for key, event in rows.told if key not in known]
    events = [*told, *(event for key, event in rows.ended if key in known)]
    _insert(connection, EVENTS, [_event_row(perimetre, last + rank, event) for rank, event in enumerate(events, 1)])
    connection.execute(update(PERIMETERS).where(own).values(numero=last + len(events)))
    return last + len(events)


def _present(connection: Connection, perimetre: str, keys: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for batch in batches(sorted(keys), BATCH):
        own = (FACTS.c.perimetre == perimetre) & FACTS.c.fait.in_(batch)
        found |= set(connection.scalars(select(FACTS.c.fait).where(own)))
    return found


def _forget(connection: Connection, perimetre: str, keys: Collection[str]) -> None:
    for batch in batches(sorted(keys), BATCH):
        connection.execute(delete(FACTS).where(FACTS.c.perimetre == perimetre, FACTS.c.fait.in_(batch)))


def _date_missing(connection: Connection, perimetre: str, keys: Collection[str], since: str | None) -> None:
    for batch in batches(sorted(keys), BATCH):
        own = (FACTS.c.perimetre == perimetre) & FACTS.c.fait.in_(batch)
        connection.execute(update(FACTS).where(own).values(absent_depuis=since))


def _hear(connection: Connection, perimetre: str, units: Collection[str], now: str) -> None:
    insert = insertion(connection, UNITS)
    upsert = insert.on_conflict_do_update(
        index_elements=["perimetre", "unite"], set_={"entendue_le": insert.excluded.entendue_le}
    )
    for batch in batches(sorted(units), BATCH):
        connection.execute(upsert, [{"perimetre": perimetre, "unite": unit, "entendue_le": now} for unit in batch])


def _insert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    for batch in batches(rows, BATCH):
        connection.execute(table.insert(), list(batch))


def _fact_row(perimetre: str, fact: FactRow, now: str) -> dict[str, Any]:
    return {"perimetre": perimetre, "fait": fact.key, "vu_le": now, "absent_depuis": None, "scelle": fact.sealed}


def _event_row(perimetre: str, numero: int, event: EventRow) -> dict[str, Any]:
    row = {"perimetre": perimetre, "numero": numero, "type": event.kind}
    return row | {"quand": _text(event.quand), "scelle": event.sealed}


def _text(instant: datetime) -> str:
    """Of one length and one offset, so that texts sort as instants do."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
