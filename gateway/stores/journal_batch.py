"""The entries of one transaction of the reading journal: counted, chained, written. Knows no loop and no other process."""

from dataclasses import dataclass, field
from typing import Any

from cachetools import TTLCache
from sqlalchemy import Connection

from gateway.domain.hash_chain import Anchor, next_
from gateway.domain.quotas import CountUnder, QuotaCrossed
from gateway.domain.seal import Sealer
from gateway.stores import person_counts
from gateway.stores.journal_tables import END, ENTRIES, pack, put_anchor, set_of

_WRITE = ENTRIES.insert()
SETS_MAX = 65_536
SETS_LIFE = 3600.0  # seconds; nothing younger than a day is ever purged

Verdict = list[QuotaCrossed]


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An entry to write: its content, the keys of the persons it speaks of, in order, and how to count them."""

    content: bytes
    persons: tuple[str, ...] = ()
    count_under: CountUnder | None = None


@dataclass(slots=True)
class AlreadyWritten:
    """Facts that this process need not write again: who is counted today, and the sets of persons that it indexed within an
    hour, so that no purge has forgotten them."""

    counted: person_counts.CountedToday = field(default_factory=person_counts.CountedToday)
    sets: TTLCache[int, None] = field(default_factory=lambda: TTLCache(SETS_MAX, SETS_LIFE))


class Batch:
    """The entries of one transaction, as they are chained."""

    def __init__(self, sealer: Sealer, anchor: Anchor, already_written: AlreadyWritten) -> None:
        self.anchor = anchor
        self._already_written = already_written
        self._new: list[tuple[CountUnder, list[int]]] = []
        self._sealer = sealer
        self._entries: list[dict[str, Any]] = []
        self._sets: dict[int, list[int]] = {}  # not known to be indexed: its code, its persons

    def add(self, connection: Connection, entry: JournalEntry, codes: list[int]) -> Verdict:
        """The quotas that an entry crosses; it is chained unless one of them refuses it. `codes`: of its persons."""
        distinct = list(dict.fromkeys(codes))
        verdict = self._count(connection, entry.count_under, distinct)
        if not any(crossed.arret for crossed in verdict):
            persons, set_code = pack(codes), set_of(self._sealer, distinct)
            self.anchor = next_(self._sealer, self.anchor, entry.content, persons)
            self._entries.append(
                {
                    "numero": self.anchor.numero,
                    "contenu": entry.content,
                    "personnes": persons,
                    "empreinte": self.anchor.digest,
                    "ensemble": set_code,
                }
            )
            if set_code not in self._already_written.sets:
                self._sets[set_code] = distinct
        return verdict

    def _count(self, connection: Connection, count_under: CountUnder | None, persons: list[int]) -> Verdict:
        if count_under is None or self._already_written.counted.holds_all(count_under, persons):
            return []
        verdict = person_counts.count(connection, count_under, persons)
        if not any(crossed.arret for crossed in verdict):
            self._new.append((count_under, persons))
        return verdict

    def remember(self) -> None:
        """To be told once the transaction is committed: what was counted and indexed need not be again."""
        for count_under, persons in self._new:
            self._already_written.counted.remember(count_under, persons)
        for set_code in self._sets:
            self._already_written.sets[set_code] = None

    def put(self, connection: Connection, index: str) -> None:
        """Write. `index`: an insertion in PERSONS as the driver reads it."""
        if self._entries:
            connection.execute(_WRITE, self._entries)
            put_anchor(connection, self._sealer, END, self.anchor)
        pairs = [(code, set_code) for set_code, distinct in self._sets.items() for code in distinct]
        if pairs:
            connection.exec_driver_sql(index, pairs)
