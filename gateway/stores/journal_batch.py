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
SETS_DURATION = 3600.0  # seconds; nothing younger than a day is ever purged

Verdict = list[QuotaCrossed]


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What is to be written: the entry, the keys of the persons it speaks of, in order, and how to count them."""

    content: bytes
    persons: tuple[str, ...] = ()
    count_under: CountUnder | None = None


@dataclass(slots=True)
class AlreadyWritten:
    """What this process knows to be written already: who is counted today, and the sets of persons that an entry of the
    last hour shows, so that no purge forgot them."""

    counted: person_counts.CountedToday = field(default_factory=person_counts.CountedToday)
    sets: TTLCache[int, None] = field(default_factory=lambda: TTLCache(SETS_MAX, SETS_DURATION))


class Batch:
    """The entries of one transaction, as they are chained."""

    def __init__(self, sealer: Sealer, anchor: Anchor, already_written: AlreadyWritten) -> None:
        self.anchor = anchor
        self._already_written = already_written
        self._new: list[tuple[CountUnder, list[int]]] = []
        self._sealer = sealer
        self._entries: list[dict[str, Any]] = []
        self._sets: dict[int, list[int]] = {}  # not known to be indexed

    def add(self, connection: Connection, journal_entry: JournalEntry, codes: list[int]) -> Verdict:
        distinct = list(dict.fromkeys(codes))
        verdict = self._count(connection, journal_entry.count_under, distinct)
        if not any(crossed.arret for crossed in verdict):
            persons, set_ = pack(codes), set_of(self._sealer, distinct)
            self.anchor = next_(self._sealer, self.anchor, journal_entry.content, persons)
            self._entries.append(_line(self.anchor, journal_entry.content, persons, set_))
            if set_ not in self._already_written.sets:
                self._sets[set_] = distinct
        return verdict

    def _count(self, connection: Connection, count_under: CountUnder | None, persons: list[int]) -> Verdict:
        if count_under is None or self._already_written.counted.all_(count_under, persons):
            return []
        verdict = person_counts.count(connection, count_under, persons)
        if not any(crossed.arret for crossed in verdict):
            self._new.append((count_under, persons))
        return verdict

    def limit_lookups(self) -> None:
        """The transaction is committed: what was counted stays counted, what was indexed stays so."""
        for count_under, persons in self._new:
            self._already_written.counted.limit_lookups(count_under, persons)
        for set_ in self._sets:
            self._already_written.sets[set_] = None

    def put(self, connection: Connection, index_entry: str) -> None:
        """Write. `index_entry`: an insertion in PERSONNES as the driver reads it, for rows by the hundred."""
        if self._entries:
            connection.execute(_WRITE, self._entries)
            put_anchor(connection, self._sealer, END, self.anchor)
        index = [(code, set_) for set_, distinct in self._sets.items() for code in distinct]
        if index:
            connection.exec_driver_sql(index_entry, index)


def _line(anchor: Anchor, content: bytes, persons: bytes, set_: int) -> dict[str, Any]:
    return {
        "numero": anchor.numero,
        "contenu": content,
        "personnes": persons,
        "empreinte": anchor.digest,
        "ensemble": set_,
    }
