"""Runs long work in a thread, beside the event loop, and short work on the loop. Knows no noun."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

FEW = 50  # records: some ten milliseconds to join, merge and bound, less than a thread takes to be woken


async def offload(records: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` returns; in a thread when it is for more than FEW records."""
    if records <= FEW:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)
