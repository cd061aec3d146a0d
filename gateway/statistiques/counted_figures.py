"""What was counted for one question, from wherever it was: what `answer` shows. Pure values."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.schema.statistics import OrigineStatistique
from gateway.statistiques.coverage import Break, Covered
from gateway.statistiques.figure_lines import NO_CELLS, Cells, Codes, Made, Table
from gateway.statistiques.figures import Secrecy
from gateway.statistiques.month_spans import Span


@dataclass(frozen=True, slots=True)
class Comparison:
    """A territory around a perimeter, its protected cells and what makes figures of them. `named`: its dimensions with their
    codes; none, the country."""

    named: tuple[tuple[str, str], ...]
    cells: Cells
    made: Made


@dataclass(frozen=True, slots=True)
class CountedFigures:
    """`exact`, `shielded`: the lines counted exactly, and those of protected sums; `totals`: the same of all of them.
    `number`: of the snapshot, 0 for a list read today; `grids`: where protected sums come from; `covered`: by source, what was
    read of it and how it is."""

    origin: OrigineStatistique
    number: int
    as_of: date
    told_at: datetime
    span: Span
    dimensions: Codes
    exact: Table
    shielded: Table
    totals: tuple[Cells, Cells]
    made: Made
    grids: Collection[str] = ()
    comparisons: Sequence[Comparison] = ()
    covered: Sequence[Covered] = ()
    breaks: Sequence[Break] = ()

    @property
    def secrecy(self) -> Secrecy | None:
        """None where nothing is protected."""
        return self.made.secrecy if self.grids else None

    def codes(self) -> list[Codes]:
        """The lines there are, in order."""
        return sorted(self.exact.lines.keys() | self.shielded.lines.keys())

    def cells(self, codes: Codes) -> tuple[Cells, Cells]:
        return self.exact.lines.get(codes, NO_CELLS), self.shielded.lines.get(codes, NO_CELLS)


def total_of(table: Table) -> Cells:
    """The cells of a table without dimension."""
    return table.lines.get((), NO_CELLS)
