"""Bounds how many requests are under way at once, in the process and for one plan, by one number and its half.

Knows no route, no plan but as a key, and no partner. A client who leaves frees its slot at once; what was asked of partners
for it belongs to nobody and goes on, for those who share it.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager

from prometheus_client import Gauge
from starlette.types import Receive

from gateway.errors import GatewayError, Overloaded

SLOTS = 200  # requests of one process at a time
# What one plan may hold: those who ask the same list of a partner that hangs would hold every slot until its deadline.
HALF = SLOTS // 2
RETRY_AFTER = 1  # seconds after which who is turned away may come back


class ClientDisconnected(GatewayError):
    """The client left: nobody waits for the answer any more."""


class RequestSlots:
    """The slots of this process; `gauge` tells how many are taken."""

    def __init__(self, gauge: Gauge, slots: int = SLOTS) -> None:
        self._gauge = gauge
        self._free = slots

    @asynccontextmanager
    async def hold(self, receive: Receive) -> AsyncIterator[None]:
        """Hold a slot for a request whose body was read. Raises Overloaded when none is free, and ClientDisconnected as soon as
        `receive` tells that the client left."""
        if self._free <= 0:
            raise Overloaded("Trop de requêtes en cours.")
        self._free -= 1
        self._gauge.inc()
        try:
            async with asyncio.timeout(None) as stay:
                watch = asyncio.create_task(_watch(receive, stay))
                try:
                    yield
                finally:
                    watch.cancel()
        except TimeoutError:
            if stay.expired():
                raise ClientDisconnected("Le client est parti.") from None
            raise
        finally:
            self._free += 1
            self._gauge.dec()


async def _watch(receive: Receive, stay: asyncio.Timeout) -> None:
    """End the stay when the client leaves: after a body, `receive` can tell nothing else."""
    if (await receive())["type"] == "http.disconnect":
        stay.reschedule(asyncio.get_running_loop().time())


class PlanSlots:
    """Bounds how many requests of this process wait for the same plan: its reading, then the view made of it."""

    def __init__(self) -> None:
        self._held: dict[Hashable, int] = {}

    @contextmanager
    def hold(self, plan: Hashable) -> Iterator[None]:
        """Hold a slot of a plan. Raises Overloaded at once when none is free."""
        held = self._held.get(plan, 0)
        if held >= HALF:
            raise Overloaded("Trop de requêtes attendent la même lecture.")
        self._held[plan] = held + 1
        try:
            yield
        finally:
            self._held[plan] -= 1
            if not self._held[plan]:
                del self._held[plan]
