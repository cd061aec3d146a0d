"""Pacing to published quotas: at most so many departures in any period. Pure; reads no clock.

A leaky bucket lets through twice its rate in its first period; partners count, and refuse.
"""

from collections import deque
from dataclasses import dataclass
from typing import Self

RETARD = 0.05  # seconds after its instant a departure may still leave; later, it asks again
MARGE = RETARD + 0.01  # a period is longer by that, and by the rounding of timers


@dataclass(frozen=True, slots=True)
class Quota:
    """`nombre` departures at most in any `periode` seconds, as we hold ourselves to it."""

    nombre: int
    periode: float

    @classmethod
    def de(cls, par_periode: float, periode: float) -> Self:
        """From what a partner allows: whole departures in its period; less than one, one in a longer period."""
        return cls(max(1, int(par_periode)), periode / min(1.0, par_periode) + MARGE)


@dataclass(frozen=True, slots=True)
class Depart:
    """Counted, to leave in `attente` seconds; or not counted, to be asked for again in `attente` seconds."""

    permis: bool
    attente: float


class Cadence:
    """The last departures under one quota."""

    def __init__(self, quota: Quota) -> None:
        self._periode = quota.periode
        self._departs: deque[float] = deque(maxlen=quota.nombre)

    def libre(self, instant: float) -> float:
        """The first instant from now on at which one more may leave."""
        pleine = len(self._departs) == self._departs.maxlen
        return max(instant, self._departs[0] + self._periode) if pleine else instant

    def noter(self, depart: float) -> None:
        """One leaves, at an instant not before the last one's."""
        self._departs.append(depart)


def partir(commune: Cadence, propre: Cadence, instant: float) -> Depart:
    """The next departure under a partner's quota, unless its tenant's own is spent: that is waited for without a place."""
    depart, autorise = commune.libre(instant), propre.libre(instant)
    if autorise > depart:
        return Depart(False, autorise - instant)
    commune.noter(depart)
    propre.noter(depart)
    return Depart(True, depart - instant)
