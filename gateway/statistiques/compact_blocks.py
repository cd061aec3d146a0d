"""The protected blocks of one grid and cohort, kept in arrays, and added up by group. Pure; knows neither a store nor a figure.

A block takes ten bytes here: the rank of its keys and class in one number, and in another its value with, above it, that it is
one block, so that adding values up counts the blocks too.
"""

from array import array
from collections.abc import Iterable, Mapping
from itertools import repeat

from gateway.stores.blocks import BLOCK_END, VALUE_START, CellName, CellRange, GroupedCells, Groups, PlaceBlocks

_SUM = 40  # bits of a sum of values; how many blocks it is of stands above
_ONE, _TOTAL = 1 << _SUM, (1 << _SUM) - 1


class CompactBlocks:
    """The blocks of a grid whose cohort begins in a month, by place. Filled once by `add`, then read by any thread."""

    def __init__(self, month: str, places: dict[str, int]) -> None:
        """`places`: the rank of each, given at its first sight, shared by the cohorts that are read together: of thousands of
        places, a table for each cohort would be larger than the blocks."""
        self._month, self._places = month, places
        self._starts, self._ends = array("I"), array("I")  # of the blocks of each place, by its rank
        self._ranks, self._values = array("H"), array("Q")
        self._known: dict[str, int] = {}  # the rank of keys and class, as they are written together
        self._names: list[CellName] = []
        self._has_keys = False
        self._keyless: list[int] = []  # by rank, that of the same class without keys

    @property
    def size(self) -> int:
        """In bytes, nearly."""
        return sum(each.itemsize * len(each) for each in (self._ranks, self._values, self._starts, self._ends))

    def add(self, blocks: PlaceBlocks) -> None:
        """All those of one place."""
        start = len(self._ranks)
        for block in blocks.written.split(BLOCK_END):
            traits, _, value = block.rpartition(VALUE_START)
            rank = self._known.get(traits)
            self._ranks.append(self._rank_of(traits) if rank is None else rank)
            self._values.append(_ONE | int(value))
        place = self._places.setdefault(blocks.lieu, len(self._places))
        for each, bound in ((self._starts, start), (self._ends, len(self._ranks))):
            each.extend(repeat(0, max(0, place + 1 - len(each))))
            each[place] = bound

    def _rank_of(self, traits: str) -> int:
        """The rank of keys and a class, given to them at their first sight."""
        if traits not in self._known:
            cles, _, classe = traits.rpartition(VALUE_START)
            self._has_keys |= bool(cles)
            rank = self._known[traits] = len(self._names)
            self._names.append((cles, self._month, classe))
            self._keyless.append(rank)
            self._keyless[rank] = self._rank_of(VALUE_START + classe)
        return self._known[traits]

    def add_up(self, told: GroupedCells, asked: CellRange, groups: Groups) -> None:
        """Add to what is told the blocks of these places, by group, keys, cohort and class."""
        if not self._ranks:
            return  # of a grid of quarters, two months of three: thousands of places are not looked for in them
        sums: dict[str, dict[int, int]] = {}
        for place, group in groups:
            if span := self._span(place):
                blocks = self._blocks(*span)
                if group in sums:
                    _add(sums[group], blocks)
                else:
                    sums[group] = dict(blocks)  # of one place, a rank comes once
        for group, ranked in sums.items():
            if named := self._named(self._kept(ranked, asked)):
                told.setdefault(group, {}).update(named)

    def _span(self, place: str) -> tuple[int, int] | None:
        rank = self._places.get(place)
        if rank is None or rank >= len(self._starts) or not self._ends[rank]:
            return None
        return self._starts[rank], self._ends[rank]

    def _blocks(self, start: int, end: int) -> Iterable[tuple[int, int]]:
        return zip(self._ranks[start:end], self._values[start:end], strict=True)

    def _kept(self, ranked: dict[int, int], asked: CellRange) -> dict[int, int]:
        """Those of the keys asked, under the ranks that are told. Of sums, not of each block: there are far fewer."""
        if asked.keys is None and (asked.by_keys or not self._has_keys):
            return ranked
        kept: dict[int, int] = {}
        names, own = self._names, range(len(self._names)) if asked.by_keys else self._keyless
        _add(kept, ((own[rank], v) for rank, v in ranked.items() if asked.keys is None or names[rank][0] in asked.keys))
        return kept

    def _named(self, ranked: Mapping[int, int]) -> dict[CellName, tuple[int, int]]:
        return {self._names[rank]: (value & _TOTAL, value >> _SUM) for rank, value in ranked.items()}


def _add(sums: dict[int, int], ranked: Iterable[tuple[int, int]]) -> None:
    known = sums.get
    for rank, value in ranked:
        sums[rank] = known(rank, 0) + value
