"""Which grid answers which figures: the first that holds what a question tells lines apart and keeps by. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from gateway.errors import ArgumentRefused
from gateway.schema.statistics_filter import LieuDeReference
from gateway.statistiques.figure_rights import FORMATION, RESIDENCE, FigureRights
from gateway.statistiques.grids import GRIDS, PARTITIONS, RUPTURE, Grid, Place, Population
from gateway.statistiques.periods import Step
from gateway.statistiques.questions import OF_PLACES, Question

# What the places of a grid add up to, themselves first.
HELD: Mapping[Place, tuple[str, ...]] = {
    Place.DEPARTEMENT: ("DEPARTEMENT", "REGION", "ACADEMIE"),
    Place.REGION: ("REGION",),
    Place.CFA: ("CFA", "RESEAU", "DEPARTEMENT", "REGION", "ACADEMIE"),
    Place.MISSION_LOCALE: ("MISSION_LOCALE", "DEPARTEMENT", "REGION"),
}


@dataclass(frozen=True, slots=True)
class GridChoice:
    """Where the units of a partition are read: in a grid, of which all the classes are one where `folded`."""

    partition: str
    grid: Grid

    @property
    def folded(self) -> bool:
        return self.grid.partition.name != self.partition


def lieu_of(question: Question, rights: FigureRights, direct: bool) -> LieuDeReference:
    """Where people are counted: as asked, else by residence with a Mission locale. Raises ArgumentRefused where the caller is
    told nothing by the place asked for; of its own list everything is."""
    chosen = question.lieu or _default(question, rights)
    if chosen not in rights.lieux and not direct:
        raise ArgumentRefused(
            f"filtre.lieu : ce profil ne lit, du relevé, que par {rights.lieux[0].value} ; l'écrire, ou ne rien écrire, et "
            "laisser les dimensions et critères de l'autre lieu."
        )
    return chosen


def _default(question: Question, rights: FigureRights) -> LieuDeReference:
    if "MISSION_LOCALE" in question.keys:
        return RESIDENCE
    return FORMATION if FORMATION in rights.lieux else RESIDENCE


def choose_grids(keys: Collection[str], lieu: LieuDeReference, exact: bool = False) -> dict[str, GridChoice]:
    """By partition, where its units are read for these dimensions; a partition that no grid tells so is absent. `exact`: as the
    lots of CFAs and Missions locales gave them, wherever they are."""
    wanted = frozenset(keys)
    found = {}
    for partition in PARTITIONS:
        grids = (grid for grid in _grids(partition) if _is_of(grid, lieu) and wanted <= held(grid, exact))
        if grid := next(grids, None):
            found[partition] = GridChoice(partition, grid)
    return found


def _grids(partition: str) -> Iterator[Grid]:
    """Those that tell a partition; ruptures are told by any grid of ruptures, all its classes together."""
    yield from (grid for grid in GRIDS.values() if grid.partition.name == partition)
    if partition == RUPTURE.name:
        yield GRIDS["2c"]


def _is_of(grid: Grid, lieu: LieuDeReference) -> bool:
    return (grid.place is Place.MISSION_LOCALE) is (lieu is RESIDENCE)


def held(grid: Grid, exact: bool = False) -> frozenset[str]:
    """The dimensions that a grid tells its units apart by."""
    of_cfa = exact and grid.place is not Place.MISSION_LOCALE
    places = HELD[Place.CFA] if of_cfa else HELD[grid.place]
    months = {"MOIS"} if grid.step is Step.MOIS else set[str]()
    statut = {"STATUT"} if grid.population is Population.STATUTS else set[str]()
    return frozenset((*places, *grid.keys, "ANNEE_SCOLAIRE", *months, *statut))


def refuse(lieu: LieuDeReference) -> ArgumentRefused:
    """Why no figure crosses so, and what does."""
    told = " ; ".join(f"{grid.name} : {_written(grid)}" for grid in GRIDS.values() if _is_of(grid, lieu))
    return ArgumentRefused(
        f"Aucune maille ne croise ces dimensions et critères par {lieu.value}. Celles qui existent : {told}. "
        "En retirer jusqu'à tenir dans l'une d'elles (docs/statistiques.md)."
    )


def _written(grid: Grid) -> str:
    crossed = held(grid) - frozenset(OF_PLACES)
    return " × ".join([" ou ".join(HELD[grid.place]), *sorted(crossed)])
