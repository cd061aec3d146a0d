"""Adds what a grid tells to the lines of a table. What a cell is of, by its keys, cohort and class, is found once for all the
places: a question of the country adds a hundred thousand of them. Pure.
"""

from collections.abc import Mapping
from typing import NamedTuple

from gateway.statistiques.figure_lines import Codes, Table
from gateway.statistiques.figures import Sum
from gateway.statistiques.grid_choice import GridChoice
from gateway.statistiques.grids import RUPTURE, STATUT, UNKNOWN
from gateway.statistiques.month_spans import time_code
from gateway.statistiques.questions import OF_TIME, Question
from gateway.stores.blocks import CellName

NamedSums = Mapping[CellName, tuple[int, int]]  # the total, and of how many blocks above 0
_UNSEEN = object()


class _Target(NamedTuple):
    """Where a cell goes: the codes of its line but those of its place (None), its cohort and class there."""

    codes: tuple[str | None, ...]
    cohort: str
    classe: str


class LineSums:
    """Fills one table with one partition, as a source tells it to a question."""

    def __init__(self, table: Table, partition: str, source: GridChoice, question: Question) -> None:
        self._table, self._partition = table, partition
        self._source, self._question = source, question
        self._targets: dict[CellName, _Target | None] = {}

    def add(self, places: Mapping[str, str], sums: NamedSums) -> None:
        """Add the cells of a group. `places`: its codes, by dimension."""
        lines: dict[tuple[str | None, ...], dict[str, dict[str, Sum]]] = {}
        for cell, (total, blocks) in sums.items():
            target = self._targets.get(cell, _UNSEEN)
            if target is _UNSEEN:
                target = self._targets[cell] = self._target(cell)
            if not isinstance(target, _Target):
                continue
            if target.codes not in lines:
                lines[target.codes] = self._cohorts(places, target.codes)
            classes = lines[target.codes].setdefault(target.cohort, {})
            known = classes.get(target.classe)
            classes[target.classe] = Sum(known.total + total, known.blocks + blocks) if known else Sum(total, blocks)

    def _cohorts(self, places: Mapping[str, str], own: tuple[str | None, ...]) -> dict[str, dict[str, Sum]]:
        """Of a line, what is told of the partition."""
        named = zip(self._table.dimensions, own, strict=True)
        codes: Codes = tuple(places.get(name, UNKNOWN) if code is None else code for name, code in named)
        return self._table.lines.setdefault(codes, {}).setdefault(self._partition, {})

    def _target(self, cell: CellName) -> _Target | None:
        """None for a cell that the question does not keep, or of another time than the lines tell."""
        cles, cohort, classe = cell
        grid, kept = self._source.grid, self._question.kept
        traits = dict(zip(grid.keys, cles.split("/"), strict=True)) if cles else {}
        if any(code not in kept[name] for name, code in traits.items() if name in kept):
            return None
        if not self._table.tells(self._partition, cohort):
            return None
        told = RUPTURE.classes[0] if self._source.folded else classe
        codes = traits | {STATUT.name.upper(): told}
        codes |= {name: time_code(name, cohort) for name in OF_TIME}
        return _Target(tuple(map(codes.get, self._table.dimensions)), cohort, told)


def merged(groups: Mapping[str, NamedSums]) -> NamedSums:
    """The cells of all the groups together."""
    told: dict[CellName, tuple[int, int]] = {}
    for sums in groups.values():
        for cell, (total, blocks) in sums.items():
            known = told.get(cell)
            told[cell] = (known[0] + total, known[1] + blocks) if known else (total, blocks)
    return told
