"""What became of what an ERP transmitted, day by day: how much was kept, and every line of validation. Never a value.

Told to the CFA whose key transmits, and to who acts for it: a dossier is named by its ERP's own number alone.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import strawberry

from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import argument, object_type
from gateway.schema.connections import PageInfo

ERRORS_MAX, DEFAULT_ERRORS = 500, 20
_FIRST = argument(C.PUBLIQUE, f"Nombre de lignes, de 0 à {ERRORS_MAX}.")


@object_type("Une ligne de validation d'un dossier transmis. Jamais une valeur.", C.TECHNIQUE)
class ErreurTransmission:
    id_erp: str = strawberry.field(description="Numéro du jeune dans l'ERP, tel qu'il l'a transmis.")
    annee_scolaire: str = strawberry.field(description="Année scolaire du dossier ; vide quand elle ne se lit pas.")
    champs: list[str] = strawberry.field(description="Champs du contrat v3 en cause.")
    message: str = strawberry.field(description="Ce qui ne va pas.")


@object_type("Un texte de validation, et combien de dossiers il concerne.", C.TECHNIQUE)
class MessageTransmission:
    message: str = strawberry.field(description="Ce qui ne va pas.")
    champs: list[str] = strawberry.field(description="Champs du contrat v3 en cause.")
    dossiers: int = strawberry.field(description="Nombre de dossiers, des quinze derniers jours.")


def _errors(self: "JourTransmission", first: Annotated[int, _FIRST] = DEFAULT_ERRORS) -> list[ErreurTransmission]:
    return list(self.lines[: max(0, min(first, ERRORS_MAX))])


@object_type("Ce qui a été reçu un jour.", C.TECHNIQUE)
class JourTransmission:
    jour: date = strawberry.field(description="Jour de réception, à Paris.")
    recus: int = strawberry.field(description="Dossiers reçus.")
    acceptes: int = strawberry.field(description="Dossiers gardés entiers.")
    partiels: int = strawberry.field(description="Dossiers gardés sans leurs valeurs refusées.")
    rejetes: int = strawberry.field(description="Dossiers dont rien n'est gardé ; celui d'avant reste.")
    rejoues: int = strawberry.field(description="Envois reçus une fois de plus, à l'identique.")
    erreurs: list[ErreurTransmission] = strawberry.field(
        resolver=_errors,
        description="Lignes de validation, gardées quinze jours.",
        metadata={"size": DEFAULT_ERRORS},
    )
    lines: strawberry.Private[Sequence[ErreurTransmission]] = ()


@object_type("Un jour de transmission dans une liste.", C.TECHNIQUE)
class TransmissionEdge:
    cursor: str = strawberry.field(description="Curseur opaque.")
    node: JourTransmission = strawberry.field(description="Le jour.")


@object_type("Les jours de transmission, du dernier au premier.", C.TECHNIQUE)
class TransmissionConnection:
    edges: list[TransmissionEdge] = strawberry.field(description="Éléments de la page.")
    nodes: list[JourTransmission] = strawberry.field(description="Éléments de la page, sans leurs curseurs.")
    page_info: PageInfo = strawberry.field(description="Position de la page.")
    total_count: int = strawberry.field(description="Nombre de jours où quelque chose fut reçu, sur douze mois.")
    messages: list[MessageTransmission] = strawberry.field(
        description="Tout ce qui est à corriger, le plus fréquent d'abord.", metadata={"size": 10}
    )
