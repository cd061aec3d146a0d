"""The rows of the policy that open figures: who counts where, and what of it exactly (docs/statistiques.md, Qui lit quoi).

Knows no figure by name: `gateway.statistiques` holds those named here to what may be read of the persons counted.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from gateway.auth.policy.rules import Profil
from gateway.toml_file import StrictModel

AtLeastOne = Field(min_length=1)
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
ALL = "TOUS"
Names = Annotated[tuple[str, ...], BeforeValidator(lambda value: (ALL,) if value == ALL else value)]


class LegalGround(StrictModel):
    """What a line of the file is founded on, and how long what it opens is kept: written for the DPO (docs/droits.md)."""

    fondement: Sentence
    conservation: Sentence


class FigureRow(StrictModel):
    """`lieux`: of one's own perimeter, or of the whole country. `exacts`: the figures that are counted exactly, of persons whom
    the profile reads; the others are protected. `par`: the dimension without which nothing is told, and beside which of places
    the région alone is."""

    profils: Annotated[frozenset[Profil], AtLeastOne]
    lieux: Literal["PERIMETRE", "FRANCE"] = "PERIMETRE"
    exacts: Names = ()
    par: Literal["SECTEUR"] | None = None

    def counts(self, name: str) -> bool:
        """Whether the row has this figure counted exactly."""
        return name in self.exacts or ALL in self.exacts


class Aggregate(LegalGround):
    """The profiles that read figures, whatever the purpose, and of what."""

    profils: Annotated[frozenset[Profil], AtLeastOne]
    lecture: Annotated[tuple[FigureRow, ...], AtLeastOne]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        read = frozenset[Profil]().union(*(row.profils for row in self.lecture))
        if read != self.profils:
            names = ", ".join(sorted(profil.value for profil in read ^ self.profils))
            raise ValueError(f"profils et lecture ne disent pas les mêmes : {names}")
        return self

    def row(self, profil: Profil, comme: Profil | None = None) -> FigureRow | None:
        """The row of a profile; a delegate has that of whom it acts for."""
        if profil not in self.profils:
            return None
        return next((row for row in self.lecture if {profil, comme or profil} <= row.profils), None)
