"""The places that a question counts, each in the groups that its lines are made of. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from gateway.statistiques.figures import Sum
from gateway.statistiques.grids import Grid, Place
from gateway.statistiques.lines import Codes, CountedUnit
from gateway.statistiques.places import Places
from gateway.statistiques.questions import OF_PLACES, Question
from gateway.statistiques.reach import Reach
from gateway.stores.blocks import GroupSum, lot_name

Held = tuple[str, Mapping[str, frozenset[str]]]  # a place, and the codes of what holds it, by dimension
TOTAL = "T"  # the group of all the places, where those of lines do not add up to it


@dataclass(slots=True)
class Grouping:
    """`pairs`: each place, or lot, with a group it counts in; `codes`: of each group, by dimension. `adds_up`: each place is in
    one group exactly, so that the total is their sum."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    codes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    adds_up: bool = True


def selected(question: Question, reach: Reach, places: Places, place: Place) -> Iterator[Held]:
    """The places of a kind that are of the question and of its caller, each with the territories that hold it."""
    kept = {name: codes for name, codes in question.kept.items() if name in OF_PLACES}
    for code in places.base(place):
        holders = places.holders(place, code)
        if all(_meets(holders, bounds) for bounds in (kept, reach.bounds)):
            yield code, holders


def _meets(holders: Mapping[str, frozenset[str]], bounds: Mapping[str, frozenset[str]]) -> bool:
    return all(not holders[name].isdisjoint(codes) for name, codes in bounds.items())


def group(chosen: Iterable[Held], dimensions: Codes, lot_of: Place | None = None) -> Grouping:
    """The groups of these places for lines of these dimensions. `lot_of`: the places are told by their lots."""
    asked = [dimension for dimension in dimensions if dimension in OF_PLACES]
    known: dict[Codes, str] = {}
    grouping, names = Grouping(), []
    for code, holders in chosen:
        name = lot_name(lot_of.value, code) if lot_of else code
        groups = list(product(*(sorted(holders[dimension]) for dimension in asked)))
        grouping.adds_up &= len(groups) == 1
        names.append(name)
        grouping.pairs += ((name, known.setdefault(codes, str(len(known)))) for codes in groups)
    grouping.codes = {group: dict(zip(asked, codes, strict=True)) for codes, group in known.items()}
    if not grouping.adds_up:
        grouping.pairs += ((name, TOTAL) for name in names)
        grouping.codes[TOTAL] = {}
    return grouping


def units(
    rows: Iterable[GroupSum], grid: Grid, question: Question, grouping: Grouping
) -> Iterator[tuple[str, CountedUnit]]:
    """The units of cells read, each with its group, without those whose traits the question does not keep."""
    read: dict[tuple[str, str], Mapping[str, str] | None] = {}
    for row in rows:
        place = row.groupe, row.cles
        if place not in read:
            read[place] = _codes(row, grid, question, grouping)
        codes = read[place]
        if codes is not None:
            yield row.groupe, CountedUnit(codes, row.mois, row.classe, Sum(row.total, row.cellules))


def _codes(row: GroupSum, grid: Grid, question: Question, grouping: Grouping) -> Mapping[str, str] | None:
    traits = dict(zip(grid.keys, row.cles.split("/"), strict=True)) if grid.keys else {}
    if any(traits[name] not in codes for name, codes in question.kept.items() if name in traits):
        return None
    return {**grouping.codes[row.groupe], **traits}
