"""Runs what is long beside the event loop, and what is short on it: a thread takes longer to be woken. Knows no noun."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

FEW = 50  # testimonies: some ten milliseconds to join, merge and bound


async def offload(number: int, make: Callable[P, T], *args: P.args, **told_values: P.kwargs) -> T:
    """What `make` returns, for so many testimonies."""
    if number <= FEW:
        return make(*args, **told_values)
    return await asyncio.to_thread(make, *args, **told_values)
