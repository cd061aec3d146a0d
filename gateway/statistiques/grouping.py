"""The places that a question counts, each in the groups that its lines are made of. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from gateway.statistiques.figure_lines import Codes
from gateway.statistiques.figure_rights import FigureRights
from gateway.statistiques.grids import Place
from gateway.statistiques.places import Held, Places
from gateway.statistiques.questions import OF_PLACES, Question
from gateway.stores.blocks import lot_name

TOTAL = "T"  # the group of all the places, where those of lines do not add up to it


@dataclass(slots=True)
class Grouping:
    """`pairs`: each place, or lot, with a group it counts in; `codes`: of each group, by dimension. `adds_up`: each place is in
    one group exactly, so that the total is their sum."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    codes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    adds_up: bool = True


def selected(question: Question, rights: FigureRights, places: Places, place: Place) -> Iterator[Held]:
    """The places of a kind that are of the question and of its caller, each with the territories that hold it."""
    kept = {name: codes for name, codes in question.kept.items() if name in OF_PLACES}
    bounds = [*kept.items(), *rights.bounds.items()]
    for code, holders in places.every(place):
        if all(not holders[name].isdisjoint(codes) for name, codes in bounds):
            yield code, holders


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
