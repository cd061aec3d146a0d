"""Counts the list that a Mission locale or a CFA reads, today (EN_DIRECT): what it counts is what the list shows.

Pure, over a view that is there. Beside each count it keeps who was counted, for the journal: a count of few is a look-up of them
(docs/security.md, A18).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from gateway.federation.views.view import View
from gateway.schema.statistics_filter import LieuDeReference
from gateway.statistiques.figure_lines import Codes, CountedUnit, Table
from gateway.statistiques.figure_rights import RESIDENCE
from gateway.statistiques.figures import Sum
from gateway.statistiques.grids import UNKNOWN, Place, Population
from gateway.statistiques.indicators import Indicator, indicators
from gateway.statistiques.month_spans import Span
from gateway.statistiques.observations import Knowledge, Observation, observe
from gateway.statistiques.periods import Step, cohort_of
from gateway.statistiques.places import Places
from gateway.statistiques.questions import OF_PLACES, Question

FEW = 10  # persons: a count of as few is a look-up of them
NOT_OF_STOCKS = frozenset({"TRANCHE_AGE", "SECTEUR"})  # told of a contract, at its first day
_ONE = Sum(1, 1)
_OF_CFA = ("CFA", "RESEAU", "ACADEMIE")  # told of the place of training, wherever people are counted
Classes = dict[tuple[str, str], set[str]]  # persons by id, by partition and class


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, of the span and place that it comes to."""

    question: Question
    span: Span
    lieu: LieuDeReference
    places: Places


@dataclass(slots=True)
class Counting:
    """The lines counted and their total; the persons of each line, of all the lines, and of the whole list."""

    lines: Table
    total: Table
    persons: dict[Codes, Classes] = field(default_factory=lambda: defaultdict(dict))
    all_lines: Classes = field(default_factory=dict)
    whole: Classes = field(default_factory=dict)

    def add(self, person: str, unit: CountedUnit, partition: str, is_kept: bool) -> None:
        """Note a unit of a person in the whole list, and among all the lines where the question keeps it."""
        self.whole.setdefault((partition, unit.classe), set()).add(person)
        if is_kept:
            self.all_lines.setdefault((partition, unit.classe), set()).add(person)
            self.total.add(partition, (unit,))

    def add_to_line(self, person: str, unit: CountedUnit, partition: str) -> None:
        self.lines.add(partition, (unit,))
        if self.lines.tells(partition, unit.cohort):
            line = self.persons[self.lines.codes_of(unit)]
            line.setdefault((partition, unit.classe), set()).add(person)


def count(view: View, asked: Asked, known: Knowledge) -> Counting:
    """The counts of a view. May run in any thread."""
    dimensions = asked.question.dimensions
    counting = Counting(Table(dimensions, asked.span), Table((), asked.span))
    for key, person in view.persons.items():
        for observation in observe(person.jeune, known, (known.as_of,), school_year_only=False):
            if _is_of(observation, asked):
                _add(counting, key, observation, asked)
    return counting


def _is_of(observation: Observation, asked: Asked) -> bool:
    if observation.population is Population.STATUTS:
        return tells_stocks(asked.question)
    return asked.span.depuis <= observation.day <= asked.span.jusqua


def tells_stocks(question: Question) -> bool:
    """Whether where people stand can be told by these dimensions."""
    return NOT_OF_STOCKS.isdisjoint(question.keys)


def _add(counting: Counting, person: str, observation: Observation, asked: Asked) -> None:
    told = _told(observation, asked)
    kept = all(not told[name].isdisjoint(codes) for name, codes in asked.question.kept.items())
    cohort = cohort_of(observation.day, Step.MOIS)
    for partition, classe in observation.classes.items():
        counting.add(person, CountedUnit({}, cohort, classe, _ONE), partition, kept)
        for codes in _each(told, asked.question.dimensions) if kept else ():
            counting.add_to_line(person, CountedUnit(codes, cohort, classe, _ONE), partition)


def _told(observation: Observation, asked: Asked) -> Mapping[str, frozenset[str]]:
    """The codes of a unit, by dimension of place and trait."""
    of_cfa = asked.places.holders(Place.CFA, observation.cfa or "")
    of_home = asked.places.holders(Place.MISSION_LOCALE, observation.mission_locale or "")
    traits = {name: frozenset({code}) for name, code in observation.keys.items()}
    held = of_home if asked.lieu is RESIDENCE else of_cfa
    places = {name: of_cfa[name] if name in _OF_CFA else held[name] for name in OF_PLACES}
    places["MISSION_LOCALE"] = of_home["MISSION_LOCALE"]
    unknown = frozenset({UNKNOWN})
    return {name: codes - {""} or unknown for name, codes in {**places, **traits}.items()}


def _each(told: Mapping[str, frozenset[str]], dimensions: Codes) -> Iterator[Mapping[str, str]]:
    """The codes by which lines hold a unit: a CFA may be of several networks."""
    asked = [name for name in dimensions if name in told]
    for codes in product(*(sorted(told[name]) for name in asked)):
        yield dict(zip(asked, codes, strict=True))


def looked_up(counting: Counting, lines: Collection[Codes], names: Collection[str]) -> frozenset[str]:
    """The persons told of by counts of few: those of a line, or those whom it leaves out of the list. `names`: of the figures
    that are shown."""
    told = [*(counting.persons.get(codes, {}) for codes in lines), counting.all_lines]
    found: set[str] = set()
    for classes in told:
        for wanted in counts_of(names):
            persons, whole = _union(classes, wanted), _union(counting.whole, wanted)
            for few in (persons, whole - persons):
                if 0 < len(few) <= FEW:
                    found |= few
    return frozenset(found)


def counts_of(names: Collection[str]) -> list[tuple[tuple[str, str], ...]]:
    """The counts that figures tell, each as the classes that it adds up."""
    shown = [indicator for name, indicator in indicators().items() if name in names]
    return [
        tuple((indicator.partition, classe) for classe in classes)
        for indicator in shown
        for classes in _sums(indicator)
    ]


def _sums(indicator: Indicator) -> Iterator[tuple[str, ...]]:
    yield indicator.counted
    if indicator.parmi:
        yield indicator.parmi


def _union(classes: Classes, wanted: tuple[tuple[str, str], ...]) -> set[str]:
    return set().union(*(classes.get(each, ()) for each in wanted))
