"""The bulkhead: requests under way at one partner are bounded, and one tenant may hold half of the places only."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Bulkhead:
    """Places at one partner. Who waits for one waits within its reading's deadline, which no caller waits for."""

    def __init__(self, slots: int, shared: bool) -> None:
        share = -(-slots // 2) if shared else slots
        self._slots = asyncio.Semaphore(slots)
        self._shares: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(share))

    @asynccontextmanager
    async def place(self, key: str) -> AsyncIterator[None]:
        """A place for a request of a tenant."""
        async with self._shares[key], self._slots:
            yield
