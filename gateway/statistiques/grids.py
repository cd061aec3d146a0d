"""The grids in which units are counted, and the only ones: each unit is in exactly one cell of each grid of its population.

A grid more is a look more at the same people: it takes a decision record (docs/statistiques.md, Secret). Pure; knows neither
how units are read nor how counts are protected.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from gateway.domain.statut import StatutApprenant
from gateway.statistiques.periods import Step

UNKNOWN = "INCONNU"


class Population(Enum):
    """What is counted."""

    CONTRATS = "contrats"
    RUPTURES = "ruptures"
    STATUTS = "statuts"  # a stock: who stands where, at the end of each month


class Place(Enum):
    """What the place of a cell is: of the CFA, or the Mission locale of the home."""

    DEPARTEMENT = "DEPARTEMENT"
    REGION = "REGION"
    CFA = "CFA"
    MISSION_LOCALE = "MISSION_LOCALE"


@dataclass(frozen=True, slots=True)
class Partition:
    """The classes in which the units of a population are told apart.

    `bounds`: of those that tell when something happened, the end of its interval, in months or in `days`; `other_end`: the
    class of those who left otherwise. `unheard`: of those of whom the source that would tell was not heard.
    """

    name: str
    classes: tuple[str, ...]
    bounds: Mapping[str, int] = field(default_factory=dict)
    days: bool = False
    other_end: str | None = None
    unheard: str | None = None


NON_ENTENDU = "NON_ENTENDU"
ISSUE = Partition("issue", ("R3", "R6", "R9", "R+", "T", "V"), {"R3": 3, "R6": 6, "R9": 9}, other_end="T")
RUPTURE = Partition("rupture", ("RUPTURE",))
TRAITEMENT = Partition("traitement", (NON_ENTENDU, "A_TRAITER", "INJOIGNABLE", "TRAITE"), unheard=NON_ENTENDU)
SUITE = Partition("suite", ("N1", "N3", "N6", "N+", "ATTENTE"), {"N1": 1, "N3": 3, "N6": 6})
SIGNALEMENT = Partition("signalement", ("E7", "E30", "E+", "D30", "D60", "D120", "D+", UNKNOWN))
PRISE_EN_CHARGE = Partition(
    "prise_en_charge",
    ("P7", "P15", "P30", "P60", "P90", "P+", "AUCUNE", NON_ENTENDU),
    {"P7": 7, "P15": 15, "P30": 30, "P60": 60, "P90": 90},
    days=True,
    unheard=NON_ENTENDU,
)
STATUT = Partition("statut", tuple(statut.value for statut in StatutApprenant))
PARTITIONS = {p.name: p for p in (ISSUE, RUPTURE, TRAITEMENT, SUITE, SIGNALEMENT, PRISE_EN_CHARGE, STATUT)}


@dataclass(frozen=True, slots=True)
class Grid:
    """One grid. `keys`: the dimensions it keeps beside its place and its cohort."""

    name: str
    population: Population
    place: Place
    keys: tuple[str, ...]
    step: Step
    partition: Partition

    @property
    def is_stock(self) -> bool:
        return self.population is Population.STATUTS


_C, _R, _S = Population.CONTRATS, Population.RUPTURES, Population.STATUTS
GRIDS = {
    grid.name: grid
    for grid in (
        Grid("1a", _C, Place.DEPARTEMENT, ("NIVEAU",), Step.MOIS, ISSUE),
        Grid("1b", _C, Place.CFA, (), Step.TRIMESTRE, ISSUE),
        Grid("1c", _C, Place.REGION, ("NIVEAU", "SEXE", "TRANCHE_AGE"), Step.TRIMESTRE, ISSUE),
        Grid("1d", _C, Place.REGION, ("SECTEUR",), Step.TRIMESTRE, ISSUE),
        Grid("2a", _R, Place.DEPARTEMENT, ("NIVEAU",), Step.MOIS, RUPTURE),
        Grid("2b", _R, Place.CFA, (), Step.TRIMESTRE, RUPTURE),
        Grid("2c", _R, Place.MISSION_LOCALE, (), Step.MOIS, TRAITEMENT),
        Grid("2d", _R, Place.DEPARTEMENT, (), Step.TRIMESTRE, SUITE),
        Grid("2e", _R, Place.DEPARTEMENT, (), Step.TRIMESTRE, SIGNALEMENT),
        Grid("2f", _R, Place.MISSION_LOCALE, (), Step.TRIMESTRE, PRISE_EN_CHARGE),
        Grid("3a", _S, Place.DEPARTEMENT, ("NIVEAU",), Step.MOIS, STATUT),
        Grid("3b", _S, Place.CFA, (), Step.MOIS, STATUT),
        Grid("3c", _S, Place.MISSION_LOCALE, (), Step.MOIS, STATUT),
    )
}


class Cell(NamedTuple):
    """One cell. `cles`: the values of the grid's keys, joined by `/`; `mois`: the first month of its cohort."""

    maille: str
    lieu: str
    cles: str
    mois: str
    classe: str
