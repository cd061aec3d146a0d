"""What a Mission locale must read when some systems are withheld: from the population's truth, without a line of the product.

Who is not withheld still tells what it tells: the truth is told again without the recits of the others.
"""

from collections import Counter
from collections.abc import Collection, Mapping
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

    def faute(self, lue: Lue, sorts: Mapping[str, Sort]) -> str:
        """What is wrong with an answer while systems are faulted, each with what becomes of its rows; "" if nothing is."""
        retenues = {nom for nom, sort in sorts.items() if sort is Sort.RETENUES}
        if Sort.SELON in sorts.values():
            return self._faute_selon(lue, sorts.keys())
        absentes = retenues | {nom for nom, sort in sorts.items() if sort is Sort.DITES_ABSENTES}
        attendu = self.attendues(frozenset(absentes))
        if set(lue.erreurs) != retenues:
            return f"errors name {lue.erreurs}"
        if lue.complet is not (not retenues):
            return f"complet is {lue.complet}"
        if lue.lignes != attendu:
            return f"{(attendu - lue.lignes).total()} rows missing, {(lue.lignes - attendu).total()} too many"
        return ""

    def _faute_selon(self, lue: Lue, faillibles: Collection[str]) -> str:
        """Whatever was drawn: complete means whole, and what is not names the partners it lacks, and only them."""
        if set(lue.erreurs) - set(faillibles):
            return f"errors name {lue.erreurs}"
        if lue.complet is (len(lue.erreurs) > 0):
            return f"complet is {lue.complet} with errors {lue.erreurs}"
        if lue.complet and lue.lignes != self.attendues(frozenset()):
            return f"said complete, {(self.attendues(frozenset()) - lue.lignes).total()} rows missing"
        return ""


def _sans(population: Population, retenus: frozenset[str]) -> Population:
    """The same people, told by the others only."""
    return replace(population, recits={nom: dits for nom, dits in population.recits.items() if nom not in retenus})
