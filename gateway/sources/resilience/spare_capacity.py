"""How busy one partner is: the places for requests under way, and whether what nobody waits for may be asked of it now.

One tenant may hold half of the places only. Half of every quota is left to whoever may come; nothing that nobody waits for
begins while anybody's request is under way. Reads no clock.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

SHARE = 0.5  # of a quota
SECONDS, MINUTE = 10.0, 60.0  # over which each quota is looked at


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


class SpareCapacity:
    """The requests to one partner, in all and for each tenant, within what this process may count on alone."""

    def __init__(self, par_seconde: float, par_minute_locataire: float) -> None:
        self._under_way = 0
        self._all = _Passed(SECONDS, SHARE * par_seconde * SECONDS)
        self._own = defaultdict[str, _Passed](lambda: _Passed(MINUTE, SHARE * par_minute_locataire))

    @contextmanager
    def request(self, key: str, instant: float) -> Iterator[None]:
        """Around one request for a tenant, from when it is wanted to when it is answered."""
        self._under_way += 1
        self._all.note(instant)
        self._own[key].note(instant)
        try:
            yield
        finally:
            self._under_way -= 1

    def allows(self, key: str, instant: float) -> bool:
        """Whether a reading that nobody waits for may begin, for a tenant."""
        return not self._under_way and self._all.allows(instant) and self._own[key].allows(instant)


class _Passed:
    """The instants of the last requests, and how many leave room for more."""

    def __init__(self, duration: float, enough: float) -> None:
        self._duration, self._enough = duration, enough
        self._instants: deque[float] = deque()

    def note(self, instant: float) -> None:
        self._forget(instant)
        self._instants.append(instant)

    def allows(self, instant: float) -> bool:
        self._forget(instant)
        return len(self._instants) < self._enough

    def _forget(self, instant: float) -> None:
        while self._instants and self._instants[0] <= instant - self._duration:
            self._instants.popleft()
