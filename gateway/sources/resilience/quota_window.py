"""Pacing to published quotas: at most so many departures in any period. Pure; reads no clock.

A leaky bucket lets through twice its rate in its first period; partners count, and refuse.
"""

from collections import deque
from dataclasses import dataclass
from typing import Self

DELAY = 0.05  # seconds after its instant a departure may still leave; later, it asks again
MARGIN = DELAY + 0.01  # a period is longer by that, and by the rounding of timers


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
