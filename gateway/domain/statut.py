"""The status machine of an apprentice (docs/domaine.md, "Statut"), and what it says of who waits for a first contract ("Sans
contrat"). Pure; knows no noun, no clock, no source.

The reference implementation paints a session day by day. The same rules are applied here to intervals, whose cost does not
grow with the length of the session; a plain painter in the tests is the oracle.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from itertools import groupby
from operator import itemgetter

ABANDON_WITHOUT_CONTRAT = 90  # days without a first contract (D6222-19, L6222-12-1)
ABANDON_AFTER_RUPTURE = 180  # days without a new contract (L6231-2 5°)
END_TOLERANCE = 60  # days between the natural end of the last contract and the end of the session

LISTED_DAYS = 180  # days after which nobody waits for a first contract any more: docs/domaine.md, "Sans contrat"


class StatutApprenant(Enum):
    """Status of a young person at a date."""

    INSCRIT = "INSCRIT"
    APPRENTI = "APPRENTI"
    RUPTURANT = "RUPTURANT"
    ABANDON = "ABANDON"
    FIN_DE_FORMATION = "FIN_DE_FORMATION"


_S = StatutApprenant
_PENDING = (_S.INSCRIT, _S.RUPTURANT)
WAITING = (_S.INSCRIT, _S.ABANDON)


@dataclass(frozen=True, slots=True)
class Session:
    """A training session, first and last day; `exclusion` is the day the person was excluded from it. `is_attested`: somebody
    still tells it, without which it makes statuses, and has nobody wait."""

    debut: date
    fin: date
    exclusion: date | None = None
    is_attested: bool = True


@dataclass(frozen=True, slots=True)
class ContratPeriod:
    """A contract: first day, planned last day, and the effective date of its rupture (the first day off)."""

    debut: date
    fin: date | None = None
    rupture: date | None = None

    def effective_end(self, session: Session) -> date:
        """Last day under contract; without planned end, the contract lasts as long as the session."""
        if self.rupture is not None:
            return self.rupture - timedelta(days=1)
        return self.fin or session.fin

    @property
    def is_void(self) -> bool:
        """Whether it covers no day: broken, or ended, before it began."""
        return self.rupture <= self.debut if self.rupture else self.fin is not None and self.fin < self.debut


@dataclass(frozen=True, slots=True)
class StatutStep:
    """A status and its first day."""

    depuis: date
    valeur: StatutApprenant


# A step being computed: ordinal of its first day, status. In order of day; two following steps may be of one status.
_Step = tuple[int, StatutApprenant]


def steps(session: Session, contrats: Sequence[ContratPeriod]) -> list[StatutStep]:
    """The successive statuses over one session, from its first day or its first contract; the last one holds for ever.

    Empty for a session that ends before anything begins.
    """
    return _distinct(_steps_over(session, contrats))


def _steps_over(session: Session, contrats: Sequence[ContratPeriod]) -> list[_Step]:
    start = min([session.debut, *(contrat.debut for contrat in contrats)]).toordinal()
    end = session.fin.toordinal()
    if end < start:
        return []
    found = list(_lived(session, contrats, start, end))
    natural = _natural_end(session, contrats)
    if natural is not None and end - natural <= END_TOLERANCE:
        found = list(_terminate(found, natural + 1))
    # A session that ends without rupture nor abandon ends the training, whatever the status of its last day.
    if natural is not None or found[-1][1] in (_S.APPRENTI, _S.INSCRIT):
        found = [*(step for step in found if step[0] < end), (end, _S.FIN_DE_FORMATION)]
    return found


def _lived(session: Session, contrats: Sequence[ContratPeriod], start: int, end: int) -> Iterator[_Step]:
    """Under contract, waiting for one, and after an exclusion, which nothing changes any more."""
    exclusion = max(session.exclusion.toordinal(), start) if session.exclusion else end + 1
    last = min(end, exclusion - 1)
    day, patience, waiting = start, ABANDON_WITHOUT_CONTRAT, _S.INSCRIT
    for first, term in sorted((c.debut.toordinal(), c.effective_end(session).toordinal()) for c in contrats):
        if first <= min(term, last):
            yield from _wait(day, first, patience, waiting)
            yield first, _S.APPRENTI
            day, patience, waiting = max(day, term + 1), ABANDON_AFTER_RUPTURE, _S.RUPTURANT
    yield from _wait(day, last + 1, patience, waiting)
    if exclusion <= end:
        yield exclusion, _S.ABANDON


def _wait(day: int, following: int, patience: int, waiting: StatutApprenant) -> Iterator[_Step]:
    """The days without contract from `day` to the eve of `following`: a wait, then ABANDON when it exceeds `patience` days."""
    if day < following:
        yield day, waiting
    if day + patience < following:
        yield day + patience, _S.ABANDON


def _natural_end(session: Session, contrats: Sequence[ContratPeriod]) -> int | None:
    """End of the last contract when nothing broke it; a ruptured one wins a tie."""
    if not contrats or session.exclusion is not None:
        return None
    last = max(contrats, key=lambda contrat: (contrat.effective_end(session), contrat.rupture is not None))
    return None if last.rupture is not None else last.effective_end(session).toordinal()


def _terminate(lived: list[_Step], since: int) -> Iterator[_Step]:
    """From that day on a wait is a training that ends; the step that the day falls into is cut there."""
    for rank, (day, value) in enumerate(lived):
        following = lived[rank + 1][0] if rank + 1 < len(lived) else None
        if value not in _PENDING or (following is not None and following <= since):
            yield day, value
            continue
        if day < since:
            yield day, value
        yield max(day, since), _S.FIN_DE_FORMATION


def _distinct(found: Iterable[_Step]) -> list[StatutStep]:
    """The steps that change the status."""
    runs = groupby(found, key=itemgetter(1))
    return [StatutStep(date.fromordinal(next(run)[0]), value) for value, run in runs]


def parcours(sessions: Iterable[Session], contrats: Sequence[ContratPeriod]) -> list[StatutStep]:
    """Statuses over several sessions: each takes the contracts that cross it by their planned dates.

    A later session takes over from the first day of its own statuses. A contract that crosses no session tells nothing.
    """
    found: list[_Step] = []
    for lived in lived_sessions(sessions, contrats):
        found = [step for step in found if step[0] < lived.steps[0][0]] + lived.steps
    return _distinct(found)


@dataclass(frozen=True, slots=True)
class LivedSession:
    """A session, the contracts that cross it, and its own statuses; `steps` are never empty."""

    session: Session
    contrats: list[ContratPeriod]
    steps: list[_Step]

    @property
    def depuis(self) -> date:
        """The first day of its statuses, from which it takes over from an earlier one."""
        return date.fromordinal(self.steps[0][0])

    def statut_on(self, day: date) -> StatutApprenant:
        """Its status on a day from `depuis` on."""
        return next(value for first, value in reversed(self.steps) if first <= day.toordinal())


def lived_sessions(sessions: Iterable[Session], contrats: Sequence[ContratPeriod]) -> Iterator[LivedSession]:
    """The sessions that have statuses, in the order in which they take over."""
    for session in sorted(set(sessions), key=_order):
        crossed = [c for c in contrats if c.debut <= session.fin and (c.fin or session.fin) >= session.debut]
        new = _steps_over(session, crossed)
        if new:
            yield LivedSession(session, crossed, new)


def begun_sessions(sessions: Iterable[Session], contrats: Sequence[ContratPeriod]) -> list[tuple[date, Session]]:
    """The sessions that the `parcours` of the same is made of, in order, each with the day from which it takes over."""
    return [(lived.depuis, lived.session) for lived in lived_sessions(sessions, contrats)]


def session_on(begun: Sequence[tuple[date, Session]], day: date) -> Session | None:
    """The session of which `statut_on` tells the status that day, among `begun_sessions`; None without any."""
    started = [session for start, session in begun if start <= day]
    # Before all of them, the one that begins first; of two, the later one took its place.
    return started[-1] if started else min(reversed(begun), key=itemgetter(0), default=(day, None))[1]


def _order(session: Session) -> tuple[date, date, date, bool]:
    return session.debut, session.fin, session.exclusion or date.min, session.is_attested


def statut_on(parcours: Sequence[StatutStep], day: date) -> StatutStep | None:
    """The last step begun; before all of them the first, never the last, which would hide whoever has not started."""
    started = next((step for step in reversed(parcours) if step.depuis <= day), None)
    return started or next(iter(parcours), None)


def nouveau_contrat(steps: Sequence[StatutStep], rupture: date, day: date) -> bool:
    """True when the young person was an apprentice again some day from the one of the rupture to `day`."""
    # A step lasts until the next begins; the last one holds for ever.
    ends = [*(step.depuis for step in steps[1:]), date.max]
    return any(
        step.valeur is StatutApprenant.APPRENTI and step.depuis <= day and rupture < end
        for step, end in zip(steps, ends, strict=False)
    )


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
        or not session.is_attested
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
