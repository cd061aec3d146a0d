"""Circuit breakers: a partner that fails is left alone, then tried by one reading at a time. No I/O; the clock is passed in.

Each tenant has its own; one more is for the whole partner, which only the failure of many tenants opens.

The numbers are those of docs/fiabilite.md, but the longest wait between two probes: ten seconds, so that a partner that comes
back is used again within ten seconds.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum

from gateway.errors import (
    OutOfFiles,
    SourceClosed,
    SourceDenied,
    SourceError,
    SourceSuspended,
    SourceTimedOut,
    SourceUnavailable,
)

WINDOW = 10.0  # seconds looked at
READINGS_MIN = 20  # in the window, before a share means something
OPENING_SHARE = 0.5  # of failures
TIMEOUTS_TO_OPEN = 5  # time-outs in a row
RETRY_MIN, RETRY_MAX = 5.0, 10.0  # seconds before a probe, doubled at each that fails
SUCCESSES_TO_CLOSE = 3  # probes in a row
BreakerDeparture = tuple[bool, bool]  # whether the reading is a probe: of its tenant, of the whole


class Outcome(Enum):
    """How a reading ended, for a breaker."""

    SUCCESS = "reussite"  # it answered, were it to refuse
    FAILURE = "echec"  # 5xx, 429, unreachable
    TIMEOUT = "delai"


def outcome_of(error: SourceError) -> Outcome | None:
    """A partner that refuses, is closed or answers nonsense is alive: only what it cannot do is a failure. None: what we could
    not do."""
    if isinstance(error, OutOfFiles):
        return None
    if isinstance(error, SourceTimedOut):
        return Outcome.TIMEOUT
    return Outcome.FAILURE if is_transient(error) else Outcome.SUCCESS


def is_transient(error: SourceError) -> bool:
    """5xx, 429 or unreachable: it may be over in a moment."""
    lasting = (SourceClosed, SourceDenied, SourceSuspended)
    return isinstance(error, SourceUnavailable) and not isinstance(error, lasting)


class CircuitBreaker:
    """Closed, open, or half-open when `waiting` is over. Instants are seconds of one clock, whichever."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, bool]] = deque()  # of the window: when, and whether it succeeded
        self._failures = 0  # among them
        self._attempt: float | None = None  # instant of the next probe, while not closed
        self._probe = False  # whether a probe is on its way
        self._timeouts = self._successes = 0  # in a row
        self._backoff = RETRY_MIN

    @property
    def closed(self) -> bool:
        return self._attempt is None

    def waiting(self, instant: float) -> float:
        """Seconds before a reading may go, 0 when it may now."""
        if self._attempt is None:
            return 0.0
        return RETRY_MIN if self._probe else max(0.0, self._attempt - instant)

    def depart(self) -> bool:
        """A reading goes, where `waiting` is over; true when it is the probe."""
        self._probe = self._attempt is not None
        return self._probe

    def note(self, outcome: Outcome | None, instant: float, probe: bool) -> None:
        """A reading has ended; None when it was given up, and says nothing. What left before we opened says nothing."""
        if probe:
            self._note_probe(outcome, instant)
        elif outcome is not None and self.closed:
            self._note_closed(outcome, instant)

    def _note_closed(self, outcome: Outcome, instant: float) -> None:
        self._readings.append((instant, outcome is Outcome.SUCCESS))
        self._failures += outcome is not Outcome.SUCCESS
        while self._readings[0][0] <= instant - WINDOW:
            _, succeeded = self._readings.popleft()
            self._failures -= not succeeded
        self._timeouts = self._timeouts + 1 if outcome is Outcome.TIMEOUT else 0
        too_many = len(self._readings) >= READINGS_MIN and self._failures >= OPENING_SHARE * len(self._readings)
        if too_many or self._timeouts >= TIMEOUTS_TO_OPEN:
            self._attempt = instant + self._backoff

    def _note_probe(self, outcome: Outcome | None, instant: float) -> None:
        self._probe = False
        if outcome is Outcome.SUCCESS:
            self._successes += 1
            if self._successes >= SUCCESSES_TO_CLOSE:
                self._close()
        elif outcome is not None:
            self._successes = 0
            self._backoff = min(2 * self._backoff, RETRY_MAX)
            self._attempt = instant + self._backoff

    def _close(self) -> None:
        self._readings.clear()
        self._failures = 0
        self._attempt, self._backoff = None, RETRY_MIN
        self._timeouts = self._successes = 0


class PartnerBreakers:
    """A tenant that fails counts for the whole once in its window: alone, however often it is read, it closes no neighbour."""

    def __init__(self, source: str, seconds: Callable[[], float]) -> None:
        self._source, self._seconds = source, seconds
        self._shared = CircuitBreaker()
        self._own: defaultdict[str, CircuitBreaker] = defaultdict(CircuitBreaker)
        self._counted: dict[str, float] = {}  # when each tenant that fails last counted for the whole
        self._open: set[str] = set()  # tenants: each answer asks, and there are thousands of them

    @property
    def opened(self) -> bool:
        """Whether the whole partner is left alone."""
        return not self._shared.closed

    @property
    def left_alone(self) -> int:
        """How many tenants are."""
        return len(self._open)

    def closed(self, key: str) -> bool:
        """Whether a tenant is asked as any other: a reading that is a probe, or none, is not worth waiting for."""
        return self._shared.closed and self._own[key].closed

    @contextmanager
    def pass_(self, key: str) -> Iterator[None]:
        """Around one reading of a tenant. Raises SourceSuspended when it may not go."""
        departure = self._depart(key)
        outcome: Outcome | None = None
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
        (self._open.discard if self._own[key].closed else self._open.add)(key)
        if shared_probe or outcome not in (Outcome.FAILURE, Outcome.TIMEOUT) or self._count(key, instant):
            self._shared.note(outcome, instant, shared_probe)

    def _count(self, key: str, instant: float) -> bool:
        """Whether the failure of a tenant is one more for the whole."""
        first = instant - self._counted.get(key, -WINDOW) >= WINDOW
        if first:
            self._counted[key] = instant
        return first
