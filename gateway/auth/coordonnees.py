"""The rules of each coordinate of a built schema: types, fields, arguments, filters, sort keys. Knows no viewer, no policy.

They are written beside each of them (`rules`), travel in Strawberry's definitions, and are held to the schema by
`verification`.
"""

from enum import Enum
from typing import Any

from graphql import GraphQLArgument, GraphQLField, GraphQLInputField, GraphQLNamedType, GraphQLSchema, get_named_type

from gateway.auth.rules import ALSO, CATEGORIE, DERIVATION, NOMINATIVE, OPENED_BY, SUR, Derivation, SortKey, Telling
from gateway.auth.rules import CategorieDonnee as C

Categories = frozenset[C]

Gouvernable = GraphQLField | GraphQLInputField | GraphQLArgument


def categorie(element: Gouvernable) -> C | None:
    """The category written beside a field, an input field or an argument; None where it inherits."""
    valeur = written(element, CATEGORIE)
    return valeur if isinstance(valeur, C) else None


def derivation(champ: GraphQLField) -> Derivation | None:
    """What a field says it is computed from."""
    valeur = written(champ, DERIVATION)
    return valeur if isinstance(valeur, Derivation) else None


def compares(champ: GraphQLInputField) -> tuple[str, ...]:
    """The coordinates of the fields that a filter says it looks at."""
    return tuple(written(champ, SUR) or ())


def written(element: Gouvernable, cle: str) -> Any:
    """What is written beside a field, an input field or an argument under one key of `rules`; None: nothing."""
    return getattr(element.extensions.get("strawberry-definition"), "metadata", {}).get(cle)


def opening(type_: GraphQLNamedType) -> C | None:
    """What opening an object of a type asks for, by whatever field leads to it, `node` included; None: it is no node."""
    valeur = getattr(_class_of(type_), OPENED_BY, None)
    return valeur if isinstance(valeur, C) else None


def openings(schema: GraphQLSchema) -> dict[str, C]:
    """The opening of each node, by name: those of persons first, in the order of the categories; then the public ones."""
    nodes = {nom: c for nom, type_ in schema.type_map.items() if (c := opening(type_))}
    order = list(C)
    return dict(sorted(nodes.items(), key=lambda node: (node[1] is C.PUBLIQUE, order.index(node[1]), node[0])))


def is_nominative(type_: GraphQLNamedType) -> bool:
    """Whether it is declared that any field of the type is about somebody."""
    return hasattr(_class_of(type_), NOMINATIVE)


def tells(champ: GraphQLField) -> bool:
    """Whether the values of a field tell a category of their own."""
    classe = _class_of(get_named_type(champ.type))
    return isinstance(classe, type) and issubclass(classe, Telling)


def sort_orders() -> dict[str, type[SortKey]]:
    """The orders that a list may be asked in, by name, as they are written."""
    return {order.__name__: order for order in SortKey.__subclasses__()}


def _class_of(type_: GraphQLNamedType) -> Any:
    return getattr(type_.extensions.get("strawberry-definition"), "origin", None)


def exigees_par_le_champ(champ: GraphQLInputField) -> Categories:
    """The categories that using an input field asks for."""
    propre = categorie(champ)
    return frozenset({propre} if propre else ()) | (written(champ, ALSO) or frozenset())


def exigees_par_la_valeur(type_: str, valeur: Any) -> tuple[str, Categories]:
    """The coordinate of an enum value, and the categories that sorting by it asks for."""
    nom = valeur.name if isinstance(valeur, Enum) else str(valeur)
    order = sort_orders().get(type_)
    return f"{type_}.{nom}", order[nom].asks if order and nom in order.__members__ else frozenset()
