"""Who waits for a first contract: each rule of docs/domaine.md by name, then ten thousand careers beside painted days."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Finalite, Profil
from gateway.domain.statut import ContratPeriod, Session, StatutApprenant, Wait, parcours, statut_on, wait_on
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.criteria import identifying
from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.lists import WAITING, ListQuery
from gateway.federation.views.operation_context import OperationContext
from gateway.federation.views.view import Rights, View
from gateway.schema.filters import FiltreSansContrat
from gateway.schema.nouns import Adresse, EtatTraitement, Formation, SituationSuivi, Suivi
from gateway.schema.orders import TriSansContrat
from gateway.schema.query import PageArgs
from gateway.schema.scalars import CodeInsee, CodePostal
from tests.support.access.tools import POLICY
from tests.support.figures import note
from tests.support.unit.federation import DAY, build, context, contrat, session, told
from tests.support.waiting_oracle import Told, wait

ONE = timedelta(days=1)
YEAR = Session(date(2026, 9, 1), date(2027, 8, 31))
HOME = Adresse(code_postal=CodePostal("60000"))
S = StatutApprenant


def after(days: int) -> date:
    return YEAR.debut + days * ONE


def as_told(found: Wait | None) -> Told | None:
    if found is None:
        return None
    return Told(found.depuis, found.jours, found.echeance, found.jours_restants, found.depassee, found.contrat_prevu)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (-1, None),
        (0, (0, 90, False)),
        (89, (89, 1, False)),
        (90, (90, 0, True)),
        (91, (91, -1, True)),
        (179, (179, -89, True)),
        (180, None),
    ],
)
def test_the_deadline_is_the_ninetieth_day_after_and_the_wait_ends_at_180(days: int, expected: Any) -> None:
    found = wait_on([YEAR], [], after(days))
    assert (found and (found.jours, found.jours_restants, found.depassee)) == expected
    if found:
        assert (found.depuis, found.echeance) == (date(2026, 9, 1), date(2026, 11, 30))


@pytest.mark.parametrize(("days", "statut"), [(0, S.INSCRIT), (89, S.INSCRIT), (90, S.ABANDON), (179, S.ABANDON)])
def test_who_waits_is_inscrit_until_the_deadline_then_an_abandon_by_delay(days: int, statut: S) -> None:
    step = statut_on(parcours([YEAR], []), after(days))
    assert step
    assert step.valeur is statut


@pytest.mark.parametrize(("days", "waits"), [(99, True), (100, False), (150, False)])
def test_an_abandon_by_exclusion_is_no_wait(days: int, waits: bool) -> None:
    excluded = Session(YEAR.debut, YEAR.fin, exclusion=after(100))
    assert (wait_on([excluded], [], after(days)) is not None) is waits


@pytest.mark.parametrize("broken", [None, after(40)])
def test_a_contract_that_lasted_a_day_ends_the_wait_for_good(broken: date | None) -> None:
    contrats = [ContratPeriod(after(10), YEAR.fin, broken)]
    assert wait_on([YEAR], contrats, after(9)) == Wait(YEAR.debut, 9, contrat_prevu=after(10))
    assert wait_on([YEAR], contrats, after(10)) is None
    assert wait_on([YEAR], contrats, after(60)) is None


def test_a_contract_broken_before_its_first_day_of_work_ends_no_wait() -> None:
    """Whoever signed it is INSCRIT for the status machine, and in no list of ruptures: nobody would call."""
    broken = ContratPeriod(after(10), YEAR.fin, after(10))
    assert wait_on([YEAR], [broken], after(20)) == Wait(YEAR.debut, 20, None)
    assert wait_on([YEAR], [ContratPeriod(after(30), YEAR.fin, after(25))], after(20)) == Wait(YEAR.debut, 20, None)


def test_the_first_contract_to_come_is_told_even_after_the_session() -> None:
    next_year = ContratPeriod(YEAR.fin + ONE, YEAR.fin + 300 * ONE)
    assert wait_on([YEAR], [next_year], after(20)) == Wait(YEAR.debut, 20, YEAR.fin + ONE)
    sooner = ContratPeriod(after(50), YEAR.fin)
    assert wait_on([YEAR], [next_year, sooner], after(20)) == Wait(YEAR.debut, 20, after(50))


def test_a_session_that_is_over_leaves_nobody_waiting() -> None:
    short = Session(YEAR.debut, after(100))
    assert wait_on([short], [], after(100)) == Wait(YEAR.debut, 100, None)
    assert wait_on([short], [], after(101)) is None
    # On its last day, who is INSCRIT has finished: the status machine says so.
    assert wait_on([Session(YEAR.debut, after(50))], [], after(50)) is None


def test_each_session_has_its_own_deadline() -> None:
    """Somebody who begins again elsewhere has 90 days again, as the status machine gives them."""
    again = Session(after(60), after(400))
    assert wait_on([YEAR, again], [], after(60)) == Wait(after(60), 0, None)
    assert wait_on([YEAR, again], [], after(149)) == Wait(after(60), 89, None)
    step = statut_on(parcours([YEAR, again], []), after(149))
    assert step
    assert step.valeur is S.INSCRIT


def test_a_contract_of_an_earlier_session_does_not_end_the_wait_of_this_one() -> None:
    before = Session(YEAR.debut - 365 * ONE, YEAR.debut - 20 * ONE)
    contrats = [ContratPeriod(before.debut, before.fin)]
    assert wait_on([before, YEAR], contrats, after(30)) == Wait(YEAR.debut, 30, None)


def _career(randomness: Random) -> tuple[list[Session], list[ContratPeriod], date]:
    near = (-1, 0, 1, 7, 30, 60, 88, 89, 90, 91, 178, 179, 180, 181)
    debut, sessions, contrats = YEAR.debut + randomness.randrange(30) * ONE, [], []
    for _ in range(randomness.choice((1, 1, 2, 3))):
        fin = debut + randomness.choice((30, 89, 90, 100, 179, 180, 364, 729)) * ONE
        exclusion = debut + randomness.choice(near) * ONE if randomness.random() < 0.15 else None
        sessions.append(Session(debut, fin, exclusion))
        for _ in range(randomness.choice((0, 0, 0, 1, 2))):
            day = debut + randomness.choice(near) * ONE
            prevue = day + randomness.choice((*near, 300, 700)) * ONE if randomness.random() < 0.8 else None
            rupture = day + randomness.choice(near) * ONE if randomness.random() < 0.5 else None
            contrats.append(ContratPeriod(day, prevue, rupture))
        debut = debut + randomness.choice((1, 30, 60, 90, 300)) * ONE
    return sessions, contrats, sessions[0].debut + randomness.choice((*near, 45, 120, 200, 240)) * ONE


def test_ten_thousand_careers_agree_with_painted_days() -> None:
    randomness, seen = Random(18), Counter[str]()
    for _ in range(10_000):
        sessions, contrats, day = _career(randomness)
        found = as_told(wait_on(sessions, contrats, day))
        assert found == wait(sessions, contrats, day), (sessions, contrats, day)
        kinds = ["aucune"] if found is None else ["dépassée" if found.depassee else "à venir"]
        seen.update(kinds + (["contrat prévu"] if found and found.contrat_prevu else []))
    counts = ", ".join(f"{kind} {count}" for kind, count in sorted(seen.items()))
    note(f"sans contrat : 10 000 parcours d'accord avec les jours peints ({counts})")
    assert all(count > 400 for count in seen.values())
    assert len(seen) == 4


DAYS = st.integers(-20, 400).map(after)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.builds(Session, DAYS, DAYS, st.none() | DAYS), max_size=3, unique_by=lambda one: one.debut),
    st.lists(st.builds(ContratPeriod, DAYS, st.none() | DAYS, st.none() | DAYS), max_size=3),
    DAYS,
)
def test_any_dates_agree_with_painted_days(sessions: list[Session], contrats: list[ContratPeriod], day: date) -> None:
    assert as_told(wait_on(sessions, contrats, day)) == wait(sessions, contrats, day)


# In a view: DAY is 2026-10-15.


def enrolled(key: str, days: int, **values: Any) -> SourcedRecord:
    """Somebody enrolled that many days ago, whom nothing joins to another."""
    debut = DAY - days * ONE
    who: dict[str, Any] = {"nom": NAMES[int(key)], "date_naissance": date(2006, 1, 1 + int(key)), "adresse": HOME}
    return told("ypareo", key, "A", formations=[session(debut, debut + 700 * ONE)], **{**who, **values})


NAMES = ["Lambert", "Morvan", "Nicolas", "Olivier", "Perrin", "Quentel", "Rousseau", "Sabatier", "Thomas", "Vidal"]
PAGE = PageArgs(50, None)


def listed(seen: OperationContext, filtre: FiltreSansContrat | None = None) -> list[str]:
    page = seen.waiting(filtre, TriSansContrat.ECHEANCE, PAGE)
    assert page
    assert page.total_count == len(page.edges)
    return [edge.node.nom or "" for edge in page.edges]


def test_the_soonest_deadline_comes_first_and_those_past_come_last() -> None:
    days = (10, 95, 89, 170, 0, 90)
    seen = context([enrolled(str(rank), spent) for rank, spent in enumerate(days)])
    assert listed(seen) == [NAMES[rank] for rank in (2, 0, 4, 3, 1, 5)]


def test_a_planned_contract_leaves_the_list_unless_it_is_asked_for() -> None:
    planned = [contrat(DAY + 5 * ONE, numero="1")]
    seen = context([enrolled("0", 30), enrolled("1", 20, contrats=planned)])
    assert listed(seen) == listed(seen, FiltreSansContrat(contrat_prevu=False)) == ["Lambert"]
    assert listed(seen, FiltreSansContrat(contrat_prevu=True)) == ["Lambert", "Morvan"]
    jeune = next(p.jeune for p in seen.view.persons.values() if p.jeune.contrats)
    assert jeune.sans_contrat
    assert jeune.sans_contrat.contrat_prevu == DAY + 5 * ONE


def test_a_contract_alone_enrols_nobody() -> None:
    """The registry knows contracts and no session: one broken on its first day is no wait for another."""
    void = [contrat(DAY - 20 * ONE, broken=DAY - 20 * ONE, numero="1")]
    seen = context([told("registre", adresse=HOME, contrats=void)])
    (person,) = seen.view.persons.values()
    assert person.jeune.statut
    assert person.jeune.statut.valeur is S.INSCRIT
    assert person.jeune.sans_contrat is None


@pytest.mark.parametrize(
    ("noted", "situation", "etat"),
    [
        (31, SituationSuivi.RDV_PRIS, EtatTraitement.A_TRAITER),  # before the wait began
        (30, SituationSuivi.RDV_PRIS, EtatTraitement.TRAITE),
        (1, SituationSuivi.RDV_PRIS, EtatTraitement.TRAITE),
        (1, SituationSuivi.CONTACTE_SANS_RETOUR, EtatTraitement.INJOIGNABLE),
        (1, None, EtatTraitement.A_TRAITER),
    ],
)
def test_the_state_of_a_wait_counts_what_was_noted_since_it_began(
    noted: int, situation: SituationSuivi | None, etat: EtatTraitement
) -> None:
    at = datetime(DAY.year, DAY.month, DAY.day, 10, tzinfo=UTC) - noted * ONE
    suivi = Suivi(situation=situation, date=at)
    who: dict[str, Any] = {"nom": NAMES[0], "date_naissance": date(2006, 1, 1)}
    seen = context([enrolled("0", 30), told("imilo", "0", "60001", suivi=suivi, **who)])
    (person,) = seen.view.persons.values()
    assert person.jeune.etat_sans_contrat is etat
    assert listed(seen, FiltreSansContrat(etat=etat)) == [person.jeune.nom]


def test_the_filters_narrow_the_list() -> None:
    seen = context([enrolled(str(rank), 20 * rank, date_naissance=date(2004 + rank, 1, 1)) for rank in range(9)])
    # From 22 to 14 years old: the two last are too young for a Mission locale.
    whole = NAMES[4::-1] + NAMES[6:4:-1]
    assert listed(seen) == whole
    assert listed(seen, FiltreSansContrat(depassee=True)) == NAMES[6:4:-1]
    assert listed(seen, FiltreSansContrat(depassee=False)) == NAMES[4::-1]
    assert listed(seen, FiltreSansContrat(mineur=True)) == listed(seen, FiltreSansContrat(age_max=17)) == NAMES[6:4:-1]
    assert listed(seen, FiltreSansContrat(communes=[CodeInsee("60175")])) == []
    assert listed(seen, FiltreSansContrat(recherche="lamb")) == NAMES[:1]


def test_a_planned_contract_is_a_look_up_and_a_deadline_past_is_a_closed_criterion() -> None:
    def points_at(**criteria: Any) -> tuple[str, ...]:
        return identifying(ListQuery(WAITING, FiltreSansContrat(**criteria), TriSansContrat.ECHEANCE, DAY))

    assert points_at(depassee=True, mineur=False, etat=EtatTraitement.A_TRAITER) == ()
    assert points_at(contrat_prevu=True, age_max=20) == ("contrat_prevu", "age_max")


def view_of(profil: Profil, organisation: str, *records: SourcedRecord) -> View:
    perimetre = Perimetre(profil, organisation, frozenset({organisation}) if profil is Profil.CFA else frozenset())
    finalite = Finalite.GESTION_CFA if profil is Profil.CFA else Finalite.ACCOMPAGNEMENT
    return build(SourceReadings(list(records)), Rights(POLICY, profil, finalite, perimetre))


@pytest.mark.parametrize(
    ("birth", "waits"),
    [
        (date(2008, 10, 16), False),  # 17 years old: France Travail sees the person, and not that it waits
        (date(2008, 10, 15), True),  # 18 today
        (date(2000, 10, 16), True),  # 25
    ],
)
def test_france_travail_is_told_of_adults_only(birth: date, waits: bool) -> None:
    view = view_of(Profil.FRANCE_TRAVAIL, "32", enrolled("0", 30, date_naissance=birth))
    (person,) = view.persons.values()
    assert (person.jeune.sans_contrat is not None) is waits
    listed_there = WAITING.elements(view)
    assert bool(listed_there) is waits


@pytest.mark.parametrize(("days", "seen"), [(89, 1), (90, 0), (120, 0)])
def test_france_travail_never_sees_who_is_past_the_deadline(days: int, seen: int) -> None:
    """Its policy opens INSCRIT alone: docs/droits.md, France Travail."""
    assert len(view_of(Profil.FRANCE_TRAVAIL, "32", enrolled("0", days)).persons) == seen


def test_a_mission_locale_is_told_of_minors_and_of_who_is_past_the_deadline() -> None:
    records = [enrolled("0", 120, date_naissance=date(2009, 1, 1)), enrolled("1", 5)]
    view = view_of(Profil.MISSION_LOCALE, "60001", *records)
    assert len(WAITING.elements(view)) == 2


def test_a_formation_without_days_enrols_nobody() -> None:
    seen = context([told("ypareo", "1", "A", adresse=HOME, formations=[Formation(date_debut=DAY - ONE)])])
    assert listed(seen) == []
