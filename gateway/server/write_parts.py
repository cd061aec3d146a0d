"""Builds what writes, opens it, and has it go on beside requests. Knows no rule."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from gateway.auth.policy.policy import AccessPolicy
from gateway.concurrency import every
from gateway.domain.seal import OpaqueIds
from gateway.errors import ConfigurationError, WritesUnavailable
from gateway.operation import Gateway
from gateway.server.services import Services
from gateway.writes.deposit import Deposit
from gateway.writes.writing import NoDestination, Writes

DAY = 24 * 3600.0  # seconds
logger = logging.getLogger("gateway.ecritures")


def build_writing(services: Services, policy: AccessPolicy, opaque_ids: OpaqueIds) -> Writes:
    """The writes of this process, over the store that it shares."""
    sealer = services.configuration.sealer
    return Writes(
        store=services.writes,
        deposit=Deposit(services.writes, sealer, opaque_ids),
        journal=services.readings_journal,
        sealer=sealer,
        opaque_ids=opaque_ids,
        policy=policy,
        destinations=NoDestination(),
        now=services.configuration.now,
    )


async def open_writes(services: Services, gateway: Gateway) -> None:
    """Open the store, and hear of what is kept in it. Raises ConfigurationError."""
    await services.writes.open()
    try:
        if gateway.writes is not None:
            await gateway.writes.deposit.follow()
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
    return [gateway.writes.deposit.watch(asyncio.sleep), forget]
