"""Time and chance, as the machines of this room are given them: tests turn both by hand."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rythme:
    """`secondes` counts them from anywhere, `dormir` waits, `hasard` draws in [0, 1).

    `processus` is how many of us share the partners' quotas: each takes its part.
    """

    secondes: Callable[[], float] = time.monotonic
    dormir: Callable[[float], Awaitable[None]] = asyncio.sleep
    hasard: Callable[[], float] = random.random
    processus: int = 1
