"""Pacing to a published quota: at most so many departures in any period. Pure; reads no clock.

A leaky bucket lets through twice its rate in its first period; partners count, and refuse.
"""

from collections import deque


class Cadence:
    """`par_periode` departures at most in any `periode` seconds."""

    def __init__(self, par_periode: float, periode: float = 1.0) -> None:
        nombre = max(1, int(par_periode))
        self._periode = periode * nombre / par_periode
        self._departs: deque[float] = deque(maxlen=nombre)

    def reserver(self, instant: float) -> float:
        """Take the next departure; the seconds to wait for it."""
        pleine = len(self._departs) == self._departs.maxlen
        depart = max(instant, self._departs[0] + self._periode) if pleine else instant
        self._departs.append(depart)
        return depart - instant
