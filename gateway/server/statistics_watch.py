"""Starts the nightly pass of statistics, in a process of its own, and tells how old figures are. Knows no count.

Each gateway looks; which process counts is settled by the lease in the store: the others end at once.
"""

import asyncio
import logging
import math
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime, time, timedelta

from prometheus_client import CollectorRegistry, Gauge

from gateway.concurrency import Sleep, every
from gateway.domain.days import PARIS, paris_day
from gateway.stores.blocks import BlockStore, LotState, RefusedSnapshot, Snapshot

PERIOD = 300.0  # seconds between two looks
START, END = time(1), time(6)  # of the night, in Paris: a pass begins in between
RETRY = timedelta(hours=1)  # after a pass that published nothing
COMMAND = (sys.executable, "-m", "gateway", "statistiques", "relever")
NO_KEY = "GATEWAY_CLE_STATISTIQUES absente : aucun chiffre protégé n'est publié ni servi"

logger = logging.getLogger("gateway.statistiques")


class StatisticsMetrics:
    """The figures on figures, in the registry passed in. Before the first snapshot the age has no end."""

    def __init__(self, metrics: CollectorRegistry, now: Callable[[], datetime]) -> None:
        self._now = now
        self._published_at: datetime | None = None
        age = Gauge("passerelle_statistiques_age_secondes", "Âge du relevé publié en dernier.", registry=metrics)
        age.set_function(self._age)
        self._lots = Gauge("passerelle_statistiques_lots", "Lots du relevé, par état.", ("etat",), registry=metrics)
        self._audit = Gauge(
            "passerelle_statistiques_audit_minimum",
            "Comptes qu'une case laisse possibles au moins, au dernier relevé, publié ou refusé.",
            registry=metrics,
        )
        self._audit.set(math.nan)

    def note(self, snapshot: Snapshot | None, states: Counter[LotState], refusal: RefusedSnapshot | None) -> None:
        """Note what the store holds, whoever counted it."""
        self._published_at = snapshot.published_at if snapshot else None
        for state in LotState:
            self._lots.labels(state.value).set(states[state])
        told = refusal.minimum if refusal else snapshot.audit_minimum if snapshot else None
        self._audit.set(math.nan if told is None else told)

    def _age(self) -> float:
        return max(0.0, (self._now() - self._published_at).total_seconds()) if self._published_at else math.inf


class StatisticsWatch:
    """Looks every PERIOD seconds, at night for a pass to start."""

    def __init__(
        self, store: BlockStore, metrics: StatisticsMetrics, now: Callable[[], datetime], has_key: bool
    ) -> None:
        self.store, self._metrics, self._now, self._has_key = store, metrics, now, has_key
        self._tried_at: datetime | None = None

    async def run(self, sleep: Sleep) -> None:
        """Watch until cancelled. Whatever fails only delays a pass."""
        if not self._has_key:
            logger.warning(NO_KEY)
        await every(PERIOD, self._look, _tell_failure, sleep)

    async def _look(self) -> None:
        snapshot = await self.store.snapshot()
        await self._note(snapshot)
        if self._is_due(snapshot):
            self._tried_at = self._now()
            await _run_pass()
            await self._note(await self.store.snapshot())

    async def _note(self, snapshot: Snapshot | None) -> None:
        lots, refusal = await self.store.lots(), await self.store.refusal()
        self._metrics.note(snapshot, Counter(lot.state for lot in lots.values()), refusal)

    def _is_due(self, snapshot: Snapshot | None) -> bool:
        now = self._now()
        if not self._has_key or not START <= now.astimezone(PARIS).time() < END:
            return False
        is_left_alone = self._tried_at is not None and now - self._tried_at < RETRY
        return not is_left_alone and (snapshot is None or snapshot.as_of < paris_day(now))


async def _run_pass() -> None:
    """One pass, to its end; ended with us, to be gone on with another time."""
    logger.info("relevé des statistiques commencé")
    process = await asyncio.create_subprocess_exec(*COMMAND, stdout=asyncio.subprocess.DEVNULL)
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    logger.info("relevé des statistiques terminé (code %d)", code)


def _tell_failure(error: Exception) -> None:
    logger.error("relevé des statistiques : %s", type(error).__name__)
