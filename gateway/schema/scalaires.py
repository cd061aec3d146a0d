"""The scalars of the graph: identifiers as types. Knows their form, not where they come from."""

from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from gateway.domain.identifiers import code_insee_valide, code_postal_valide, siret_valide, uai_valide

UAI = NewType("UAI", str)
SIRET = NewType("SIRET", str)
CodeInsee = NewType("CodeInsee", str)
CodePostal = NewType("CodePostal", str)


def _scalaire(nom: str, description: str, valide: Any) -> ScalarDefinition:
    def lire(valeur: object) -> str:
        texte = str(valeur).strip().upper()
        if not valide(texte):
            raise ValueError(f"{nom} invalide")
        return texte

    return strawberry.scalar(name=nom, description=description, serialize=str, parse_value=lire)


SCALAIRES: dict[object, ScalarDefinition] = {
    UAI: _scalaire("UAI", "Code d'un établissement : 7 chiffres et une lettre de contrôle.", uai_valide),
    SIRET: _scalaire("SIRET", "Numéro SIRET : 14 chiffres, clé de Luhn (règle de La Poste admise).", siret_valide),
    CodeInsee: _scalaire("CodeInsee", "Code officiel géographique d'une commune (Insee).", code_insee_valide),
    CodePostal: _scalaire("CodePostal", "Code postal : 5 chiffres.", code_postal_valide),
}
