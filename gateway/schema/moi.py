"""What the graph tells of who asks. Knows no person but the caller."""

import strawberry

from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import Finalite, Profil, libre, object_type
from gateway.schema.organisations import Territoire


@object_type("Qui je suis et ce que je peux lire.", C.PUBLIQUE)
class Moi:
    profil: Profil = strawberry.field(description="Profil de l'appelant.")
    organisation: str | None = libre("Nom de l'organisation.")
    finalite: Finalite | None = libre("Finalité de cette requête.")
    finalites: list[Finalite] = strawberry.field(description="Finalités que le registre m'accorde.")
    perimetre: list[Territoire] = strawberry.field(description="Territoires ou organismes dont je vois les jeunes.")
    categories: list[C] = strawberry.field(description="Catégories lisibles pour cette finalité.")
