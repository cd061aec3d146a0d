"""Time, chance and company, as the machines of this room are given them: tests turn all three by hand."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.sources.resilience.quota_window import Departure, WindowQuota


class SharedPacing(Protocol):
    """Departures counted by all processes together."""

    async def depart(self, source: str, key: str, quotas: tuple[WindowQuota, WindowQuota]) -> Departure | None:
        """The next departure for a tenant, under the partner's quota and its own; None when nobody can tell."""
        ...


@dataclass(frozen=True, slots=True)
class Clock:
    """`seconds` counts them from anywhere, `sleep` waits, `randomness` draws in [0, 1).

    `processus` is how many of us share the partners' quotas: each takes its part where `shared` does not count for all.
    """

    seconds: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    randomness: Callable[[], float] = random.random
    processus: int = 1
    shared: SharedPacing | None = None
