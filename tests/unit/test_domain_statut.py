"""The status machine: the published vectors, then a painter of days, written apart, as oracle."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.statut import Etape, PeriodeContrat, Session, StatutApprenant, etapes, parcours, statut_au
from tests.chiffres import noter
from tests.oracle_statut import comprimer, peindre, peindre_plusieurs, statut_le

S = StatutApprenant
JOUR = timedelta(days=1)
ANNEE = Session(date(2024, 9, 1), date(2025, 8, 31))
DEUX_ANS = Session(date(2024, 9, 1), date(2026, 8, 31))


def lus(resultat: Sequence[Etape]) -> list[tuple[str, str]]:
    return [(etape.depuis.isoformat(), etape.valeur.value) for etape in resultat]


def test_without_contract_the_91st_day_is_an_abandon() -> None:
    assert lus(etapes(ANNEE, [])) == [("2024-09-01", "INSCRIT"), ("2024-11-30", "ABANDON")]


def test_a_contract_ends_the_first_wait_even_late() -> None:
    contrat = PeriodeContrat(date(2025, 1, 6), date(2025, 8, 31))
    assert lus(etapes(ANNEE, [contrat])) == [
        ("2024-09-01", "INSCRIT"),
        ("2024-11-30", "ABANDON"),
        ("2025-01-06", "APPRENTI"),
        ("2025-08-31", "FIN_DE_FORMATION"),
    ]


def test_a_rupture_becomes_an_abandon_after_180_days() -> None:
    contrat = PeriodeContrat(date(2024, 9, 1), date(2026, 8, 31), date(2024, 12, 1))
    assert lus(etapes(DEUX_ANS, [contrat])) == [
        ("2024-09-01", "APPRENTI"),
        ("2024-12-01", "RUPTURANT"),
        ("2025-05-30", "ABANDON"),
    ]


def test_a_new_contract_ends_the_rupture() -> None:
    rompu = PeriodeContrat(date(2024, 9, 1), date(2026, 8, 31), date(2024, 12, 1))
    suivant = PeriodeContrat(date(2025, 2, 1), date(2026, 8, 31))
    assert lus(etapes(DEUX_ANS, [suivant, rompu])) == [
        ("2024-09-01", "APPRENTI"),
        ("2024-12-01", "RUPTURANT"),
        ("2025-02-01", "APPRENTI"),
        ("2026-08-31", "FIN_DE_FORMATION"),
    ]


@pytest.mark.parametrize(("jours", "valeur"), [(60, "FIN_DE_FORMATION"), (61, "RUPTURANT")])
def test_a_natural_end_shortly_before_the_session_ends_it(jours: int, valeur: str) -> None:
    fin = ANNEE.fin - timedelta(days=jours)
    suite = lus(etapes(ANNEE, [PeriodeContrat(ANNEE.debut, fin)]))
    assert suite[1] == ((fin + JOUR).isoformat(), valeur)
    assert suite[-1][1] == "FIN_DE_FORMATION"


def test_the_first_of_august_makes_no_rupture() -> None:
    contrat = PeriodeContrat(date(2024, 9, 1), date(2025, 7, 31))
    assert lus(etapes(ANNEE, [contrat])) == [("2024-09-01", "APPRENTI"), ("2025-08-01", "FIN_DE_FORMATION")]


def test_a_rupture_close_to_the_end_is_a_rupture() -> None:
    contrat = PeriodeContrat(date(2024, 9, 1), date(2025, 8, 31), date(2025, 7, 31))
    assert lus(etapes(ANNEE, [contrat])) == [("2024-09-01", "APPRENTI"), ("2025-07-31", "RUPTURANT")]


def test_of_two_contracts_ending_together_the_broken_one_counts() -> None:
    naturel = PeriodeContrat(date(2024, 9, 1), date(2025, 7, 31))
    rompu = PeriodeContrat(date(2024, 10, 1), date(2025, 8, 31), date(2025, 8, 1))
    for contrats in ([naturel, rompu], [rompu, naturel]):
        assert lus(etapes(ANNEE, contrats)) == [("2024-09-01", "APPRENTI"), ("2025-08-01", "RUPTURANT")]


def test_an_exclusion_beats_the_tolerance_and_any_contract() -> None:
    exclu = Session(ANNEE.debut, ANNEE.fin, exclusion=date(2025, 8, 10))
    contrat = PeriodeContrat(date(2024, 9, 1), date(2025, 7, 31))
    assert lus(etapes(exclu, [contrat])) == [
        ("2024-09-01", "APPRENTI"),
        ("2025-08-01", "RUPTURANT"),
        ("2025-08-10", "ABANDON"),
    ]
    tardif = PeriodeContrat(date(2025, 8, 15), date(2025, 8, 31))
    assert lus(etapes(exclu, [contrat, tardif])) == lus(etapes(exclu, [contrat]))


def test_a_contract_without_end_lasts_as_long_as_the_session() -> None:
    assert lus(etapes(ANNEE, [PeriodeContrat(date(2024, 9, 15))])) == [
        ("2024-09-01", "INSCRIT"),
        ("2024-09-15", "APPRENTI"),
        ("2025-08-31", "FIN_DE_FORMATION"),
    ]


def test_a_contract_begun_before_the_session_opens_it() -> None:
    assert lus(etapes(ANNEE, [PeriodeContrat(date(2024, 8, 1), date(2025, 8, 31))]))[0] == ("2024-08-01", "APPRENTI")


def test_a_short_session_ends_enrolled_people_too() -> None:
    assert lus(etapes(Session(date(2024, 9, 1), date(2024, 9, 30)), [])) == [
        ("2024-09-01", "INSCRIT"),
        ("2024-09-30", "FIN_DE_FORMATION"),
    ]


def test_a_session_that_ends_before_it_begins_says_nothing() -> None:
    assert etapes(Session(date(2025, 9, 1), date(2025, 8, 31)), []) == []


def test_before_the_first_step_the_first_counts_never_the_last() -> None:
    suite = etapes(ANNEE, [PeriodeContrat(date(2024, 9, 10), date(2025, 8, 31))])
    assert statut_au(suite, date(2024, 1, 1)) == Etape(date(2024, 9, 1), S.INSCRIT)
    assert statut_au(suite, date(2024, 9, 9)) == Etape(date(2024, 9, 1), S.INSCRIT)
    assert statut_au(suite, date(2024, 9, 10)) == Etape(date(2024, 9, 10), S.APPRENTI)
    assert statut_au(suite, date(2030, 1, 1)) == Etape(date(2025, 8, 31), S.FIN_DE_FORMATION)
    assert statut_au([], date(2024, 9, 10)) is None


def test_a_later_session_takes_over() -> None:
    suivante = Session(date(2025, 9, 1), date(2026, 8, 31))
    contrats = [
        PeriodeContrat(date(2024, 9, 1), date(2025, 8, 31)),
        PeriodeContrat(date(2025, 10, 1), date(2026, 8, 31)),
    ]
    assert lus(parcours([suivante, ANNEE], contrats)) == [
        ("2024-09-01", "APPRENTI"),
        ("2025-08-31", "FIN_DE_FORMATION"),
        ("2025-09-01", "INSCRIT"),
        ("2025-10-01", "APPRENTI"),
        ("2026-08-31", "FIN_DE_FORMATION"),
    ]


def test_a_contract_over_two_sessions_is_not_cut_between_them() -> None:
    suivante = Session(date(2025, 9, 1), date(2026, 8, 31))
    contrat = PeriodeContrat(date(2024, 9, 1), date(2026, 8, 31))
    assert lus(parcours([ANNEE, suivante], [contrat])) == [
        ("2024-09-01", "APPRENTI"),
        ("2026-08-31", "FIN_DE_FORMATION"),
    ]


def test_a_rupture_on_the_eve_of_the_next_session_is_not_forgotten() -> None:
    suivante = Session(date(2025, 9, 1), date(2026, 8, 31))
    contrat = PeriodeContrat(date(2024, 9, 1), date(2026, 8, 31), date(2025, 8, 20))
    suite = parcours([ANNEE, suivante], [contrat])
    assert statut_au(suite, date(2025, 9, 15)) == Etape(date(2025, 8, 20), S.RUPTURANT)


ORIGINE = date(2024, 9, 1)
# Distances that meet the thresholds of the rules more often than chance would.
ECARTS = st.integers(-40, 900) | st.sampled_from([-1, 0, 1, 59, 60, 61, 89, 90, 91, 179, 180, 181, 304, 334, 364])
JOURS = ECARTS.map(lambda ecart: ORIGINE + ecart * JOUR)
CONTRATS = st.lists(st.builds(PeriodeContrat, JOURS, st.none() | JOURS, st.none() | JOURS), max_size=4)
SESSIONS = st.builds(Session, JOURS, JOURS, st.none() | st.none() | JOURS)


@settings(max_examples=500, deadline=None)
@given(SESSIONS, CONTRATS)
def test_intervals_and_days_agree(session: Session, contrats: list[PeriodeContrat]) -> None:
    debut, jours = peindre(session, contrats)
    assert etapes(session, contrats) == comprimer(dict(enumerate(jours, debut)))


@settings(max_examples=200, deadline=None)
@given(SESSIONS, CONTRATS)
def test_the_order_of_contracts_is_irrelevant(session: Session, contrats: list[PeriodeContrat]) -> None:
    assert etapes(session, contrats) == etapes(session, contrats[::-1])


@settings(max_examples=200, deadline=None)
@given(st.lists(SESSIONS, max_size=3, unique_by=lambda session: session.debut), CONTRATS)
def test_several_sessions_agree_with_the_days(sessions: list[Session], contrats: list[PeriodeContrat]) -> None:
    assert parcours(sessions, contrats) == comprimer(peindre_plusieurs(sessions, contrats))


SEUILS = (-1, 0, 1, 7, 30, 31, 59, 60, 61, 89, 90, 91, 92, 179, 180, 181, 182)


def carriere(hasard: Random) -> tuple[list[Session], list[PeriodeContrat]]:
    """One to three sessions that follow or overlap, and contracts that meet the thresholds around them."""
    debut, sessions, contrats = ORIGINE + hasard.randrange(400) * JOUR, [], []
    for _ in range(hasard.choice((1, 1, 2, 3))):
        fin = debut + hasard.choice((30, 92, 300, 364, 729)) * JOUR
        exclusion = debut + hasard.randrange(-5, 400) * JOUR if hasard.random() < 0.1 else None
        sessions.append(Session(debut, fin, exclusion))
        jour = debut + hasard.choice((*SEUILS, -20)) * JOUR
        for _ in range(hasard.choice((0, 1, 1, 2, 3))):
            prevue = fin - hasard.choice((*SEUILS, 0, 0, 31)) * JOUR if hasard.random() < 0.9 else None
            rupture = jour + hasard.choice((*SEUILS, 120, 250)) * JOUR if hasard.random() < 0.4 else None
            contrats.append(PeriodeContrat(jour, prevue, rupture))
            jour = (rupture or prevue or jour) + hasard.choice(SEUILS) * JOUR
        debut = fin + hasard.choice((-200, -30, 0, 1, 1, 60, 181)) * JOUR
    hasard.shuffle(contrats)
    return sessions, contrats


def test_ten_thousand_careers_agree_with_the_days_at_any_date() -> None:
    hasard, vus = Random(10), Counter[StatutApprenant | None]()
    for _ in range(10_000):
        sessions, contrats = carriere(hasard)
        peint = peindre_plusieurs(sessions, contrats)
        suite = parcours(sessions, contrats)
        assert suite == comprimer(peint), (sessions, contrats)
        for jour in (hasard.choice([e.depuis for e in suite]) - JOUR, ORIGINE + hasard.randrange(-100, 2500) * JOUR):
            etape = statut_au(suite, jour)
            assert (etape and etape.valeur) == statut_le(peint, jour), (sessions, contrats, jour)
            vus[etape.valeur if etape else None] += 1
    comptes = ", ".join(f"{statut.value} {vus[statut]}" for statut in StatutApprenant)
    noter(f"statuts : 10 000 carrières d'accord avec le peintre de jours ({comptes})")
    assert all(vus[statut] > 500 for statut in StatutApprenant)
