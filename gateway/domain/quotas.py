"""How many distinct persons may be read, by whom, since when; and what crossing that means. Pure, knows no store."""

from dataclasses import dataclass
from datetime import date

MARGE = 1.2  # of a population: people come and go within a window (ANSWERS 16)


@dataclass(frozen=True, slots=True)
class Plafond:
    """A quota and its window, both days included.

    `portee`: "COMPTE" or "ORGANISATION". `limite` None: a margin over the population, the largest seen in the window.
    `part_alerte`: the part of the limit that is told to the operator when it is crossed.
    """

    portee: str
    qui: str
    depuis: date
    jusqua: date
    limite: int | None
    part_alerte: float


@dataclass(frozen=True, slots=True)
class Comptage:
    """Under which quotas the persons of an answer are counted; `population`: how many the perimeter has, just now."""

    plafonds: tuple[Plafond, ...]
    perimetre: str
    population: int


@dataclass(frozen=True, slots=True)
class Franchissement:
    """A quota whose alert was crossed, or which refuses the answer (`arret`)."""

    portee: str
    qui: str
    lues: int
    limite: int
    arret: bool


def juger(plafond: Plafond, avant: int, nouvelles: int, borne: int) -> list[Franchissement]:
    """What reading some more persons crosses, when `avant` were read in the window: nothing, the alert, or the limit."""
    apres = avant + nouvelles
    if apres > borne:
        return [Franchissement(plafond.portee, plafond.qui, avant, borne, arret=True)]
    if avant < plafond.part_alerte * borne <= apres:
        return [Franchissement(plafond.portee, plafond.qui, apres, borne, arret=False)]
    return []
