"""How far each webhook endpoint is in the log of its perimeter: the last event taken, those that wait for another try.

SQL, stand-ins, numbers and instants; knows no person, no event and no address. One process sends to an endpoint, by the lease of
its line: what a process that was replaced settles is not written.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    case,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import GatewayError
from gateway.stores.database_errors import cause
from gateway.stores.event_log import EVENTS_KEPT
from gateway.stores.journal_availability import Outage
from gateway.stores.lease import Lease, LeaseColumns
from gateway.stores.schema_versions import prepare
from gateway.stores.sql import insertion, open_engine, told, writer

T = TypeVar("T")
LOCK_WAIT = 5  # seconds
REASON_MAX = 200  # characters

_tables = MetaData()
ENDPOINTS = Table(
    "abonnements",
    _tables,
    Column("nom", String(40), primary_key=True),
    Column("perimetre", String(32), nullable=False),
    Column("numero", Integer, nullable=False),  # of the last event taken
    Column("actif", Boolean, nullable=False),
    Column("motif", String(200), nullable=False),  # of the last failure
    Column("echec_depuis", Float, nullable=True),  # seconds since 1970, of the first failure since something was taken
    Column("remis_le", Float, nullable=True),
    Column("porteur", String(32), nullable=True),
    Column("bail", Float, nullable=False),
)
LATE = Table(
    "abonnements_envois",
    _tables,
    Column("nom", String(40), primary_key=True),
    Column("numero", Integer, primary_key=True, autoincrement=False),
    Column("essais", Integer, nullable=False),
    Column("premier", Float, nullable=False),
    Column("prochain", Float, nullable=True),  # none: no more try
)


class WebhooksUnavailable(GatewayError):
    """Where endpoints are cannot be read or written: nothing is sent meanwhile, and nothing is lost."""


@dataclass(frozen=True, slots=True)
class LateDelivery:
    """An event that the endpoint has not taken: how often it was tried, when first, and when next; None: no more."""

    numero: int
    tries: int
    first: float
    following: float | None


@dataclass(frozen=True, slots=True)
class EndpointState:
    """Where an endpoint is. `failing_since`: the first failure since it last took something."""

    perimetre: str
    numero: int
    active: bool = True
    motif: str = ""
    failing_since: float | None = None
    delivered_at: float | None = None
    late: tuple[LateDelivery, ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointPlace:
    """Where an endpoint was when what is settled was chosen."""

    endpoint: str
    numero: int


class WebhookStore:
    """The store. Its calls raise WebhooksUnavailable; close it, or its threads keep the process alive."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url, LOCK_WAIT, is_durable=True)
        self._writer, self._outage = writer(self._engine, LOCK_WAIT), Outage("abonnements")

    async def open(self) -> None:
        """Bring the tables to the version this code knows. Raises ConfigurationError."""
        with told("abonnements"):
            await self._writer.transaction(lambda connection: prepare(connection, "abonnements"))

    async def close(self) -> None:
        await self._writer.close()
        await self._engine.dispose()

    def lease(self, endpoint: str) -> Lease:
        """The place of the one process that sends to an endpoint."""
        return Lease(self._engine, LeaseColumns(ENDPOINTS.c.porteur, ENDPOINTS.c.bail, ENDPOINTS.c.nom == endpoint))

    async def begin(self, endpoint: str, perimetre: str, numero: int) -> None:
        """Have an endpoint start after that event, where it is new."""

        def write(connection: Connection) -> None:
            new = insertion(connection, ENDPOINTS).values(nom=endpoint, bail=0.0, **_start(perimetre, numero))
            connection.execute(new.on_conflict_do_nothing(index_elements=["nom"]))

        await self._transaction(write)

    async def move(self, lease: Lease, endpoint: str, perimetre: str, numero: int) -> bool:
        """Have an endpoint start anew, in another perimeter. False as below."""

        def write(connection: Connection) -> None:
            own = ENDPOINTS.c.nom == endpoint
            connection.execute(update(ENDPOINTS).where(own).values(_start(perimetre, numero)))
            connection.execute(delete(LATE).where(LATE.c.nom == endpoint))

        return await self._held(lease, write)

    async def states(self, endpoints: Collection[str]) -> dict[str, EndpointState]:
        """Where these are; one that never started is left out."""

        def read(connection: Connection) -> dict[str, EndpointState]:
            rows = connection.execute(select(ENDPOINTS).where(ENDPOINTS.c.nom.in_(endpoints)))
            late = select(LATE).where(LATE.c.nom.in_(endpoints)).order_by(LATE.c.numero)
            waiting: dict[str, list[LateDelivery]] = {}
            for row in connection.execute(late):
                waiting.setdefault(row.nom, []).append(LateDelivery(row.numero, row.essais, row.premier, row.prochain))
            return {row.nom: _state(row, tuple(waiting.get(row.nom, ()))) for row in rows}

        return await self._transaction(read)

    async def delivered(self, lease: Lease, place: EndpointPlace, numero: int, instant: float | None) -> bool:
        """Note that an event is behind us: taken at an instant; None: not to be sent. False for a process that was replaced."""

        def write(connection: Connection) -> None:
            taken = {"echec_depuis": None, "motif": "", "remis_le": instant} if instant is not None else {}
            _advance(connection, place, numero, taken)
            connection.execute(delete(LATE).where(LATE.c.nom == place.endpoint, LATE.c.numero == numero))

        return await self._held(lease, write)

    async def failed(self, lease: Lease, place: EndpointPlace, late: LateDelivery, instant: float, motif: str) -> bool:
        """Note that an event was not taken. False as above."""

        def write(connection: Connection) -> None:
            since = func.coalesce(ENDPOINTS.c.echec_depuis, instant)
            _advance(connection, place, late.numero, {"echec_depuis": since, "motif": motif[:REASON_MAX]})
            tried = {"essais": late.tries, "premier": late.first, "prochain": late.following}
            row = insertion(connection, LATE).values(nom=place.endpoint, numero=late.numero, **tried)
            connection.execute(row.on_conflict_do_update(index_elements=["nom", "numero"], set_=tried))

        return await self._held(lease, write)

    async def disable(self, lease: Lease, endpoint: str, motif: str) -> bool:
        """Send it nothing more, until somebody has it replayed. False as above."""
        off = {"actif": False, "motif": motif[:REASON_MAX]}
        own = ENDPOINTS.c.nom == endpoint
        return await self._held(lease, lambda connection: connection.execute(update(ENDPOINTS).where(own).values(off)))

    async def replay(self, endpoint: str, numero: int | None, instant: float) -> None:
        """Have an endpoint sent to again: what it did not take; from an event on, where one is given."""

        def write(connection: Connection) -> None:
            again: dict[str, Any] = {"actif": True, "motif": "", "echec_depuis": None}
            own = LATE.c.nom == endpoint
            if numero is None:
                connection.execute(update(LATE).where(own).values(essais=0, premier=instant, prochain=instant))
            else:
                again["numero"] = numero
                connection.execute(delete(LATE).where(own))
            connection.execute(update(ENDPOINTS).where(ENDPOINTS.c.nom == endpoint).values(again))

        await self._transaction(write)

    async def purge(self, instant: float) -> None:
        """Forget what was given up longer ago than events are kept."""
        old = LATE.c.prochain.is_(None) & (LATE.c.premier < instant - EVENTS_KEPT.total_seconds())
        await self._transaction(lambda connection: connection.execute(delete(LATE).where(old)))

    async def _held(self, lease: Lease, write: Callable[[Connection], object]) -> bool:
        """Write in the transaction that proves that we are the one who sends."""
        try:
            async with self._engine.begin() as connection:
                if not await lease.require(connection):
                    return False
                await connection.run_sync(write)
        except (SQLAlchemyError, OSError) as error:
            raise self._unavailable(error) from None
        return True

    async def _transaction(self, make: Callable[[Connection], T]) -> T:
        try:
            made = await self._writer.transaction(make)
        except (SQLAlchemyError, OSError) as error:
            raise self._unavailable(error) from None
        self._outage.end()
        return made

    def _unavailable(self, error: Exception) -> WebhooksUnavailable:
        self._outage.begin(cause(error))
        return WebhooksUnavailable()


def _start(perimetre: str, numero: int) -> dict[str, Any]:
    return {"perimetre": perimetre, "numero": numero, "actif": True, "motif": "", "echec_depuis": None}


def _advance(connection: Connection, place: EndpointPlace, numero: int, values: dict[str, Any]) -> None:
    """Never backwards: an event that is tried again is behind those that were taken since. Nor where somebody had the endpoint
    replayed meanwhile: it stays where that put it."""
    own = ENDPOINTS.c.nom == place.endpoint
    moved = case((ENDPOINTS.c.numero == place.numero, max(place.numero, numero)), else_=ENDPOINTS.c.numero)
    connection.execute(update(ENDPOINTS).where(own).values(numero=moved, **values))


def _state(row: Any, late: tuple[LateDelivery, ...]) -> EndpointState:
    return EndpointState(row.perimetre, row.numero, row.actif, row.motif, row.echec_depuis, row.remis_le, late)
