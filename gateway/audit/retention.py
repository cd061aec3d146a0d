"""Keeps the reading journal: forgets what is too old, and tells the log where the chain ends, every five minutes."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.audit.accounting import act, written_at
from gateway.auth.authentication.clients import WINDOW
from gateway.concurrency import Sleep, every
from gateway.config import Configuration
from gateway.domain.days import paris_day
from gateway.stores.journal import Journal
from gateway.stores.journal_queries import forget_counts, head, purge_entries

ANCHOR_INTERVAL = 300.0  # seconds (docs/security.md L04)

logger = logging.getLogger("gateway.journal")

Clock = Callable[[], datetime]


async def keep(readings_journal: Journal, configuration: Configuration, wall_clock: Clock, sleep: Sleep) -> None:
    """Until cancelled: tell the end of the chain to the log when it moved, and forget what is too old."""
    known = None

    async def keep_once() -> None:
        nonlocal known
        await purge(readings_journal, configuration, wall_clock())
        await forget_counts(readings_journal, paris_day(wall_clock()) - timedelta(days=WINDOW))
        last = await head(readings_journal)
        if last != known:
            logger.info("journal des lectures : ancre %s", last)
        known = last

    def failed(error: Exception) -> None:
        logger.error("journal des lectures : tenue impossible (%s)", type(error).__name__)

    await every(ANCHOR_INTERVAL, keep_once, failed, sleep)


async def purge(readings_journal: Journal, configuration: Configuration, instant: datetime) -> int:
    """Forget what is older than the configuration says; return how many entries. Raises JournalTampered."""
    limit = instant - timedelta(days=configuration.file.journal.conservation_jours)
    return await purge_entries(
        readings_journal,
        lambda content: written_at(content) < limit,
        lambda number: act("PURGE", instant, entrees=number, anterieures_a=limit.isoformat()),
    )
