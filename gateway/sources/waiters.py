"""How long an asker waits for flights. Knows no unit, no cache and no partner but by its name.

A partner that hangs would otherwise fill the gateway with those who wait for it, and turn away the readers of others.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.admission import HALF

INSTANT = 0.05  # seconds (docs/fiabilite.md) that a source left alone may cost an asker
WAITERS_MAX = HALF  # askers that wait for one partner at a time


@dataclass(frozen=True, slots=True)
class AwaitedFetch:
    """A flight of a partner. `about`: an answer is to be expected; no breaker is between us."""

    flight: asyncio.Task[Any]
    source: str
    about: bool


class Waiters:
    """Who waits for which partner, in this process."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()

    async def wait(self, awaited: Sequence[AwaitedFetch], timeout: float) -> None:
        """Until all have landed, or `timeout` seconds; a moment only for what is not sure, or too many wait for."""
        if not awaited:
            return
        await asyncio.wait([un.flight for un in awaited], timeout=max(0.0, min(INSTANT, timeout)))
        remaining: defaultdict[str, list[asyncio.Task[Any]]] = defaultdict(list)
        for un in awaited:
            if un.about and not un.flight.done():
                remaining[un.source].append(un.flight)
        await asyncio.gather(*(self._wait_seated(*pair, timeout - INSTANT) for pair in remaining.items()))

    async def _wait_seated(self, source: str, flights: Collection[asyncio.Task[Any]], timeout: float) -> None:
        if self._waiting[source] >= WAITERS_MAX:
            return
        self._waiting[source] += 1
        try:
            await asyncio.wait(flights, timeout=max(0.0, timeout))
        finally:
            self._waiting[source] -= 1
