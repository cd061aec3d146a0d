"""The counts of statistics, as they are read (`blocks_writer` writes them): what each lot gave, and the protected blocks.

SQL, codes of places and of classes, and numbers; no row of a person, not even pseudonymous (docs/statistiques.md). A lot is one
CFA or one Mission locale. Knows no grid by name: what a cell means is for `gateway.statistiques` to say.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    CursorResult,
    Date,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.errors import BlocksUnavailable
from gateway.stores.database_errors import cause
from gateway.stores.journal_availability import Outage
from gateway.stores.schema_versions import prepare
from gateway.stores.sql import open_engine, pairs_table, tell_unverified, told

READ_AT_ONCE = 1_000  # places and months: PostgreSQL's are decoded on the loop, in some milliseconds
VALUE_START, BLOCK_END = " ", ","  # of blocks written together: no key and no class holds them
LOCK_WAIT = 30  # seconds: a pass and a publication by hand may write at the same time

_tables = MetaData()


def _cell() -> list[Column[str]]:
    """A cell: grid, place, first month of its cohort, other keys, class. In this order: a question names places and months."""
    sizes = {"maille": 2, "lieu": 16, "mois": 7, "cles": 64, "classe": 20}
    return [Column(name, String(size), primary_key=True) for name, size in sizes.items()]


COUNTS = Table(  # what each lot gave: true counts
    "statistiques_apports",
    _tables,
    Column("lot", String(32), primary_key=True),
    *_cell(),
    Column("nombre", Integer, nullable=False),
    sqlite_with_rowid=False,
)
BLOCKS = Table(  # protected sums; absent, 0
    "statistiques_blocs",
    _tables,
    Column("releve", Integer, primary_key=True, autoincrement=False),
    *_cell(),
    Column("protege", Integer, nullable=False),
    sqlite_with_rowid=False,
)
LOTS = Table(
    "statistiques_lots",
    _tables,
    Column("lot", String(32), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("vu_le", String(32)),  # when its source was last heard
    Column("etat", String(16), nullable=False),
    Column("compte_au", Date),  # the day to which its counts are told
)
SNAPSHOTS = Table(
    "statistiques_releves",
    _tables,
    Column("numero", Integer, primary_key=True, autoincrement=False),
    Column("etat_au", Date, nullable=False),
    Column("publie_le", String(32), nullable=False),
    Column("pas", Integer, nullable=False),
    Column("audit_minimum", Integer),  # the fewest counts that a small cell may hold; none when there is no small cell
)
COVERAGE = Table(
    "statistiques_couverture",
    _tables,
    Column("source", String(64), primary_key=True),
    Column("lieu", String(16), primary_key=True),
    Column("mois", String(7), primary_key=True),
    Column("couverts", Integer, nullable=False),
    Column("attendus", Integer, nullable=False),
    sqlite_with_rowid=False,
)
STATE = Table(  # one row
    "statistiques_etat",
    _tables,
    Column("temoin", String(16), primary_key=True),
    Column("titulaire", String(32)),  # the process that counts
    Column("echeance", Float, nullable=False),  # until when, in seconds since 1970, unless it says so again
    Column("refus_le", String(32)),  # when a snapshot was refused last
    Column("refus_minimum", Integer),  # by its audit
)


class LotState(StrEnum):
    """Of what a lot's counts are made."""

    LU = "LU"  # of all its sources, heard that night
    ANCIEN = "ANCIEN"  # its source failed: the counts are those of its last reading
    SANS_SOURCE = "SANS_SOURCE"  # its source failed for too long, or there is none: of the registry alone


@dataclass(frozen=True, slots=True)
class Lot:
    """What is known of a lot. `seen_at`: when its own source was last heard; None when it never was. `counted_on`: the day to
    which its counts are told; None before the first."""

    name: str
    source: str
    seen_at: datetime | None
    state: LotState
    counted_on: date | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A published snapshot: the day to which it is told, and the step by which its blocks are protected."""

    number: int
    as_of: date
    published_at: datetime
    step: int
    audit_minimum: int | None


@dataclass(frozen=True, slots=True)
class RefusedSnapshot:
    """A snapshot that its audit refused: when, and the fewest counts that a cell might have held."""

    instant: datetime
    minimum: int


@dataclass(frozen=True, slots=True)
class CellRange:
    """Cells of one grid: those of the cohorts whose first month is in [first, last] (`2025-08`). `by_keys`: told apart by
    their other keys; else these are added up, and told as empty. `keys`: those of these keys alone; None: of all."""

    maille: str
    first: str
    last: str
    by_keys: bool = True
    keys: frozenset[str] | None = None


class PlaceBlocks(NamedTuple):
    """The protected blocks of a place and a cohort, `written` together: each its keys, its class and its value."""

    lieu: str
    mois: str
    written: str


class CoverageRow(NamedTuple):
    """How many of the lots expected of a kind of source, over the places asked for, were covered in a month."""

    source: str
    mois: str
    couverts: int
    attendus: int


Groups = Collection[tuple[str, str]]  # (place or lot, the group it counts in); one may be in several
CellName = tuple[str, str, str]  # keys, first month of the cohort, class
# By group: cells added up over the places of the group, and how many of them are above 0.
GroupedCells = dict[str, dict[CellName, tuple[int, int]]]


def lot_name(place: str, code: str) -> str:
    """The lot of a CFA (`CFA`) or of a Mission locale (`MISSION_LOCALE`)."""
    return f"{place}:{code}"


class BlockStore:
    """The reading half. Its calls raise BlocksUnavailable. One engine; close it, or its threads keep the process alive."""

    def __init__(self, url: str) -> None:
        self._url, self.engine = url, open_engine(url, LOCK_WAIT)
        self._outage = Outage("statistiques")

    async def open(self) -> None:
        """Create what is missing. Raises ConfigurationError when the store cannot be used."""
        tell_unverified("statistiques", self._url)
        with told("statistiques"):
            async with self.engine.begin() as connection:
                await connection.run_sync(prepare, "statistiques")

    async def close(self) -> None:
        await self.engine.dispose()

    async def snapshot(self) -> Snapshot | None:
        """The snapshot in force: the one published last."""
        async with self._reading() as connection:
            return await latest_snapshot(connection)

    async def refusal(self) -> RefusedSnapshot | None:
        """The snapshot refused since the one in force was published; None where none was."""
        async with self._reading() as connection:
            row = (await connection.execute(select(STATE.c.refus_le, STATE.c.refus_minimum))).first()
        if row is None or row.refus_le is None:
            return None
        return RefusedSnapshot(datetime.fromisoformat(row.refus_le), row.refus_minimum)

    async def blocks(self, snapshot: int, maille: str, first: str, last: str) -> AsyncGenerator[Sequence[PlaceBlocks]]:
        """The protected blocks of a grid whose cohorts begin in [first, last], some at a time: they may be a million. Blocks of
        0 are not told."""
        block = BLOCKS.c.cles + VALUE_START + BLOCKS.c.classe + VALUE_START + cast(BLOCKS.c.protege, String)
        # Written together by the database: a row costs as much to read as twenty blocks to parse.
        query = (
            select(BLOCKS.c.lieu, BLOCKS.c.mois, func.aggregate_strings(block, BLOCK_END))
            .where(BLOCKS.c.releve == snapshot, BLOCKS.c.maille == maille, BLOCKS.c.mois.between(first, last))
            .group_by(BLOCKS.c.lieu, BLOCKS.c.mois)
        )
        async with self._reading() as connection:
            rows = await connection.stream(query)
            async for some in rows.partitions(READ_AT_ONCE):
                yield [PlaceBlocks._make(row) for row in some]

    async def counts(self, cells: CellRange, lots: Groups) -> GroupedCells:
        """The true counts that these lots gave, added up by group, keys, cohort and class, wherever their cells are."""
        keys: Any = COUNTS.c.cles if cells.by_keys else literal("").label("cles")
        async with self._reading() as connection:
            asked = pairs_table(connection, lots)
            apart = [asked.c.groupe, keys, COUNTS.c.mois, COUNTS.c.classe]
            query = (
                select(*apart, func.sum(COUNTS.c.nombre), func.count())
                .select_from(asked.join(COUNTS, COUNTS.c.lot == asked.c.nom))
                .where(COUNTS.c.maille == cells.maille, COUNTS.c.mois.between(cells.first, cells.last))
                .group_by(*(apart if cells.by_keys else [apart[0], *apart[2:]]))
            )
            if cells.keys is not None:
                query = query.where(COUNTS.c.cles.in_(sorted(cells.keys)))
            # Beside the loop: a question of all CFAs reads tens of thousands.
            return await asyncio.to_thread(_grouped, await connection.execute(query))

    async def lots(self, names: Iterable[str] | None = None) -> dict[str, Lot]:
        """The lots by name; all of them when none is named. One never read is not among them."""
        wanted = None if names is None else frozenset(names)
        async with self._reading() as connection:
            rows = (await connection.execute(select(LOTS))).all()
        return {row.lot: _lot(row) for row in rows if wanted is None or row.lot in wanted}

    async def coverage(self, places: Groups, first: str, last: str) -> list[CoverageRow]:
        """By kind of source and month of the passes, over the lots of these places. A month without a pass is not told."""
        async with self._reading() as connection:
            asked = pairs_table(connection, places)
            query = (
                select(
                    COVERAGE.c.source,
                    COVERAGE.c.mois,
                    func.sum(COVERAGE.c.couverts).label("couverts"),
                    func.sum(COVERAGE.c.attendus).label("attendus"),
                )
                .select_from(asked.join(COVERAGE, COVERAGE.c.lieu == asked.c.nom))
                .where(COVERAGE.c.mois.between(first, last))
                .group_by(COVERAGE.c.source, COVERAGE.c.mois)
                .order_by(COVERAGE.c.source, COVERAGE.c.mois)
            )
            return [CoverageRow(*row) for row in await connection.execute(query)]

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self.engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            self._outage.begin(cause(error))
            raise BlocksUnavailable(cause(error)) from None
        self._outage.end()


async def latest_snapshot(connection: AsyncConnection) -> Snapshot | None:
    row = (await connection.execute(select(SNAPSHOTS).order_by(SNAPSHOTS.c.numero.desc()).limit(1))).first()
    if row is None:
        return None
    published = datetime.fromisoformat(row.publie_le)
    return Snapshot(row.numero, row.etat_au, published, row.pas, row.audit_minimum)


def _lot(row: Any) -> Lot:
    seen_at = datetime.fromisoformat(row.vu_le) if row.vu_le else None
    return Lot(row.lot, row.source, seen_at, LotState(row.etat), row.compte_au)


def _grouped(result: CursorResult[Any]) -> GroupedCells:
    told: GroupedCells = {}
    for row in map(tuple, result):
        told.setdefault(row[0], {})[row[1], row[2], row[3]] = row[4], row[5]
    return told
