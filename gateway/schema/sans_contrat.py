"""What the graph tells of a young person enrolled without a contract. Knows no rule: `domain/statut.py` has them."""

from datetime import date

import strawberry

from gateway.auth.policy.rules import CategorieDonnee, Derivation, libre, object_type
from gateway.slotted_types import with_slots

# Whoever reads it may know that no contract began, and that one is signed; never which, nor with whom.
WAIT = Derivation(
    ("Contrat.dateDebut", "Contrat.dateFin", "Rupture.date", "Jeune.formations"),
    "Dit qu'aucun contrat n'a commencé, et quand un autre commencera, ce que ce profil vient chercher ; jamais lequel, ni "
    "chez qui.",
)


@with_slots
@object_type("Attente d'un premier contrat, dans la formation suivie.", CategorieDonnee.SANS_CONTRAT)
class SansContrat:
    depuis: date = strawberry.field(description="Premier jour en formation sans contrat.")
    jours: int = strawberry.field(description="Jours écoulés depuis, de 0 à 179.")
    echeance: date = strawberry.field(
        description="Jour à partir duquel la formation demande un contrat : 90 jours après."
    )
    jours_restants: int = strawberry.field(
        description="Jours jusqu'à l'échéance ; zéro ou moins quand elle est dépassée."
    )
    depassee: bool = strawberry.field(description="Vrai à partir du jour de l'échéance.")
    contrat_prevu: date | None = libre("Premier jour d'un contrat signé pour plus tard, s'il y en a un.")
