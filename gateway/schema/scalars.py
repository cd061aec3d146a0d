"""The scalars of the graph: identifiers as types. Knows their form, not where they come from."""

from collections.abc import Callable
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from gateway.domain.identifiers import normalise_code_insee, normalise_code_postal, normalise_siret, normalise_uai

UAI = NewType("UAI", str)
SIRET = NewType("SIRET", str)
CodeInsee = NewType("CodeInsee", str)
CodePostal = NewType("CodePostal", str)


def _scalar(nom: str, description: str, normalise: Callable[[str], str | None]) -> ScalarDefinition:
    """A code that callers may write in any way that partners may: one normal form for both."""

    def read(valeur: object) -> str:
        form = normalise(str(valeur))
        if form is None:
            raise ValueError(f"{nom} invalide")
        return form

    return strawberry.scalar(name=nom, description=description, serialize=str, parse_value=read)


SCALARS: dict[object, ScalarDefinition] = {
    UAI: _scalar("UAI", "Code d'un établissement : 7 chiffres et une lettre de contrôle.", normalise_uai),
    SIRET: _scalar("SIRET", "Numéro SIRET : 14 chiffres, clé de Luhn (règle de La Poste admise).", normalise_siret),
    CodeInsee: _scalar("CodeInsee", "Code officiel géographique d'une commune (Insee).", normalise_code_insee),
    CodePostal: _scalar("CodePostal", "Code postal : 5 chiffres.", normalise_code_postal),
}
