"""What ERPs transmitted, sealed: the last word of each dossier, what each transmission made, and the keys that transmit.

SQL, pseudonyms, days and texts of the contract; knows no field of a person and no rule of validation. One transmission is one
transaction; those of one CFA follow each other, so that the last committed is the last word.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Index, Integer, LargeBinary, MetaData, String, Table, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import GatewayError
from gateway.stores.causes import cause
from gateway.stores.sql import batches, insertion, open_engine, prepare, storable, told, writer

T = TypeVar("T")
LOCK_WAIT = 10  # seconds: a transaction of two thousand dossiers takes some tens of milliseconds
BATCH = 500  # rows of one statement: both databases accept 32,000 parameters
KEPT = timedelta(days=365)  # since it was last received
ERRORS_KEPT = timedelta(days=15)
KEY_UNUSED = timedelta(days=365)  # after which a key opens nothing any more

_tables = MetaData()
DOSSIERS = Table(
    "receptions",
    _tables,
    Column("cle", String(32), primary_key=True),
    Column("uai", String(8), nullable=False),
    Column("empreinte", String(32), nullable=False),
    Column("recu_le", String(32), nullable=False),
    Column("scelle", LargeBinary, nullable=False),
    Index("receptions_par_uai", "uai"),
    Index("receptions_par_recu", "recu_le"),
)
CFAS = Table(
    "receptions_cfa",
    _tables,
    Column("uai", String(8), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("transmis_le", String(32), nullable=False),
)
TRANSMISSIONS = Table(
    "transmissions",
    _tables,
    Column("organisme", String(8), primary_key=True),
    Column("jour", String(10), primary_key=True),
    Column("empreinte", String(32), primary_key=True),
    *(Column(name, Integer, nullable=False) for name in ("acceptes", "partiels", "rejetes", "rejoues")),
)
ERRORS = Table(
    "transmissions_erreurs",
    _tables,
    Column("organisme", String(8), nullable=False),
    Column("jour", String(10), nullable=False),
    Column("empreinte", String(32), nullable=False),
    Column("id_erp", String(64), nullable=False),
    Column("annee", String(32), nullable=False),
    Column("champs", String(256), nullable=False),
    Column("message", String(256), nullable=False),
    Index("transmissions_erreurs_par_jour", "organisme", "jour"),
)
KEYS = Table(
    "receptions_cles",
    _tables,
    Column("empreinte", String(32), primary_key=True),
    Column("client", String(256), nullable=False),
    Column("servie_le", String(10), nullable=False),
)


@dataclass(frozen=True, slots=True)
class ReceivedDossier:
    """A dossier to be kept. `digest` stands for what it says: the same, and nothing has changed."""

    key: str
    uai: str
    digest: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class TransmissionError:
    """A line of validation of a dossier, by the ERP's own key. Never a value."""

    id_erp: str
    annee: str
    champs: str
    message: str


@dataclass(frozen=True, slots=True)
class Transmission:
    """What one body made, of an organisation and a day; `digest` stands for the body."""

    organisme: str
    jour: str
    digest: str
    acceptes: int
    partiels: int
    rejetes: int
    errors: tuple[TransmissionError, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptDossier:
    """A dossier as it is kept."""

    key: str
    sealed: bytes
    received_at: datetime


class ReceptionUnavailable(GatewayError):
    """What was transmitted could not be kept, or cannot be read: nothing is acknowledged."""


class ReceptionStore:
    """The store. Its calls raise ReceptionUnavailable; close it, or its threads keep the process alive."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url, LOCK_WAIT, is_durable=True)
        self._writer = writer(self._engine, LOCK_WAIT)

    async def open(self) -> None:
        """Bring the tables to the version this code knows. Raises ConfigurationError."""
        with told("receptions"):
            await self._writer.transaction(lambda connection: prepare(connection, "receptions"))

    async def close(self) -> None:
        await self._writer.close()
        await self._engine.dispose()

    async def record(
        self, transmission: Transmission, dossiers: Sequence[ReceivedDossier], now: datetime
    ) -> frozenset[str]:
        """Keep a transmission, whole or not at all; the UAIs of which something changed, once it is committed."""
        return await self._transaction(lambda connection: _record(connection, transmission, dossiers, _text(now)))

    async def dossiers(self, uai: str) -> list[KeptDossier]:
        """The dossiers of a CFA, in the order of their keys."""
        query = select(DOSSIERS).where(DOSSIERS.c.uai == uai).order_by(DOSSIERS.c.cle)
        rows = await self._transaction(lambda connection: list(connection.execute(query)))
        return [KeptDossier(row.cle, row.scelle, datetime.fromisoformat(row.recu_le)) for row in rows]

    async def version(self, uai: str) -> tuple[int, datetime] | None:
        """How often the dossiers of a CFA changed, and when it last transmitted; None when it never did."""
        query = select(CFAS.c.version, CFAS.c.transmis_le).where(CFAS.c.uai == uai)
        row = await self._transaction(lambda connection: connection.execute(query).one_or_none())
        return (row.version, datetime.fromisoformat(row.transmis_le)) if row else None

    async def errors(self, organisme: str, since: date) -> list[TransmissionError]:
        """The lines of validation of an organisation since a day."""
        own = (ERRORS.c.organisme == organisme) & (ERRORS.c.jour >= since.isoformat())
        columns = (ERRORS.c.id_erp, ERRORS.c.annee, ERRORS.c.champs, ERRORS.c.message)
        rows = await self._transaction(lambda connection: list(connection.execute(select(*columns).where(own))))
        return [TransmissionError(*row) for row in rows]

    async def transmissions(self, organisme: str) -> list[dict[str, Any]]:
        """The counts of each body of an organisation, by day."""
        query = select(TRANSMISSIONS).where(TRANSMISSIONS.c.organisme == organisme).order_by(TRANSMISSIONS.c.jour)
        rows = await self._transaction(lambda connection: connection.execute(query).mappings().all())
        return [dict(row) for row in rows]

    async def client_of_key(self, digest: str, today: date) -> str | None:
        """Whose key it is, noted as used today; None for a key that is not known, or was not used for too long."""
        return await self._transaction(lambda connection: _client_of(connection, digest, today))

    async def import_key(self, digest: str, client: str, today: date) -> None:
        """Have a key speak for a client, whoever it spoke for before."""
        row = {"empreinte": digest, "client": client, "servie_le": today.isoformat()}

        def upsert(connection: Connection) -> None:
            insert = insertion(connection, KEYS).values(row)
            connection.execute(insert.on_conflict_do_update(index_elements=["empreinte"], set_=row))

        await self._transaction(upsert)

    async def purge(self, now: datetime) -> None:
        """Forget what has been kept long enough: dossiers, lines of validation, counts, keys."""
        day = now.astimezone(UTC).date()

        def forget(connection: Connection) -> None:
            connection.execute(delete(DOSSIERS).where(DOSSIERS.c.recu_le < _text(now - KEPT)))
            connection.execute(delete(ERRORS).where(ERRORS.c.jour < (day - ERRORS_KEPT).isoformat()))
            connection.execute(delete(TRANSMISSIONS).where(TRANSMISSIONS.c.jour < (day - KEPT).isoformat()))
            connection.execute(delete(KEYS).where(KEYS.c.servie_le < (day - KEY_UNUSED).isoformat()))

        await self._transaction(forget)

    async def _transaction(self, make: Callable[[Connection], T]) -> T:
        try:
            return await self._writer.transaction(make)
        except (SQLAlchemyError, OSError) as error:
            raise ReceptionUnavailable(cause(error)) from None


def _record(
    connection: Connection, transmission: Transmission, dossiers: Sequence[ReceivedDossier], now: str
) -> frozenset[str]:
    uais = sorted({dossier.uai for dossier in dossiers} | {transmission.organisme})
    for uai in uais:  # first: whoever transmits for the same CFA waits here
        _transmitted(connection, uai, now)
    known = _digests(connection, [dossier.key for dossier in dossiers])
    changed = [dossier for dossier in dossiers if known.get(dossier.key) != dossier.digest]
    for batch in batches(changed, BATCH):
        _upsert(connection, batch, now)
    same = sorted(dossier.key for dossier in dossiers if known.get(dossier.key) == dossier.digest)
    for keys in batches(same, BATCH):
        connection.execute(update(DOSSIERS).where(DOSSIERS.c.cle.in_(keys)).values(recu_le=now))
    moved = frozenset(dossier.uai for dossier in changed)
    for uai in sorted(moved):
        connection.execute(update(CFAS).where(CFAS.c.uai == uai).values(version=CFAS.c.version + 1))
    _account(connection, transmission)
    return moved


def _transmitted(connection: Connection, uai: str, now: str) -> None:
    insert = insertion(connection, CFAS).values(uai=uai, version=0, transmis_le=now)
    connection.execute(insert.on_conflict_do_update(index_elements=["uai"], set_={"transmis_le": now}))


def _digests(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for batch in batches(sorted(keys), BATCH):
        rows = connection.execute(select(DOSSIERS.c.cle, DOSSIERS.c.empreinte).where(DOSSIERS.c.cle.in_(batch)))
        found |= {row.cle: row.empreinte for row in rows}
    return found


def _upsert(connection: Connection, dossiers: Iterable[ReceivedDossier], now: str) -> None:
    rows = [
        {"cle": one.key, "uai": one.uai, "empreinte": one.digest, "recu_le": now, "scelle": one.sealed}
        for one in dossiers
    ]
    insert = insertion(connection, DOSSIERS)
    set_ = {name: insert.excluded[name] for name in ("uai", "empreinte", "recu_le", "scelle")}
    connection.execute(insert.on_conflict_do_update(index_elements=["cle"], set_=set_), rows)


def _account(connection: Connection, transmission: Transmission) -> None:
    """The same body, the same day, is one transmission that was sent again."""
    key = {"organisme": transmission.organisme, "jour": transmission.jour, "empreinte": transmission.digest}
    counts = Counter(
        acceptes=transmission.acceptes, partiels=transmission.partiels, rejetes=transmission.rejetes, rejoues=0
    )
    insert = insertion(connection, TRANSMISSIONS).values({**key, **counts})
    again = {
        "rejoues": TRANSMISSIONS.c.rejoues + 1,
        **{name: counts[name] for name in ("acceptes", "partiels", "rejetes")},
    }
    connection.execute(insert.on_conflict_do_update(index_elements=list(key), set_=again))
    same = [ERRORS.c[name] == value for name, value in key.items()]
    connection.execute(delete(ERRORS).where(*same))
    rows = [
        {
            **key,
            "id_erp": storable(error.id_erp, 64),
            "annee": storable(error.annee, 32),
            "champs": error.champs,
            "message": error.message,
        }
        for error in transmission.errors
    ]
    for batch in batches(rows, BATCH):
        connection.execute(ERRORS.insert(), list(batch))


def _client_of(connection: Connection, digest: str, today: date) -> str | None:
    row = connection.execute(select(KEYS).where(KEYS.c.empreinte == digest)).one_or_none()
    if row is None or row.servie_le < (today - KEY_UNUSED).isoformat():
        return None
    if row.servie_le < today.isoformat():
        connection.execute(update(KEYS).where(KEYS.c.empreinte == digest).values(servie_le=today.isoformat()))
    return str(row.client)


def _text(instant: datetime) -> str:
    """Of one length and one offset, so that texts sort as instants do."""
    return instant.astimezone(UTC).isoformat(timespec="seconds")
