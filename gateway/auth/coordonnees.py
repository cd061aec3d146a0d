"""The category of each coordinate of a built schema: fields, arguments, filters, sort keys. Knows no viewer, no policy.

Rules written beside fields travel in Strawberry's metadata. What has no metadata of its own is ruled by the tables
below, which `verification` holds to the schema name for name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from graphql import GraphQLArgument, GraphQLField, GraphQLInputField

from gateway.auth.rules import CATEGORIE, DERIVATION, SUR, Derivation
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


# Reasons of a priority that tell another category than its own.
PARLANTES: Mapping[str, C] = {"RQTH": C.SENSIBLE, "ACCOMPAGNEMENT_CONJOINT": C.COLLABORATION}


@dataclass(frozen=True, slots=True)
class Tri:
    """What sorting by a key asks for, and the coordinates of the fields it compares."""

    categories: Categories
    sur: tuple[str, ...]


_PAR_DATE = Tri(frozenset({C.RUPTURE}), ("Rupture.date",))
_PAR_NOM = Tri(frozenset({C.IDENTITE}), ("Jeune.nom", "Jeune.prenom"))

# The order of a list tells what it is sorted by.
TRIS: Mapping[str, Mapping[str, Tri]] = {
    "TriRuptures": {
        "DATE_DESC": _PAR_DATE,
        "DATE_ASC": _PAR_DATE,
        "PRIORITE": Tri(PRIORITE | {C.RUPTURE}, ("Rupture.motifsPriorite", "Rupture.date")),
    },
    "TriJeunes": {
        "STATUT_RECENT": Tri(frozenset({C.PARCOURS}), ("Jeune.statut",)),
        "NOM_ASC": _PAR_NOM,
        "NOM_DESC": _PAR_NOM,
    },
}

# Filters whose answer depends on more than the category written beside them.
AUSSI: Mapping[str, Categories] = {"FiltreRuptures.prioritaire": PRIORITE}


Gouvernable = GraphQLField | GraphQLInputField | GraphQLArgument


def categorie(element: Gouvernable) -> C | None:
    """The category written beside a field, an input field or an argument; None where it inherits."""
    valeur = _ecrit(element, CATEGORIE)
    return valeur if isinstance(valeur, C) else None


def derivation(champ: GraphQLField) -> Derivation | None:
    """What a field says it is computed from."""
    valeur = _ecrit(champ, DERIVATION)
    return valeur if isinstance(valeur, Derivation) else None


def compares(champ: GraphQLInputField) -> tuple[str, ...]:
    """The coordinates of the fields that a filter says it looks at."""
    return tuple(_ecrit(champ, SUR) or ())


def _ecrit(element: Gouvernable, cle: str) -> Any:
    return getattr(element.extensions.get("strawberry-definition"), "metadata", {}).get(cle)


def exigees_par_le_champ(type_: str, nom: str, champ: GraphQLInputField) -> Categories:
    """The categories that using an input field asks for."""
    propre = categorie(champ)
    return frozenset({propre} if propre else ()) | AUSSI.get(f"{type_}.{nom}", frozenset())


def exigees_par_la_valeur(type_: str, valeur: Any) -> tuple[str, Categories]:
    """The coordinate of an enum value, and the categories that sorting by it asks for."""
    nom = valeur.name if isinstance(valeur, Enum) else str(valeur)
    tri = TRIS.get(type_, {}).get(nom)
    return f"{type_}.{nom}", tri.categories if tri else frozenset()
