"""The state of a partner, computed from its recent calls. Pure values over a clock passed in; asks nobody."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from gateway.domain.days import PARIS
from gateway.errors import SourceClosed, SourceError
from gateway.schema.organisations import EtatSource, ModeSource, TypeSource

CALLS_KEPT = 50
FAILURES_IN_A_ROW = 3  # last calls, all failed: the partner is down
RATE_TO_DEGRADE = 0.1  # share of failed calls
REJECTS_TO_DEGRADE = 0.01  # share of records lost (docs/security.md U09)
DRIFTS_TO_DEGRADE = 0.05  # values a record that the format does not foresee


@dataclass(frozen=True, slots=True)
class PartnerState:
    """What the graph shows of a partner. `taux_erreur` from 0 to 1; what was never observed is None."""

    nom: str
    type: TypeSource
    mode: ModeSource
    etat: EtatSource
    derniere_reponse: datetime | None
    latence_ms: float | None
    taux_erreur: float | None


class Observations:
    """The recent calls to one partner, and the quality of its last answers."""

    def __init__(self, ouverture: tuple[time, time] | None = None) -> None:
        self._opening = ouverture
        self._successes: deque[bool] = deque(maxlen=CALLS_KEPT)
        self._losses: deque[tuple[int, int, int]] = deque(maxlen=CALLS_KEPT)
        self._degraded_quality = False
        self._closed_until: datetime | None = None
        self.derniere_reponse: datetime | None = None
        self.latence_ms: float | None = None

    def note(self, error: SourceError | None, seconds: float, instant: datetime) -> None:
        """One call has ended. A closed partner is not a failing one: its refusals do not count as errors."""
        if isinstance(error, SourceClosed):
            self._closed_until = instant + timedelta(seconds=error.retry_after or 0.0)
            return
        self._successes.append(error is None)
        if error is None:
            self._closed_until = None
            self.derniere_reponse, self.latence_ms = instant, seconds * 1000

    def note_quality(self, kept: int, lost: int, drifts: int) -> None:
        """One answer was read: records kept, records lost, and what drifted from the format."""
        self._losses.append((kept, lost, drifts))
        kept, lost, drifts = (sum(values) for values in zip(*self._losses, strict=True))
        total = kept + lost
        self._degraded_quality = lost > REJECTS_TO_DEGRADE * total or drifts > DRIFTS_TO_DEGRADE * total

    @property
    def taux_erreur(self) -> float | None:
        """Share of the recent calls that failed, None when there was none."""
        return self._successes.count(False) / len(self._successes) if self._successes else None

    def etat(self, instant: datetime) -> EtatSource:
        """The state at `instant`."""
        if self._is_closed(instant):
            return EtatSource.FERMEE
        last = list(self._successes)[-FAILURES_IN_A_ROW:]
        if last and not any(last):
            return EtatSource.INDISPONIBLE
        degraded = (self.taux_erreur or 0.0) >= RATE_TO_DEGRADE or self._degraded_quality
        return EtatSource.DEGRADEE if degraded else EtatSource.DISPONIBLE

    def _is_closed(self, instant: datetime) -> bool:
        if self._closed_until is not None and instant < self._closed_until:
            return True
        return self._opening is not None and not is_open(self._opening, instant)


def is_open(hours: tuple[time, time], instant: datetime) -> bool:
    """Whether `instant` falls in opening hours told in Paris time; hours may run past midnight, their end is excluded."""
    start, end = hours
    moment = instant.astimezone(PARIS).time()
    return start <= moment < end if start <= end else moment >= start or moment < end
