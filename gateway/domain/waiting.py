"""Who is enrolled and never had a contract yet, and until when (docs/domaine.md, "Sans contrat"). Pure; knows no noun, no clock.

The statuses are those of `statut`; here is only what they leave out: the day on which the wait began, and its deadline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.domain.statut import (
    ABANDON_WITHOUT_CONTRAT,
    ContratPeriod,
    LivedSession,
    Session,
    StatutApprenant,
    lived_sessions,
)

LISTED_DAYS = 180  # days after which nobody waits any more: docs/domaine.md, "Sans contrat"
WAITING = (StatutApprenant.INSCRIT, StatutApprenant.ABANDON)


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait for a first contract, on a day: its first day, the days that it has lasted, and the first day of a contract that
    is signed and to come."""

    depuis: date
    jours: int
    contrat_prevu: date | None

    @property
    def echeance(self) -> date:
        """The first day on which the training may not go on without contract."""
        return self.depuis + timedelta(days=ABANDON_WITHOUT_CONTRAT)

    @property
    def jours_restants(self) -> int:
        """Days until the deadline; zero or less once it is past."""
        return ABANDON_WITHOUT_CONTRAT - self.jours

    @property
    def depassee(self) -> bool:
        """Whether the deadline is reached, that day or before."""
        return self.jours_restants <= 0


def wait_on(sessions: Sequence[Session], contrats: Sequence[ContratPeriod], day: date) -> Wait | None:
    """The wait for a first contract on `day`, in the session whose statuses hold that day; None for whoever does not wait."""
    begun = [lived for lived in lived_sessions(sessions, contrats) if lived.depuis <= day]
    if not begun or not _is_waiting(begun[-1], day):
        return None
    depuis = begun[-1].depuis
    return Wait(depuis, (day - depuis).days, _planned(contrats, day))


def _is_waiting(lived: LivedSession, day: date) -> bool:
    session = lived.session
    if (
        day > session.fin
        or (session.exclusion and session.exclusion <= day)
        or (day - lived.depuis).days >= LISTED_DAYS
    ):
        return False
    # A contract broken before its first day of work covers none: whoever signed it still waits.
    if any(contrat.debut <= day and not contrat.is_void for contrat in lived.contrats):
        return False
    return lived.statut_on(day) in WAITING


def _planned(contrats: Sequence[ContratPeriod], day: date) -> date | None:
    """The first day of the first contract to come, those left out that end before it."""
    return min((contrat.debut for contrat in contrats if contrat.debut > day and not contrat.is_void), default=None)
