"""Requests under way: so many at once, each as long as its client is there. Knows no route.

A client who leaves frees its place at once. What was asked of partners for it belongs to nobody and goes on (ANSWERS 8).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Gauge
from starlette.types import Receive

from gateway.errors import ErreurPasserelle, Sature

PLACES = 200  # SECURITY §5
REESSAYER = 1  # seconds after which who is turned away may come back


class ClientParti(ErreurPasserelle):
    """Nobody waits for the answer any more."""


class Places:
    """The places of this process, which `jauge` tells."""

    def __init__(self, jauge: Gauge, places: int = PLACES) -> None:
        self._jauge = jauge
        self._libres = places

    @asynccontextmanager
    async def place(self, recevoir: Receive) -> AsyncIterator[None]:
        """A place for a request whose body was read. Raises Sature, or ClientParti as soon as `recevoir` tells so."""
        if self._libres <= 0:
            raise Sature("Trop de requêtes en cours.")
        self._libres -= 1
        self._jauge.inc()
        try:
            async with asyncio.timeout(None) as sejour:
                guet = asyncio.create_task(_guetter(recevoir, sejour))
                try:
                    yield
                finally:
                    guet.cancel()
        except TimeoutError:
            if sejour.expired():
                raise ClientParti("Le client est parti.") from None
            raise
        finally:
            self._libres += 1
            self._jauge.dec()


async def _guetter(recevoir: Receive, sejour: asyncio.Timeout) -> None:
    """End the stay when the client leaves. After a body, nothing else can be told."""
    if (await recevoir())["type"] == "http.disconnect":
        sejour.reschedule(asyncio.get_running_loop().time())
