"""Whether the reading journal can be written: one state, told the same way by health, metrics and log. Knows no table.

A write that hangs holds nobody but those it writes for: who comes next is refused at once, and one probe at a time finds out
when the journal writes again.

`Damage` is the same for what a store holds: told as long as a part of it does not read, and no longer.
`Outage` tells a database that fails, once with its cause, and once when it no longer does.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from gateway.stores.database_errors import cause
from gateway.stores.sql import Writer

KEYS_MAX = 1000  # remembered: beyond, there is no need to count
SLOW = 0.5  # seconds; beyond, few wait behind a write: other requests keep a quarter of the slots of a process
WAITING_MAX = 150  # entries behind a slow write
LATE = 2.0  # seconds; beyond, the journal hangs
WRITE_TIMEOUT = 5.0  # seconds; beyond, what is being written is given up
PROBE_PERIOD = 1.0  # seconds between two probes of a journal that cannot be written
ROOM, TRACE = 131_072, 8  # bytes that a probe writes: where writing failed, more than a full batch; else a few
RELAPSE = 60.0  # seconds after a recovery: who fails again within them
CALM = 10.0  # is told available only after so many without a failure
T = TypeVar("T")
logger, stores_logger = logging.getLogger("gateway.journal"), logging.getLogger("gateway.stores")


class Availability:
    """Available until a probe fails or a write hangs, and then until a probe succeeds: nothing else moves it.

    `is_hung`: writes do not answer, so that nobody may wait for one. `report` is told each change.
    """

    def __init__(self, report: Callable[[bool], None], seconds: Callable[[], float] = time.monotonic) -> None:
        self._report, self._seconds = report, seconds
        self._failed_at = self._recovered_at = float("-inf")
        self._relapsed = False
        self.is_available = True
        self.is_hung = False

    def fail(self, cause: str, *, hung: bool = False) -> None:
        """Note that nothing can be written now."""
        self._failed_at = self._seconds()
        self.is_hung = self.is_hung or hung
        if self.is_available:
            self._relapsed = self._failed_at - self._recovered_at < RELAPSE
            self.is_available = False
            self._report(False)
            logger.error("journal des lectures indisponible (%s) : réponses nominatives refusées", cause)

    def recover(self) -> None:
        """Note that a probe wrote. What came and went is believed once it holds."""
        self.is_hung = False
        if self.is_available or (self._relapsed and self._seconds() - self._failed_at < CALM):
            return
        self._recovered_at = self._seconds()
        self.is_available = True
        self._report(True)
        logger.warning("journal des lectures de nouveau disponible")


class GuardedWriter:
    """A writer that is told to hang, and that tells when it writes again.

    `probe` writes so many bytes, and what entries are made of; `refuse`: those who wait beyond so many, behind a write that is
    slow or hangs.
    """

    def __init__(
        self,
        writer: Writer,
        probe: Callable[[bytes, Connection], None],
        state: Availability,
        refuse: Callable[[int], None],
    ) -> None:
        self.state = state
        self.is_slow = False  # the write under way
        self._writer, self._put_probe, self._refuse = writer, probe, refuse
        self._trial: asyncio.Task[bool] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._written_at = float("-inf")  # when something was last committed

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._trial is not None:
            await self._trial
        await self._writer.close()

    async def transaction(self, make: Callable[[Connection], T]) -> T:
        """What a transaction gives, once committed. Raises TimeoutError for one that is given up: the store may still end it."""
        task = asyncio.create_task(self._writer.transaction(make))
        await asyncio.wait([task], timeout=SLOW)
        if not task.done():
            self.is_slow = True
            self._refuse(WAITING_MAX)
            await asyncio.wait([task], timeout=LATE - SLOW)
            self.is_slow = False
        if not task.done():
            self._fail(f"pas de réponse en {LATE:.0f} s", hung=True)
            self._refuse(0)
            await asyncio.wait([task], timeout=WRITE_TIMEOUT - LATE)
        if not task.done():
            task.cancel()
            task.add_done_callback(lambda given_up: given_up.cancelled() or given_up.exception())
            raise TimeoutError
        result = task.result()
        self._written_at = time.monotonic()
        return result

    async def run_probe(self) -> bool:
        """True when an entry could be written now. What was written within a second proves it; else a probe is tried, and one
        that does not end soon leaves what was known to be told."""
        if self.state.is_hung:
            return False
        if not self.state.is_available or time.monotonic() - self._written_at > PROBE_PERIOD:
            await asyncio.wait([self.probe()], timeout=LATE)
        return self.state.is_available

    async def would_write(self) -> bool:
        """After a write that failed: False when nothing can be written, whatever the entry."""
        return not self.state.is_hung and await self.probe(ROOM)

    def probe(self, size: int = TRACE) -> asyncio.Task[bool]:
        """Whether the probe under way wrote, else a new one: one at a time, shared by all who wait for it."""
        if self._trial is None or self._trial.done():
            content = os.urandom(size if self.state.is_available else ROOM)
            self._trial = asyncio.create_task(self._try(content))
        return self._trial

    async def _try(self, content: bytes) -> bool:
        try:
            await self.transaction(lambda connection: self._put_probe(content, connection))
        except Exception as error:  # whatever fails, no answer may leave without its entry
            self._fail(cause(error))
            return False
        self.state.recover()
        return True

    def _fail(self, cause: str, *, hung: bool = False) -> None:
        self.state.fail(cause, hung=hung)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._until_available())

    async def _until_available(self) -> None:
        """Probe, until the journal can be written: whoever asks meanwhile waits for no probe."""
        while not self.state.is_available:
            await asyncio.sleep(PROBE_PERIOD)
            await asyncio.wait([self.probe()])


class Damage:
    """The parts of a store that do not read, by a key of whoever reads them; `report` is told whether there is any."""

    def __init__(self, report: Callable[[bool], None]) -> None:
        self._keys: set[str] = set()
        self._report = report

    def __bool__(self) -> bool:
        return bool(self._keys)

    def found(self, key: str) -> None:
        if len(self._keys) < KEYS_MAX:
            self._keys.add(key)
        self._report(True)

    def sound(self, key: str) -> None:
        """This part was read, whole."""
        if key in self._keys:
            self._keys.discard(key)
            self._report(bool(self._keys))


class Outage:
    """Whether a database fails, told once with its cause, and once when it no longer does."""

    def __init__(self, name: str) -> None:
        self._name, self._cause = name, ""

    def begin(self, why: str) -> None:
        if why != self._cause:
            self._cause = why
            stores_logger.warning("%s : base inutilisable (%s)", self._name, why)

    def end(self) -> None:
        if self._cause:
            self._cause = ""
            stores_logger.warning("%s : base de nouveau utilisable", self._name)
