"""What an operator writes of the page of state: whether it is open, how systems are called there, incidents. Knows no state."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from gateway.toml_file import StrictModel

Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class StateSettings(StrictModel):
    """The page of state for everybody. `page`: serve it; `libelles`: the public names of partners, of which the others are not
    named there (docs/exploitation.md, La page d'état)."""

    page: bool = False
    libelles: dict[str, Label] = Field(default_factory=dict)


class Incident(StrictModel):
    """What the operator tells everybody of something that goes wrong, or is planned. `fin` None: it lasts."""

    titre: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
    texte: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""
    debut: AwareDatetime
    fin: AwareDatetime | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.fin is not None and self.fin < self.debut:
            raise ValueError("fin : avant le début")
        return self

    def is_over(self, now: datetime) -> bool:
        return self.fin is not None and self.fin <= now


class IncidentsFile(StrictModel):
    """`incidents.toml`: facultative, read again while the gateway serves."""

    incidents: tuple[Incident, ...] = ()
