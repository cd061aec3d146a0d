"""The status machine of an apprentice (docs/domaine.md, "Statut"). Pure; knows no noun, no clock, no source."""

from enum import Enum


class StatutApprenant(Enum):
    """Status of a young person at a date."""

    INSCRIT = "INSCRIT"
    APPRENTI = "APPRENTI"
    RUPTURANT = "RUPTURANT"
    ABANDON = "ABANDON"
    FIN_DE_FORMATION = "FIN_DE_FORMATION"
