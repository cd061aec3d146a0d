"""Time, chance and company, as the machines of this room are given them: tests turn all three by hand."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.sources.resilience.cadence import Depart, Quota


class Commun(Protocol):
    """Departures counted by all processes together."""

    async def partir(self, source: str, cle: str, quotas: tuple[Quota, Quota]) -> Depart | None:
        """The next departure for a tenant, under the partner's quota and its own; None when nobody can tell."""
        ...


@dataclass(frozen=True, slots=True)
class Rythme:
    """`secondes` counts them from anywhere, `dormir` waits, `hasard` draws in [0, 1).

    `processus` is how many of us share the partners' quotas: each takes its part where `commun` does not count for all.
    """

    secondes: Callable[[], float] = time.monotonic
    dormir: Callable[[float], Awaitable[None]] = asyncio.sleep
    hasard: Callable[[], float] = random.random
    processus: int = 1
    commun: Commun | None = None
