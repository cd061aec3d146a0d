"""Reading the journal back: who read a person, and is the chain whole. SQL, no rule of access.

What stands there is believed only once it was verified: whoever holds the database may have put anything in it, of any type.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.seal import Anchor, Sealer, next_
from gateway.stores.derive_counts import Windows, counts_fault
from gateway.stores.journal import Journal
from gateway.stores.journal_gap import Gap, gap_of
from gateway.stores.journal_keys import Signatures, read_signatures
from gateway.stores.journal_tables import (
    BATCH,
    BOUNDS,
    CLOCK,
    END,
    ENTRIES,
    PERSONS,
    RECORDS,
    START,
    JournalTampered,
    are_bound,
    as_written,
    codes_of,
    is_entry,
    is_number,
    persons_of,
    pseudonym,
    read_anchor,
    set_of,
    unpack,
)
from gateway.stores.sql import batches

INDEX_FAULT = "l'index des personnes ne correspond pas aux entrées"
BOUND = b'"fiches":true'  # in the content of an entry whose codes bind records
PAGE = 2000
BOUND_FAULT = "une borne du journal manque ou n'est pas signée par cette clé"


@dataclass(frozen=True, slots=True)
class Verification:
    """The ends of the chain, and the first thing that is wrong with it; None when nothing is."""

    first: int
    last: Anchor
    fault: str | None
    gaps: tuple[Gap, ...] = ()  # told by an entry each: what a backup had lost


async def head(journal: Journal) -> Anchor:
    """The end of the chain. Only a copy kept elsewhere tells a journal that was put back whole to an earlier state."""
    async with journal.engine.connect() as connection:
        return (await connection.run_sync(read_anchor, journal.keys, END)).anchor


async def readings_of(
    journal: Journal, ids: Collection[str], records: Collection[str] = ()
) -> list[tuple[bytes, list[int]]]:
    """The entries that show a person, in order: content, and her ranks in it. `ids`, `records`: the keys of all of hers.
    Raises JournalTampered for an entry that the gateway cannot have written."""
    found: dict[int, tuple[bytes, list[int]]] = {}
    async with journal.engine.connect() as connection:
        mine = await codes_of(connection, journal.sealer, ids, records)
        for batch in batches(sorted(mine), BATCH):
            own = select(PERSONS.c.ensemble).where(PERSONS.c.personne.in_(batch))
            for row in await connection.execute(
                as_written(connection, *ENTRIES.c).where(ENTRIES.c.ensemble.in_(own)).order_by(ENTRIES.c.numero)
            ):
                if not is_entry(row) or len(row.personnes) % 8:
                    raise JournalTampered(f"entrée {row.numero} : altérée")
                ranks = [rank for rank, code in enumerate(unpack(row.personnes)) if code in mine]
                found[row.numero] = row.contenu, ranks
    return [found[numero] for numero in sorted(found) if found[numero][1]]


async def records_shown_as(journal: Journal, key: str) -> set[int]:
    """The codes of the records that were shown under the id of a key."""
    code = pseudonym(journal.sealer, key)
    async with journal.engine.connect() as connection:
        return set(await connection.scalars(select(RECORDS.c.dossier).where(RECORDS.c.personne == code)))


async def verify_chain(journal: Journal, anchor: Anchor | None = None) -> Verification:
    """Walk the whole chain, of one instant. `anchor`: an end kept elsewhere, which the chain must pass through."""
    async with _snapshot(journal) as connection:
        try:
            start = (await connection.run_sync(read_anchor, journal.keys, START)).anchor
            signed = await connection.run_sync(read_anchor, journal.keys, END)
            if await connection.scalar(select(BOUNDS.c.nom).where(BOUNDS.c.nom == CLOCK)):
                await connection.run_sync(read_anchor, journal.keys, CLOCK)
            signatures = await connection.run_sync(read_signatures, journal.keys, signed.signer)
        except (JournalTampered, DBAPIError):
            return Verification(0, Anchor(0, b""), BOUND_FAULT)
        end, walk = signed.anchor, ChainWalk(journal.sealer, signatures, start, anchor)
        try:
            fault = await walk.fault(connection, end)
        except JournalTampered as error:
            fault = str(error)
        except DBAPIError as error:
            fault = f"entrée {walk.following} ou plus loin : illisible ({type(error).__name__})"
        return Verification(start.numero + 1, end, fault, tuple(walk.gaps))


async def verify_counts(journal: Journal, windows: Windows, today: date) -> str | None:
    """What is wrong with the counters of quotas, beside a chain that is whole."""
    async with _snapshot(journal) as connection:
        return await counts_fault(connection, windows, today)


class ChainWalk:
    """One walk from an end of the chain to the other."""

    def __init__(self, sealer: Sealer, signatures: Signatures, start: Anchor, anchor: Anchor | None) -> None:
        self._sealer, self._signatures = sealer, signatures
        self._bound = start
        self._anchor = anchor if anchor and anchor.numero > start.numero else None
        self.gaps: list[Gap] = []

    @property
    def following(self) -> int:
        """The number of the entry that comes next."""
        return self._bound.numero + 1

    async def fault(self, connection: AsyncConnection, end: Anchor) -> str | None:
        """The first thing that is wrong, from the present bound to the end of the chain."""
        entries = await connection.stream(as_written(connection, *ENTRIES.c).order_by(ENTRIES.c.numero))
        async for page in entries.partitions(PAGE):  # a journal does not fit in memory
            for row in page:
                if (fault := self.advance(row)) is not None:
                    return fault
        if self._bound != end:
            return f"entrée {self.following} : manquante, la chaîne va jusqu'à {end.numero}"
        if self._anchor and self._anchor.numero > end.numero:
            return f"entrée {end.numero + 1} : manquante, l'ancre est à {self._anchor.numero}"
        # The persons of each set are those of the first entry that shows it.
        first = select(func.min(ENTRIES.c.numero)).group_by(ENTRIES.c.ensemble)
        sets = as_written(connection, *ENTRIES.c).where(ENTRIES.c.numero.in_(first))
        shown = await self._sum(connection, sets, lambda row: set(unpack(row.personnes)))
        indexed = await self._sum(connection, as_written(connection, *PERSONS.c), lambda row: (row.personne,))
        whole = shown == indexed and await self._are_told(connection, sets)
        return None if whole and await are_bound(connection, self._sealer, PAGE) else INDEX_FAULT

    def advance(self, row: Any) -> str | None:
        """Take one more entry, or tell what is wrong with it. Raises JournalTampered where no key of ours signed it."""
        if not is_entry(row):
            number = row.numero if is_number(row.numero) else self.following
            return f"entrée {number} : altérée, une valeur n'y est plus du type écrit"
        expected = next_(self._signatures.at(self.following), self._bound, row.contenu, row.personnes)
        if row.numero != expected.numero:
            extra = row.numero < expected.numero
            return f"entrée {row.numero} : en trop" if extra else f"entrée {expected.numero} : manquante"
        if row.empreinte != expected.digest:
            return f"entrée {row.numero} : altérée, déplacée ou refaite"
        self._note_gap(row)  # its own number may be that of the anchor that was lost
        if self._anchor and self._anchor.numero == row.numero and self._anchor != expected:
            return f"entrée {row.numero} : ce n'est pas celle de l'ancre"
        if row.ensemble != set_of(self._sealer, set(unpack(row.personnes))):
            return INDEX_FAULT
        self._bound = expected
        return None

    def _note_gap(self, row: Any) -> None:
        """An anchor of what was lost is none to pass through any more."""
        if (gap := gap_of(row.contenu)) is not None:
            self.gaps.append(gap)
            self._anchor = None if self._anchor and gap.covers(self._anchor) else self._anchor

    async def _are_told(self, connection: AsyncConnection, sets: Any) -> bool:
        """Whether it is written what the codes of entries that bind records stand for."""
        async for page in (await connection.stream(sets)).partitions(PAGE):
            codes = {code for row in page if BOUND in row.contenu for code in unpack(row.personnes)}
            if len(await persons_of(connection, codes)) != len(codes):
                return False
        return True

    async def _sum(self, connection: AsyncConnection, query: Any, persons: Callable[[Any], Iterable[int]]) -> int:
        """The sum of the weights of the persons of each row, with the set of that row."""
        total = 0
        rows = await connection.stream(query)
        async for page in rows.partitions(PAGE):
            total += sum(self._weight(person, row.ensemble) for row in page for person in persons(row))
        return total

    def _weight(self, person: int, set_code: int) -> int:
        """A keyed weight: two sets of pairs are the same when the sums of theirs are, for nobody else can choose them. A pair
        that the gateway cannot have written weighs what makes any sum false."""
        if not (is_number(person) and is_number(set_code)):
            return -(2**512)
        pair = person.to_bytes(8, "big", signed=True) + set_code.to_bytes(8, "big", signed=True)
        return int.from_bytes(self._sealer.mac("journal/index", pair))


@asynccontextmanager
async def _snapshot(journal: Journal) -> AsyncIterator[AsyncConnection]:
    """A connection that sees the database at one instant, whatever is written meanwhile."""
    async with journal.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            await connection.exec_driver_sql("BEGIN")
        else:
            await connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection
