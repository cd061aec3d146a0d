"""What is told when something new is known: the events of a perimeter, and what each of them tells. Knows neither how they are
found nor how they are sent."""

from datetime import datetime
from enum import Enum

import strawberry

from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import criterion, donnee, libre, nominative, object_type
from gateway.schema.connections import PageInfo
from gateway.schema.nouns import Jeune, Rupture
from gateway.schema.writes import Ecriture


@strawberry.enum(description="Ce qu'un événement annonce.")
class TypeEvenement(Enum):
    RUPTURE_NOUVELLE = "RUPTURE_NOUVELLE"
    RUPTURE_ANNULEE = "RUPTURE_ANNULEE"
    NOUVEAU_CONTRAT = "NOUVEAU_CONTRAT"
    SANS_CONTRAT_NOUVEAU = "SANS_CONTRAT_NOUVEAU"
    ECHEANCE_SANS_CONTRAT = "ECHEANCE_SANS_CONTRAT"
    SUIVI_MODIFIE = "SUIVI_MODIFIE"
    ACCOMPAGNEMENT_DEMANDE = "ACCOMPAGNEMENT_DEMANDE"
    ACCOMPAGNEMENT_REPONDU = "ACCOMPAGNEMENT_REPONDU"
    ECRITURE_TRANSMISE = "ECRITURE_TRANSMISE"
    ECRITURE_REFUSEE = "ECRITURE_REFUSEE"
    ECRITURE_EN_ECHEC = "ECRITURE_EN_ECHEC"
    SOURCE_AJOUTEE = "SOURCE_AJOUTEE"
    LACUNE = "LACUNE"


FREE = frozenset({TypeEvenement.SOURCE_AJOUTEE, TypeEvenement.LACUNE})  # they tell of nobody
OF_AUTHOR = frozenset(  # they tell of a write, to the account that made it
    {TypeEvenement.ECRITURE_TRANSMISE, TypeEvenement.ECRITURE_REFUSEE, TypeEvenement.ECRITURE_EN_ECHEC}
)
# What an event tells of its person: where that is not granted for that very person, it is neither shown nor counted. One that is
# neither here, nor free, nor of an author is told to nobody.
CATEGORY = {
    TypeEvenement.RUPTURE_NOUVELLE: C.RUPTURE,
    TypeEvenement.RUPTURE_ANNULEE: C.RUPTURE,
    TypeEvenement.NOUVEAU_CONTRAT: C.CONTRAT,
    TypeEvenement.SANS_CONTRAT_NOUVEAU: C.SANS_CONTRAT,
    TypeEvenement.ECHEANCE_SANS_CONTRAT: C.SANS_CONTRAT,
    TypeEvenement.SUIVI_MODIFIE: C.SUIVI,
    TypeEvenement.ACCOMPAGNEMENT_DEMANDE: C.COLLABORATION,
    TypeEvenement.ACCOMPAGNEMENT_REPONDU: C.COLLABORATION,
}
OF_RUPTURES = frozenset({TypeEvenement.RUPTURE_NOUVELLE, TypeEvenement.RUPTURE_ANNULEE, TypeEvenement.LACUNE})


@nominative
@object_type("Quelque chose de nouveau dans mon périmètre, et quand la passerelle l'a su.", C.PUBLIQUE)
class Evenement:
    id: strawberry.ID = strawberry.field(
        description="Identifiant opaque, qui est aussi la place dans le fil (`depuis`)."
    )
    type: TypeEvenement = strawberry.field(description="Ce qui est annoncé.")
    quand: datetime = strawberry.field(description="Instant où la passerelle l'a su, dans ce périmètre.")
    source: str | None = libre("Partenaire qui l'a dit, quand un seul le dit.")
    jeune: Jeune | None = donnee(C.PARCOURS, "Jeune concerné, tel qu'il est lu à cet instant.")
    rupture: Rupture | None = donnee(C.RUPTURE, "Rupture annoncée ; absente quand elle est annulée.")
    ecriture: Ecriture | None = libre(
        "Écriture dont l'issue est annoncée à qui l'a faite, telle qu'elle est à cet instant."
    )
    nombre: int | None = libre(
        "Pour SOURCE_AJOUTEE, jeunes que la source fait connaître ; pour LACUNE, événements qui n'ont pas été envoyés."
    )


@object_type("Un événement dans le fil.", C.PARCOURS)
class EvenementEdge:
    cursor: str = strawberry.field(description="Place dans le fil, à donner dans `depuis`.")
    node: Evenement = strawberry.field(description="L'événement.")


@object_type("Fil des événements, du plus ancien au plus récent.", C.PARCOURS)
class EvenementConnection:
    edges: list[EvenementEdge] = strawberry.field(description="Événements de la page.")
    nodes: list[Evenement] = strawberry.field(description="Événements de la page, sans leurs places.")
    page_info: PageInfo = strawberry.field(description="Position de la page.")
    total_count: int = strawberry.field(description="Événements que j'ai à lire depuis la place donnée.")
    complet: bool = strawberry.field(
        description="Faux quand une source n'a pas répondu : ce qu'elle sait d'un jeune manque, et ses événements avec."
    )


@strawberry.input(description="Filtre des événements. Sans filtre, tous ceux que je peux lire.")
class FiltreEvenements:
    types: list[TypeEvenement] | None = criterion(C.PARCOURS, "Types voulus.", "Evenement.jeune")
