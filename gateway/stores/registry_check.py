"""Reads the whole copy of the registry now and then: what is damaged at rest is told before somebody asks for it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from gateway.concurrency import every
from gateway.errors import RegistryUnavailable
from gateway.stores.registry import RegistryStore, StoredContrat

SLICES = 256  # of the pseudonyms of contracts, by their first two digits
PAUSE = 0.2  # seconds between two of them: a whole pass takes a minute or two
PERIOD = 86_400.0

logger = logging.getLogger("gateway.registre")


async def check_daily(store: RegistryStore, sleep: Callable[[float], Awaitable[object]]) -> None:
    """Check at the start and every day, until cancelled."""

    def tell(error: Exception) -> None:
        logger.error("relecture du registre interrompue : %s", type(error).__name__)

    await every(PERIOD, lambda: _check(store, sleep), tell, sleep)


async def _check(store: RegistryStore, sleep: Callable[[float], Awaitable[object]]) -> None:
    """Unseal every row, so that the store notes those that do not read. Ends where the store itself does not answer."""
    for rank in range(SLICES):
        end = f"{rank + 1:02x}" if rank + 1 < SLICES else "g"
        try:
            stored = await store.between(f"{rank:02x}", end)
        except RegistryUnavailable:
            return
        await asyncio.to_thread(_unseal, store, stored)
        await sleep(PAUSE)


def _unseal(store: RegistryStore, stored: Iterable[StoredContrat]) -> None:
    for contrat in stored:
        store.payloads(contrat)
