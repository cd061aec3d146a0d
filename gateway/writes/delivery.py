"""Delivers writes to partners: one process at a time, in the order of each person, until it is known what became of them.

At least once, with one key: what was not answered is said again with the same key, which the partner has to remember. A refusal
is told and lets the next write of the person go; a partner that cannot be reached is tried again, later each time, for a day. The
write has then failed: it is told, and waits for somebody to resume or withdraw it. One person that is stuck delays nobody else.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.concurrency import Sleep, every
from gateway.connectors.base import PartnerWrite, Tenant
from gateway.domain.seal import Sealer
from gateway.errors import SourceClosed, SourceDenied, SourceError, SourceSuspended, SourceUnavailable
from gateway.sources.connector_runs import lazily
from gateway.sources.resilience.circuit_breaker import PartnerBreakers
from gateway.sources.units import Resource, Unit
from gateway.stores.write_queue import Backlog, TryResult, WriteQueue
from gateway.stores.write_store import FAILED, REFUSED, SENT, WAITING, KeptWrite
from gateway.writes.sealed_body import Body, open_body

PERIOD = 1.0  # seconds between two looks
PLACES = 2  # deliveries at once, beside what is read of partners
DELAYS = (1, 5, 25, 120, 600, 3_600, 14_400, 43_200, 24_449)  # seconds between tries: a day in all
JITTER = 0.1  # share of a delay, drawn
DENIED_REST = 600.0  # seconds that a partner which refuses our access is left alone
REFUSALS = frozenset({400, 404, 409, 412, 422})  # of a write, by a partner that understood it
CHANGED = frozenset({409, 412})  # of those, because what it is about is no longer what its author read
REPLACED = "REMPLACEE"  # a try that another process, which took the place meanwhile, makes again
SINCE = "ce qui est modifié a changé depuis chez le partenaire : relire le jeune"
NOT_RECEIVED = frozenset({401, 403, 429, 503})  # the partner did nothing of it
logger = logging.getLogger("gateway.ecritures")


class PartnerSystems(Protocol):
    """The partners that receive writes."""

    def connector_of(self, source: str) -> Any: ...
    async def execute(self, source: str, reading: Any, tenant: Tenant) -> Any: ...
    async def invalidate(self, unit: Unit) -> bool: ...


class DeliveryMetrics:
    """What became of tries, what waits and what failed. Labels are names of partners and of states."""

    def __init__(self, registry: CollectorRegistry) -> None:
        text = "Écritures dites aux partenaires, par issue."
        self._tries = Counter("passerelle_ecritures", text, ("partenaire", "issue"), registry=registry)
        text = "Âge de la plus ancienne écriture en attente."
        self._oldest = Gauge("passerelle_ecritures_attente_secondes", text, ("partenaire",), registry=registry)
        text = "Écritures en échec, à reprendre ou à abandonner."
        self._failed = Gauge("passerelle_ecritures_en_echec", text, registry=registry)
        self._known: set[str] = set()

    def tried(self, partner: str, issue: str) -> None:
        self._tries.labels(partner, issue).inc()

    def waits(self, backlog: Backlog, now: datetime) -> None:
        """Tell what is left of the work."""
        ages: dict[str, float] = {}
        for destination, accepted in backlog.oldest.items():
            name = destination.partition("/")[0]
            ages[name] = max(ages.get(name, 0.0), (now - accepted).total_seconds())
        for name in self._known | ages.keys():
            self._oldest.labels(name).set(ages.get(name, 0.0))
        self._known |= ages.keys()
        self._failed.set(backlog.failed)


@dataclass
class Delivery:
    """The deliverer of one process. `randomness`: drawn in [0, 1)."""

    queue: WriteQueue
    systems: PartnerSystems
    sealer: Sealer
    metrics: DeliveryMetrics
    now: Callable[[], datetime]
    seconds: Callable[[], float]
    randomness: Callable[[], float]
    _breakers: dict[str, PartnerBreakers] = field(default_factory=dict)
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PLACES))

    async def watch(self, sleep: Sleep) -> None:
        """Deliver for ever; the place is left to another process at the end."""
        try:
            await every(
                PERIOD, self.deliver, lambda error: logger.error("transmission : %s", type(error).__name__), sleep
            )
        finally:
            await self.queue.lease.release()

    async def deliver(self) -> float | None:
        """One look; 0.0 to look again at once. Raises WritesUnavailable."""
        self.metrics.waits(await self.queue.backlog(), self.now())
        if not await self.queue.lease.elect():
            return None
        due = await self.queue.due()
        # All of them to their end: one that is cut in a transaction would hold the lock of the others.
        ended = await asyncio.gather(*map(self._deliver, due), return_exceptions=True)
        for failure in filter(None, ended):
            raise failure
        return 0.0 if due else None

    async def _deliver(self, write: KeptWrite) -> None:
        async with self._places:
            body = open_body(self.sealer, write)
            if body is None:
                await self._settle(write, TryResult(FAILED, "ce qui était gardé ne se lit plus"))
            elif await self.queue.begin(write.id, self.now()):
                await self._settle(write, await self._try(write, body))

    async def _try(self, write: KeptWrite, body: Body) -> TryResult:
        source, _, code = write.destination.partition("/")
        seen = datetime.fromisoformat(body.seen) if body.seen else None
        said = PartnerWrite(write.acte, body.dossier, write.id, body.organisation, write.accepted_at, body.saisie, seen)
        breaker = self._breakers.setdefault(source, PartnerBreakers(source, self.seconds))
        try:
            with breaker.pass_(code):
                say = self.systems.connector_of(source).write
                await self.systems.execute(source, lazily(partial(say, said)), Tenant(code))
        except SourceError as error:
            if error.statut in CHANGED:  # what is kept of it here is not what is there
                await self.systems.invalidate(Unit(source, Resource.STRUCTURE, code))
                return TryResult(REFUSED, SINCE)
            return self._after(error, write.tries + 1)
        except (
            Exception
        ) as error:  # a partner that is configured no more, a connector's fault: of this write, not of the others
            logger.error("transmission à %s : %s", source, type(error).__name__)
            return self._later("faute de la passerelle", write.tries + 1, uncertain=True)
        # Asked again from now on: what the partner says since stands in the place of the write.
        await self.systems.invalidate(Unit(source, Resource.STRUCTURE, code))
        return TryResult(SENT)

    def _after(self, error: SourceError, tries: int) -> TryResult:
        """What a try that failed makes of a write."""
        if error.statut in REFUSALS:
            return TryResult(REFUSED, str(error))
        uncertain = not isinstance(error, SourceSuspended) and error.statut not in NOT_RECEIVED
        if isinstance(error, SourceDenied):
            logger.critical("transmission : %s refuse notre accès", error.source)
            return TryResult(WAITING, str(error), False, self.seconds() + DENIED_REST)
        told = error.retry_after if isinstance(error, SourceUnavailable | SourceClosed) else None
        return self._later(str(error), tries, uncertain=uncertain, told=told or 0.0)

    def _later(self, motif: str, tries: int, *, uncertain: bool, told: float = 0.0) -> TryResult:
        """Another try, later; none once a day of them is over. `told`: seconds that the partner asks for."""
        if tries > len(DELAYS):
            return TryResult(FAILED, motif, uncertain)
        delay = DELAYS[tries - 1] * (1 + JITTER * self.randomness())
        return TryResult(WAITING, motif, uncertain, self.seconds() + max(delay, told))

    async def _settle(self, write: KeptWrite, result: TryResult) -> None:
        partner = write.destination.partition("/")[0]
        if not await self.queue.settle(write.id, result, self.now()):
            self.metrics.tried(partner, REPLACED)
        else:
            self.metrics.tried(partner, result.etat)
            if result.etat == FAILED:
                logger.error("transmission : une écriture à %s est en échec", partner)
