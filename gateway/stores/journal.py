"""The reading journal: one chain for all the processes of a database, written before answers leave. SQL, no rule of access.

At rest: what was read in names of fields, by whom, for what, and pseudonyms of persons (64 bits of an HMAC). No value.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache, partial
from itertools import repeat
from typing import Any

from cachetools import TTLCache
from sqlalchemy import Connection

from gateway.domain.quota_rules import CountUnder, Quota, QuotaCrossed
from gateway.domain.seal import ChainKeys, Sealer, next_
from gateway.errors import ConfigurationError, JournalUnavailable
from gateway.stores.journal_availability import WAITING_MAX, Availability, GuardedWriter, logger
from gateway.stores.journal_tables import (
    END,
    ENTRIES,
    PERSONS,
    RECORDS,
    JournalTampered,
    ShownPerson,
    SignedAnchor,
    create_journal,
    pack,
    put_anchor,
    put_probe,
    read_anchor,
    set_of,
    shown_person,
    take_anchor,
)
from gateway.stores.quota_counters import CountedToday, count
from gateway.stores.sql import insertion, open_engine, tell_unverified, told, writer

_WRITE = ENTRIES.insert()
_code_of_set = lru_cache(256)(set_of)  # of the pages that are shown again and again
SETS_MAX = 65_536
SETS_LIFE = 3600.0  # seconds; nothing younger than a day is ever purged

Verdict = list[QuotaCrossed]
BATCH_MAX, BATCH_PERSONS = 64, 6400  # entries and persons of one transaction: well within the time of a write
LOCK_WAIT = 4  # seconds that a process waits for another one's transaction, below WRITE_TIMEOUT
PSEUDONYMS_MAX = 65_536  # kept in memory: the same persons are read again and again


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An entry to write: its content, the keys of the persons it speaks of, in order, and how to count them. `records`: the
    keys of the records that told of each person, where records did."""

    content: bytes
    persons: tuple[str, ...] = ()
    count_under: CountUnder | None = None
    records: tuple[tuple[str, ...], ...] = ()


@dataclass(slots=True)
class AlreadyWritten:
    """Facts that this process need not write again: who is counted today, and the sets of persons that it indexed within an
    hour, and what the codes of persons stand for, so that no purge has forgotten them."""

    counted: CountedToday = field(default_factory=CountedToday)
    sets: TTLCache[int, None] = field(default_factory=lambda: TTLCache(SETS_MAX, SETS_LIFE))
    shown: TTLCache[int, None] = field(default_factory=lambda: TTLCache(SETS_MAX, SETS_LIFE))


class Batch:
    """The entries of one transaction, as they are chained."""

    def __init__(self, sealer: Sealer, end: SignedAnchor, already_written: AlreadyWritten) -> None:
        self.anchor, self._signer = end.anchor, end.signer
        self._already_written = already_written
        self._new: list[tuple[CountUnder, list[int]]] = []
        self._sealer = sealer
        self._entries: list[dict[str, Any]] = []
        self._sets: dict[int, list[int]] = {}  # not known to be indexed: its code, its persons
        self._shown: dict[int, ShownPerson] = {}  # not known to be written

    def add(self, connection: Connection, entry: JournalEntry, shown: list[ShownPerson]) -> Verdict:
        """The quotas that an entry crosses; it is chained unless one of them refuses it. `shown`: its persons."""
        verdict = self._count(connection, entry.count_under, list(dict.fromkeys([who.person for who in shown])))
        if not any(crossed.arret for crossed in verdict):
            codes = [who.code for who in shown]
            distinct = list(dict.fromkeys(codes))
            persons, set_code = pack(codes), _code_of_set(self._sealer, tuple(distinct))
            self.anchor = next_(self._signer, self.anchor, entry.content, persons)
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
                self._shown |= {who.code: who for who in shown if who.code not in self._already_written.shown}
        return verdict

    def _count(self, connection: Connection, count_under: CountUnder | None, persons: list[int]) -> Verdict:
        if count_under is None or self._already_written.counted.holds_all(count_under, persons):
            return []
        verdict = count(connection, count_under, persons, self.anchor.numero + 1)
        if not any(crossed.arret for crossed in verdict):
            self._new.append((count_under, persons))
        return verdict

    def remember(self) -> None:
        """To be told once the transaction is committed: what was counted and indexed need not be again."""
        for count_under, persons in self._new:
            self._already_written.counted.remember(count_under, persons)
        for set_code in self._sets:
            self._already_written.sets[set_code] = None
        for who in self._shown:
            self._already_written.shown[who] = None

    def put(self, connection: Connection, index: str) -> None:
        """Write. `index`: an insertion in PERSONS as the driver reads it."""
        if self._entries:
            connection.execute(_WRITE, self._entries)
            put_anchor(connection, self._signer, END, self.anchor)
        pairs = [(code, set_code) for set_code, distinct in self._sets.items() for code in distinct]
        if pairs:
            connection.exec_driver_sql(index, pairs)
        if rows := [row for who in self._shown.values() for row in who.rows()]:
            connection.execute(insertion(connection, RECORDS).on_conflict_do_nothing(), rows)


_NOBODY = Quota("ESSAI", "", date.min, date.min, 1, 1.0)
# Written as any other, with a person and a quota, and taken back: every table of a reading must bear it.
PROBE = JournalEntry(b"", ("",), CountUnder((_NOBODY,), "", 0))


Waiting = tuple[JournalEntry, asyncio.Future[Verdict]]


class Journal:
    """Appends by group: while one transaction is being written, the entries that come wait for the next one.

    `on_change` is told whether the store can be written, each time that changes. `signers`: the keys of the chain, where it is
    not the sealer's own.
    """

    def __init__(
        self,
        url: str,
        sealer: Sealer,
        on_change: Callable[[bool], None] = lambda _: None,
        signers: Sequence[Sealer] = (),
    ) -> None:
        self.url, self.engine = url, open_engine(url, LOCK_WAIT, is_durable=True)
        self.sealer, self.keys = sealer, ChainKeys(signers or (sealer,))
        self._writer = GuardedWriter(
            writer(self.engine, LOCK_WAIT), self._put_probe, Availability(on_change), self._refuse_beyond
        )
        self._waiting: deque[Waiting] = deque()
        self._writing = 0  # entries of the batch that is being written
        self._task: asyncio.Task[None] | None = None
        self._already_written = AlreadyWritten()
        self._seen = 0  # number of the last entry this process wrote
        self._shown_person = lru_cache(PSEUDONYMS_MAX)(partial(shown_person, sealer))
        # Compiled once: a batch adds rows by the hundred.
        index = insertion(self.engine, PERSONS).on_conflict_do_nothing()
        self._index = str(index.compile(dialect=self.engine.dialect))

    async def prepare(self) -> None:
        """Create what is missing, and believe nothing of what is there. Raises ConfigurationError."""
        with told("journal"):
            async with self.engine.begin() as connection:
                await create_journal(connection, self.keys)

    async def open(self) -> None:
        """Create what is missing. Raises ConfigurationError when the store cannot be used, or another key wrote it."""
        tell_unverified("journal", self.url)
        await self.prepare()
        try:
            with told("journal"):
                async with self.engine.connect() as connection:
                    await connection.run_sync(read_anchor, self.keys, END)
        except JournalTampered:
            raise ConfigurationError("journal : scellé par une autre GATEWAY_CLE, ou altéré") from None

    async def close(self) -> None:
        if self._task is not None:
            await self._task
        await self._writer.close()
        await self.engine.dispose()

    async def run_probe(self) -> bool:
        """True when an entry could be written now."""
        return await self._writer.run_probe()

    async def append(self, entry: JournalEntry) -> Verdict:
        """The quotas that an entry crosses. It is counted and on the disk when this returns, unless one of them refuses it
        (`arret`): then nothing is. Raises JournalUnavailable, at once where writes hang, or are slow and too many wait."""
        is_full = self._writer.is_slow and self._writing + len(self._waiting) >= WAITING_MAX
        if self._writer.state.is_hung or is_full:
            raise JournalUnavailable
        verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, verdict))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await verdict

    async def _drain(self) -> None:
        while self._waiting:
            batch = self._take_batch()
            self._writing = len(batch)
            await self._write(batch)
            self._writing = 0

    def _take_batch(self) -> list[Waiting]:
        batch: list[Waiting] = []
        persons = 0
        while self._waiting and len(batch) < BATCH_MAX and persons < BATCH_PERSONS:
            batch.append(self._waiting.popleft())
            persons += len(batch[-1][0].persons)
        return batch

    async def _write(self, batch: list[Waiting]) -> None:
        """Write a batch, without those of its entries that the store refuses alone."""
        verdicts = await self._attempt([entry for entry, _ in batch])
        if verdicts is not None:
            if not self._writer.state.is_available:
                await self._writer.probe()
            _resolve(batch, verdicts)
        elif not await self._writer.would_write():
            # The entries behind would meet the same failure, after as long a wait.
            self._refuse_beyond(0)
            _refuse(batch)
        elif len(batch) == 1:
            logger.error("journal des lectures : une entrée refusée par la base, sa réponse n'est pas partie")
            _refuse(batch)
        else:
            half = len(batch) // 2
            await self._write(batch[:half])
            await self._write(batch[half:])

    async def _attempt(self, entries: Sequence[JournalEntry]) -> list[Verdict] | None:
        """Write a batch; None when it could not be."""
        try:
            verdicts, batch = await self._writer.transaction(partial(self._put, entries))
        except Exception:  # whatever fails, no answer may leave without its entry
            return None
        self._seen = batch.anchor.numero
        batch.remember()
        return verdicts

    def _put(self, entries: Sequence[JournalEntry], connection: Connection) -> tuple[list[Verdict], Batch]:
        end = take_anchor(connection, self.keys, END)
        if end.anchor.numero < self._seen:
            raise JournalTampered("the chain is shorter than what was written")
        batch = Batch(self.sealer, end, self._already_written)
        verdicts = [batch.add(connection, entry, self._shown(entry)) for entry in entries]
        batch.put(connection, self._index)
        return verdicts, batch

    def _shown(self, entry: JournalEntry) -> list[ShownPerson]:
        return list(map(self._shown_person, entry.persons, entry.records or repeat(())))

    def _put_probe(self, content: bytes, connection: Connection) -> None:
        """Commit the trace of a probe, and take back an entry written as any other."""
        put_probe(connection, content)
        with connection.begin_nested() as taken_back:
            self._put([PROBE], connection)
            taken_back.rollback()

    def _refuse_beyond(self, places: int) -> None:
        """Refuse those who wait, the last come first, until so many are left with those that are being written."""
        left = max(0, places - self._writing)
        _refuse([self._waiting.pop() for _ in range(len(self._waiting) - left)])


def _resolve(batch: list[Waiting], verdicts: list[Verdict]) -> None:
    for (_, future), verdict in zip(batch, verdicts, strict=True):
        if not future.done():  # else its caller left
            future.set_result(verdict)


def _refuse(waiting: list[Waiting]) -> None:
    for _, future in waiting:
        if not future.done():
            future.set_exception(JournalUnavailable())
