"""Receives what ERPs transmit: who a key speaks for, how many at once, kept before it is acknowledged. Knows no HTTP.

A transmission is read beside the loop: the rest of the process answers meanwhile. Of a process, a few bodies are worked on, and
a few more wait before they are read; beyond, the ERP is asked to come back.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter

from gateway.auth.authentication.clients import RegisteredClient
from gateway.auth.policy.rules import Profil
from gateway.concurrency import Sleep, every
from gateway.domain.days import paris_day
from gateway.domain.referentiel import Referentiel
from gateway.domain.seal import Sealer
from gateway.errors import Overloaded
from gateway.reception.items import Family
from gateway.reception.report import TransmissionReport, report_of
from gateway.reception.transmission import PreparedTransmission
from gateway.stores.receptions import ReceptionStore

DAY = 24 * 3600.0  # seconds
WORKED_ON, WAITING = 4, 16  # bodies of one process: of ten megabytes each, and those that are not read yet
logger = logging.getLogger("gateway.reception")


@dataclass(frozen=True, slots=True)
class Transmitter:
    """Whose key it is: a client of the register, and the UAI of its establishment."""

    client: str
    uai: str


class ReceptionMetrics:
    """What was received, by outcome. Never by dossier."""

    def __init__(self, registry: CollectorRegistry) -> None:
        text = "Dossiers transmis par les ERP, par issue."
        self._items = Counter("passerelle_dossiers_transmis", text, ("issue",), registry=registry)
        text = "Transmissions d'ERP, par statut HTTP."
        self._transmissions = Counter("passerelle_transmissions", text, ("statut",), registry=registry)

    def items(self, prepared: PreparedTransmission) -> None:
        told = prepared.transmission
        rejected = told.rejetes - prepared.foreign
        counts = {"accepte": told.acceptes, "partiel": told.partiels, "rejete": rejected, "etranger": prepared.foreign}
        for outcome, number in counts.items():
            self._items.labels(outcome).inc(number)

    def answered(self, status: int) -> None:
        self._transmissions.labels(str(status)).inc()


class ReceptionSlots:
    """The places of one process: some to work, some to wait."""

    def __init__(self, worked_on: int = WORKED_ON, waiting: int = WAITING) -> None:
        self._working = asyncio.Semaphore(worked_on)
        self._free = worked_on + waiting

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Hold a place to work, once one is free. Raises Overloaded when too many wait already."""
        if self._free <= 0:
            raise Overloaded("Trop de transmissions en cours.")
        self._free -= 1
        try:
            async with self._working:
                yield
        finally:
            self._free += 1


@dataclass(frozen=True)
class Reception:
    """The reception of one process. `clients`: the register of callers; `referentiel`: that of the moment; `prepare`: what
    reads a body, beside the loop; `apart`: held meanwhile."""

    store: ReceptionStore
    sealer: Sealer
    clients: Mapping[str, RegisteredClient]
    referentiel: Callable[[], Referentiel]
    now: Callable[[], datetime]
    metrics: ReceptionMetrics
    places: ReceptionSlots
    prepare: Callable[[bytes, Family, datetime], PreparedTransmission]
    apart: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def transmitter(self, key: str) -> Transmitter | None:
        """Who transmits with a key; None for one that opens nothing. Raises ReceptionUnavailable, ClientsUnavailable."""
        client = await self.store.client_of_key(key_digest(self.sealer, key), paris_day(self.now()))
        known = self.clients.get(client) if client else None
        return Transmitter(client, known.organisation) if client and known and speaks_for_a_cfa(known) else None

    async def report(self, transmitter: Transmitter) -> TransmissionReport:
        """What became of what it transmitted. Raises ReceptionUnavailable."""
        return await report_of(self.store, transmitter.uai, paris_day(self.now()))

    async def receive(self, transmitter: Transmitter, body: bytes) -> bytes:
        """The answer to a transmission, which is kept. Raises InvalidTransmission, ReceptionUnavailable."""
        family, now = Family(self.referentiel(), transmitter.uai), self.now()
        # One at a time: four would be no sooner done by the process that reads them, and hold four times the memory.
        async with self.apart:
            prepared = await asyncio.to_thread(self.prepare, body, family, now)
        await self.store.record(prepared.transmission, prepared.dossiers, now)
        self.metrics.items(prepared)
        if prepared.foreign:
            # An establishment is public; whose dossiers they were is not told.
            logger.warning(
                "sécurité : la clé de %s a transmis %d dossiers d'établissements qui ne lui sont pas rattachés, écartés",
                transmitter.client,
                prepared.foreign,
            )
        return prepared.answer


async def forget_daily(store: ReceptionStore, now: Callable[[], datetime], sleep: Sleep) -> None:
    """Forget for ever, a day after the other, what has been kept long enough."""
    await every(DAY, lambda: store.purge(now()), lambda error: logger.error("oubli des réceptions : %s", error), sleep)


def speaks_for_a_cfa(client: RegisteredClient) -> bool:
    """Whether a client may transmit: a CFA, or who acts as one."""
    return client.role is Profil.CFA


def key_digest(sealer: Sealer, key: str) -> str:
    """What stands for a key at rest."""
    return sealer.pseudonym("reception/cle", key)
