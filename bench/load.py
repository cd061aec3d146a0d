"""A day of the country on one machine: the advisers of all the Missions locales, over simulated partners, accelerated.

    python -m bench.load                       # an hour of one region: a minute
    make charge                                  # the day of the country that docs/charge.md quotes

Time is virtual: it passes when nothing is being done, so that a day lasts what its work takes. Ends with an error when a
partner was asked more than its quota. `--jeunes` is the sample (the country has 1,040,000), `--missions` and
`--conseillers` how many come, `--debut` and `--fin` the hours, `--departements` where (`all_`: the country).
"""

import argparse
import os
import sys
from datetime import date

from bench._day import DayRun, live
from bench._day_tables import Sample, verify, write_up
from fixtures.geography.load import known_departements
from fixtures.world import World

MONDAY = date(2026, 10, 12)


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Draw, harvest, live the day, print."""
    options = _arguments()
    everything = options.departements == ["tous"]
    request = {
        "graine": options.seed,
        "jeunes": options.jeunes,
        "departements": known_departements() if everything else options.departements,
        "aujourdhui": MONDAY,
    }
    with World.generated(progression=tell, **request) as world:
        world.harvest()
        population = world.population
        missions = sorted(population.geographie.missions_locales)[: options.missions]
        moments = {"debut": options.debut, "fin": options.fin, "graine": options.seed}
        day_run = DayRun(MONDAY, tuple(missions), options.advisers, **moments)
        reading = live(population, {**os.environ, **world.environment}, day_run, tell)
    print("\n".join(write_up(reading, Sample(population, day_run))))
    verify(reading)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.charge", description="A day of the advisers.")
    parser.add_argument("--jeunes", type=int, default=5000)
    parser.add_argument("--graine", type=int, default=1, dest="seed", metavar="GRAINE")
    parser.add_argument("--missions", type=int, default=440)
    parser.add_argument("--conseillers", type=int, default=10, dest="advisers", metavar="CONSEILLERS")
    parser.add_argument("--debut", type=int, default=9)
    parser.add_argument("--fin", type=int, default=10)
    parser.add_argument("--departements", nargs="+", default=["02", "60", "80"], help="codes, or `tous`")
    return parser.parse_args()


if __name__ == "__main__":
    main()
