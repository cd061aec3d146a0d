"""How long, how often and where to measure."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from bench.http.charge import Coeur
from bench.http.comparaison import Banc, Corps

DEUX = (os.cpu_count() or 1) > 1


@dataclass(frozen=True, slots=True)
class Reglages:
    """Rounds and their seconds; one core for the servers, another for the load, where there are two."""

    tours: int
    secondes: int
    serveur: Coeur = 0 if DEUX else None
    charge: Coeur = 1 if DEUX else None

    def banc(self, corps: Corps, jeton: Callable[[], str]) -> Banc:
        return Banc(corps, jeton, self.tours, self.secondes, self.charge)


ENTIER, BREF = Reglages(7, 3), Reglages(3, 3)
