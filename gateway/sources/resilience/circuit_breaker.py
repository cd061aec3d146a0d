"""The circuit breaker: a partner that fails is left alone, then tried by one reading at a time. Pure; reads no clock.

The numbers are those of docs/fiabilite.md, but the longest wait between two probes: ten seconds, so that a partner that comes
back is used again within ten seconds.
"""

from collections import deque

from gateway.sources.resilience.outcome import Outcome

WINDOW = 10.0  # seconds looked at
READINGS_MIN = 20  # in the window, before a share means something
OPENING_SHARE = 0.5  # of failures
TIMEOUTS_TO_OPEN = 5  # time-outs in a row
RETRY_MIN, RETRY_MAX = 5.0, 10.0  # seconds before a probe, doubled at each that fails
SUCCESSES_TO_CLOSE = 3  # probes in a row


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
