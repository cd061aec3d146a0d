"""Reduces observations to the counts of a grid, and grids to what their cells add up to. Pure; knows no person any more."""

from collections import Counter
from collections.abc import Callable, Iterable

from gateway.statistiques.grids import Cell, Grid, Place
from gateway.statistiques.observations import Observation
from gateway.statistiques.periods import cohort_of
from gateway.statistiques.places import Places


def count(observations: Iterable[Observation], grids: Iterable[Grid], places: Places) -> Counter[Cell]:
    """The true counts of these cells. A unit whose place a grid cannot tell is in none of its cells."""
    by_population: dict[object, list[Grid]] = {}
    for grid in grids:
        by_population.setdefault(grid.population, []).append(grid)
    counts: Counter[Cell] = Counter()
    for observation in observations:
        for grid in by_population.get(observation.population, ()):
            if cell := cell_of(observation, grid, places):
                counts[cell] += 1
    return counts


def cell_of(observation: Observation, grid: Grid, places: Places) -> Cell | None:
    lieu = _PLACE[grid.place](observation, places)
    if lieu is None:
        return None
    cles = "/".join(observation.keys[key] for key in grid.keys)
    return Cell(grid.name, lieu, cles, cohort_of(observation.day, grid.step), observation.classes[grid.partition.name])


_PLACE: dict[Place, Callable[[Observation, Places], str | None]] = {
    Place.CFA: lambda unit, places: unit.cfa if unit.cfa in places.cfas else None,
    Place.DEPARTEMENT: lambda unit, places: places.departement_of_cfa.get(unit.cfa or ""),
    Place.REGION: lambda unit, places: places.region_of_cfa.get(unit.cfa or ""),
    Place.MISSION_LOCALE: lambda unit, places: (
        unit.mission_locale if unit.mission_locale in places.missions_locales else None
    ),
}
