"""The status machine a second time, one day after the other: the seven steps of the published algorithm, as they are written.

Shares nothing with the product but the values it is given. A day is a letter of a bytearray: ten thousand careers in seconds.
"""

from collections.abc import Sequence
from datetime import date

from gateway.domain.statut import ContratPeriod, Session, StatutApprenant, StatutStep

INSCRIT, APPRENTI, RUPTURANT, ABANDON, END = b"IARXF"
VALUES = dict(zip((INSCRIT, APPRENTI, RUPTURANT, ABANDON, END), StatutApprenant, strict=True))
Painting = tuple[int, bytearray]  # ordinal of the first day, a letter a day


def paint(session: Session, contrats: Sequence[ContratPeriod]) -> Painting:
    """The days of one session."""
    debut = min([session.debut, *(contrat.debut for contrat in contrats)]).toordinal()
    last = session.fin.toordinal()
    days = bytearray([INSCRIT]) * max(0, last - debut + 1)
    ends = [_effective_end(contrat, session) for contrat in contrats]
    for contrat, fin in zip(contrats, ends, strict=True):
        _cover(days, contrat.debut.toordinal() - debut, fin - debut, APPRENTI)
    if session.exclusion:
        _cover(days, session.exclusion.toordinal() - debut, len(days) - 1, ABANDON)
    _count(days)
    fin, broken = max(((fin, c.rupture is not None) for c, fin in zip(contrats, ends, strict=True)), default=(0, True))
    natural = not broken and session.exclusion is None
    if natural and last - fin <= 60:
        for rank in range(max(0, fin + 1 - debut), len(days)):
            days[rank] = END if days[rank] in (INSCRIT, RUPTURANT) else days[rank]
    if days and (natural or days[-1] in (APPRENTI, INSCRIT)):
        days[-1] = END
    return debut, days


def _effective_end(contrat: ContratPeriod, session: Session) -> int:
    return contrat.rupture.toordinal() - 1 if contrat.rupture else (contrat.fin or session.fin).toordinal()


def _cover(days: bytearray, first: int, last: int, letter: int) -> None:
    first, last = max(0, first), min(last, len(days) - 1)
    if first <= last:
        days[first : last + 1] = bytes([letter]) * (last - first + 1)


def _count(days: bytearray) -> None:
    waiting, already = 0, False
    for rank, letter in enumerate(days):
        if letter == APPRENTI:
            waiting, already = 0, True
            continue
        waiting += 1
        if letter == INSCRIT and already:
            days[rank] = ABANDON if waiting > 180 else RUPTURANT
        elif letter == INSCRIT and waiting > 90:
            days[rank] = ABANDON


def paint_several(sessions: Sequence[Session], contrats: Sequence[ContratPeriod]) -> dict[int, int]:
    """A letter by day: a later session paints over the earlier ones, from its own first day on."""
    painted: dict[int, int] = {}
    for session in sorted(set(sessions), key=lambda s: (s.debut, s.fin, s.exclusion or date.min)):
        crossed = [c for c in contrats if c.debut <= session.fin and (c.fin or session.fin) >= session.debut]
        debut, days = paint(session, crossed)
        if days:
            painted = {day: letter for day, letter in painted.items() if day < debut}
            painted.update(enumerate(days, debut))
    return painted


def compress(painted: dict[int, int]) -> list[StatutStep]:
    """A step each time that the letter changes."""
    steps: list[StatutStep] = []
    for day in sorted(painted):
        if not steps or steps[-1].valeur is not VALUES[painted[day]]:
            steps.append(StatutStep(date.fromordinal(day), VALUES[painted[day]]))
    return steps


def truth_on(painted: dict[int, int], day: date) -> StatutApprenant | None:
    """The letter of the last day painted on or before that one; before all of them, the first."""
    if not painted:
        return None
    passes = [painted_days for painted_days in painted if painted_days <= day.toordinal()]
    return VALUES[painted[max(passes) if passes else min(painted)]]
