"""The lines that explain a noun: which source says what, and what joined records. Each is of one field; knows no noun."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import strawberry

from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import argument, donnee, object_type
from gateway.domain.similarity import Level
from gateway.slotted_types import with_slots

strawberry.enum(
    Level,
    name="NiveauRapprochement",
    description="Ce que vaut un rapprochement : certain, probable (réuni et signalé), ou à confirmer (jamais réuni).",
)


@with_slots
@object_type("Quelle source dit quoi d'un champ, depuis quand, et si d'autres la contredisent.", C.TECHNIQUE)
class Provenance:
    champ: str = strawberry.field(description="Nom du champ dans le graphe.")
    source: str = strawberry.field(description="Nom du partenaire.")
    recue_le: datetime = strawberry.field(description="Instant où nous l'avons reçu.")
    retenue: bool = strawberry.field(description="Vrai si cette valeur est celle que montre le graphe.")
    divergente: bool = strawberry.field(description="Vrai si une autre source dit autre chose.")


# By a search too: there it compares what the caller itself gave, and names no source.
@with_slots
@object_type("Indice d'un rapprochement : ce qui a été comparé, et ce que cela pèse.", C.TECHNIQUE, C.PARCOURS)
class IndiceRapprochement:
    champ: str = strawberry.field(description="Champ comparé, tel que le graphe le nomme.")
    accord: str = strawberry.field(description="Degré d'accord : identique, proche, partie, autre…")
    poids: float = strawberry.field(description="Poids en bits : positif pour une même personne, négatif contre.")
    sources: list[str] = strawberry.field(description="Sources comparées ; vide pour une recherche.")
    niveau: Level = strawberry.field(description="Niveau du lien que cet indice soutient.")


Fields = Annotated[list[str] | None, argument(C.TECHNIQUE, "Champs dont on veut la provenance ; tous par défaut.")]


def chosen(rows: Iterable[Provenance] | None, champs: list[str] | None) -> list[Provenance] | None:
    """The lines of these fields, all of them when none is named; None when there are none to show."""
    if rows is None:
        return None
    return [line for line in rows if champs is None or line.champ in champs]


def _provenance(self: Any, champs: Fields = None) -> list[Provenance] | None:
    return chosen(self.rows, champs)


def provenance_lines(description: str, **facts: Any) -> Any:
    """The field of who says what of a noun, field by field."""
    return donnee(C.TECHNIQUE, description, _provenance, store="rows", by_field=True, size=20, **facts)
