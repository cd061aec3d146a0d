"""What ERPs transmitted, sealed: the last word of each dossier, what each transmission made, and the keys that transmit.

SQL, pseudonyms, days and texts of the contract; knows no field of a person and no rule of validation. One transmission is one
transaction; those of one CFA follow each other, so that the last committed is the last word.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import GatewayError
from gateway.stores.database_errors import cause
from gateway.stores.reception_tables import (
    CFAS,
    DAYS,
    DOSSIERS,
    ERASED,
    ERRORS,
    KEYS,
    TRANSMISSIONS,
    CfaState,
    KeptDossier,
    ReceivedDossier,
    Transmission,
    TransmissionError,
)
from gateway.stores.receptions_writer import BATCH, change_versions, record
from gateway.stores.schema_versions import prepare
from gateway.stores.sql import batches, hold_every, insertion, open_engine, told, writer

T = TypeVar("T")
LOCK_WAIT = 10  # seconds: a transaction of two thousand dossiers takes some tens of milliseconds
KEPT = timedelta(days=365)  # since it was last received
ERRORS_KEPT = timedelta(days=15)
NO_NEWS = timedelta(days=21)  # after which a dossier that its CFA no longer sends attests no session (docs/domaine.md)
LATER_DAYS = 3  # on which it transmitted since: one that stopped says nothing of anybody
KEY_UNUSED = timedelta(days=365)  # after which a key opens nothing any more


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
        return await self._transaction(lambda connection: record(connection, transmission, dossiers, _text(now)))

    async def dossiers(self, uai: str) -> list[KeptDossier]:
        """The dossiers of a CFA, in the order of their keys."""
        return await self._kept(select(DOSSIERS).where(DOSSIERS.c.uai == uai).order_by(DOSSIERS.c.cle))

    async def number_of(self, uai: str) -> int:
        """How many dossiers of a CFA are kept."""
        query = select(func.count()).select_from(DOSSIERS).where(DOSSIERS.c.uai == uai)
        return await self._read(lambda connection: int(connection.execute(query).scalar_one()))

    async def every(self) -> AsyncIterator[list[KeptDossier]]:
        """All the dossiers, some at a time."""
        last = ""
        while dossiers := await self._page(last):
            yield dossiers
            last = dossiers[-1].key

    async def _page(self, after: str) -> list[KeptDossier]:
        query = select(DOSSIERS).where(DOSSIERS.c.cle > after).order_by(DOSSIERS.c.cle).limit(BATCH)
        return await self._kept(query)

    async def _kept(self, query: Any) -> list[KeptDossier]:
        rows = await self._read(lambda connection: list(connection.execute(query)))
        instants = [map(datetime.fromisoformat, (row.recu_le, row.change_le or row.recu_le)) for row in rows]
        return [KeptDossier(row.cle, row.scelle, *told) for row, told in zip(rows, instants, strict=True)]

    async def erase(self, keys: Sequence[str], now: datetime) -> int:
        """Forget dossiers for good, and set aside what would bring them back; how many were there."""
        rows = [{"cle": key, "vue_le": _text(now)} for key in keys]

        def forget(connection: Connection) -> int:
            _let_nobody_transmit(connection)
            for batch in batches(rows, BATCH):
                connection.execute(insertion(connection, ERASED).on_conflict_do_nothing(), list(batch))
            return sum(_forget_dossiers(connection, DOSSIERS.c.cle.in_(batch)) for batch in batches(keys, BATCH))

        return await self._transaction(forget)

    async def states(self) -> dict[str, CfaState]:
        """The CFAs that ever transmitted, by UAI."""
        rows = await self._read(lambda connection: list(connection.execute(select(CFAS))))
        return {row.uai: CfaState(row.version, datetime.fromisoformat(row.transmis_le)) for row in rows}

    async def lapsed(self, uai: str, today: date) -> frozenset[str]:
        """The keys of the dossiers of a CFA of which nothing came for NO_NEWS, while it transmitted on LATER_DAYS days since."""
        days = select(DAYS.c.jour).where(DAYS.c.uai == uai).order_by(DAYS.c.jour.desc()).limit(LATER_DAYS)

        def read(connection: Connection) -> frozenset[str]:
            told = list(connection.scalars(days))
            if len(told) < LATER_DAYS:
                return frozenset()
            before = min(told[-1], (today - NO_NEWS + timedelta(days=1)).isoformat())
            # An instant begins with its day: earlier than the day, as texts are compared, it is of an earlier one.
            old = (DOSSIERS.c.uai == uai) & (DOSSIERS.c.recu_le < before)
            return frozenset(connection.scalars(select(DOSSIERS.c.cle).where(old)))

        return await self._read(read)

    async def errors(self, organisme: str, since: date) -> list[tuple[date, TransmissionError]]:
        """The lines of validation of an organisation since a day, each with its day."""
        own = (ERRORS.c.organisme == organisme) & (ERRORS.c.jour >= since.isoformat())
        columns = (ERRORS.c.jour, ERRORS.c.id_erp, ERRORS.c.annee, ERRORS.c.champs, ERRORS.c.message)
        query = select(*columns).where(own).order_by(*columns)
        rows = await self._read(lambda connection: list(connection.execute(query)))
        return [(date.fromisoformat(day), TransmissionError(*told)) for day, *told in rows]

    async def transmissions(self, organisme: str) -> list[dict[str, Any]]:
        """The counts of each body of an organisation, by day."""
        query = select(TRANSMISSIONS).where(TRANSMISSIONS.c.organisme == organisme).order_by(TRANSMISSIONS.c.jour)
        rows = await self._read(lambda connection: connection.execute(query).mappings().all())
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
            _let_nobody_transmit(connection)
            _forget_dossiers(connection, DOSSIERS.c.recu_le < _text(now - KEPT))
            connection.execute(delete(ERASED).where(ERASED.c.vue_le < _text(now - KEPT)))
            connection.execute(delete(DAYS).where(DAYS.c.jour < (day - KEPT).isoformat()))
            connection.execute(delete(ERRORS).where(ERRORS.c.jour < (day - ERRORS_KEPT).isoformat()))
            connection.execute(delete(TRANSMISSIONS).where(TRANSMISSIONS.c.jour < (day - KEPT).isoformat()))
            connection.execute(delete(KEYS).where(KEYS.c.servie_le < (day - KEY_UNUSED).isoformat()))

        await self._transaction(forget)

    async def _read(self, make: Callable[[Connection], T]) -> T:
        """Beside whoever writes: nobody who looks waits for two thousand dossiers to be committed."""
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(make)
        except (SQLAlchemyError, OSError) as error:
            raise ReceptionUnavailable(cause(error)) from None

    async def _transaction(self, make: Callable[[Connection], T]) -> T:
        try:
            return await self._writer.transaction(make)
        except (SQLAlchemyError, OSError) as error:
            raise ReceptionUnavailable(cause(error)) from None


def _let_nobody_transmit(connection: Connection) -> None:
    """Before anything else is taken, as `record` takes its CFAs: two that take the same in two orders wait for each other."""
    hold_every(connection, CFAS.c.uai)


def _forget_dossiers(connection: Connection, old: Any) -> int:
    uais = list(connection.scalars(select(DOSSIERS.c.uai).where(old).distinct()))
    number = connection.execute(delete(DOSSIERS).where(old)).rowcount
    change_versions(connection, uais)
    return int(number)


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
