"""Reads cells of the store into the lines of tables, a partition at a time. Knows no figure and no caller."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import product

from gateway.concurrency import offload
from gateway.errors import ArgumentRefused
from gateway.statistiques.figure_lines import Table
from gateway.statistiques.grid_choice import GridChoice
from gateway.statistiques.grids import Grid
from gateway.statistiques.grouping import TOTAL, Grouping
from gateway.statistiques.line_sums import LineSums, merged
from gateway.statistiques.month_spans import Span
from gateway.statistiques.questions import Question
from gateway.stores.blocks import CellRange, GroupedCells, Groups

CELLS_MAX = 20_000  # places by cohorts that are read of one partition: what is made lines of within a second
ReadCells = Callable[[CellRange, Groups], Awaitable[GroupedCells]]
GroupPlaces = Callable[[Grid], Grouping]


@dataclass(frozen=True, slots=True)
class BlockReader:
    """Reads for one question. `read`: of protected blocks, or of true counts; `group`: the places of a grid that are counted."""

    question: Question
    span: Span
    read: ReadCells
    group: GroupPlaces

    async def fill(self, sources: Mapping[str, GridChoice], lines: Table, total: Table) -> None:
        """Add what these sources tell to the lines, and to their total. Raises ArgumentRefused for too many cells."""
        groupings: dict[str, Grouping] = {}
        for partition, source in sources.items():
            grid = source.grid
            if grid.place.value not in groupings:
                groupings[grid.place.value] = self.group(grid)
            grouping = groupings[grid.place.value]
            cells = self._cells(grid, lines.dimensions)
            _check(len(grouping.pairs), cells, grid)
            told = await self.read(cells, grouping.pairs)
            number = sum(map(len, told.values()))
            await offload(number, self._add, told, source, grouping, (partition, lines, total))

    def _cells(self, grid: Grid, dimensions: Collection[str]) -> CellRange:
        span, keys = self.span, not self.question.keys.isdisjoint(grid.keys)
        only = _keys_kept(grid, self.question)
        if not grid.is_stock:
            return CellRange(grid.name, span.first(grid.step), span.last(grid.step), keys, only)
        of_time = not {"MOIS", "ANNEE_SCOLAIRE"}.isdisjoint(dimensions)
        first = min(span.first(grid.step), span.stock) if of_time else span.stock
        return CellRange(grid.name, first, max(span.last(grid.step), span.stock) if of_time else span.stock, keys, only)

    def _add(self, told: GroupedCells, source: GridChoice, grouping: Grouping, into: tuple[str, Table, Table]) -> None:
        partition, lines, total = into
        of_total = merged(told) if grouping.adds_up else told.pop(TOTAL, {})
        LineSums(total, partition, source, self.question).add({}, of_total)
        of_lines = LineSums(lines, partition, source, self.question)
        for name, sums in told.items():
            of_lines.add(grouping.codes[name], sums)


def _keys_kept(grid: Grid, question: Question) -> frozenset[str] | None:
    """The keys of cells that the question keeps, where it says each of them; None where all are to be read, and chosen from."""
    if not grid.keys or not question.kept.keys() >= set(grid.keys):
        return None
    return frozenset("/".join(values) for values in product(*(question.kept[name] for name in grid.keys)))


def _check(places: int, cells: CellRange, grid: Grid) -> None:
    months = (int(cells.last[:4]) - int(cells.first[:4])) * 12 + int(cells.last[5:]) - int(cells.first[5:])
    if places * (months // grid.step.value + 1) > CELLS_MAX:
        raise ArgumentRefused(
            "Trop de lieux et de mois pour une question : en demander moins, par filtre.depuis, filtre.jusqua ou un lieu."
        )
