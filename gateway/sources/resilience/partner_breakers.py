"""The breakers of one partner: one a tenant, and one for the whole, which only the failure of many tenants opens."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.errors import SourceError, SourceSuspended
from gateway.sources.resilience.circuit_breaker import WINDOW, CircuitBreaker
from gateway.sources.resilience.outcome import Outcome, outcome_of

BreakerDeparture = tuple[bool, bool]  # whether the reading is a probe: of its tenant, of the whole


class PartnerBreakers:
    """A tenant that fails counts for the whole once in its window: alone, however often it is read, it closes no neighbour."""

    def __init__(self, source: str, seconds: Callable[[], float]) -> None:
        self._source, self._seconds = source, seconds
        self._shared = CircuitBreaker()
        self._own: defaultdict[str, CircuitBreaker] = defaultdict(CircuitBreaker)
        self._account: dict[str, float] = {}  # when each tenant that fails last counted for the whole
        self._open_ones: set[str] = set()  # tenants: each answer asks, and there are thousands of them

    @property
    def opened(self) -> bool:
        """Whether the whole partner is left alone."""
        return not self._shared.closed

    @property
    def half_open(self) -> bool:
        """Whether some tenant is."""
        return bool(self._open_ones)

    def closed(self, key: str) -> bool:
        """Whether a tenant is asked as any other: a reading that is a probe, or none, is not worth waiting for."""
        return self._shared.closed and self._own[key].closed

    @contextmanager
    def pass_(self, key: str) -> Iterator[None]:
        """Around one reading of a tenant. Raises SourceSuspended when it may not go."""
        departure, outcome = self._depart(key), None
        try:
            yield
            outcome = Outcome.SUCCESS
        except SourceError as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._note(key, departure, outcome)

    def _depart(self, key: str) -> BreakerDeparture:
        own, instant = self._own[key], self._seconds()
        waiting = max(own.waiting(instant), self._shared.waiting(instant))
        if waiting > 0:
            raise SourceSuspended(self._source, "le partenaire ne répond plus, il est laissé en paix", waiting)
        return own.depart(), self._shared.depart()

    def _note(self, key: str, departure: BreakerDeparture, outcome: Outcome | None) -> None:
        instant, (probe, shared_probe) = self._seconds(), departure
        self._own[key].note(outcome, instant, probe)
        (self._open_ones.discard if self._own[key].closed else self._open_ones.add)(key)
        if shared_probe or outcome not in (Outcome.FAILURE, Outcome.TIMEOUT) or self._count(key, instant):
            self._shared.note(outcome, instant, shared_probe)

    def _count(self, key: str, instant: float) -> bool:
        """Whether the failure of a tenant is one more for the whole."""
        fresh_one = instant - self._account.get(key, -WINDOW) >= WINDOW
        if fresh_one:
            self._account[key] = instant
        return fresh_one
