"""The category of each coordinate of a built schema: fields, filters, sort keys. Knows no viewer, no policy.

Rules written beside fields travel in Strawberry's metadata. What has no metadata of its own is ruled by the tables
below, which `verification` holds to the schema name for name.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from graphql import GraphQLArgument, GraphQLField, GraphQLInputField

from gateway.auth.rules import CATEGORIE
from gateway.auth.rules import CategorieDonnee as C

Categories = frozenset[C]

# What opening an object of each type asks for, by whatever field leads to it, `node` included (ANSWERS 12).
NOEUDS: Mapping[str, C] = {
    "Jeune": C.PARCOURS,
    "Contrat": C.CONTRAT,
    "Rupture": C.RUPTURE,
    "Cfa": C.PUBLIQUE,
    "MissionLocale": C.PUBLIQUE,
}

# A priority follows, among its reasons, the disability and the collaboration asked by the CFA.
PRIORITE = frozenset({C.SUIVI, C.SENSIBLE, C.COLLABORATION})

# The order of a list tells what it is sorted by.
TRIS: Mapping[str, Mapping[str, Categories]] = {
    "TriRuptures": {
        "DATE_DESC": frozenset({C.RUPTURE}),
        "DATE_ASC": frozenset({C.RUPTURE}),
        "PRIORITE": PRIORITE,
    },
    "TriJeunes": {
        "STATUT_RECENT": frozenset({C.PARCOURS}),
        "NOM_ASC": frozenset({C.IDENTITE}),
        "NOM_DESC": frozenset({C.IDENTITE}),
    },
}

# Filters whose answer depends on more than the category written beside them.
AUSSI: Mapping[str, Categories] = {"FiltreRuptures.prioritaire": PRIORITE}


Gouvernable = GraphQLField | GraphQLInputField | GraphQLArgument


def categorie(element: Gouvernable) -> C | None:
    """The category written beside a field, an input field or an argument; None where it inherits."""
    definition = element.extensions.get("strawberry-definition")
    valeur = getattr(definition, "metadata", {}).get(CATEGORIE)
    return valeur if isinstance(valeur, C) else None


def exigees_par_le_champ(type_: str, nom: str, champ: GraphQLInputField) -> Categories:
    """The categories that using an input field asks for."""
    propre = categorie(champ)
    return frozenset({propre} if propre else ()) | AUSSI.get(f"{type_}.{nom}", frozenset())


def exigees_par_la_valeur(type_: str, valeur: Any) -> tuple[str, Categories]:
    """The coordinate of an enum value, and the categories that sorting by it asks for."""
    nom = valeur.name if isinstance(valeur, Enum) else str(valeur)
    return f"{type_}.{nom}", TRIS.get(type_, {}).get(nom, frozenset())
