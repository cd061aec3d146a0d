"""What a Mission locale must read when some systems are withheld: from the population's truth, without a line of the product.

Who is not withheld still tells what it tells: the truth is told again without the recits of the others.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import Any

from fixtures.population.model import Population
from fixtures.population.truth import truth
from fixtures.world import World
from tests.e2e.test_truth import Key, expected_by_mission

LIST = """query Matrice($n: Int!) { ruptures(first: $n) { totalCount complet
 edges { node { date contrat { dateDebut cfa { uai } } } } } }"""


class Outcome(Enum):
    """What becomes of a partner's rows under a fault."""

    SERVED = "served"  # the fault takes nothing away
    KEPT_ROWS = "withheld"  # none of them comes
    DEPENDING_ON = "as drawn"  # some requests only meet the fault
    TOLD_ABSENT = "said absent"  # the partner says, in its own words, that it has none: nobody can know better


@dataclass(frozen=True)
class ReadOne:
    """What a caller was answered."""

    rows: Counter[Key]
    complet: bool | None
    errors: dict[str, str]  # code by source
    states: dict[str, str]

    @classmethod
    def de(cls, reponse: dict[str, Any]) -> "ReadOne":
        list_query = reponse["data"]["ruptures"]
        nodes = [edge["node"] for edge in list_query["edges"]] if list_query else []
        rows = Counter((n["contrat"]["dateDebut"], n["date"], (n["contrat"]["cfa"] or {}).get("uai")) for n in nodes)
        told = [error["extensions"] for error in reponse.get("errors", [])]
        return cls(
            rows,
            list_query["complet"] if list_query else None,
            {one["source"]: one["code"] for one in told},
            {one["nom"]: one["etat"] for one in reponse["extensions"]["sources"]},
        )


class Oracle:
    """The truth of a world, with any of its systems withheld."""

    def __init__(self, world: World, mission: str) -> None:
        self._population, self._mission = world.population, mission
        self.expected = cache(self._expected)

    def _expected(self, selected: frozenset[str]) -> Counter[Key]:
        rows = list(truth(_without(self._population, selected)))
        return expected_by_mission(rows, self._population.today)[self._mission]

    def describe_fault(self, result: ReadOne, outcomes: Mapping[str, Outcome]) -> str:
        """What is wrong with an answer while systems are faulted, each with what becomes of its rows; "" if nothing is."""
        selected_people = {name for name, sort in outcomes.items() if sort is Outcome.KEPT_ROWS}
        if Outcome.DEPENDING_ON in outcomes.values():
            return self._fault_by(result, outcomes.keys())
        absent = selected_people | {name for name, sort in outcomes.items() if sort is Outcome.TOLD_ABSENT}
        expected = self.expected(frozenset(absent))
        if set(result.errors) != selected_people:
            return f"errors name {result.errors}"
        if result.complet is not (not selected_people):
            return f"complet is {result.complet}"
        if result.rows != expected:
            return f"{(expected - result.rows).total()} rows missing, {(result.rows - expected).total()} too many"
        return ""

    def _fault_by(self, result: ReadOne, fallible: Collection[str]) -> str:
        """Whatever was drawn: complete means whole, and what is not names the partners it lacks, and only them."""
        if set(result.errors) - set(fallible):
            return f"errors name {result.errors}"
        if result.complet is (len(result.errors) > 0):
            return f"complet is {result.complet} with errors {result.errors}"
        if result.complet and result.rows != self.expected(frozenset()):
            return f"said complete, {(self.expected(frozenset()) - result.rows).total()} rows missing"
        return ""


def _without(population: Population, selected: frozenset[str]) -> Population:
    """The same people, told by the others only."""
    return replace(
        population,
        accounts={name: told_values for name, told_values in population.accounts.items() if name not in selected},
    )
