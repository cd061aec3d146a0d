"""The reading journal: one chain for all the processes of a database, written before answers leave. SQL, no rule of access.

At rest: what was read in names of fields, by whom, for what, and pseudonyms of persons (64 bits of an HMAC). No value.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.domain.hash_chain import Anchor
from gateway.domain.seal import Sealer
from gateway.errors import ConfigurationError, JournalUnavailable
from gateway.stores.journal_batch import AlreadyWritten, Batch, JournalEntry, Verdict
from gateway.stores.journal_tables import (
    END,
    PERSONS,
    JournalTampered,
    create_journal,
    pseudonym,
    read_anchor,
    take_anchor,
)
from gateway.stores.sql import insertion, open_engine, writer

BATCH_MAX, BATCH_PERSONS = 64, 6400  # entries and persons of one transaction: well within WRITE_TIMEOUT
LOCK_WAIT = 4  # seconds that a process waits for another one's transaction
WRITE_TIMEOUT = 5.0  # seconds, above LOCK_WAIT; beyond, what waits is refused
CODES_MAX = 65_536  # pseudonyms kept: the same persons are read again and again
ATTEMPT = JournalEntry(b"")  # what a probe writes and takes back

logger = logging.getLogger("gateway.journal")

Waiters = tuple[JournalEntry, asyncio.Future[Verdict]]


class Journal:
    """Appends by group: while one transaction is being written, the entries that come wait for the next one.

    `date_report` is told whether the store can be written, each time that changes.
    """

    def __init__(self, url: str, sealer: Sealer, date_report: Callable[[bool], None] = lambda _: None) -> None:
        self.engine = open_engine(url, LOCK_WAIT, is_durable=True)
        self._writer = writer(self.engine, LOCK_WAIT)
        self.sealer = sealer
        self._report = date_report
        self._available = True
        self._waiters: deque[Waiters] = deque()
        self._task: asyncio.Task[None] | None = None
        self._already_written = AlreadyWritten()
        self._seen = 0  # number of the last entry this process wrote
        self._encode = lru_cache(CODES_MAX)(partial(pseudonym, sealer))
        addition = insertion(self.engine, PERSONS).on_conflict_do_nothing()
        self._index = str(addition.compile(dialect=self.engine.dialect))

    async def open(self) -> None:
        """Create what is missing. Raises ConfigurationError when the store cannot be used, or another key wrote it."""
        try:
            async with self.engine.begin() as connection:
                await create_journal(connection, self.sealer)
                await connection.run_sync(read_anchor, self.sealer, END)
        except JournalTampered:
            raise ConfigurationError("journal : scellé par une autre GATEWAY_CLE, ou altéré") from None
        except (SQLAlchemyError, OSError) as error:
            raise ConfigurationError(f"journal : base inutilisable ({type(error).__name__})") from None

    async def close(self) -> None:
        if self._task is not None:
            await self._task
        await self._writer.close()
        await self.engine.dispose()

    async def run_probe(self) -> bool:
        """Whether an entry could be written now: one is, as any other, and taken back."""
        try:
            async with asyncio.timeout(WRITE_TIMEOUT), self.engine.connect() as connection:
                await connection.run_sync(partial(self._put, [ATTEMPT]))
        except Exception as error:
            self._say(False, type(error).__name__)
            return False
        self._say(True)
        return True

    async def append(self, journal_entry: JournalEntry) -> Verdict:
        """Count and write an entry; it is on the disk when this returns. Raises JournalUnavailable.

        When a quota that the entry crosses refuses it (`arret`), nothing was counted nor written.
        """
        made: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiters.append((journal_entry, made))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await made

    async def _drain(self) -> None:
        while self._waiters:
            batch = self._take_batch()
            verdicts = await self._attempt([journal_entry for journal_entry, _ in batch])
            if verdicts is None:  # those who wait would only wait longer
                _refuse([*batch, *self._waiters])
                self._waiters.clear()
            else:
                _give(batch, verdicts)

    def _take_batch(self) -> list[Waiters]:
        batch: list[Waiters] = []
        while self._waiters and len(batch) < BATCH_MAX and sum(len(one.persons) for one, _ in batch) < BATCH_PERSONS:
            batch.append(self._waiters.popleft())
        return batch

    async def _attempt(self, inscriptions: Sequence[JournalEntry]) -> list[Verdict] | None:
        """Write a batch; None when it could not be. Whatever fails, nothing of it may leave."""
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                verdicts = await self._write(inscriptions)
        except Exception as error:  # no failure of a store may let an answer go
            self._say(False, type(error).__name__)
            return None
        self._say(True)
        return verdicts

    async def _write(self, inscriptions: Sequence[JournalEntry]) -> list[Verdict]:
        verdicts, batch = await self._writer.transaction(partial(self._put, inscriptions))
        self._seen = batch.anchor.numero
        batch.limit_lookups()
        return verdicts

    def _put(self, inscriptions: Sequence[JournalEntry], connection: Connection) -> tuple[list[Verdict], Batch]:
        batch = Batch(self.sealer, self._acquire(connection), self._already_written)
        verdicts = [batch.add(connection, one, list(map(self._encode, one.persons))) for one in inscriptions]
        batch.put(connection, self._index)
        return verdicts, batch

    def _acquire(self, connection: Connection) -> Anchor:
        anchor = take_anchor(connection, self.sealer, END)
        if anchor.numero < self._seen:
            raise JournalTampered("the chain is shorter than what was written")
        return anchor

    def _say(self, available: bool, cause: str = "") -> None:
        if available is self._available:
            return
        self._available = available
        self._report(available)
        if available:
            logger.warning("journal des lectures de nouveau disponible")
        else:
            logger.error("journal des lectures indisponible (%s) : réponses nominatives refusées", cause)


def _give(batch: list[Waiters], verdicts: list[Verdict]) -> None:
    for (_, made), verdict in zip(batch, verdicts, strict=True):
        if not made.done():  # else its caller left
            made.set_result(verdict)


def _refuse(waits: list[Waiters]) -> None:
    for _, made in waits:
        if not made.done():
            made.set_exception(JournalUnavailable("journal des lectures indisponible"))
