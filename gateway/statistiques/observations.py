"""What is counted of a person: one value for each contract, each rupture, and each month-end that finds it enrolled.

Pure: reads the merged nouns of `federation.join`, and keeps of them no name, no day of birth and no number
(docs/statistiques.md, Ce qui est compté). The person is forgotten once counted.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from gateway.auth.policy.policy import is_followed_age
from gateway.domain.days import age_au, paris_day
from gateway.domain.statut import Session, StatutApprenant, StatutStep, begun_sessions, session_on, statut_on
from gateway.federation.join.merge import etat_traitement, periods_of, sessions_of, situation_noted_at
from gateway.schema.nouns import Contrat, Formation, Jeune, Rupture
from gateway.schema.organisations import Cfa
from gateway.statistiques.grids import (
    ISSUE,
    NON_ENTENDU,
    PRISE_EN_CHARGE,
    RUPTURE,
    SIGNALEMENT,
    STATUT,
    SUITE,
    TRAITEMENT,
    UNKNOWN,
    Partition,
    Population,
)
from gateway.statistiques.naf_sections import section_of
from gateway.statistiques.periods import add_months, school_year_bounds

_LEVEL_OF_CFD = {"5": "3", "4": "4", "3": "5", "2": "6", "1": "7"}  # first figure of the code of a diploma
_AGES = ((18, "MOINS_DE_18"), (21, "DE_18_A_20"), (26, "DE_21_A_25"))
_OLDEST = "DE_26_ET_PLUS"
SUITE_MONTHS = 6


@dataclass(frozen=True, slots=True)
class Observation:
    """One unit. `day` dates it; `classes` says, by partition, in which class it is; `keys`, by dimension, its other traits."""

    population: Population
    day: date
    cfa: str | None
    mission_locale: str | None
    keys: Mapping[str, str]
    classes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known beside the person. `as_of`: the day to which all is told; `registry`: the name of the registry among the
    sources; `suivi_heard`: the Missions locales whose system was heard."""

    as_of: date
    registry: str
    suivi_heard: Container[str] = field(default_factory=frozenset)


def observe(
    jeune: Jeune, known: Knowledge, days: Iterable[date], school_year_only: bool = True
) -> Iterator[Observation]:
    """The contracts begun and the ruptures dated by `known.as_of`, and where the person stands at the end of each of the days.

    `school_year_only`: leaves out of the latter whoever has no session in the school year of the day.
    """
    for contrat in jeune.contrats or []:
        if contrat.date_debut and contrat.date_debut <= known.as_of:
            yield _contrat(contrat, contrat.date_debut, jeune, known)
        if contrat.rupture and contrat.rupture.date and contrat.rupture.date <= known.as_of:
            yield _rupture(contrat, contrat.rupture, contrat.rupture.date, jeune, known)
    for standing in _Standings(jeune).on(days, school_year_only):
        # Whoever its CFA no longer tells of is not counted among those who wait: the list leaves it out too.
        if (
            jeune.is_attested
            or standing.day < known.as_of
            or standing.classes[STATUT.name] != StatutApprenant.INSCRIT.value
        ):
            yield standing


def _contrat(contrat: Contrat, debut: date, jeune: Jeune, known: Knowledge) -> Observation:
    classes = {ISSUE.name: issue(contrat, debut, known.as_of)}
    return _unit(Population.CONTRATS, debut, contrat, jeune, classes)


def _rupture(contrat: Contrat, rupture: Rupture, day: date, jeune: Jeune, known: Knowledge) -> Observation:
    heard = jeune.suivi is not None or (_mission_locale(jeune) or "") in known.suivi_heard
    classes = {
        RUPTURE.name: RUPTURE.classes[0],
        SUITE.name: suite(day, _next_start(jeune, contrat, day), known.as_of),
        SIGNALEMENT.name: signalement(rupture, known.registry),
        TRAITEMENT.name: etat_traitement(jeune.suivi, rupture.date).value if heard else NON_ENTENDU,
        PRISE_EN_CHARGE.name: prise_en_charge(jeune, day) if heard else NON_ENTENDU,
    }
    return _unit(Population.RUPTURES, day, contrat, jeune, classes)


def _unit(population: Population, day: date, contrat: Contrat, jeune: Jeune, classes: Mapping[str, str]) -> Observation:
    naf = contrat.employeur.naf if contrat.employeur else None
    keys = {
        "NIVEAU": niveau(contrat.formation),
        "SEXE": jeune.sexe.value if jeune.sexe else UNKNOWN,
        "TRANCHE_AGE": tranche_age(jeune.date_naissance, contrat.date_debut),
        "SECTEUR": section_of(naf) or UNKNOWN,
    }
    uai = contrat.cfa.uai if contrat.cfa else None
    return Observation(population, day, uai, _mission_locale(jeune), keys, classes)


def _mission_locale(jeune: Jeune) -> str | None:
    return jeune.mission_locale.code if jeune.mission_locale else None


def niveau(formation: Formation | None) -> str:
    """What the ERP says, else what the code of the diploma says."""
    if formation is None:
        return UNKNOWN
    return str(formation.niveau) if formation.niveau else _LEVEL_OF_CFD.get((formation.cfd or "")[:1], UNKNOWN)


def tranche_age(naissance: date | None, day: date | None) -> str:
    if naissance is None or day is None:
        return UNKNOWN
    age = age_au(naissance, day)
    return next((name for limit, name in _AGES if age < limit), _OLDEST)


def issue(contrat: Contrat, debut: date, as_of: date) -> str:
    """How a contract stands: broken, in its first months or later; ended before nine months; else still watched."""
    rupture = contrat.rupture.date if contrat.rupture else None
    if rupture and rupture <= as_of:
        return _within(ISSUE, lambda months: rupture < add_months(debut, months)) or "R+"
    last_bound = max(ISSUE.bounds.values())
    ended = contrat.date_fin is not None and contrat.date_fin < min(as_of, add_months(debut, last_bound))
    return "T" if ended else "V"


def _within(partition: Partition, is_within: Callable[[int], bool]) -> str | None:
    """The class of the first bound that the event comes before; None when it comes later."""
    return next((classe for classe, bound in partition.bounds.items() if is_within(bound)), None)


def suite(rupture: date, start: date | None, as_of: date) -> str:
    """When a new contract came."""
    if start and start <= as_of and (classe := _within(SUITE, lambda months: start < add_months(rupture, months))):
        return classe
    return "N+" if add_months(rupture, SUITE_MONTHS) <= as_of else "ATTENTE"


def _next_start(jeune: Jeune, broken: Contrat, rupture: date) -> date | None:
    """The first day of the next contract. Statuses tell those that the view may not show: whoever reads a rupture reads
    whether the young person is an apprentice again."""
    starts = [contrat.date_debut for contrat in jeune.contrats or [] if contrat is not broken and contrat.date_debut]
    starts += [step.depuis for step in jeune.steps or [] if step.valeur is StatutApprenant.APPRENTI]
    return min((start for start in starts if start >= rupture), default=None)


def signalement(rupture: Rupture, registry: str) -> str:
    """Who told the rupture first, and how long after it."""
    delay = rupture.delai_signalement_jours
    if delay is None:
        return UNKNOWN
    ahead = rupture.avance_sur_registre_jours
    by_erp = ahead > 0 if ahead is not None else set(rupture.sources or ()) != {registry}
    if by_erp:
        return "E7" if delay <= 7 else "E30" if delay <= 30 else "E+"
    return "D30" if delay <= 30 else "D60" if delay <= 60 else "D120" if delay <= 120 else "D+"


def prise_en_charge(jeune: Jeune, rupture: date) -> str:
    """How long after the rupture the first step of the follow-up came, of those dated that day or later."""
    suivi = jeune.suivi
    told = [step.date for step in suivi.historique or []] if suivi else []
    noted_at = situation_noted_at(suivi) if suivi and suivi.situation else None
    told += [noted_at] if noted_at else []
    first = min((day for day in map(paris_day, told) if day >= rupture), default=None)
    if first is None:
        return "AUCUNE"
    return _within(PRISE_EN_CHARGE, lambda days: first <= rupture + timedelta(days=days)) or "P+"


class _Standings:
    """Where a person stands, in the CFA of the session or contract begun last."""

    def __init__(self, jeune: Jeune) -> None:
        self._jeune = jeune
        self._steps = [StatutStep(step.depuis, step.valeur) for step in jeune.steps or []]
        begun = [(f.date_debut, 0, _uai(f.cfa), f) for f in jeune.formations or [] if f.date_debut]
        told = [(c.date_debut, 1, _uai(c.cfa), c.formation) for c in jeune.contrats or [] if c.date_debut]
        # Of a session and a contract of one day, the contract's: it is what is signed. Of two of a kind, the CFA of the greatest
        # UAI: who comes first in an answer must not decide.
        self._begun = sorted([*begun, *told], key=lambda each: each[:3])

    def on(self, days: Iterable[date], school_year_only: bool) -> Iterator[Observation]:
        """At the end of each of these days; those of a school year that the session of that day does not cross are left out."""
        sessions = begun_sessions(sessions_of(self._jeune), periods_of(self._jeune)) if school_year_only else []
        for day in days:
            standing = statut_on(self._steps, day)
            if standing and (not school_year_only or _is_of_school_year(session_on(sessions, day), day)):
                yield self._observation(day, standing.valeur)

    def _observation(self, day: date, statut: StatutApprenant) -> Observation:
        formation, uai = self._begun_last(day)
        sexe = self._jeune.sexe
        keys = {"NIVEAU": niveau(formation), "SEXE": sexe.value if sexe else UNKNOWN}
        classes = {STATUT.name: statut.value}
        return Observation(Population.STATUTS, day, uai, _mission_locale(self._jeune), keys, classes)

    def _begun_last(self, day: date) -> tuple[Formation | None, str | None]:
        """The formation and the CFA of what began last by that day; before all of it, of what begins first."""
        if not self._begun:
            return None, None
        _, _, uai, formation = next((each for each in reversed(self._begun) if each[0] <= day), self._begun[0])
        return formation, uai or None


def _uai(cfa: Cfa | None) -> str:
    return (cfa.uai if cfa else None) or ""


def _is_of_school_year(session: Session | None, day: date) -> bool:
    debut, fin = school_year_bounds(day)
    return session is not None and session.debut <= fin and session.fin >= debut


def is_of_mission_locale(jeune: Jeune, day: date) -> bool:
    """Whether the list of its Mission locale has this person that day, by age or by a recognised disability."""
    age = age_au(jeune.date_naissance, day) if jeune.date_naissance else None
    return is_followed_age(age, jeune.rqth)
