"""A journal that was restored, and goes on behind what the backup did not have. SQL, no rule of access.

The chain goes on from the end that was restored; what is lost is told by an entry, signed as any other, which names an anchor of
before kept elsewhere. What quotas counted is lost with it: organisations start again from the level of their alert, by persons
that nobody is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import count

import orjson
from sqlalchemy import Connection, func, select

from gateway.domain.seal import Anchor, Sealer
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.journal_tables import END, code, take_anchor
from gateway.stores.quota_counters import POPULATIONS, READ
from gateway.stores.sql import batches, insertion

ACT = b'"acte":"REPRISE"'  # in the content of an entry that tells a gap
SCOPE = "ORGANISATION"
BATCH = 5_000  # rows of one statement

Level = Callable[[str, int], int]  # of an organisation and its population: what is to be counted as read at least


@dataclass(frozen=True, slots=True)
class Gap:
    """What was lost: the entries from the one after `end` to the one of `anchor`, and why."""

    end: Anchor
    anchor: Anchor
    reason: str

    def covers(self, anchor: Anchor) -> bool:
        """Whether an anchor is of an entry that was lost."""
        return anchor == self.anchor or self.end.numero < anchor.numero < self.anchor.numero

    def __str__(self) -> str:
        return f"entrées {self.end.numero + 1} à {self.anchor.numero} perdues ({self.reason})"


def gap_of(content: bytes) -> Gap | None:
    """The gap that an entry tells, if it does. Raises ValueError, KeyError or TypeError for one that nobody wrote so."""
    if ACT not in content:
        return None
    told = orjson.loads(content)
    return Gap(Anchor.read(told["fin"]), Anchor.read(told["ancre"]), str(told["motif"]))


async def resume(
    journal: Journal, write: Callable[[Anchor], bytes], anchor: Anchor, since: date, level: Level
) -> Gap | None:
    """Tell the gap between the end and an anchor of behind it; None where nothing is lost. `write`: the content of the entry,
    by the end; `since`: the first day of the window of organisations. Raises JournalTampered, JournalUnavailable."""
    async with journal.engine.begin() as connection:
        end = (await connection.run_sync(take_anchor, journal.keys, END)).anchor
        if anchor.numero <= end.numero:
            return None
        await connection.run_sync(_count_unknown, journal.sealer, since, level)
    content = write(end)
    await journal.append(JournalEntry(content))
    return gap_of(content)


def _count_unknown(connection: Connection, sealer: Sealer, since: date, level: Level) -> None:
    largest = select(POPULATIONS.c.qui, func.max(POPULATIONS.c.nombre), func.max(POPULATIONS.c.jour))
    for who, population, day in connection.execute(largest.where(POPULATIONS.c.jour >= since).group_by("qui")).all():
        mine = (READ.c.portee == SCOPE) & (READ.c.qui == who) & (READ.c.jour >= since)
        read = connection.scalar(select(func.count()).where(mine)) or 0
        unknown = (code(sealer.mac("quota/reprise", f"{who}/{rank}".encode())) for rank in count())
        rows = [
            {"portee": SCOPE, "qui": who, "personne": person, "jour": day, "entree": None}
            for person, _ in zip(unknown, range(level(who, population) - read), strict=False)
        ]
        for batch in batches(rows, BATCH):
            connection.execute(insertion(connection, READ).on_conflict_do_nothing(), batch)
