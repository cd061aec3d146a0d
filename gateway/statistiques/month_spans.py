"""The months that a question counts: whole months for what happens, month-ends for where people stand. Pure; knows no clock."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.errors import ArgumentRefused
from gateway.statistiques.periods import (
    SCHOOL_YEAR_MONTH,
    Step,
    add_months,
    cohort_of,
    first_day,
    last_day,
    month_of,
    school_year,
)
from gateway.statistiques.questions import Question

DEFAULT_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Span:
    """`depuis`, `jusqua`: of what happens, whole months but the one under way. `stock`: the month at the end of which people
    stand where they are counted; that of the day, where no date is asked."""

    depuis: date
    jusqua: date
    stock: str

    def first(self, step: Step) -> str:
        """The first cohort that the span touches."""
        return cohort_of(self.depuis, step)

    def last(self, step: Step) -> str:
        return cohort_of(self.jusqua, step)

    def tells_stock(self, month: str, dimensions: Collection[str]) -> bool:
        """Whether the lines of these dimensions tell where people stood at the end of a month."""
        if "MOIS" in dimensions:
            return self._within(month)
        if "ANNEE_SCOLAIRE" in dimensions:
            is_last = month == month_of(self.jusqua) or int(month[5:]) == SCHOOL_YEAR_MONTH - 1
            return self._within(month) and is_last
        return month == self.stock

    def _within(self, month: str) -> bool:
        return month_of(self.depuis) <= month <= month_of(self.jusqua)


def span_of(question: Question, as_of: date) -> Span:
    """The months asked, widened to whole ones; without dates the last twelve that are over, and people as they stand."""
    if question.depuis and question.depuis > as_of:
        raise ArgumentRefused(f"filtre.depuis vient après le dernier jour compté, le {as_of.isoformat()}.")
    end = as_of if question.depuis else as_of.replace(day=1) - timedelta(days=1)
    if question.jusqua:
        end = min(last_day(month_of(question.jusqua), Step.MOIS), as_of)
    start = (question.depuis or add_months(end.replace(day=1), 1 - DEFAULT_MONTHS)).replace(day=1)
    stock = month_of(end) if question.jusqua or question.depuis else month_of(as_of)
    return Span(start, end, stock)


def time_code(dimension: str, cohort: str) -> str:
    """The value of a dimension of time for a cohort."""
    return cohort if dimension == "MOIS" else school_year(first_day(cohort))
