"""What a Mission locale must read when some systems are withheld: from the population's truth, without a line of the product.

Who is not withheld still tells what it tells: the truth is told again without the recits of the others.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import Any

from fixtures.monde import Monde
from fixtures.population.modele import Population
from fixtures.population.verite import verite
from tests.e2e.test_verite import Cle, attendues

LISTE = """query Matrice($n: Int!) { ruptures(first: $n) { totalCount complet
 edges { node { date contrat { dateDebut cfa { uai } } } } } }"""


class Sort(Enum):
    """What becomes of a partner's rows under a fault."""

    SERVIES = "served"  # the fault takes nothing away
    RETENUES = "withheld"  # none of them comes
    SELON = "as drawn"  # some requests only meet the fault
    DITES_ABSENTES = "said absent"  # the partner says, in its own words, that it has none: nobody can know better


@dataclass(frozen=True)
class Lue:
    """What a caller was answered."""

    lignes: Counter[Cle]
    complet: bool | None
    erreurs: dict[str, str]  # code by source
    etats: dict[str, str]

    @classmethod
    def de(cls, reponse: dict[str, Any]) -> "Lue":
        liste = reponse["data"]["ruptures"]
        noeuds = [arete["node"] for arete in liste["edges"]] if liste else []
        lignes = Counter((n["contrat"]["dateDebut"], n["date"], (n["contrat"]["cfa"] or {}).get("uai")) for n in noeuds)
        dites = [erreur["extensions"] for erreur in reponse.get("errors", [])]
        return cls(
            lignes,
            liste["complet"] if liste else None,
            {une["source"]: une["code"] for une in dites},
            {une["nom"]: une["etat"] for une in reponse["extensions"]["sources"]},
        )


class Oracle:
    """The truth of a world, with any of its systems withheld."""

    def __init__(self, monde: Monde, mission: str) -> None:
        self._population, self._mission = monde.population, mission
        self.attendues = cache(self._attendues)

    def _attendues(self, retenus: frozenset[str]) -> Counter[Cle]:
        lignes = list(verite(_sans(self._population, retenus)))
        return attendues(lignes, self._population.aujourdhui)[self._mission]

    def faute(self, lue: Lue, retenus: Collection[str], sort: Sort) -> str:
        """What is wrong with an answer while these systems are faulted, "" when nothing is."""
        if sort is Sort.SELON:
            return self._faute_selon(lue, retenus)
        attendu = self.attendues(frozenset() if sort is Sort.SERVIES else frozenset(retenus))
        nommees = set(retenus) if sort is Sort.RETENUES else set()
        if lue.lignes != attendu:
            return f"{(attendu - lue.lignes).total()} rows missing, {(lue.lignes - attendu).total()} too many"
        if set(lue.erreurs) != nommees:
            return f"errors name {sorted(lue.erreurs)}"
        if lue.complet is not (sort is not Sort.RETENUES):
            return f"complet is {lue.complet}"
        return ""

    def _faute_selon(self, lue: Lue, retenus: Collection[str]) -> str:
        """Whatever was drawn: complete means whole, and what is not names the partner, and only it."""
        if set(lue.erreurs) - set(retenus):
            return f"errors name {sorted(lue.erreurs)}"
        if lue.complet is (len(lue.erreurs) > 0):
            return f"complet is {lue.complet} with errors {sorted(lue.erreurs)}"
        if lue.complet and lue.lignes != self.attendues(frozenset()):
            return f"said complete, {(self.attendues(frozenset()) - lue.lignes).total()} rows missing"
        return ""


def _sans(population: Population, retenus: frozenset[str]) -> Population:
    """The same people, told by the others only."""
    return replace(population, recits={nom: dits for nom, dits in population.recits.items() if nom not in retenus})
