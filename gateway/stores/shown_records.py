"""Persons as answers showed them: an id, and the records that told of her just then. SQL and codes; no value.

An id goes to other records in time: persons are found to be one, or parted, and an id made without the ledger of links is no
other view's. What was shown does not change: an entry names its persons by a code that binds id and records, and these are
written once, whatever the number of readings. Who read a person is then who was shown a record of hers.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.seal import Sealer
from gateway.stores.journal_tables import PERSONS, RECORDS, as_written, code, is_number, pack, pseudonym
from gateway.stores.sql import batches

BATCH = 5_000  # values of one IN


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
