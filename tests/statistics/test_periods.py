"""Months, school quarters and school years, by their days."""

from datetime import date

import pytest

from gateway.statistiques.periods import (
    Step,
    add_months,
    cohort_of,
    cohorts,
    last_day,
    school_year,
    school_year_bounds,
    whole_months_between,
)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 11, 30), 3, date(2028, 2, 29)),
        (date(2026, 8, 31), 9, date(2027, 5, 31)),
        (date(2026, 3, 15), -3, date(2025, 12, 15)),
    ],
)
def test_months_are_added_and_the_day_cut_to_the_last_of_the_month(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later


@pytest.mark.parametrize(
    ("day", "cohort"),
    [
        (date(2026, 8, 1), "2026-08"),
        (date(2026, 10, 31), "2026-08"),
        (date(2027, 1, 31), "2026-11"),
        (date(2027, 2, 1), "2027-02"),
        (date(2026, 7, 31), "2026-05"),
    ],
)
def test_four_quarters_make_a_school_year(day: date, cohort: str) -> None:
    assert cohort_of(day, Step.TRIMESTRE) == cohort
    assert school_year(date.fromisoformat(f"{cohort}-01")) == school_year(day)


def test_a_period_touches_the_cohorts_of_its_first_and_last_day() -> None:
    touched = cohorts(date(2026, 6, 30), date(2026, 11, 1), Step.TRIMESTRE)
    assert list(touched) == ["2026-05", "2026-08", "2026-11"]
    assert list(cohorts(date(2025, 12, 1), date(2026, 1, 31), Step.MOIS)) == ["2025-12", "2026-01"]


def test_a_cohort_ends_on_the_eve_of_the_next() -> None:
    assert last_day("2026-02", Step.MOIS) == date(2026, 2, 28)
    assert last_day("2026-11", Step.TRIMESTRE) == date(2027, 1, 31)


def test_a_school_year_goes_from_august_to_july() -> None:
    assert school_year_bounds(date(2026, 7, 31)) == (date(2025, 8, 1), date(2026, 7, 31))
    assert school_year_bounds(date(2026, 8, 1)) == (date(2026, 8, 1), date(2027, 7, 31))


def test_months_gone_through_are_whole() -> None:
    assert whole_months_between(date(2026, 1, 31), date(2026, 2, 28)) == 1
    assert whole_months_between(date(2026, 1, 31), date(2026, 4, 29)) == 2
    assert whole_months_between(date(2026, 5, 31), date(2026, 5, 30)) == -1
