"""Runs what is long beside the event loop, and what is short on it: a thread takes longer to be woken. Knows no noun."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

PEU = 50  # testimonies: some ten milliseconds to join, merge and bound


async def a_l_ecart(nombre: int, faire: Callable[P, T], *args: P.args, **dits: P.kwargs) -> T:
    """What `faire` returns, for so many testimonies."""
    if nombre <= PEU:
        return faire(*args, **dits)
    return await asyncio.to_thread(faire, *args, **dits)
