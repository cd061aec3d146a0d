"""The bulkhead: requests under way at one partner are bounded, and one tenant may hold half of the places only."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Cloison:
    """Places at one partner. Who waits for one waits within its reading's deadline, which no caller waits for."""

    def __init__(self, places: int, partagee: bool) -> None:
        part = -(-places // 2) if partagee else places
        self._places = asyncio.Semaphore(places)
        self._parts: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(part))

    @asynccontextmanager
    async def place(self, cle: str) -> AsyncIterator[None]:
        """A place for a request of a tenant."""
        async with self._parts[cle], self._places:
            yield
