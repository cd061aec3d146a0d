"""The rules of each coordinate of a built schema: types, fields, arguments, filters, sort keys. Knows no viewer, no policy.

They are written beside each of them (`rules`) and travel in Strawberry's definitions; `schema_check` checks them.
"""

from enum import Enum
from typing import Any

from graphql import GraphQLArgument, GraphQLField, GraphQLInputField, GraphQLNamedType, GraphQLSchema, get_named_type

from gateway.auth.policy.rules import (
    ABOUT,
    ALSO,
    CATEGORIE,
    DERIVATION,
    NOMINATIVE,
    OPENED_BY,
    Derivation,
    SortKey,
    Telling,
)
from gateway.auth.policy.rules import CategorieDonnee as C

Categories = frozenset[C]

Governable = GraphQLField | GraphQLInputField | GraphQLArgument


def categorie(element: Governable) -> C | None:
    """The category written beside a field, an input field or an argument; None where it inherits."""
    value = written(element, CATEGORIE)
    return value if isinstance(value, C) else None


def derivation(field: GraphQLField) -> Derivation | None:
    """The fields that a field declares it is computed from, if it does."""
    value = written(field, DERIVATION)
    return value if isinstance(value, Derivation) else None


def compares(field: GraphQLInputField) -> tuple[str, ...]:
    """The coordinates of the fields that a filter says it looks at."""
    return tuple(written(field, ABOUT) or ())


def written(element: Governable, key: str) -> Any:
    """The value written beside a field, an input field or an argument under one key of `rules`; None: nothing."""
    return getattr(element.extensions.get("strawberry-definition"), "metadata", {}).get(key)


def opening(type_: GraphQLNamedType) -> C | None:
    """The category that opening an object of a type asks for, by whatever field leads to it; None: it is no node."""
    value = getattr(_class_of(type_), OPENED_BY, None)
    return value if isinstance(value, C) else None


def openings(schema: GraphQLSchema) -> dict[str, C]:
    """The opening of each node, by name: those of persons first, in the order of the categories; then the public ones."""
    nodes = {name: c for name, type_ in schema.type_map.items() if (c := opening(type_))}
    order = list(C)
    return dict(sorted(nodes.items(), key=lambda node: (node[1] is C.PUBLIQUE, order.index(node[1]), node[0])))


def is_nominative(type_: GraphQLNamedType) -> bool:
    """True when the type declares that any of its fields is about somebody."""
    return hasattr(_class_of(type_), NOMINATIVE)


def tells(field: GraphQLField) -> bool:
    """True when the values of a field tell a category of their own."""
    class_ = _class_of(get_named_type(field.type))
    return isinstance(class_, type) and issubclass(class_, Telling)


def sort_orders() -> dict[str, type[SortKey]]:
    """The orders that a list may be asked in, by name, as they are written."""
    return {order.__name__: order for order in SortKey.__subclasses__()}


def _class_of(type_: GraphQLNamedType) -> Any:
    return getattr(type_.extensions.get("strawberry-definition"), "origin", None)


def required_by_field(field: GraphQLInputField) -> Categories:
    """The categories that using an input field asks for."""
    own = categorie(field)
    return frozenset({own} if own else ()) | (written(field, ALSO) or frozenset())


def required_by_value(type_: str, value: Any) -> tuple[str, Categories]:
    """The coordinate of an enum value, and the categories that sorting by it asks for."""
    name = value.name if isinstance(value, Enum) else str(value)
    order = sort_orders().get(type_)
    return f"{type_}.{name}", order[name].asks if order and name in order.__members__ else frozenset()
