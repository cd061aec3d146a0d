"""What one partner may be asked: places for requests under way, retries, what nobody waits for, and the pace of its quotas.

One tenant may hold half of the places only. Half of every quota is left to whoever may come; nothing that nobody waits for
begins while anybody's request is under way. Retries: at most one more request a call, and never more than a fifth of the calls
of the last ten seconds: an outage is not made worse. A partner that says when to come back is obeyed: shortly, or not by us.

Quotas are counted by all processes together, or by each of them in its part. A leaky bucket lets through twice its rate in its
first period; partners count, and refuse: at most so many departures in any period. A departure that leaves late has moved
towards the next ones: it is asked for again. Knows no HTTP and no Redis; its clock and its chance are passed in.
"""

import asyncio
import random
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Protocol, Self

from gateway.connectors.base import PartnerRequest
from gateway.errors import SourceError, SourceUnavailable
from gateway.sources.partners.file_format import LimitsTable
from gateway.sources.resilience.circuit_breaker import is_transient

DELAY = 0.05  # seconds after its instant a departure may still leave; later, it asks again
MARGIN = DELAY + 0.01  # a period is longer by that, and by the rounding of timers
SECOND, MINUTE = 1.0, 60.0
CAUTION = 2 * MINUTE  # after the common count failed: what left meanwhile is in no count but ours

SPARE_SHARE = 0.5  # of a quota
SECONDS = 10.0  # over which the shorter quota of what nobody waits for is looked at
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


@dataclass(frozen=True, slots=True)
class WindowQuota:
    """`number` departures at most in any `periode` seconds, as we hold ourselves to it."""

    number: int
    periode: float

    @classmethod
    def de(cls, a_period: float, periode: float) -> Self:
        """From what a partner allows: whole departures in its period; less than one, one in a longer period."""
        return cls(max(1, int(a_period)), periode / min(1.0, a_period) + MARGIN)


@dataclass(frozen=True, slots=True)
class Departure:
    """Counted, to leave in `waiting` seconds; or not counted, to be asked for again in `waiting` seconds."""

    permit: bool
    waiting: float


class QuotaWindow:
    """The last departures under one quota."""

    def __init__(self, quota: WindowQuota) -> None:
        self._period = quota.periode
        self._departures: deque[float] = deque(maxlen=quota.number)

    def next_free(self, instant: float) -> float:
        """The first instant from now on at which one more may leave."""
        full = len(self._departures) == self._departures.maxlen
        return max(instant, self._departures[0] + self._period) if full else instant

    def note(self, departure: float) -> None:
        """One leaves, at an instant not before the last one's."""
        self._departures.append(departure)


def depart(whole: QuotaWindow, own: QuotaWindow, instant: float) -> Departure:
    """The next departure under a partner's quota, unless its tenant's own is spent: that is waited for without a place."""
    departure, authorized = whole.next_free(instant), own.next_free(instant)
    if authorized > departure:
        return Departure(False, authorized - instant)
    whole.note(departure)
    own.note(departure)
    return Departure(True, departure - instant)


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


class Pacer:
    """The departures to one partner from this process."""

    def __init__(self, source: str, limites: LimitsTable, clock: Clock) -> None:
        self._source, self._clock = source, clock
        self._quotas = _quotas(limites, 1)
        shared, own = _quotas(limites, clock.processus)
        self._whole = QuotaWindow(shared)
        self._own: defaultdict[str, QuotaWindow] = defaultdict(lambda: QuotaWindow(own))
        self._cautious_until = 0.0

    async def depart(self, key: str) -> float:
        """Wait until a request of a tenant may leave, which is now: 0. Else its own quota is spent: the seconds to wait
        for, without holding a place, before asking again."""
        while True:
            start = self._clock.seconds()
            departure = await self._count(key)
            if not departure.permit:
                return departure.waiting
            # From now, and not from `start`: it was counted some time between the two, and must not leave before its instant.
            if departure.waiting > 0:
                await self._clock.sleep(departure.waiting)
            if self._clock.seconds() - start - departure.waiting <= DELAY:
                return 0.0

    async def _count(self, key: str) -> Departure:
        shared = self._clock.shared
        departure = await shared.depart(self._source, key, self._quotas) if shared else None
        instant = self._clock.seconds()
        if departure is None:
            self._cautious_until = instant + CAUTION
            return self._as_share(key, instant)
        if departure.permit and instant < self._cautious_until:
            share = self._as_share(key, instant)
            return Departure(share.permit, max(departure.waiting, share.waiting))
        if departure.permit:
            self._whole.note(instant + departure.waiting)
            self._own[key].note(instant + departure.waiting)
        return departure

    def _as_share(self, key: str, instant: float) -> Departure:
        """Within what this process may count on alone."""
        return depart(self._whole, self._own[key], instant)


def _quotas(limites: LimitsTable, processus: int) -> tuple[WindowQuota, WindowQuota]:
    """The partner's, and each tenant's."""
    return (
        WindowQuota.de(limites.par_seconde / processus, SECOND),
        WindowQuota.de(limites.par_minute_locataire / processus, MINUTE),
    )
