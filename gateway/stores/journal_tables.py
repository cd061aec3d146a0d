"""The tables of the reading journal, and the two signed ends of its chain. SQL over a connection passed in.

At rest: what was read in names of fields, by whom, for what, and pseudonyms of persons (64 bits of an HMAC). No value.

Persons as answers showed them: an id, and the records that told of her just then. An id goes to other records in time: persons
are found to be one, or parted, and an id made without the ledger of links is no other view's. What was shown does not change: an
entry names its persons by a code that binds id and records, and these are written once, whatever the number of readings. Who read
a person is then who was shown a record of hers.
"""

import struct
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
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
    delete,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import Executable

from gateway.domain.seal import GENESIS, NAME_LENGTH, Anchor, ChainKeys, Sealer, anchor_mac
from gateway.stores.schema_versions import prepare
from gateway.stores.sql import batches, insertion

BATCH = 5_000  # values of one IN

START, END, CLOCK = "debut", "fin", "horloge"
_PROBE = "essai"
NUMBERS = ("numero", "ensemble", "personne", "fiche", "dossier")  # columns of integers; the others hold bytes

_tables = MetaData()
_numero = BigInteger().with_variant(Integer, "sqlite")
ENTRIES = Table(
    "journal_entrees",
    _tables,
    Column("numero", _numero, primary_key=True, autoincrement=False),
    Column("contenu", LargeBinary, nullable=False),  # JSON
    Column("personnes", LargeBinary, nullable=False),  # codes of persons as they were shown, 8 bytes each
    Column("empreinte", LargeBinary, nullable=False),
    Column("ensemble", BigInteger, nullable=False),  # stands for these codes, whatever their order
    Index("journal_par_ensemble", "ensemble", "numero"),
)
PERSONS = Table(  # the same codes, the other way round; a page read again brings no row
    "journal_personnes",
    _tables,
    Column("personne", BigInteger, primary_key=True, autoincrement=False),
    Column("ensemble", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
RECORDS = Table(  # what the code of a person as she was shown stands for (`ShownPerson`)
    "journal_fiches",
    _tables,
    Column("fiche", BigInteger, primary_key=True, autoincrement=False),
    Column("dossier", BigInteger, primary_key=True, autoincrement=False),  # pseudonym of a record
    Column("personne", BigInteger, nullable=False),  # pseudonym of the id that the records had
    Index("journal_fiches_par_dossier", "dossier"),
    Index("journal_fiches_par_personne", "personne"),
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
KEYS = Table(  # by which key entries are signed, from a number on; no row: all of them by the end's
    "journal_cles",
    _tables,
    Column("depuis", BigInteger, primary_key=True, autoincrement=False),
    Column("cle", String(NAME_LENGTH), nullable=False),
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


@dataclass(frozen=True, slots=True)
class SignedAnchor:
    """An end of the chain, and the key that signed it."""

    anchor: Anchor
    signer: Sealer


def read_anchor(connection: Connection, keys: ChainKeys, end: str) -> SignedAnchor:
    """One end of the chain. Raises JournalTampered when it is missing or not signed by this gateway."""
    return _anchor(connection, _READ, keys, end)


def take_anchor(connection: Connection, keys: ChainKeys, end: str) -> SignedAnchor:
    """As `read_anchor`, held until the transaction ends: the writers of all processes queue here."""
    return _anchor(connection, _TAKE, keys, end)


def _anchor(connection: Connection, statement: Executable, keys: ChainKeys, end: str) -> SignedAnchor:
    row = connection.execute(statement, {"the_end": end}).first()
    if row is None:
        raise JournalTampered(f"no {end}")
    if not (is_number(row.numero) and row.numero >= 0 and isinstance(row.empreinte, bytes)):
        raise JournalTampered(f"{end} is of another type than what is written")
    anchor = Anchor(row.numero, row.empreinte)
    signer = keys.signer(end, anchor, row.sceau)
    if signer is None:
        raise JournalTampered(f"{end} is not signed by this key")
    return SignedAnchor(anchor, signer)


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
    """The code of the id of a person in the journal."""
    return code(sealer.mac("journal/personne", key.encode("utf-8", "surrogatepass")))


def code(digest: bytes) -> int:
    """The first 64 bits of an HMAC, signed as SQL wants them."""
    return int.from_bytes(digest[:8], "big", signed=True)


def set_of(sealer: Sealer, persons: Iterable[int]) -> int:
    """The code of distinct persons together, whatever their order, as `pseudonym` is of one."""
    return code(sealer.mac("journal/ensemble", pack(sorted(persons))))


def pack(codes: Sequence[int]) -> bytes:
    return struct.pack(f">{len(codes)}q", *codes)


def unpack(persons: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(persons) // 8}q", persons)


async def create_journal(connection: AsyncConnection, keys: ChainKeys) -> None:
    """Create what is missing of the tables and of the two ends."""
    await connection.run_sync(prepare, "journal")
    # To insert what is there already, even to no effect, would wait for whoever writes.
    if (await connection.execute(select(BOUNDS.c.nom))).first():
        return
    bounds = [
        {"nom": name, "numero": 0, "empreinte": GENESIS.digest, "sceau": anchor_mac(keys.wanted, name, GENESIS)}
        for name in (START, END)
    ]
    await connection.execute(insertion(connection, BOUNDS).on_conflict_do_nothing(), bounds)


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """A person as an answer showed her. Without records, `code` is the id's."""

    code: int
    person: int
    records: tuple[int, ...] = ()

    def rows(self) -> list[dict[str, int]]:
        return [{"fiche": self.code, "dossier": record, "personne": self.person} for record in self.records]


def shown_person(sealer: Sealer, key: str, records: tuple[str, ...]) -> ShownPerson:
    """The codes of the key of a person, and of the keys of her records."""
    person = pseudonym(sealer, key)
    if not records:
        return ShownPerson(person, person)
    codes = tuple(sorted({record_code(sealer, record) for record in records}))
    return ShownPerson(_bound(sealer, person, codes), person, codes)


def record_code(sealer: Sealer, key: str) -> int:
    return code(sealer.mac("journal/dossier", key.encode()))


def _bound(sealer: Sealer, person: int, records: Sequence[int]) -> int:
    return code(sealer.mac("journal/fiche", pack([person, *records])))


async def codes_of(
    connection: AsyncConnection, sealer: Sealer, ids: Collection[str], records: Collection[str]
) -> set[int]:
    """The codes under which a person was shown: those that bind one of her records; those of her ids, from before records
    were told, or where no record is known any more."""
    persons = [pseudonym(sealer, key) for key in ids]
    column, known = (RECORDS.c.dossier, [record_code(sealer, key) for key in records]) if records else (
        RECORDS.c.personne, persons,
    )  # fmt: skip
    found = set(persons)
    for batch in batches(known, BATCH):
        found |= set(await connection.scalars(select(RECORDS.c.fiche).where(column.in_(batch))))
    return found


async def persons_of(connection: AsyncConnection, codes: Iterable[int]) -> dict[int, int]:
    """The id of each of these codes that binds records."""
    found: dict[int, int] = {}
    for batch in batches(sorted(codes), BATCH):
        rows = await connection.execute(select(RECORDS.c.fiche, RECORDS.c.personne).where(RECORDS.c.fiche.in_(batch)))
        found |= {row.fiche: row.personne for row in rows}
    return found


async def forget_shown(connection: AsyncConnection, codes: Collection[int]) -> None:
    """Forget what these codes stand for, where no entry shows them any more."""
    for batch in batches(sorted(codes), BATCH):
        shown = select(PERSONS.c.personne).where(PERSONS.c.personne.in_(batch))
        await connection.execute(delete(RECORDS).where(RECORDS.c.fiche.in_(batch), RECORDS.c.fiche.not_in(shown)))


async def are_bound(connection: AsyncConnection, sealer: Sealer, page: int) -> bool:
    """Whether every code stands for what it binds: no row was changed, added or taken away."""
    rows = await connection.stream(as_written(connection, *RECORDS.c).order_by(RECORDS.c.fiche, RECORDS.c.dossier))
    own: list[Any] = []
    async for part in rows.partitions(page):
        for row in part:
            if own and own[-1].fiche != row.fiche:
                if not _holds(sealer, own):
                    return False
                own = []
            own.append(row)
    return not own or _holds(sealer, own)


def _holds(sealer: Sealer, rows: Sequence[Any]) -> bool:
    persons = {row.personne for row in rows}
    if not all(is_number(value) for row in rows for value in row):
        return False
    return len(persons) == 1 and rows[0].fiche == _bound(sealer, min(persons), [row.dossier for row in rows])
