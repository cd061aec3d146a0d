"""A row of the contract registry, between the connector that reads it and the store that keeps it sealed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """One row as harvested: one contract, or one of its amendments or corrections, in one product view."""

    no_contrat: str
    view: str  # "TBA" | "LBA"
    day: date  # day of processing: the window it came from
    nom: str
    prenom: str
    date_naissance: date
    code_postal: str | None
    uai: str | None
    siret_formation: str | None
    fin: date | None  # planned end of the contract, as this row tells it
    payload: Mapping[str, Any]  # the partner's own object, kept whole and sealed at rest
