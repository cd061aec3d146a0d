"""What the counters of quotas must hold, made again from the entries of the journal: the chain vouches for them.

A counter that was taken away or set back would give a reader more than its quota. It is told by the verification of the
journal, and made again on demand. What was counted before entries said for whom is left as it is.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.days import paris_day
from gateway.domain.seal import number_of
from gateway.stores.journal import Journal
from gateway.stores.journal_tables import END, ENTRIES, persons_of, take_anchor, unpack
from gateway.stores.quota_counters import KEY, READ, UPDATED
from gateway.stores.sql import batches, insertion

COUNTS_FAULT = "les compteurs des quotas ne correspondent pas aux entrées"
COUNTED = b'"comptes":'  # in the content of an entry that says for whom its persons are counted
PAGE = 500
CLOCKS = timedelta(days=2)  # between entries that follow each other, at most: several processes write
BATCH = 5_000  # rows of one statement

Windows = Mapping[str, date]  # the first day of the window of a quota, by its name
Counter = tuple[str, str, int]  # quota, reader, person


@dataclass(frozen=True, slots=True)
class Proof:
    """The last day on which entries count a person for a reader, and the last entry of that day."""

    day: date
    entry: int


async def derive_counts(connection: AsyncConnection, windows: Windows, today: date) -> dict[Counter, Proof]:
    """Every counter that the entries prove within the windows."""
    found: dict[Counter, Proof] = {}
    oldest = min(windows.values()) - CLOCKS
    async for page in _latest_entries(connection):
        persons = await persons_of(connection, {code for row in page for code in unpack(row.personnes)})
        for row in page:
            content = orjson.loads(row.contenu)
            # An entry of a day to come was written by a clock since set back.
            day = min(paris_day(datetime.fromisoformat(content["quand"])), today)
            if day < oldest:
                return found
            if COUNTED in row.contenu:
                shown = [persons.get(code, code) for code in unpack(row.personnes)]
                for counter in _counters(content["comptes"], shown):
                    known = found.get(counter)
                    if day >= windows.get(counter[0], date.max) and (known is None or known.day < day):
                        found[counter] = Proof(day, row.numero)
    return found


async def _latest_entries(connection: AsyncConnection) -> AsyncIterator[list[Any]]:
    """The entries by pages, the last one first."""
    last = None
    while True:
        page = select(ENTRIES).order_by(ENTRIES.c.numero.desc()).limit(PAGE)
        rows = (await connection.execute(page if last is None else page.where(ENTRIES.c.numero < last))).all()
        if not rows:
            return
        yield list(rows)
        last = rows[-1].numero


def _counters(counted_by: Mapping[str, str], persons: list[int]) -> Iterator[Counter]:
    for quota, who in counted_by.items():
        counted = [number_of(counted_by["COMPTE"])] if quota == "AGENTS" else persons
        yield from ((quota, who, person) for person in counted)


async def counts_fault(connection: AsyncConnection, windows: Windows, today: date) -> str | None:
    """What is wrong with the counters: one that no entry proves, one set back, one taken away."""
    try:
        proofs = await derive_counts(connection, windows, today)
        rows = await connection.stream(select(READ).where(_within(windows)))
        async for page in rows.partitions(BATCH):
            for row in page:
                proof = proofs.pop((row.portee, row.qui, row.personne), None)
                if (proof is None and row.entree is not None) or (proof is not None and row.jour < proof.day):
                    return COUNTS_FAULT
    except (ValueError, TypeError, KeyError):  # a value of another type than what is written
        return COUNTS_FAULT
    return COUNTS_FAULT if proofs else None


def _within(windows: Windows) -> Any:
    return or_(*((READ.c.portee == quota) & (READ.c.jour >= since) for quota, since in windows.items()))


async def count_again(journal: Journal, windows: Windows, today: date) -> int:
    """Make the counters again from the entries; return how many there are. Raises JournalTampered."""
    async with journal.engine.begin() as connection:
        await connection.run_sync(take_anchor, journal.keys, END)  # nobody counts meanwhile
        proofs = await derive_counts(connection, windows, today)
        await connection.execute(READ.delete().where(_within(windows), READ.c.entree.is_not(None)))
        await connection.run_sync(_write, proofs)
    return len(proofs)


def _write(connection: Connection, proofs: Mapping[Counter, Proof]) -> None:
    insert = insertion(connection, READ)
    upsert = insert.on_conflict_do_update(index_elements=KEY, set_={name: insert.excluded[name] for name in UPDATED})
    rows = [dict(zip(KEY, counter, strict=True), jour=p.day, entree=p.entry) for counter, p in proofs.items()]
    for batch in batches(rows, BATCH):
        connection.execute(upsert, batch)
