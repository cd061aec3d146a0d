"""Keeps the reading journal: forgets what is too old, and tells the log where the chain ends, every five minutes.

Each task goes on whatever happens to the others; one that fails is logged, counted and told by `/health/ready`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from gateway.audit.alerts import Alerts
from gateway.audit.entries import act, written_at
from gateway.auth.authentication.clients import WINDOW
from gateway.concurrency import Sleep, every
from gateway.config import Configuration
from gateway.domain.days import paris_day
from gateway.domain.seal import Anchor
from gateway.errors import ClockNotBelieved
from gateway.stores.database_errors import cause
from gateway.stores.journal import Journal
from gateway.stores.journal_purge import BATCH_TIMEOUT, believe, forget_counts, purge_entries
from gateway.stores.journal_queries import head
from gateway.stores.journal_tables import JournalTampered

ANCHOR_INTERVAL = 300.0  # seconds (docs/security.md L04)

logger = logging.getLogger("gateway.journal")


class JournalKeeper:
    """What the service does of itself for its journal."""

    def __init__(
        self, readings_journal: Journal, configuration: Configuration, now: Callable[[], datetime], alerts: Alerts
    ) -> None:
        self._journal, self._configuration = readings_journal, configuration
        self._now, self._alerts = now, alerts
        self._told: Anchor | None = None
        self._failing: set[str] = set()

    async def keep(self, sleep: Sleep) -> None:
        """Until cancelled."""
        await every(ANCHOR_INTERVAL, self._keep_once, lambda error: self._failed("tenue", error), sleep)

    async def believes_clock(self) -> bool:
        """True when what is too old by the clock may be forgotten; the next turn tells why not."""
        try:
            await believe(self._journal, self._now(), written_at)
        except Exception:  # as for any task: whatever stands in the store
            return False
        return True

    async def is_well(self) -> bool:
        """True when every task of the last turn was done."""
        return not self._failing

    async def _keep_once(self) -> None:
        for name, task in (("oubli", self._forget), ("ancre", self._tell_anchor)):
            await self._attempt(name, task)

    async def _attempt(self, name: str, task: Callable[[], Awaitable[None]]) -> None:
        try:
            await task()
        except Exception as error:  # a value of any type may stand in the store: no task may end the others
            self._failed(name, error)
        else:
            self._failing.discard(name)

    def _failed(self, name: str, error: Exception) -> None:
        self._failing.add(name)
        self._alerts.keeping_failed(name)
        # The text of these errors is ours; that of another one could hold a value.
        told = str(error) if isinstance(error, (JournalTampered, ClockNotBelieved)) else cause(error)
        logger.error("journal des lectures : %s impossible (%s)", name, told)

    async def _forget(self) -> None:
        instant = self._now()
        await purge(self._journal, self._configuration, instant)
        async with asyncio.timeout(BATCH_TIMEOUT):
            await forget_counts(self._journal, paris_day(instant) - timedelta(days=WINDOW))

    async def _tell_anchor(self) -> None:
        async with asyncio.timeout(BATCH_TIMEOUT):
            last = await head(self._journal)
        if last != self._told:
            logger.info("journal des lectures : ancre %s", last)
        self._told = last


async def purge(
    readings_journal: Journal, configuration: Configuration, instant: datetime, *, confirmed: bool = False
) -> int:
    """Forget what is older than the configuration says; return how many entries. Raises JournalTampered, and ClockNotBelieved
    for an instant that an operator is to confirm (`confirmed`)."""
    async with asyncio.timeout(BATCH_TIMEOUT):
        await believe(readings_journal, instant, written_at, confirmed=confirmed)
    limit = instant - timedelta(days=configuration.file.journal.conservation_jours)
    return await purge_entries(
        readings_journal,
        lambda content: written_at(content) < limit,
        lambda number: act("PURGE", instant, entrees=number, anterieures_a=limit.isoformat()),
    )
