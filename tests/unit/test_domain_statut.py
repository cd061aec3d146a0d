"""The status machine: the published vectors, then a painter of days, written apart, as oracle."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.statut import (
    ContratPeriod,
    Session,
    StatutApprenant,
    StatutStep,
    nouveau_contrat,
    parcours,
    statut_on,
    steps,
)
from tests.support.figures import note
from tests.support.statut_oracle import compress, paint, paint_several, truth_on

S = StatutApprenant
DAY = timedelta(days=1)
YEAR = Session(date(2024, 9, 1), date(2025, 8, 31))
TWO_YEARS = Session(date(2024, 9, 1), date(2026, 8, 31))


def as_pairs(result: Sequence[StatutStep]) -> list[tuple[str, str]]:
    return [(step.depuis.isoformat(), step.valeur.value) for step in result]


def test_without_contract_the_91st_day_is_an_abandon() -> None:
    assert as_pairs(steps(YEAR, [])) == [("2024-09-01", "INSCRIT"), ("2024-11-30", "ABANDON")]


def test_a_contract_ends_the_first_wait_even_late() -> None:
    contrat = ContratPeriod(date(2025, 1, 6), date(2025, 8, 31))
    assert as_pairs(steps(YEAR, [contrat])) == [
        ("2024-09-01", "INSCRIT"),
        ("2024-11-30", "ABANDON"),
        ("2025-01-06", "APPRENTI"),
        ("2025-08-31", "FIN_DE_FORMATION"),
    ]


def test_a_rupture_becomes_an_abandon_after_180_days() -> None:
    contrat = ContratPeriod(date(2024, 9, 1), date(2026, 8, 31), date(2024, 12, 1))
    assert as_pairs(steps(TWO_YEARS, [contrat])) == [
        ("2024-09-01", "APPRENTI"),
        ("2024-12-01", "RUPTURANT"),
        ("2025-05-30", "ABANDON"),
    ]


def test_a_new_contract_ends_the_rupture() -> None:
    broken = ContratPeriod(date(2024, 9, 1), date(2026, 8, 31), date(2024, 12, 1))
    following = ContratPeriod(date(2025, 2, 1), date(2026, 8, 31))
    assert as_pairs(steps(TWO_YEARS, [following, broken])) == [
        ("2024-09-01", "APPRENTI"),
        ("2024-12-01", "RUPTURANT"),
        ("2025-02-01", "APPRENTI"),
        ("2026-08-31", "FIN_DE_FORMATION"),
    ]


@pytest.mark.parametrize(("days", "valeur"), [(60, "FIN_DE_FORMATION"), (61, "RUPTURANT")])
def test_a_natural_end_shortly_before_the_session_ends_it(days: int, valeur: str) -> None:
    fin = YEAR.fin - timedelta(days=days)
    following = as_pairs(steps(YEAR, [ContratPeriod(YEAR.debut, fin)]))
    assert following[1] == ((fin + DAY).isoformat(), valeur)
    assert following[-1][1] == "FIN_DE_FORMATION"


def test_the_first_of_august_makes_no_rupture() -> None:
    contrat = ContratPeriod(date(2024, 9, 1), date(2025, 7, 31))
    assert as_pairs(steps(YEAR, [contrat])) == [("2024-09-01", "APPRENTI"), ("2025-08-01", "FIN_DE_FORMATION")]


def test_a_rupture_close_to_the_end_is_a_rupture() -> None:
    contrat = ContratPeriod(date(2024, 9, 1), date(2025, 8, 31), date(2025, 7, 31))
    assert as_pairs(steps(YEAR, [contrat])) == [("2024-09-01", "APPRENTI"), ("2025-07-31", "RUPTURANT")]


def test_of_two_contracts_ending_together_the_broken_one_counts() -> None:
    natural = ContratPeriod(date(2024, 9, 1), date(2025, 7, 31))
    broken = ContratPeriod(date(2024, 10, 1), date(2025, 8, 31), date(2025, 8, 1))
    for contrats in ([natural, broken], [broken, natural]):
        assert as_pairs(steps(YEAR, contrats)) == [("2024-09-01", "APPRENTI"), ("2025-08-01", "RUPTURANT")]


def test_an_exclusion_beats_the_tolerance_and_any_contract() -> None:
    excluded = Session(YEAR.debut, YEAR.fin, exclusion=date(2025, 8, 10))
    contrat = ContratPeriod(date(2024, 9, 1), date(2025, 7, 31))
    assert as_pairs(steps(excluded, [contrat])) == [
        ("2024-09-01", "APPRENTI"),
        ("2025-08-01", "RUPTURANT"),
        ("2025-08-10", "ABANDON"),
    ]
    late = ContratPeriod(date(2025, 8, 15), date(2025, 8, 31))
    assert as_pairs(steps(excluded, [contrat, late])) == as_pairs(steps(excluded, [contrat]))


def test_a_contract_without_end_lasts_as_long_as_the_session() -> None:
    assert as_pairs(steps(YEAR, [ContratPeriod(date(2024, 9, 15))])) == [
        ("2024-09-01", "INSCRIT"),
        ("2024-09-15", "APPRENTI"),
        ("2025-08-31", "FIN_DE_FORMATION"),
    ]


def test_a_contract_begun_before_the_session_opens_it() -> None:
    assert as_pairs(steps(YEAR, [ContratPeriod(date(2024, 8, 1), date(2025, 8, 31))]))[0] == (
        "2024-08-01",
        "APPRENTI",
    )


def test_a_short_session_ends_enrolled_people_too() -> None:
    assert as_pairs(steps(Session(date(2024, 9, 1), date(2024, 9, 30)), [])) == [
        ("2024-09-01", "INSCRIT"),
        ("2024-09-30", "FIN_DE_FORMATION"),
    ]


def test_a_session_that_ends_before_it_begins_says_nothing() -> None:
    assert steps(Session(date(2025, 9, 1), date(2025, 8, 31)), []) == []


def test_before_the_first_step_the_first_counts_never_the_last() -> None:
    following = steps(YEAR, [ContratPeriod(date(2024, 9, 10), date(2025, 8, 31))])
    assert statut_on(following, date(2024, 1, 1)) == StatutStep(date(2024, 9, 1), S.INSCRIT)
    assert statut_on(following, date(2024, 9, 9)) == StatutStep(date(2024, 9, 1), S.INSCRIT)
    assert statut_on(following, date(2024, 9, 10)) == StatutStep(date(2024, 9, 10), S.APPRENTI)
    assert statut_on(following, date(2030, 1, 1)) == StatutStep(date(2025, 8, 31), S.FIN_DE_FORMATION)
    assert statut_on([], date(2024, 9, 10)) is None


def test_a_later_session_takes_over() -> None:
    following = Session(date(2025, 9, 1), date(2026, 8, 31))
    contrats = [
        ContratPeriod(date(2024, 9, 1), date(2025, 8, 31)),
        ContratPeriod(date(2025, 10, 1), date(2026, 8, 31)),
    ]
    assert as_pairs(parcours([following, YEAR], contrats)) == [
        ("2024-09-01", "APPRENTI"),
        ("2025-08-31", "FIN_DE_FORMATION"),
        ("2025-09-01", "INSCRIT"),
        ("2025-10-01", "APPRENTI"),
        ("2026-08-31", "FIN_DE_FORMATION"),
    ]


def test_a_contract_over_two_sessions_is_not_cut_between_them() -> None:
    following = Session(date(2025, 9, 1), date(2026, 8, 31))
    contrat = ContratPeriod(date(2024, 9, 1), date(2026, 8, 31))
    assert as_pairs(parcours([YEAR, following], [contrat])) == [
        ("2024-09-01", "APPRENTI"),
        ("2026-08-31", "FIN_DE_FORMATION"),
    ]


def test_a_rupture_on_the_eve_of_the_next_session_is_not_forgotten() -> None:
    next_ = Session(date(2025, 9, 1), date(2026, 8, 31))
    contrat = ContratPeriod(date(2024, 9, 1), date(2026, 8, 31), date(2025, 8, 20))
    following = parcours([YEAR, next_], [contrat])
    assert statut_on(following, date(2025, 9, 15)) == StatutStep(date(2025, 8, 20), S.RUPTURANT)


ORIGIN = date(2024, 9, 1)
# Distances that meet the thresholds of the rules more often than chance would.
GAPS = st.integers(-40, 900) | st.sampled_from([-1, 0, 1, 59, 60, 61, 89, 90, 91, 179, 180, 181, 304, 334, 364])
DAYS = GAPS.map(lambda gap: ORIGIN + gap * DAY)
CONTRATS = st.lists(st.builds(ContratPeriod, DAYS, st.none() | DAYS, st.none() | DAYS), max_size=4)
SESSIONS = st.builds(Session, DAYS, DAYS, st.none() | st.none() | DAYS)


@settings(max_examples=500, deadline=None)
@given(SESSIONS, CONTRATS)
def test_intervals_and_days_agree(session: Session, contrats: list[ContratPeriod]) -> None:
    debut, days = paint(session, contrats)
    assert steps(session, contrats) == compress(dict(enumerate(days, debut)))


@settings(max_examples=200, deadline=None)
@given(SESSIONS, CONTRATS)
def test_the_order_of_contracts_is_irrelevant(session: Session, contrats: list[ContratPeriod]) -> None:
    assert steps(session, contrats) == steps(session, contrats[::-1])


@settings(max_examples=200, deadline=None)
@given(st.lists(SESSIONS, max_size=3, unique_by=lambda session: session.debut), CONTRATS)
def test_several_sessions_agree_with_the_days(sessions: list[Session], contrats: list[ContratPeriod]) -> None:
    assert parcours(sessions, contrats) == compress(paint_several(sessions, contrats))


THRESHOLDS = (-1, 0, 1, 7, 30, 31, 59, 60, 61, 89, 90, 91, 92, 179, 180, 181, 182)


def career(randomness: Random) -> tuple[list[Session], list[ContratPeriod]]:
    """One to three sessions that follow or overlap, and contracts that meet the thresholds around them."""
    debut, sessions, contrats = ORIGIN + randomness.randrange(400) * DAY, [], []
    for _ in range(randomness.choice((1, 1, 2, 3))):
        fin = debut + randomness.choice((30, 92, 300, 364, 729)) * DAY
        exclusion = debut + randomness.randrange(-5, 400) * DAY if randomness.random() < 0.1 else None
        sessions.append(Session(debut, fin, exclusion))
        day = debut + randomness.choice((*THRESHOLDS, -20)) * DAY
        for _ in range(randomness.choice((0, 1, 1, 2, 3))):
            prevue = fin - randomness.choice((*THRESHOLDS, 0, 0, 31)) * DAY if randomness.random() < 0.9 else None
            rupture = day + randomness.choice((*THRESHOLDS, 120, 250)) * DAY if randomness.random() < 0.4 else None
            contrats.append(ContratPeriod(day, prevue, rupture))
            day = (rupture or prevue or day) + randomness.choice(THRESHOLDS) * DAY
        debut = fin + randomness.choice((-200, -30, 0, 1, 1, 60, 181)) * DAY
    randomness.shuffle(contrats)
    return sessions, contrats


def test_ten_thousand_careers_agree_with_the_days_at_any_date() -> None:
    randomness, seen = Random(10), Counter[StatutApprenant | None]()
    for _ in range(10_000):
        sessions, contrats = career(randomness)
        painted = paint_several(sessions, contrats)
        following = parcours(sessions, contrats)
        assert following == compress(painted), (sessions, contrats)
        for day in (
            randomness.choice([e.depuis for e in following]) - DAY,
            ORIGIN + randomness.randrange(-100, 2500) * DAY,
        ):
            step = statut_on(following, day)
            assert (step and step.valeur) == truth_on(painted, day), (sessions, contrats, day)
            seen[step.valeur if step else None] += 1
    counts = ", ".join(f"{statut.value} {seen[statut]}" for statut in StatutApprenant)
    note(f"statuts : 10 000 carrières d'accord avec le peintre de jours ({counts})")
    assert all(seen[statut] > 500 for statut in StatutApprenant)


STEPS = [
    StatutStep(date(2025, 9, 1), StatutApprenant.APPRENTI),
    StatutStep(date(2026, 3, 1), StatutApprenant.RUPTURANT),
    StatutStep(date(2026, 4, 1), StatutApprenant.APPRENTI),
    StatutStep(date(2026, 6, 1), StatutApprenant.RUPTURANT),
]


@pytest.mark.parametrize(
    ("rupture", "day", "again"),
    [
        (date(2026, 3, 1), date(2026, 3, 31), False),
        (date(2026, 3, 1), date(2026, 4, 1), True),  # the first day of the new one
        (date(2026, 3, 1), date(2026, 9, 1), True),
        (date(2026, 6, 1), date(2026, 9, 1), False),  # of two ruptures, the first may say so and the second not
        (date(2026, 5, 31), date(2026, 9, 1), True),
        (date(2026, 3, 1), date(2026, 3, 1), False),
    ],
)
def test_a_new_contract_is_a_day_as_an_apprentice_from_the_rupture_to_today(
    rupture: date, day: date, again: bool
) -> None:
    assert nouveau_contrat(STEPS, rupture, day) is again


def test_an_apprentice_of_today_has_a_new_contract_for_good() -> None:
    assert nouveau_contrat(STEPS[:3], date(2026, 3, 1), date(2030, 1, 1))
    assert not nouveau_contrat([], date(2026, 3, 1), date(2030, 1, 1))
