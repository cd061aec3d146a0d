"""A day of the country on one machine: the advisers of all the Missions locales, over simulated partners, accelerated.

    python -m bench.charge                       # an hour of one region: a minute
    make charge                                  # the day of the country that docs/charge.md quotes

Time is virtual: it passes when nothing is being done, so that a day lasts what its work takes. Ends with an error when a
partner was asked more than its quota. `--jeunes` is the sample (the country has 1,040,000), `--missions` and
`--conseillers` how many come, `--debut` and `--fin` the hours, `--departements` where (`tous`: the country).
"""

import argparse
import os
import sys
from datetime import date

from bench._journee import Journee, vivre
from bench._tableau import Echantillon, rediger, verifier
from fixtures.geographie.charger import departements_connus
from fixtures.monde import Monde

LUNDI = date(2026, 10, 12)


def dire(ligne: str) -> None:
    print(ligne, file=sys.stderr, flush=True)


def main() -> None:
    """Draw, harvest, live the day, print."""
    options = _arguments()
    tous = options.departements == ["tous"]
    demande = {
        "graine": options.graine,
        "jeunes": options.jeunes,
        "departements": departements_connus() if tous else options.departements,
        "aujourdhui": LUNDI,
    }
    with Monde.genere(progression=dire, **demande) as monde:
        monde.moissonner()
        population = monde.population
        missions = sorted(population.geographie.missions_locales)[: options.missions]
        heures = {"debut": options.debut, "fin": options.fin, "graine": options.graine}
        journee = Journee(LUNDI, tuple(missions), options.conseillers, **heures)
        releve = vivre(population, {**os.environ, **monde.environnement}, journee, dire)
    print("\n".join(rediger(releve, Echantillon(population, journee))))
    verifier(releve)


def _arguments() -> argparse.Namespace:
    analyseur = argparse.ArgumentParser(prog="python -m bench.charge", description="A day of the advisers.")
    analyseur.add_argument("--jeunes", type=int, default=5000)
    analyseur.add_argument("--graine", type=int, default=1)
    analyseur.add_argument("--missions", type=int, default=440)
    analyseur.add_argument("--conseillers", type=int, default=10)
    analyseur.add_argument("--debut", type=int, default=9)
    analyseur.add_argument("--fin", type=int, default=10)
    analyseur.add_argument("--departements", nargs="+", default=["02", "60", "80"], help="codes, or `tous`")
    return analyseur.parse_args()


if __name__ == "__main__":
    main()
