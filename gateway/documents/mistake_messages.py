"""Tells a mistake to one caller: what of the graph his own shape shows him, and nothing else (docs/decisions/0066).

Knows no policy: a shape is given. Entered for what is refused only.
"""

import re
from collections.abc import Iterator
from typing import Any

from graphql import (
    DirectiveLocation,
    GraphQLNamedType,
    GraphQLSchema,
    is_enum_type,
    is_input_object_type,
)
from graphql.pyutils import suggestion_list

from gateway.documents.mistake import Detail, Mistake
from gateway.documents.wrong_values import NAME_MAX

NEAREST_MAX = 3
LISTED_MAX = 12  # names told of what may stand somewhere
_SCALARS = {
    "Int": "un entier de 32 bits",
    "Float": "un nombre",
    "String": "un texte",
    "Boolean": "true ou false",
    "ID": "un identifiant",
}
_PLACES = {  # of a request, where a directive may stand
    DirectiveLocation.QUERY: "une opération query",
    DirectiveLocation.MUTATION: "une opération mutation",
    DirectiveLocation.SUBSCRIPTION: "une opération subscription",
    DirectiveLocation.VARIABLE_DEFINITION: "la déclaration d'une variable",
    DirectiveLocation.FIELD: "un champ",
    DirectiveLocation.FRAGMENT_SPREAD: "l'emploi d'un fragment",
    DirectiveLocation.INLINE_FRAGMENT: "un fragment en ligne",
    DirectiveLocation.FRAGMENT_DEFINITION: "la définition d'un fragment",
}


def tell(mistake: Mistake, shape: GraphQLSchema) -> tuple[str, list[str]]:
    """What is wrong in a sentence or two, and the names of that shape that are nearest to the one written."""
    nearest = _nearest(mistake, shape)
    shown = mistake.told + _expected(mistake, shape) if _shows(shape, mistake.among) else ""
    text = f"{mistake.said}{shown}."
    if nearest:
        text += f" Plutôt {' ou '.join(nearest)} ?"
    if mistake.places:
        line, column = mistake.places[0]
        text += f" (ligne {line}, colonne {column})"
    return text, nearest


def _nearest(mistake: Mistake, shape: GraphQLSchema) -> list[str]:
    if not mistake.name or len(mistake.name) > NAME_MAX:  # a long one would be long to compare
        return []
    return suggestion_list(mistake.name, sorted(_names(shape, mistake.among)))[:NEAREST_MAX]


def _names(shape: GraphQLSchema, among: str) -> list[str]:
    """The names of that shape among which one was meant."""
    if among == "*":
        return [name for name in shape.type_map if not name.startswith("__")]
    if among == "@":
        return [directive.name for directive in shape.directives]
    return list(_parts(_named(shape, among)))


def _named(shape: GraphQLSchema, among: str) -> Any:
    """What a coordinate names in that shape: a type, a field, a directive; None when it is not there."""
    if among.startswith("@"):
        return shape.get_directive(among[1:])
    name, _, field = among.partition(".")
    type_ = shape.get_type(name)
    return getattr(type_, "fields", {}).get(field) if field else type_


def _parts(named: Any) -> Iterator[str]:
    """The names that something holds: values, fields, or arguments."""
    for part in ("values", "fields", "args"):
        yield from getattr(named, part, ())


def _shows(shape: GraphQLSchema, among: str) -> bool:
    """Whether that shape has what is written so: a coordinate, with an argument between brackets; or a type in its wrappers."""
    if found := re.fullmatch(r"(@?[\w.]+)\((\w+)\)", among):
        return found[2] in _names(shape, found[1])
    return not among or among in "*@" or _named(shape, re.sub(r"[\[\]!]", "", among)) is not None


def _expected(mistake: Mistake, shape: GraphQLSchema) -> str:
    """What would have been right, as that shape says it."""
    if mistake.detail is Detail.DIRECTIVE_MAL_PLACEE:
        return _where_it_stands(mistake.among, shape)
    type_ = _type(mistake.expected, shape)
    if type_ is None:
        return ""
    several = "une liste, chacun : " if mistake.expected.startswith("[") else ""
    return f" ; attendu : {several}{_described(type_)}"


def _where_it_stands(among: str, shape: GraphQLSchema) -> str:
    places = [place for location, place in _PLACES.items() if location in _named(shape, among).locations]
    if not places:
        return " ; elle se met dans un schéma, jamais dans une requête"
    *others, last = places
    before = f"{', '.join(others)} ou " if others else ""
    return f" ; elle se met sur {before}{last}"


def _type(text: str, shape: GraphQLSchema) -> GraphQLNamedType | None:
    name = re.sub(r"[\[\]!]", "", text)
    return shape.get_type(name) if name else None


def _described(type_: GraphQLNamedType) -> str:
    if type_.name in _SCALARS:
        return _SCALARS[type_.name]
    if is_enum_type(type_) or is_input_object_type(type_):
        names = list(_parts(type_))
        more = "…" if len(names) > LISTED_MAX else ""
        return f"{type_.name} ({', '.join(names[:LISTED_MAX])}{more})"
    return f"{type_.name} ({(type_.description or '').rstrip('.')})"
