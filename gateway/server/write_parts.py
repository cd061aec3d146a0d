"""Builds what writes, opens it, and has it go on beside requests. Knows no rule."""

import asyncio
import logging
import random
import time
from collections.abc import Coroutine
from typing import Any

from gateway.auth.policy.policy import AccessPolicy
from gateway.concurrency import every
from gateway.domain.seal import OpaqueIds
from gateway.errors import ConfigurationError, WritesUnavailable
from gateway.operation import Gateway
from gateway.server.services import Services
from gateway.stores.write_queue import WriteQueue
from gateway.writes.accept_write import Writes
from gateway.writes.delivery import Delivery, DeliveryMetrics
from gateway.writes.destinations import PartnerDestinations
from gateway.writes.pending_writes import PendingWrites

DAY = 24 * 3600.0  # seconds
logger = logging.getLogger("gateway.ecritures")


def build_writing(services: Services, policy: AccessPolicy, opaque_ids: OpaqueIds) -> Writes:
    """The writes of this process, over the store that it shares. Raises ConfigurationError."""
    sealer, destinations = services.configuration.sealer, PartnerDestinations(services.sources)
    destinations.check()
    return Writes(
        store=services.writes,
        pending=PendingWrites(services.writes, sealer, opaque_ids),
        journal=services.readings_journal,
        sealer=sealer,
        opaque_ids=opaque_ids,
        policy=policy,
        destinations=destinations,
        now=services.configuration.now,
    )


async def open_writes(services: Services, gateway: Gateway) -> None:
    """Open the store, and hear of what is kept in it. Raises ConfigurationError."""
    await services.writes.open()
    try:
        if gateway.writes is not None:
            await gateway.writes.pending.follow()
    except WritesUnavailable as error:
        raise ConfigurationError(f"ecritures : base inutilisable ({error})") from None


def write_watches(services: Services, gateway: Gateway) -> list[Coroutine[Any, Any, None]]:
    """What goes on for ever: other processes' writes are heard of, and what was kept long enough is forgotten."""
    if gateway.writes is None:
        return []
    now = services.configuration.now
    forget = every(
        DAY, lambda: services.writes.purge(now()), lambda error: logger.error("oubli : %s", error), asyncio.sleep
    )
    return [gateway.writes.pending.watch(asyncio.sleep), forget, build_delivery(services).watch(asyncio.sleep)]


def build_delivery(services: Services) -> Delivery:
    """The deliverer of this process."""
    configuration = services.configuration
    return Delivery(
        queue=WriteQueue(services.writes, time.time),
        systems=services.sources,
        sealer=configuration.sealer,
        metrics=DeliveryMetrics(services.metrics),
        now=configuration.now,
        seconds=time.time,
        randomness=random.random,
    )
