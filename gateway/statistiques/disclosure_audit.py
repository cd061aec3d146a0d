"""What an attacker could conclude of published blocks by putting grids side by side: the audit of a snapshot. Pure.

Of each block it is known that its count stands in an interval, and of a block that is not there, that it is below the step. Two
grids of one population add up to the same sums where their cells can be grouped alike: sums narrow the cells, and cells the sums,
until nothing changes (docs/statistiques.md, Secret). Sums that do not agree, as when a CFA moved meanwhile, prove nothing: they
are left out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import prod
from typing import Protocol

from gateway.statistiques.disclosure import possible_counts
from gateway.statistiques.grids import GRIDS, Grid, Place, Population
from gateway.statistiques.periods import Step, cohort_of, first_day
from gateway.statistiques.places import Places

VALUES_MIN = 4  # counts that a cell must leave possible, or nothing is published
_WIDER = (Place.CFA, Place.DEPARTEMENT, Place.REGION)
Group = tuple[str, ...]


class _Bounded(Protocol):
    """Of which no more is known than its bounds."""

    low: int
    high: int


@dataclass(slots=True)
class AuditedCell:
    """A cell as it is published, and the true count, which tells which sums agree."""

    lieu: str
    cles: str
    mois: str
    classe: str
    count: int
    low: int
    high: int


def audited(cell: Sequence[str], count: int, protected: int, step: int) -> AuditedCell:
    """`cell`: its place, keys, month and class."""
    lieu, cles, mois, classe = cell
    return AuditedCell(lieu, cles, mois, classe, count, *possible_counts(protected, step))


@dataclass(slots=True)
class _Side:
    """The cells of one grid in a group: those told, and how many are not, each of which holds `low` to `high`."""

    cells: list[AuditedCell] = field(default_factory=list)
    absent: int = 0
    low: int = 0
    high: int = 0
    count: int = 0

    def bounds(self) -> tuple[int, int]:
        low = sum(cell.low for cell in self.cells) + self.absent * self.low
        return low, sum(cell.high for cell in self.cells) + self.absent * self.high

    def narrow(self, total: tuple[int, int]) -> bool:
        """Whether the bounds of the total narrow one of the cells; it is then narrowed."""
        low, high = self.bounds()
        bounded: list[_Bounded] = [*self.cells, *([self] if self.absent else [])]
        changed = False
        if all(total[1] - low >= cell.high - cell.low <= high - total[0] for cell in bounded):
            return False
        for cell in bounded:
            narrow = max(cell.low, total[0] - (high - cell.high)), min(cell.high, total[1] - (low - cell.low))
            if narrow != (cell.low, cell.high):
                cell.low, cell.high = narrow
                changed = True
        return changed


def fewest_values(told: Mapping[str, Sequence[AuditedCell]], places: Places, step: int) -> int | None:
    """The fewest counts that a cell may still hold, by grid name; None where no cell is told. The cells are narrowed."""
    sides = [pair for population in Population for pair in _pairs(population, told, places, step)]
    # Each round to its end, not to its first change: hundreds of thousands of cells are gone through a few times.
    while sum(_narrow(pair) for pair in sides):
        pass
    widths = [cell.high - cell.low + 1 for cells in told.values() for cell in cells]
    widths += [side.high - side.low + 1 for pair in sides for side in pair if side.absent]
    return min(widths, default=None)


def _narrow(pair: tuple[_Side, _Side]) -> bool:
    (low, high), (other_low, other_high) = (side.bounds() for side in pair)
    total = max(low, other_low), min(high, other_high)
    return sum(side.narrow(total) for side in pair) > 0


def _pairs(
    population: Population, told: Mapping[str, Sequence[AuditedCell]], places: Places, step: int
) -> Iterator[tuple[_Side, _Side]]:
    grids = [grid for grid in GRIDS.values() if grid.population is population and grid.name in told]
    for one, other in combinations(grids, 2):
        common = _Common.of(one, other)
        if common is None:
            continue
        sides = [_Grouped(grid, common, places, step).sides(told[grid.name]) for grid in (one, other)]
        for group in sides[0].keys() | sides[1].keys():
            pair = tuple(side.get(group) for side in sides)
            # A group that one of them does not tell is all absent there, and narrows nothing.
            if pair[0] and pair[1] and pair[0].count == pair[1].count:
                yield pair[0], pair[1]


@dataclass(frozen=True, slots=True)
class _Common:
    """The finest groups that the cells of two grids both make."""

    place: Place
    keys: tuple[str, ...]
    step: Step
    by_class: bool

    @classmethod
    def of(cls, one: Grid, other: Grid) -> "_Common | None":
        if (one.place is Place.MISSION_LOCALE) != (other.place is Place.MISSION_LOCALE):
            return None
        place = one.place if one.place is Place.MISSION_LOCALE else max(one.place, other.place, key=_WIDER.index)
        keys = tuple(key for key in one.keys if key in other.keys)
        step = max(one.step, other.step, key=lambda step: step.value)
        return cls(place, keys, step, one.partition is other.partition)


class _Grouped:
    """The cells of one grid, in common groups."""

    def __init__(self, grid: Grid, common: _Common, places: Places, step: int) -> None:
        self._grid, self._common, self._step = grid, common, step
        self._wide = _wider(grid.place, common.place, places)
        self._fine = Counter(self._wide.values())  # how many places of the grid a wide one holds
        self._kept = [rank for rank, key in enumerate(grid.keys) if key in common.keys]
        self._cohorts: dict[str, str] = {}  # by month: hundreds of thousands of cells are of a few tens of them

    def sides(self, cells: Iterable[AuditedCell]) -> dict[Group, _Side]:
        grouped: dict[Group, list[AuditedCell]] = defaultdict(list)
        told: set[str] = set()
        for cell in cells:
            told.add(cell.cles)
            if group := self._group(cell):
                grouped[group].append(cell)
        domains = list(zip(*(cles.split("/") for cles in told), strict=True)) if self._grid.keys else []
        free = prod(len(set(domain)) for rank, domain in enumerate(domains) if rank not in self._kept)
        return {group: self._side(group, own, free) for group, own in grouped.items()}

    def _group(self, cell: AuditedCell) -> Group | None:
        wide = self._wide.get(cell.lieu)
        if wide is None:
            return None
        cohort = self._cohorts.get(cell.mois)
        if cohort is None:
            cohort = self._cohorts[cell.mois] = cohort_of(first_day(cell.mois), self._common.step)
        values = cell.cles.split("/") if self._kept else ()
        classe = cell.classe if self._common.by_class else ""
        return wide, *(values[rank] for rank in self._kept), cohort, classe

    def _side(self, group: Group, told: list[AuditedCell], free: int) -> _Side:
        """`free`: how many values the other keys take, together."""
        # A count that rounds to nothing is published as an absence, and known to be a small one.
        shown = [cell for cell in told if cell.high >= self._step]
        cohorts = sum(cohort == group[-2] for cohort in self._cohorts.values())
        classes = 1 if self._common.by_class else len(self._grid.partition.classes)
        absent = self._fine[group[0]] * free * cohorts * classes - len(shown)
        return _Side(shown, absent, 0, self._step - 1, sum(cell.count for cell in told))


def _wider(fine: Place, wide: Place, places: Places) -> dict[str, str]:
    """The wide place of each fine one."""
    if fine is wide:
        known = places.missions_locales if fine is Place.MISSION_LOCALE else _codes(fine, places)
        return {code: code for code in known}
    if fine is Place.CFA:
        return dict(places.departement_of_cfa if wide is Place.DEPARTEMENT else places.region_of_cfa)
    holders = ((code, places.holders(fine, code)[wide.value]) for code in _codes(fine, places))
    return {code: next(iter(held)) for code, held in holders if held}


def _codes(place: Place, places: Places) -> Iterable[str]:
    told = {Place.CFA: places.cfas, Place.DEPARTEMENT: places.departement_of_cfa.values()}
    return set(told.get(place, places.region_of_cfa.values()))
