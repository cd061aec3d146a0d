"""The scalars of the graph: identifiers as types. Knows their form, not where they come from."""

from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from gateway.domain.identifiers import is_valid_code_insee, is_valid_code_postal, is_valid_siret, is_valid_uai

UAI = NewType("UAI", str)
SIRET = NewType("SIRET", str)
CodeInsee = NewType("CodeInsee", str)
CodePostal = NewType("CodePostal", str)


def _scalar(nom: str, description: str, valid: Any) -> ScalarDefinition:
    def read(valeur: object) -> str:
        text = str(valeur).strip().upper()
        if not valid(text):
            raise ValueError(f"{nom} invalide")
        return text

    return strawberry.scalar(name=nom, description=description, serialize=str, parse_value=read)


SCALARS: dict[object, ScalarDefinition] = {
    UAI: _scalar("UAI", "Code d'un établissement : 7 chiffres et une lettre de contrôle.", is_valid_uai),
    SIRET: _scalar("SIRET", "Numéro SIRET : 14 chiffres, clé de Luhn (règle de La Poste admise).", is_valid_siret),
    CodeInsee: _scalar("CodeInsee", "Code officiel géographique d'une commune (Insee).", is_valid_code_insee),
    CodePostal: _scalar("CodePostal", "Code postal : 5 chiffres.", is_valid_code_postal),
}
