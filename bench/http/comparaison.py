"""Servers under the same load, in turns: medians, and ratios taken round by round. Knows no server by name."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

from bench.http.charge import ChargeImpossible, Coeur, Releve, Serveur, charger
from bench.http.lancement import demander

ESSAIS, PAUSE = 60, 0.5  # answers, and seconds between two, before a server that is cold is given up
CHAUFFE, SECONDES_MAX = 5, 25  # seconds: before the first round (compilers at work), and of the longest
REQUETES_MIN = 96  # a round: six a connection
Corps = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Banc:
    """How rounds are run. `jeton` gives the token of the caller, renewed at each round as it lasts ten minutes."""

    corps: Corps
    jeton: Callable[[], str]
    tours: int
    secondes: int
    coeur: Coeur  # of the load
    autres: Mapping[str, Corps] = field(default_factory=dict)  # bodies of servers that are asked in other words

    def charger(self, serveur: Serveur, n: int, secondes: int) -> Releve:
        """One round; a longer one when sixteen requests at once took longer. Raises ChargeImpossible."""
        corps = self.autres.get(serveur.nom, self.corps)
        for duree in (secondes, SECONDES_MAX):
            releve = charger(self.muni(serveur), corps(n), duree, self.coeur)
            if releve:
                return releve
        raise ChargeImpossible(f"{serveur.nom}: no answer in {SECONDES_MAX} s")

    def muni(self, serveur: Serveur) -> Serveur:
        """The same, with a token of now."""
        return replace(serveur, jeton=self.jeton())


@dataclass(frozen=True, slots=True)
class Mesure:
    """What one server did for pages of one size, a figure a round."""

    nom: str
    n: int
    tours: tuple[Releve, ...]

    def mediane(self, lire: Callable[[Releve], float]) -> float:
        return statistics.median(map(lire, self.tours))

    @property
    def cpu(self) -> float:
        return self.mediane(lambda un: un.cpu)

    def fois(self, autre: "Mesure") -> float:
        """How many times more `autre` spends, round by round."""
        return statistics.median(b.cpu / a.cpu for a, b in zip(self.tours, autre.tours, strict=True))

    @property
    def etalement(self) -> float:
        """p99 over p50."""
        return self.mediane(lambda un: un.p99 / un.p50)


def comparer(banc: Banc, serveurs: Sequence[Serveur], n: int) -> list[Mesure]:
    """Load each server in turn for pages of `n`, after all were seen to answer the same data, and are warm."""
    _pareils(banc, serveurs, n)
    return mesurer(banc, serveurs, n)


def mesurer(banc: Banc, serveurs: Sequence[Serveur], n: int) -> list[Mesure]:
    """Load each server in turn, in an order that turns too."""
    durees = {serveur.nom: _duree(banc, serveur, n) for serveur in serveurs}
    releves: Mapping[str, list[Releve]] = {serveur.nom: [] for serveur in serveurs}
    for tour in range(banc.tours):
        depart = tour % len(serveurs)
        for serveur in (*serveurs[depart:], *serveurs[:depart]):
            releves[serveur.nom].append(banc.charger(serveur, n, durees[serveur.nom]))
    return [Mesure(nom, n, tuple(tours)) for nom, tours in releves.items()]


def _duree(banc: Banc, serveur: Serveur, n: int) -> int:
    """Seconds of a round: enough for some requests a connection, as far as patience goes."""
    chauffe = banc.charger(serveur, n, CHAUFFE)
    return min(max(banc.secondes, ceil(REQUETES_MIN / chauffe.debit)), SECONDES_MAX)


def _pareils(banc: Banc, serveurs: Sequence[Serveur], n: int) -> None:
    """Wait until all say what the first says with no source missing. Raises ChargeImpossible."""
    voulu = complet(banc.muni(serveurs[0]), banc.corps(n))["data"]
    for serveur in serveurs[1:]:
        attendre(banc.muni(serveur), banc.corps(n), lambda lu: lu.get("data") == voulu)


def complet(serveur: Serveur, corps: bytes) -> dict[str, Any]:
    """The answer, once no source misses. Raises ChargeImpossible."""
    return attendre(serveur, corps, lambda lu: bool(lu.get("data")) and not lu.get("errors"))


def attendre(serveur: Serveur, corps: bytes, bonne: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first answer that is as it should be: a server that is cold gathers its sources behind. Raises ChargeImpossible."""
    for _ in range(ESSAIS):
        if bonne(rendu := demander(serveur, corps)):
            return rendu
        time.sleep(PAUSE)
    raise ChargeImpossible(f"{serveur.nom} does not answer what it should: {rendu.get('errors') or 'other data'}")
