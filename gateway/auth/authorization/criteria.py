"""The criteria an operation filters and sorts by, found in its arguments: each tells something of what it compares."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    Undefined,
    get_named_type,
    is_enum_type,
    is_input_object_type,
)

from gateway.auth.authorization.selection import Selection
from gateway.auth.policy.coordinates import Categories, categorie, required_by_field, required_by_value
from gateway.auth.policy.rules import CategorieDonnee


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion in use. `path`: as the caller wrote it, "filtre.etat"; `coordinate`: "FiltreRuptures.etat",
    "TriJeunes.NOM_ASC" or "Query.contrat(numero:)"."""

    path: str
    coordinate: str
    categories: Categories


def criteria_of_field(
    coordinate: str, field: GraphQLField, node: FieldNode, selection: Selection
) -> Iterator[Criterion]:
    """The governed criteria of the arguments of the field of that coordinate. Absent and null ones are not used."""
    for written in node.arguments or ():
        name = written.name.value
        argument, value = field.args[name], selection.value(written.value)
        own = categorie(argument)
        if own not in (None, CategorieDonnee.PUBLIQUE) and not _is_absent(value):
            yield Criterion(name, f"{coordinate}({name}:)", frozenset({own}))
        yield from _criteria(get_named_type(argument.type), value, name)


def _criteria(type_: GraphQLNamedType, value: Any, path: str) -> Iterator[Criterion]:
    if _is_absent(value):
        return
    if isinstance(value, list | tuple):
        for element in value:
            yield from _criteria(type_, element, path)
    elif is_enum_type(type_):
        coordinate, categories = required_by_value(type_.name, value)
        if categories:
            yield Criterion(path, coordinate, categories)
    elif is_input_object_type(type_) and isinstance(value, Mapping):
        yield from _fields(type_, value, path)


def _fields(type_: GraphQLInputObjectType, value: Mapping[str, Any], path: str) -> Iterator[Criterion]:
    for name, element in value.items():
        field = type_.fields[name]
        if not _is_absent(element):
            yield Criterion(f"{path}.{name}", f"{type_.name}.{name}", required_by_field(field))
        yield from _criteria(get_named_type(field.type), element, f"{path}.{name}")


def _is_absent(value: Any) -> bool:
    return value is None or value is Undefined
