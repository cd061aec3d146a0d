"""Months, school quarters and school years, in which figures are counted. Pure; knows no clock.

A cohort is named by its first month, `2026-08`. Quarters begin in August, November, February and May, so that four of them
make a school year (docs/decisions/0087).
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache

SCHOOL_YEAR_MONTH = 8  # 1 August to 31 July: the school year of apprenticeship (docs/domaine.md, Statut)


class Step(Enum):
    """How long a cohort is, in months."""

    MOIS = 1
    TRIMESTRE = 3


def month_of(day: date) -> str:
    return f"{day.year:04}-{day.month:02}"


def first_day(month: str) -> date:
    return date(int(month[:4]), int(month[5:]), 1)


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later; the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def cohort_of(day: date, step: Step) -> str:
    """The cohort that a day belongs to."""
    return month_of(add_months(day.replace(day=1), -((day.month - SCHOOL_YEAR_MONTH) % step.value)))


@lru_cache(4096)
def last_day(cohort: str, step: Step) -> date:
    return add_months(first_day(cohort), step.value) - timedelta(days=1)


def cohorts(depuis: date, jusqua: date, step: Step) -> Iterator[str]:
    """The cohorts that a period touches, in order."""
    cohort = cohort_of(depuis, step)
    while first_day(cohort) <= jusqua:
        yield cohort
        cohort = month_of(add_months(first_day(cohort), step.value))


def school_year(day: date) -> str:
    """`2025-2026`."""
    year = day.year - (day.month < SCHOOL_YEAR_MONTH)
    return f"{year}-{year + 1}"


def school_year_bounds(day: date) -> tuple[date, date]:
    """Its first and last day."""
    debut = date(day.year - (day.month < SCHOOL_YEAR_MONTH), SCHOOL_YEAR_MONTH, 1)
    return debut, add_months(debut, 12) - timedelta(days=1)


def whole_months_between(start: date, end: date) -> int:
    """The most months that can be added to `start` without passing `end`; negative when `end` comes before."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return months if add_months(start, months) <= end else months - 1
