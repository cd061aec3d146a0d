"""The tables of the reading journal, and the two signed ends of its chain. SQL over a connection passed in.

At rest: what was read in names of fields, by whom, for what, and pseudonyms of persons (64 bits of an HMAC). No value.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    bindparam,
    case,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Executable

from gateway.domain.seal import GENESIS, Anchor, Sealer, anchor_mac
from gateway.stores.migrations import migrate
from gateway.stores.sql import insertion

START, END, CLOCK = "debut", "fin", "horloge"
_PROBE = "essai"
NUMBERS = ("numero", "ensemble", "personne")  # columns of integers; the others hold bytes

_tables = MetaData()
_numero = BigInteger().with_variant(Integer, "sqlite")
ENTRIES = Table(
    "journal_entrees",
    _tables,
    Column("numero", _numero, primary_key=True, autoincrement=False),
    Column("contenu", LargeBinary, nullable=False),  # JSON
    Column("personnes", LargeBinary, nullable=False),  # pseudonyms, 8 bytes each
    Column("empreinte", LargeBinary, nullable=False),
    Column("ensemble", BigInteger, nullable=False),  # stands for these pseudonyms, whatever their order
    Index("journal_par_ensemble", "ensemble", "numero"),
)
PERSONS = Table(  # the same pseudonyms, the other way round; a page read again brings no row
    "journal_personnes",
    _tables,
    Column("personne", BigInteger, primary_key=True, autoincrement=False),
    Column("ensemble", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
BOUNDS = Table(  # "debut", moved by a purge, and "fin"; "horloge", the latest instant believed; "essai", of probes
    "journal_bornes",
    _tables,
    Column("nom", String(8), primary_key=True),
    Column("numero", BigInteger, nullable=False),
    Column("empreinte", LargeBinary, nullable=False),
    Column("sceau", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


class JournalTampered(Exception):
    """The store is not what this gateway wrote: nothing may be added to it."""


# Put together once: each batch of entries runs two of them, and that takes as long as running them.
_THE_END = BOUNDS.c.nom == bindparam("the_end")
_READ = BOUNDS.select().where(_THE_END)
_TAKE = BOUNDS.update().where(_THE_END).values(numero=BOUNDS.c.numero).returning(BOUNDS)
_MOVED = (BOUNDS.c.numero, BOUNDS.c.empreinte, BOUNDS.c.sceau)
_PUT = BOUNDS.update().where(_THE_END).values({column: bindparam(column.name) for column in _MOVED})


def read_anchor(connection: Connection, sealer: Sealer, end: str) -> Anchor:
    """One end of the chain. Raises JournalTampered when it is missing or not signed by this gateway."""
    return _anchor(connection, _READ, sealer, end)


def take_anchor(connection: Connection, sealer: Sealer, end: str) -> Anchor:
    """As `read_anchor`, held until the transaction ends: the writers of all processes queue here."""
    return _anchor(connection, _TAKE, sealer, end)


def _anchor(connection: Connection, statement: Executable, sealer: Sealer, end: str) -> Anchor:
    row = connection.execute(statement, {"the_end": end}).first()
    if row is None:
        raise JournalTampered(f"no {end}")
    if not (is_number(row.numero) and row.numero >= 0 and isinstance(row.empreinte, bytes)):
        raise JournalTampered(f"{end} is of another type than what is written")
    anchor = Anchor(row.numero, row.empreinte)
    if row.sceau != anchor_mac(sealer, end, anchor):
        raise JournalTampered(f"{end} is not signed by this key")
    return anchor


def put_anchor(connection: Connection, sealer: Sealer, end: str, anchor: Anchor) -> None:
    """Move one end of the chain, signed."""
    signed = {"numero": anchor.numero, "empreinte": anchor.digest, "sceau": anchor_mac(sealer, end, anchor)}
    connection.execute(_PUT, {"the_end": end, **signed})


def as_written(connection: Connection | AsyncConnection, *columns: Column[Any]) -> Select[Any]:
    """These columns, and None for a value of another type than the gateway writes. SQLite keeps what it is given: a text that
    stands for bytes could be read as they are, and one that is no text could not be read at all."""
    if connection.dialect.name != "sqlite":
        return select(*columns)
    kinds = [(column, "integer" if column.name in NUMBERS else "blob") for column in columns]
    return select(*(case((func.typeof(column) == kind, column)).label(column.name) for column, kind in kinds))


def is_number(value: object) -> bool:
    return type(value) is int


def is_entry(row: Any) -> bool:
    """True for a row of the types that the gateway writes."""
    contents = (row.contenu, row.personnes, row.empreinte)
    return is_number(row.numero) and is_number(row.ensemble) and all(isinstance(value, bytes) for value in contents)


def put_probe(connection: Connection, content: bytes) -> None:
    """Write the trace of a probe over that of the one before."""
    row = insertion(connection, BOUNDS).values(nom=_PROBE, numero=0, empreinte=content, sceau=b"")
    changed = {"empreinte": row.excluded.empreinte}
    connection.execute(row.on_conflict_do_update(index_elements=["nom"], set_=changed))


def pseudonym(sealer: Sealer, key: str) -> int:
    """The code of a person in the journal: 64 bits of an HMAC of the person's key, signed as SQL wants them."""
    return int.from_bytes(sealer.mac("journal/personne", key.encode("utf-8", "surrogatepass"))[:8], "big", signed=True)


def set_of(sealer: Sealer, persons: Iterable[int]) -> int:
    """The code of distinct persons together, whatever their order, as `pseudonym` is of one."""
    return int.from_bytes(sealer.mac("journal/ensemble", pack(sorted(persons)))[:8], "big", signed=True)


def pack(codes: Sequence[int]) -> bytes:
    return struct.pack(f">{len(codes)}q", *codes)


def unpack(persons: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(persons) // 8}q", persons)


async def create_journal(connection: AsyncConnection, sealer: Sealer) -> None:
    """Create what is missing of the tables and of the two ends."""
    await connection.run_sync(migrate, "journal")
    # To insert what is there already, even to no effect, would wait for whoever writes.
    if (await connection.execute(select(BOUNDS.c.nom))).first():
        return
    bounds = [
        {"nom": name, "numero": 0, "empreinte": GENESIS.digest, "sceau": anchor_mac(sealer, name, GENESIS)}
        for name in (START, END)
    ]
    await connection.execute(insertion(connection, BOUNDS).on_conflict_do_nothing(), bounds)
