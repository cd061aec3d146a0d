"""Reading the journal back: who read a person, is the chain whole, and forgetting what is too old. SQL, no rule of access."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.seal import Anchor, Sealer, next_
from gateway.stores.counters import forget_before
from gateway.stores.derive_counts import Windows, counts_fault
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.journal_tables import (
    END,
    ENTRIES,
    PERSONS,
    RECORDS,
    START,
    JournalTampered,
    pseudonym,
    put_anchor,
    read_anchor,
    set_of,
    take_anchor,
    unpack,
)
from gateway.stores.shown_records import BATCH, are_bound, codes_of, forget_shown, persons_of
from gateway.stores.sql import batches

INDEX_FAULT = "l'index des personnes ne correspond pas aux entrées"
BOUND = b'"fiches":true'  # in the content of an entry whose codes bind records
PAGE = 2000
PURGE_BATCH = 500  # entries forgotten in one transaction: short, so that answers do not wait


@dataclass(frozen=True, slots=True)
class Verification:
    """The ends of the chain, and the first thing that is wrong with it; None when nothing is."""

    first: int
    last: Anchor
    fault: str | None


async def head(journal: Journal) -> Anchor:
    """The end of the chain. Only a copy kept elsewhere tells a journal that was put back whole to an earlier state."""
    async with journal.engine.connect() as connection:
        return await connection.run_sync(read_anchor, journal.sealer, END)


async def readings_of(
    journal: Journal, ids: Collection[str], records: Collection[str] = ()
) -> list[tuple[bytes, list[int]]]:
    """The entries that show a person, in order: content, and her ranks in it. `ids`, `records`: the keys of all of hers."""
    found: dict[int, tuple[bytes, list[int]]] = {}
    async with journal.engine.connect() as connection:
        mine = await codes_of(connection, journal.sealer, ids, records)
        for batch in batches(sorted(mine), BATCH):
            own = select(PERSONS.c.ensemble).where(PERSONS.c.personne.in_(batch))
            for row in await connection.execute(select(ENTRIES).where(ENTRIES.c.ensemble.in_(own))):
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
            start = await connection.run_sync(read_anchor, journal.sealer, START)
            end = await connection.run_sync(read_anchor, journal.sealer, END)
        except JournalTampered:
            return Verification(0, Anchor(0, b""), "une borne du journal manque ou n'est pas signée par cette clé")
        return Verification(start.numero + 1, end, await _Walk(journal.sealer, start, anchor).fault(connection, end))


async def verify_counts(journal: Journal, windows: Windows, today: date) -> str | None:
    """What is wrong with the counters of quotas, beside a chain that is whole."""
    async with _snapshot(journal) as connection:
        return await counts_fault(connection, windows, today)


class _Walk:
    """One walk from an end of the chain to the other."""

    def __init__(self, sealer: Sealer, start: Anchor, anchor: Anchor | None) -> None:
        self._sealer = sealer
        self._bound = start
        self._anchor = anchor if anchor and anchor.numero > start.numero else None

    async def fault(self, connection: AsyncConnection, end: Anchor) -> str | None:
        """The first thing that is wrong, from the present bound to the end of the chain."""
        entries = await connection.stream(select(ENTRIES).order_by(ENTRIES.c.numero))
        async for page in entries.partitions(PAGE):  # a journal does not fit in memory
            for row in page:
                if (fault := self.advance(row)) is not None:
                    return fault
        if self._bound != end:
            return f"entrée {self._bound.numero + 1} : manquante, la chaîne va jusqu'à {end.numero}"
        if self._anchor and self._anchor.numero > end.numero:
            return f"entrée {end.numero + 1} : manquante, l'ancre est à {self._anchor.numero}"
        # The persons of each set are those of the first entry that shows it.
        first = select(func.min(ENTRIES.c.numero)).group_by(ENTRIES.c.ensemble)
        sets = select(ENTRIES).where(ENTRIES.c.numero.in_(first))
        shown = await self._sum(connection, sets, lambda row: set(unpack(row.personnes)))
        indexed = await self._sum(connection, select(PERSONS), lambda row: (row.personne,))
        whole = shown == indexed and await self._are_told(connection, sets)
        return None if whole and await are_bound(connection, self._sealer, PAGE) else INDEX_FAULT

    def advance(self, row: Any) -> str | None:
        """Take one more entry, or tell what is wrong with it."""
        expected = next_(self._sealer, self._bound, row.contenu, row.personnes)
        if row.numero != expected.numero:
            return f"entrée {expected.numero} : manquante"
        if row.empreinte != expected.digest:
            return f"entrée {row.numero} : altérée, déplacée ou refaite"
        if self._anchor and self._anchor.numero == row.numero and self._anchor != expected:
            return f"entrée {row.numero} : ce n'est pas celle de l'ancre"
        if row.ensemble != set_of(self._sealer, set(unpack(row.personnes))):
            return INDEX_FAULT
        self._bound = expected
        return None

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
        """A keyed weight: two sets of pairs are the same when the sums of theirs are, for nobody else can choose them."""
        pair = person.to_bytes(8, "big", signed=True) + set_code.to_bytes(8, "big", signed=True)
        return int.from_bytes(self._sealer.mac("journal/index", pair))


async def forget_counts(journal: Journal, day: date) -> None:
    """Forget what quotas counted before a day, which no window reaches any more."""
    async with journal.engine.begin() as connection:
        await connection.run_sync(forget_before, day)


async def purge_entries(journal: Journal, stale: Callable[[bytes], bool], record: Callable[[int], bytes]) -> int:
    """Forget the oldest entries, as long as `stale` says so of their content; return how many.

    The signed beginning of the chain moves with them, so that what stays can still be verified. If anything was
    forgotten, `record` makes the entry that tells how many. Raises JournalTampered: a proof of tampering is not forgotten.
    """
    total = 0
    while forgotten := await _forget(journal, stale):
        total += forgotten
    if total:
        await journal.append(JournalEntry(record(total)))
    return total


async def _forget(journal: Journal, stale: Callable[[bytes], bool]) -> int:
    first = select(ENTRIES).order_by(ENTRIES.c.numero).limit(PURGE_BATCH)
    async with journal.engine.begin() as connection:
        walk = _Walk(journal.sealer, await connection.run_sync(take_anchor, journal.sealer, START), None)
        await connection.run_sync(take_anchor, journal.sealer, END)  # nobody adds to a set while it is forgotten
        old: list[Any] = []
        for row in await connection.execute(first):
            if not stale(row.contenu):
                break
            if (fault := walk.advance(row)) is not None:
                raise JournalTampered(fault)
            old.append(row)
        if old:
            await _erase(connection, journal.sealer, old)
    return len(old)


async def _erase(connection: AsyncConnection, sealer: Sealer, old: list[Any]) -> None:
    last = old[-1]
    await connection.execute(delete(ENTRIES).where(ENTRIES.c.numero <= last.numero))
    sets = {row.ensemble: row for row in old}
    remaining = await connection.scalars(select(ENTRIES.c.ensemble).where(ENTRIES.c.ensemble.in_(sets)).distinct())
    for set_code in sets.keys() - set(remaining):
        its_index = PERSONS.c.personne.in_(unpack(sets[set_code].personnes)) & (PERSONS.c.ensemble == set_code)
        await connection.execute(delete(PERSONS).where(its_index))
        await forget_shown(connection, set(unpack(sets[set_code].personnes)))
    await connection.run_sync(put_anchor, sealer, START, Anchor(last.numero, last.empreinte))


@asynccontextmanager
async def _snapshot(journal: Journal) -> AsyncIterator[AsyncConnection]:
    """A connection that sees the database at one instant, whatever is written meanwhile."""
    async with journal.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            await connection.exec_driver_sql("BEGIN")
        else:
            await connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection
