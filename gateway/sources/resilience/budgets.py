"""What one partner is asked beyond a first request: places for those under way, retries, and what nobody waits for.

One tenant may hold half of the places only. Half of every quota is left to whoever may come; nothing that nobody waits for
begins while anybody's request is under way.

Retries: at most one more request a call, and never more than a fifth of the calls of the last ten seconds: an outage is not
made worse. A partner that says when to come back is obeyed: shortly, or not by us. Reads no clock and draws no chance.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from gateway.connectors.base import PartnerRequest
from gateway.errors import SourceError, SourceUnavailable
from gateway.sources.resilience.circuit_breaker import is_transient

SPARE_SHARE = 0.5  # of a quota
SECONDS, MINUTE = 10.0, 60.0  # over which each quota is looked at
RETRY_WINDOW = 10.0  # seconds
RETRY_SHARE = 0.2  # of the calls
JITTER = 0.25  # seconds; the wait is drawn between 0 and this
PATIENCE = 2.0  # seconds; told to wait longer, we do not insist


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
        self._all = _Passed(SECONDS, SPARE_SHARE * par_seconde * SECONDS)
        self._own = defaultdict[str, _Passed](lambda: _Passed(MINUTE, SPARE_SHARE * par_minute_locataire))

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


class RetryBudget:
    """The retries that the calls of the last seconds allow."""

    def __init__(self) -> None:
        self._calls: deque[float] = deque()
        self._retries: deque[float] = deque()

    def call(self, instant: float) -> None:
        """A call leaves, for the first time."""
        self._calls.append(instant)
        for following in (self._calls, self._retries):
            while following and following[0] <= instant - RETRY_WINDOW:
                following.popleft()

    def waiting(self, request: PartnerRequest, error: SourceError, instant: float, randomness: float) -> float | None:
        """Seconds to wait before asking again, counted in the budget; None: do not. `randomness` is drawn in [0, 1)."""
        told = error.retry_after if isinstance(error, SourceUnavailable) else None
        if request.method != "GET" or not is_transient(error) or (told or 0.0) > PATIENCE:
            return None
        if len(self._retries) + 1 > RETRY_SHARE * len(self._calls):
            return None
        self._retries.append(instant)
        return (told or 0.0) + JITTER * randomness
