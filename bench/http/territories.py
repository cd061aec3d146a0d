"""Whether a warm answer costs more where the territory is larger: the same page over 1, 4 and 16 times as many people."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.http.comparison import Cost, compare
from bench.http.launch import python
from bench.http.settings import Settings
from bench.http.worlds import GATEWAY, warm

SIZES = (2_500, 10_000, 40_000)  # young people of the population; the number of CFAs follows
PAGE = 50


@dataclass(frozen=True, slots=True)
class Territoire:
    """A territory, what its Mission locale may see, and what a page costs there."""

    jeunes: int
    cfas: int
    residents: int  # young people who live in the Mission locale's territory
    cost: Cost


def cost_of(settings: Settings) -> Iterator[Territoire]:
    """One world after the other."""
    for jeunes in SIZES:
        with warm(settings, jeunes) as world, world.launched({GATEWAY: python("gateway", "serve")}) as servers:
            population, at = world.world.population, world.world.clients["ml"].organisation
            own = sum(person.mission_locale == at for person in population.persons)
            (cost,) = compare(world.runner, servers, PAGE)
            yield Territoire(jeunes, len(population.cfas), own, cost)
