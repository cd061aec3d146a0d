"""The indicators, as `indicators.toml` declares them: one declaration serves the graph, the page, the exports and the
documentation. Knows no count."""

from enum import Enum
from functools import cache
from pathlib import Path

from pydantic import Field

from gateway.statistiques.grids import PARTITIONS, Partition
from gateway.toml_file import StrictModel, read_toml

_FILE = Path(__file__).with_name("indicators.toml")
EFFECTIF = "effectif"  # the one figure that the lines of the dimension STATUT have


class Computation(Enum):
    """How a figure is made of the units of classes (indicators.toml)."""

    SOMME = "somme"
    PART = "part"
    INCIDENCE = "incidence"
    MEDIANE = "mediane"
    QUANTILE = "quantile"


class Indicator(StrictModel):
    """One indicator. `classes`: those counted, all of the partition where none is named; `parmi`: those of the denominator."""

    nom: str
    libelle: str
    unite: str
    numerateur: str
    denominateur: str | None = None
    fenetre: str
    source: str
    calcul: Computation
    partition: str
    classes: tuple[str, ...] = ()
    parmi: tuple[str, ...] = ()
    parts: tuple[float, ...] = ()

    @property
    def counted(self) -> tuple[str, ...]:
        return self.classes or self.told_apart.classes

    @property
    def told_apart(self) -> Partition:
        return PARTITIONS[self.partition]

    @property
    def bounds(self) -> tuple[int, ...]:
        """The bounds of its life table."""
        return tuple(self.told_apart.bounds[classe] for classe in self.classes)


class _Declared(StrictModel):
    indicateur: tuple[Indicator, ...] = Field(min_length=1)


@cache
def indicators() -> dict[str, Indicator]:
    """The indicators by name, in the order of their declaration. Raises ConfigurationError."""
    return {indicator.nom: indicator for indicator in read_toml(_FILE, _Declared).indicateur}
