"""The rate of cohorts that were not watched to the end, against what became of them: a population of the same seed drawn a year
later, when nine months and all reports have passed."""

from collections import Counter, defaultdict
from datetime import date

from fixtures.population.generator import generate
from fixtures.population.truth import truth
from gateway.statistiques.figures import ReportingHorizon, Sum, compute
from gateway.statistiques.indicators import indicators
from gateway.statistiques.periods import Step
from tests.support.figures import note
from tests.support.statistics import recount

JEUNES = 20_000
# Of the shortest window that has a rate at nine months: it begins by the last cohort watched so long (decision 0169).
TODAY, LATER = date(2026, 11, 30), date(2027, 12, 20)
SINCE, UNTIL = date(2025, 10, 1), date(2026, 10, 31)
BROKEN = ("R3", "R6", "R9")
NEAR, FAR = 0.015, 0.10


def cohorts(today: date) -> dict[str, Counter[str]]:
    """Contracts begun in each month of the window, by how they stand on a day."""
    told: dict[str, Counter[str]] = defaultdict(Counter)
    persons = list(truth(generate(seed=1, jeunes=JEUNES, today=today)))
    for _, _, debut, classe in recount.keyed_issues(persons, SINCE, today, lambda *_: ""):
        if debut <= UNTIL:
            told[f"{debut:%Y-%m}"][classe] += 1
    return told


def ratio(told: dict[str, Counter[str]]) -> float:
    total = sum(told.values(), Counter[str]())
    return sum(total[classe] for classe in BROKEN) / total.total()


def test_the_rate_of_open_cohorts_is_what_becomes_of_them() -> None:
    now = cohorts(TODAY)
    told = {month: {classe: Sum(n, 1) for classe, n in classes.items()} for month, classes in now.items()}
    figure = compute(indicators()["tauxRupture"], told, Step.MOIS, ReportingHorizon(TODAY))
    truth_later, naive = ratio(cohorts(LATER)), ratio(now)
    assert figure.provisional
    assert isinstance(figure.value, float)
    note(
        f"cohortes ouvertes : table de survie {figure.value:.1%}, rapport naïf {naive:.1%}, devenues {truth_later:.1%}"
    )
    assert abs(figure.value - truth_later) <= NEAR
    assert truth_later - naive > FAR
