"""Who waits for a first contract, read off painted days: docs/domaine.md, « Sans contrat », in its own words.

Shares nothing with the product but the values it is given; the days are painted by `statut_oracle`.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from gateway.domain.statut import ContratPeriod, Session
from tests.support.statut_oracle import ABANDON, INSCRIT, paint


class Told(NamedTuple):
    """What the graph tells of a wait."""

    depuis: date
    jours: int
    echeance: date
    jours_restants: int
    depassee: bool
    contrat_prevu: date | None


def wait(sessions: Sequence[Session], contrats: Sequence[ContratPeriod], day: date) -> Told | None:
    """The wait on that day; None for whoever does not wait."""
    today, ruling = day.toordinal(), None
    for session in sorted(set(sessions), key=lambda s: (s.debut, s.fin, s.exclusion or date.min)):
        crossed = [c for c in contrats if c.debut <= session.fin and (c.fin or session.fin) >= session.debut]
        first, days = paint(session, crossed)
        if days and first <= today:  # « une session plus tardive prend le relais au premier jour de ses étapes »
            ruling = session, first, days
    if ruling is None:
        return None
    session, first, days = ruling
    spent = today - first
    if spent >= len(days) or spent > 179:  # « la session court encore », « moins de 180 jours »
        return None
    if any(letter not in (INSCRIT, ABANDON) for letter in days[: spent + 1]):  # « aucun contrat, pas un jour »
        return None
    if session.exclusion is not None and session.exclusion.toordinal() <= today:  # « jamais après une exclusion »
        return None
    limit = date.fromordinal(first + 90)
    to_come = [c.debut for c in contrats if c.debut > day and _covers_a_day(c)]
    return Told(
        date.fromordinal(first), spent, limit, (limit - day).days, day >= limit, min(to_come) if to_come else None
    )


def _covers_a_day(contrat: ContratPeriod) -> bool:
    if contrat.rupture is not None:
        return contrat.rupture > contrat.debut
    return contrat.fin is None or contrat.fin >= contrat.debut
