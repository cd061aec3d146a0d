"""Whether a warm answer costs more where the territory is larger: the same page over 1, 4 and 16 times as many people."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.http.comparaison import Mesure, comparer
from bench.http.lancement import python
from bench.http.mondes import PASSERELLE, chaud
from bench.http.reglages import Reglages

TAILLES = (2_500, 10_000, 40_000)  # young people of the population; the number of CFAs follows
PAGE = 50


@dataclass(frozen=True, slots=True)
class Territoire:
    """A territory, what its Mission locale may see, and what a page costs there."""

    jeunes: int
    cfas: int
    siens: int  # young people who live in the Mission locale's territory
    mesure: Mesure


def mesurer(reglages: Reglages) -> Iterator[Territoire]:
    """One world after the other."""
    for jeunes in TAILLES:
        with chaud(reglages, jeunes) as monde, monde.lances({PASSERELLE: python("gateway", "serve")}) as serveurs:
            population, chez = monde.monde.population, monde.monde.clients["ml"].organisation
            siens = sum(personne.mission_locale == chez for personne in population.personnes)
            (mesure,) = comparer(monde.banc, serveurs, PAGE)
            yield Territoire(jeunes, len(population.cfas), siens, mesure)
