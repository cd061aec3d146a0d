"""The harvested registry, sealed at rest, as it is read (`registry_writer` writes it). SQL, and nothing of partners.

At rest: a pseudonym of the contract, one of the person, the postal code, the CFA and the month of the planned end (which
index and identify nobody), the day, and the sealed row. No name, birth date, contact nor contract number can be read there.
"""

import asyncio
import hashlib
import json
import logging
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Column, Date, Float, Index, Integer, LargeBinary, MetaData, String, Table, func, select
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.days import PARIS
from gateway.domain.seal import Sealer
from gateway.errors import ConfigurationError, RegistryUnavailable
from gateway.stores.database_errors import cause
from gateway.stores.journal_availability import Damage, Outage
from gateway.stores.schema_versions import prepare
from gateway.stores.sealed_columns import SealedColumn, opens
from gateway.stores.sealing_keys import DAMAGED, UNOPENED, note_keys, require_keys
from gateway.stores.sql import insertion, open_engine, read_in, tell_unverified, told

USAGE = "registre"
FORMAT = "3"  # of the rows at rest: another one is harvested again, the registry being the truth
BATCH = 500  # values of one IN: SQLite accepts many more, query plans stay simple
BREATH = 200  # contracts put together between two breaths of the event loop
PAGE_DAMAGES = frozenset({"XX001", "XX002"})  # of PostgreSQL: a page, an index
READ_TIMEOUT = 30.0  # seconds for a reading, which nobody else would end
LOCK_WAIT = 30  # seconds: the service and a harvest by hand may write at the same time

logger = logging.getLogger("gateway.registre")

_tables = MetaData()
ROWS = Table(
    "registre_lignes",
    _tables,
    Column("contrat", String(32), primary_key=True),
    Column("vue", String(8), primary_key=True),
    Column("fenetre", Date, primary_key=True),  # last day of the window it came from
    Column("rang", Integer, primary_key=True),  # order in the window
    Column("personne", String(32), nullable=False),
    Column("code_postal", String(5)),
    Column("cfa", String(14)),  # UAI, or SIRET where the registry lacks it
    Column("fin", Date, nullable=False),  # first day of the month of the planned end: what retention counts from
    Column("scelle", LargeBinary, nullable=False),
    Index("registre_par_personne", "personne", "contrat"),
    Index("registre_par_code_postal", "code_postal", "contrat"),
    Index("registre_par_cfa", "cfa", "contrat"),
    Index("registre_par_fenetre", "fenetre"),
    Index("registre_par_fin", "fin"),
)
WINDOWS = Table(
    "registre_fenetres",
    _tables,
    Column("debut", Date, primary_key=True),
    Column("fin", Date, nullable=False),
    Column("lignes", Integer, nullable=False),
    Column("importee_le", String(32), nullable=False),
)
UNDER_WAY = Table(  # the window under way, if any: its rows are written, and not read yet
    "registre_chantier",
    _tables,
    Column("debut", Date, primary_key=True),
    Column("fin", Date, nullable=False),
    Column("vue", Integer, nullable=False),  # the next page to ask for: of which view,
    Column("page", Integer, nullable=False),  # which one,
    Column("total", Integer, nullable=False),  # of how many
    Column("lignes", Integer, nullable=False),  # written so far
)
STATE = Table(  # one row
    "registre_etat",
    _tables,
    Column("temoin", String(32), primary_key=True),  # tells the key and the format that wrote the rest
    Column("imports", Integer, nullable=False),  # only grows
    Column("moissonneur", String(32)),  # the process that harvests
    Column("bail", Float, nullable=False),  # until when, in seconds since 1970, unless it says so again
)
VISIBLE = ROWS.c.fenetre.not_in(select(UNDER_WAY.c.fin))

SEALED = SealedColumn(ROWS, USAGE, lambda row: link(row.contrat, row.vue, row.fenetre, row.rang))


@dataclass(frozen=True, slots=True)
class Window:
    """Days of processing, both included."""

    debut: date
    fin: date


@dataclass(frozen=True, slots=True)
class StoredContrat:
    """The sealed rows of one contract, in order of day, and the pseudonyms of the contract and of its person.

    `digest` changes with the rows: what was made of them may be kept under it. `day`: the last on which one was processed.
    """

    contrat: str
    person: str
    digest: bytes
    rows: tuple[Any, ...] = field(repr=False, compare=False)
    day: date | None = None


@dataclass(frozen=True, slots=True)
class HarvestState:
    """The progress of the harvest. `version` changes at each import; `as_of` is what the data may claim (see `harvest_state`)."""

    last_day: date | None
    as_of: datetime | None
    rows: int
    version: str


class RegistryStore:
    """The store of the registry. One engine; close it, or its threads keep the process alive.

    `report` is told whether some of it is damaged at rest.
    """

    def __init__(self, url: str, sealer: Sealer, report: Callable[[bool], None] = lambda _: None) -> None:
        self._url, self.engine = url, open_engine(url, LOCK_WAIT)
        self.sealer = sealer
        self.damage, self._outage = Damage(report), Outage("registre")

    async def open(self) -> None:
        """Create what is missing. Raises ConfigurationError when the store cannot be used, or another key or format wrote
        what is there."""
        tell_unverified("registre", self._url)
        with told("registre"):
            async with self.engine.begin() as connection:
                await connection.run_sync(prepare, "registre")
                await self._recognise(connection)
                known = await connection.run_sync(require_keys, self.sealer)
            legible = await self._is_legible()
            if known or legible:
                async with self.engine.begin() as connection:
                    await connection.run_sync(note_keys, self.sealer)
        if not legible:
            logger.error("registre : copie %s", DAMAGED if known else UNOPENED)

    async def _is_legible(self) -> bool:
        """Whether what is kept opens. Where it does not, its readers are told at each reading, and everything else is served."""
        try:
            async with self.engine.connect() as connection:
                return await connection.run_sync(opens, SEALED, self.sealer)
        except (SQLAlchemyError, ValueError, TypeError):  # pages or days that cannot be read
            return False

    async def _recognise(self, connection: AsyncConnection) -> None:
        """Sign an empty store. Raises ConfigurationError for one that another key or format signed."""
        witness = self.sealer.pseudonym(USAGE, f"temoin/{FORMAT}")
        signed_by = await connection.scalar(select(STATE.c.temoin))
        if signed_by is None and not await connection.scalar(select(func.count()).select_from(WINDOWS)):
            signature = insertion(connection, STATE).values(temoin=witness, imports=0, bail=0.0)
            await connection.execute(signature.on_conflict_do_nothing())
        elif signed_by != witness:
            raise ConfigurationError(
                "registre : copie scellée par une autre GATEWAY_CLE ou d'un autre format ; la supprimer et moissonner"
            )

    async def close(self) -> None:
        await self.engine.dispose()

    async def harvest_state(self) -> HarvestState:
        """The progress of the harvest. Raises RegistryUnavailable.

        `as_of` is the instant the latest window was imported, but never after the day that follows it: a backfill
        still under way in 2022 is not fresh.
        """
        last = select(WINDOWS.c.fin, WINDOWS.c.importee_le).order_by(WINDOWS.c.fin.desc()).limit(1)
        async with self._reading() as connection:
            rows = await connection.scalar(select(func.sum(WINDOWS.c.lignes))) or 0
            version = str(await connection.scalar(select(STATE.c.imports)))
            row = (await connection.execute(last)).first()
        if row is None:
            return HarvestState(None, None, 0, version)
        horizon = datetime.combine(row.fin + timedelta(days=2), time(), PARIS).astimezone(UTC)
        return HarvestState(row.fin, min(datetime.fromisoformat(row.importee_le), horizon), rows, version)

    async def contrats(
        self, codes_postaux: Collection[str], cfas: Collection[str], identities: Collection[str]
    ) -> list[StoredContrat]:
        """All the contracts of every person with a row of such a postal code, such a CFA or such an identity key.

        A contract belongs to whom its last row names: a name corrected since does not leave half a contract behind.
        Raises RegistryUnavailable.
        """
        async with self._reading(self.digest(codes_postaux, cfas, identities)) as connection:
            pseudonyms = [self.pseudonym(key) for key in identities]
            columns = ((ROWS.c.code_postal, codes_postaux), (ROWS.c.cfa, cfas), (ROWS.c.personne, pseudonyms))
            touched = {c for column, values in columns for c in await _contrats(connection, column, values)}
            rows = await _rows(connection, touched)
            persons = set({row.contrat: row.personne for row in rows}.values())  # whom the last row of each one names
            neighbours = await _contrats(connection, ROWS.c.personne, persons) - touched
            rows += await _rows(connection, neighbours)
            return await _group(rows, persons)

    async def between(self, start: str, end: str) -> list[StoredContrat]:
        """The contracts whose pseudonym stands from one text to another, not included. Raises RegistryUnavailable."""
        async with self._reading(start) as connection:
            slice_of_rows = select(ROWS).where(ROWS.c.contrat >= start, ROWS.c.contrat < end)
            rows = (await connection.execute(slice_of_rows)).all()
            return await _group(rows, {row.personne for row in rows})

    @asynccontextmanager
    async def _reading(self, key: str = "etat") -> AsyncIterator[AsyncConnection]:
        """Raises RegistryUnavailable; of what is there and does not read, the damage is noted under `key`."""
        try:
            async with asyncio.timeout(READ_TIMEOUT), self.engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, OSError, ValueError, TypeError) as error:
            if _is_damage(error):
                self.damage.found(key)
            self._outage.begin(cause(error))
            raise RegistryUnavailable(cause(error)) from None
        self.damage.sound(key)
        self._outage.end()

    def payloads(self, stored: StoredContrat) -> tuple[dict[str, Any], ...]:
        """The partner's objects of a contract, in order of day. A row tampered with is left out, and counted in the log."""
        payloads = tuple(payload for row in stored.rows if (payload := self._open(row)) is not None)
        if len(payloads) < len(stored.rows):
            logger.error("registre : %d ligne(s) altérée(s), mise(s) de côté", len(stored.rows) - len(payloads))
            self.damage.found(stored.contrat)
        else:
            self.damage.sound(stored.contrat)
        return payloads

    def pseudonym(self, identity: str) -> str:
        """The pseudonym of a person, by the identity key."""
        return self.sealer.pseudonym("registre/personne", identity)

    def digest(self, *sets: Collection[str]) -> str:
        """A pseudonym of sets of keys, which tells nothing of them: what a cache may be keyed by."""
        return self.sealer.pseudonym("registre/lecture", json.dumps([sorted(keys) for keys in sets]))

    def _open(self, row: Any) -> dict[str, Any] | None:
        plain = self.sealer.open(USAGE, _sealed(row), SEALED.bound_to(row))
        return None if plain is None else dict(json.loads(zlib.decompress(plain)))


def _is_damage(error: Exception) -> bool:
    """Whether a reading failed by what is at rest (a page, the type of a value), and not because the store is away."""
    if isinstance(error, DBAPIError) and hasattr(error.orig, "sqlstate"):  # PostgreSQL's; None when it is cut off
        return getattr(error.orig, "sqlstate", None) in PAGE_DAMAGES
    broken = isinstance(error, DatabaseError) and not isinstance(error, OperationalError)
    return broken or (isinstance(error, ValueError | TypeError) and not isinstance(error, SQLAlchemyError))


async def _group(rows: Iterable[Any], persons: Collection[str]) -> list[StoredContrat]:
    """Raises TypeError for pseudonyms that are no texts: SQLite keeps whatever is written."""
    by_contrat: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        if not isinstance(row.personne, str):
            raise TypeError("personne")
        by_contrat[row.contrat].append(row)
    stored = []
    for count, contrat in enumerate(sorted(by_contrat), 1):
        own = by_contrat[contrat]
        if own[-1].personne in persons:
            digest = hashlib.blake2b(b"".join(map(_sealed, own)), digest_size=16).digest()
            stored.append(StoredContrat(contrat, own[-1].personne, digest, tuple(own), own[-1].fenetre))
        if count % BREATH == 0:
            await asyncio.sleep(0)
    return stored


def _sealed(row: Any) -> bytes:
    """The sealed bytes; none, which do not open, for what is of another type."""
    return row.scelle if isinstance(row.scelle, bytes) else b""


def link(contrat: str, view: str, window: date, rank: int) -> bytes:
    """The place that a sealed row is bound to: moved to another, it does not open."""
    return f"{contrat}|{view}|{window.isoformat()}|{rank}".encode()


async def _contrats(connection: AsyncConnection, column: Any, values: Collection[str]) -> set[str]:
    query = select(ROWS.c.contrat).distinct().where(VISIBLE)
    return {row.contrat for row in await read_in(connection, query, [column], values, BATCH)}


async def _rows(connection: AsyncConnection, contrats: Collection[str]) -> list[Any]:
    """The rows of these contracts, those of each one in order."""
    query = select(ROWS).where(VISIBLE).order_by(ROWS.c.fenetre, ROWS.c.vue, ROWS.c.rang)
    return await read_in(connection, query, [ROWS.c.contrat], contrats, BATCH)
