"""Makes lines of counted units: by the codes of their dimensions, and of each its figures. Pure.

A line holds the units of every partition that is told, by cohort and class; it is made into figures once it is shown.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.statistiques.figures import (
    NOTHING,
    Figure,
    Figures,
    ReportingHorizon,
    Secrecy,
    Sum,
    add_exact,
    add_protected,
    compute,
)
from gateway.statistiques.grids import STATUT, UNKNOWN
from gateway.statistiques.indicators import EFFECTIF, Indicator, indicators
from gateway.statistiques.month_spans import Span, time_code
from gateway.statistiques.periods import Step
from gateway.statistiques.questions import OF_TIME

Codes = tuple[str, ...]
Cells = dict[str, dict[str, dict[str, Sum]]]  # by partition, cohort and class
NO_CELLS: Cells = {}


class CountedUnit(NamedTuple):
    """Units that nothing here tells apart. `codes`: by dimension of place or trait."""

    codes: Mapping[str, str]
    cohort: str
    classe: str
    counted: Sum


@dataclass(slots=True)
class Table:
    """The lines of these dimensions, by their codes."""

    dimensions: Codes
    span: Span
    lines: dict[Codes, Cells] = field(default_factory=dict)

    def add(self, partition: str, units: Iterable[CountedUnit]) -> None:
        """Add units of a partition; those of another time than the lines tell are left out."""
        for unit in units:
            if self.tells(partition, unit.cohort):
                cells = self.lines.setdefault(self.codes_of(unit), {})
                classes = cells.setdefault(partition, {}).setdefault(unit.cohort, {})
                known = classes.get(unit.classe, NOTHING)
                classes[unit.classe] = Sum(known.total + unit.counted.total, known.blocks + unit.counted.blocks)

    def tells(self, partition: str, cohort: str) -> bool:
        """Whether its lines tell units of a partition and cohort."""
        if partition == STATUT.name:
            return self.span.tells_stock(cohort, self.dimensions)
        return "STATUT" not in self.dimensions

    def codes_of(self, unit: CountedUnit) -> Codes:
        """The codes of the line that holds a unit."""
        return tuple(self._code(dimension, unit) for dimension in self.dimensions)

    def _code(self, dimension: str, unit: CountedUnit) -> str:
        if dimension in OF_TIME:
            return time_code(dimension, unit.cohort)
        return unit.classe if dimension == STATUT.name.upper() else unit.codes.get(dimension, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Timing:
    """How the figures of a partition are told: by what cohorts, to what day."""

    step: Step
    horizon: ReportingHorizon


@dataclass(frozen=True, slots=True)
class Made:
    """What turns cells into figures: those named counted exactly, the others protected; a figure of a partition that is not
    told is not defined. `mute`: kept secret, whatever they are;
    `finish`: what is done to them last."""

    names: Collection[str]
    exact: Mapping[str, Timing]
    shielded: Mapping[str, Timing] = field(default_factory=dict)
    mute: Collection[str] = ()
    secrecy: Secrecy = field(default_factory=Secrecy)
    finish: Callable[[Figures], Figures] = lambda figures: figures

    def figures(self, told: Collection[str], exact: Cells, shielded: Cells) -> Figures:
        """The figures told of a line, of its cells of both kinds."""
        made = Figures()
        for name, indicator in indicators().items():
            if name not in told:
                continue
            if name in self.mute:
                made.values[name] = None
                made.masked.append(name)
            elif name in self.names and indicator.partition in self.exact:
                add_exact(made, indicator, _computed(indicator, exact, self.exact))
            elif name not in self.names and indicator.partition in self.shielded:
                add_protected(made, indicator, _computed(indicator, shielded, self.shielded), self.secrecy)
        return self.finish(made)


def _computed(indicator: Indicator, cells: Cells, timings: Mapping[str, Timing]) -> Figure:
    timing = timings[indicator.partition]
    return compute(indicator, cells.get(indicator.partition, {}), timing.step, timing.horizon)


def told_by(dimensions: Collection[str]) -> frozenset[str]:
    """The figures that a line of these dimensions has: of a statut, how many have it, and nothing else."""
    return frozenset({EFFECTIF}) if "STATUT" in dimensions else frozenset(indicators()) - {EFFECTIF}


def told_by_total(dimensions: Collection[str]) -> frozenset[str]:
    """The figures of the total of such lines."""
    return frozenset(indicators()) - (frozenset() if "STATUT" in dimensions else {EFFECTIF})
