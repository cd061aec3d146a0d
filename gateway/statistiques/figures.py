"""Makes the figures of one line from the units of its classes, cohort by cohort, exact or protected. Pure.

A figure that is protected is a function of protected sums alone: its value, whether it is shown, and its margin.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from gateway.statistiques.disclosure import (
    RATE_DENOMINATOR,
    RATE_MARGIN,
    STEP,
    THRESHOLD,
    count_margin,
    rate_margin,
    shown,
)
from gateway.statistiques.grids import Partition
from gateway.statistiques.indicators import Computation, Indicator
from gateway.statistiques.life_table import Cohort, incidence, median, quantile
from gateway.statistiques.periods import Step, last_day, whole_months_between

LAG_DAYS = 120  # until nearly all that happened is told: the registry hears late
LAG_DAYS_OF_ERP = 30  # of a CFA or a network read through its ERPs
Value = float | int | list[float] | None


class Sum(NamedTuple):
    """Units added up, and from how many blocks above 0."""

    total: int
    blocks: int


NOTHING = Sum(0, 0)
Classes = Mapping[str, Sum]
Cohorts = Mapping[str, Classes]  # by first month


@dataclass(frozen=True, slots=True)
class ReportingHorizon:
    """To what day the figures are told, and how late what happened is heard of."""

    as_of: date
    lag_days: int = LAG_DAYS

    def horizon(self, partition: Partition) -> date:
        # A follow-up is read where it is noted: nothing is late.
        return self.as_of - timedelta(days=0 if partition.days else self.lag_days)

    def age(self, cohort: str, step: Step, partition: Partition) -> int:
        """How long the last to begin were watched, in the unit of the partition's bounds."""
        last, horizon = last_day(cohort, step), self.horizon(partition)
        return (horizon - last).days if partition.days else whole_months_between(last, horizon)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure before secrecy. `basis`: the units that it is judged on; `numerator`: those it counts of them; `provisional`: a
    cohort was not watched to the end."""

    value: Value
    basis: Sum
    numerator: Sum
    provisional: bool = False


@dataclass(slots=True)
class Figures:
    """The figures of a line by name; those kept secret (`masked`) are None."""

    values: dict[str, Value] = field(default_factory=dict)
    masked: list[str] = field(default_factory=list)
    margins: dict[str, float] = field(default_factory=dict)
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Secrecy:
    """The step and the threshold in force."""

    step: int = STEP
    threshold: int = THRESHOLD

    def is_shown(self, indicator: Indicator, figure: Figure) -> bool:
        if indicator.calcul is Computation.SOMME:
            return shown(figure.basis.total, self.step, self.threshold) is not None
        if figure.basis.total < RATE_DENOMINATOR:
            return False
        # A rate that no cohort was watched for long enough to have is not kept from anybody: there is none.
        if indicator.unite != "part" or figure.value is None:
            return True
        # Blocks of 0 hold up to 4 each: a share made of them alone is not known to be none.
        return figure.numerator.total > 0 and self.margin(indicator, figure) <= RATE_MARGIN

    def margin(self, indicator: Indicator, figure: Figure) -> float:
        if indicator.calcul is Computation.SOMME:
            return count_margin(figure.basis.blocks, self.step)
        return rate_margin(figure.numerator.blocks, figure.basis.total, self.step)


def add_exact(figures: Figures, indicator: Indicator, figure: Figure) -> None:
    """Write a figure as it is."""
    figures.values[indicator.nom] = figure.value
    figures.provisional |= figure.provisional


def add_protected(figures: Figures, indicator: Indicator, figure: Figure, secrecy: Secrecy) -> None:
    """Write a figure made of protected sums, or that it is kept secret."""
    if not secrecy.is_shown(indicator, figure):
        figures.values[indicator.nom] = None
        figures.masked.append(indicator.nom)
        return
    add_exact(figures, indicator, figure)
    if figure.value is not None and (indicator.calcul is Computation.SOMME or indicator.unite == "part"):
        figures.margins[indicator.nom] = secrecy.margin(indicator, figure)


def compute(indicator: Indicator, cohorts: Cohorts, step: Step, horizon: ReportingHorizon) -> Figure:
    """The figure of one indicator, from the units of each class of each cohort of the period."""
    return _COMPUTATIONS[indicator.calcul](indicator, cohorts, step, horizon)


def add_up(cohorts: Iterable[Classes], classes: Iterable[str]) -> Sum:
    wanted = tuple(classes)
    told = [classes_.get(classe, NOTHING) for classes_ in cohorts for classe in wanted]
    return Sum(sum(one.total for one in told), sum(one.blocks for one in told))


def _somme(indicator: Indicator, cohorts: Cohorts, step: Step, horizon: ReportingHorizon) -> Figure:
    total = add_up(cohorts.values(), indicator.counted)
    return Figure(total.total, total, total)


def _part(indicator: Indicator, cohorts: Cohorts, step: Step, horizon: ReportingHorizon) -> Figure:
    kept, provisional = _old_enough(indicator, cohorts, step, horizon)
    numerator, basis = add_up(kept.values(), indicator.counted), add_up(kept.values(), indicator.parmi)
    return Figure(numerator.total / basis.total if basis.total else None, basis, numerator, provisional)


def _old_enough(indicator: Indicator, cohorts: Cohorts, step: Step, horizon: ReportingHorizon) -> tuple[Cohorts, bool]:
    """The cohorts of which all that happened is told, where that is waited for; whether some are too young."""
    if indicator.partition != "signalement":
        return cohorts, False
    kept = {month: classes for month, classes in cohorts.items() if last_day(month, step) <= _told_by(horizon)}
    return kept, len(kept) < len(cohorts)


def _told_by(horizon: ReportingHorizon) -> date:
    # By whatever source: the registry is waited for, even of a CFA that is read through its ERP.
    return horizon.as_of - timedelta(days=LAG_DAYS)


def _incidence(indicator: Indicator, cohorts: Cohorts, step: Step, horizon: ReportingHorizon) -> Figure:
    curve, seen, provisional = _curve(indicator, cohorts, step, horizon)
    numerator = add_up(seen.values(), indicator.classes)
    basis = add_up(seen.values(), _heard(indicator.told_apart))
    return Figure(curve.get(indicator.bounds[-1]), basis, numerator, provisional)


def _mediane(indicator: Indicator, cohorts: Cohorts, step: Step, horizon: ReportingHorizon) -> Figure:
    curve, seen, provisional = _curve(indicator, cohorts, step, horizon)
    basis = add_up(seen.values(), _heard(indicator.told_apart))
    return Figure(median(curve), basis, basis, provisional)


def _heard(partition: Partition) -> tuple[str, ...]:
    return tuple(classe for classe in partition.classes if classe != partition.unheard)


def _curve(
    indicator: Indicator, cohorts: Cohorts, step: Step, horizon: ReportingHorizon
) -> tuple[dict[int, float], Cohorts, bool]:
    """The life table; the cohorts that tell something of it; whether one was not watched to the end."""
    partition, bounds = indicator.told_apart, indicator.bounds
    ages = {month: horizon.age(month, step, partition) for month in cohorts}
    seen = {month: classes for month, classes in cohorts.items() if ages[month] >= bounds[0]}
    made = [_cohort(classes, ages[month], partition) for month, classes in seen.items()]
    return incidence(made, bounds), seen, any(age < bounds[-1] for age in ages.values())


def _cohort(classes: Classes, age: int, partition: Partition) -> Cohort:
    starts = sum(told.total for classe, told in classes.items() if classe != partition.unheard)
    events = {bound: classes.get(classe, NOTHING).total for classe, bound in partition.bounds.items()}
    other = classes.get(partition.other_end, NOTHING).total if partition.other_end else 0
    # Of an end at term only that it came before the last bound is counted: it leaves the risk there.
    return Cohort(age, starts, events, {max(partition.bounds.values()): other})


_INFINITY = float("inf")
_DELAYS = {
    "E7": (0, 7), "E30": (7, 30), "E+": (30, LAG_DAYS),
    "D30": (0, 30), "D60": (30, 60), "D120": (60, LAG_DAYS), "D+": (LAG_DAYS, _INFINITY),
}  # fmt: skip


def _quantile(indicator: Indicator, cohorts: Cohorts, step: Step, horizon: ReportingHorizon) -> Figure:
    kept, provisional = _old_enough(indicator, cohorts, step, horizon)
    bins = [(low, high, add_up(kept.values(), (classe,)).total) for classe, (low, high) in _DELAYS.items()]
    basis = add_up(kept.values(), _DELAYS)
    found = [value for part in indicator.parts if (value := quantile(bins, part)) is not None]
    if len(found) < len(indicator.parts):
        return Figure(None, basis, basis, provisional)
    return Figure(found if len(indicator.parts) > 1 else found[0], basis, basis, provisional)


_COMPUTATIONS: Mapping[Computation, Callable[[Indicator, Cohorts, Step, ReportingHorizon], Figure]] = {
    Computation.SOMME: _somme,
    Computation.PART: _part,
    Computation.INCIDENCE: _incidence,
    Computation.MEDIANE: _mediane,
    Computation.QUANTILE: _quantile,
}
