"""What a search by identity answers: a young person, and what the answer is worth. Knows neither index nor likeness."""

import strawberry

from gateway.auth.policy.rules import NAMES_SOURCES, libre, nominative, object_type
from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.domain.similarity import Level
from gateway.schema.evidence import IndiceRapprochement
from gateway.schema.nouns import Jeune


@object_type("Jeune qui répond à une recherche par identité, et ce que vaut la réponse.", C.PARCOURS)
@nominative
class Rapprochement:
    jeune: Jeune | None = libre("Le jeune, dans les champs que je peux lire.")
    score: float = strawberry.field(description="Probabilité que ce soit la personne cherchée, de 0 à 1.")
    niveau: Level = strawberry.field(description="Ce que vaut la réponse.")
    sources: list[str] = strawberry.field(
        description="Partenaires qui connaissent ce jeune.", metadata={NAMES_SOURCES: True}
    )
    indices: list[IndiceRapprochement] = strawberry.field(description="Ce qui rapproche ce jeune de la recherche.")
