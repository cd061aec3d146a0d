"""Checks that what leaves holds nothing that its caller may not read: it should never find anything (docs/security.md).

It works from the rules and the policy, never from the decision nor from the mask, which it checks: `excess`, a noun that
was masked, for the categories of that very person; `find_leak`, the data of an answer, for what the profile never reads.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from graphql import (
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from strawberry.types import get_object_definition, has_object_definition

from gateway.auth.authorization.selection import Selection, Sets
from gateway.auth.policy.rules import ANY_OF, CATEGORIE, MAGASIN, CategorieDonnee, Categories, categorie, opening
from gateway.slotted_types import stored

# What must be null in an answer, by response key: the value itself (None), or something below it.
Forbidden = Mapping[str, "Forbidden | None"]
FREE: Forbidden = {}
CLOSED_MAX = 4096


def find_leak(data: Any, forbidden: Forbidden) -> tuple[str, ...] | None:
    """The path of a value that must not be there, list indexes left out; None when all is well.

    Walks the forbidden branches only: an answer of which everything is granted costs nothing.
    """
    if isinstance(data, list):
        leaks = (find_leak(element, forbidden) for element in data) if forbidden else ()
        return next((leak for leak in leaks if leak), None)
    for key, below in forbidden.items() if isinstance(data, dict) else ():
        value = data.get(key)
        if value is None:
            continue
        if below is None:
            return (key,)
        if found := find_leak(value, below):
            return (key, *found)
    return None


def forbidden(
    schema: GraphQLSchema, selection: Selection, operation: OperationDefinitionNode, readable: Categories
) -> Forbidden:
    """The values that must be null in the answer of an operation whose caller reads `readable`."""
    type_, root = schema.get_root_type(operation.operation), (operation.selection_set,)
    return _Reader(schema, selection, readable).of_object(type_, root) if type_ else FREE


class _Reader:
    """Reads one selection; sub-selections are read once for each concrete type."""

    def __init__(self, schema: GraphQLSchema, selection: Selection, readable: Categories) -> None:
        self._schema = schema
        self._selection = selection
        self._readable = readable
        self._memo: dict[tuple[str, tuple[int, ...]], Forbidden] = {}

    def of_object(self, type_: GraphQLObjectType, sets: Sets) -> Forbidden:
        place = (type_.name, tuple(map(id, sets)))
        if place not in self._memo:
            groups = self._selection.fields(type_, sets)
            branches = {key: self._field(type_, nodes) for key, nodes in groups.items()}
            self._memo[place] = {key: branch for key, branch in branches.items() if branch != FREE}
        return self._memo[place]

    def _field(self, type_: GraphQLObjectType, nodes: list[FieldNode]) -> Forbidden | None:
        name = nodes[0].name.value
        if name.startswith("__"):
            return FREE
        field = type_.fields[name]
        if categorie(field) not in {None, *self._readable}:
            return None
        below, sets = get_named_type(field.type), tuple(n.selection_set for n in nodes if n.selection_set)
        if is_abstract_type(below):
            return self._abstract(self._schema.get_possible_types(below), sets)
        return self.of_object(below, sets) if is_object_type(below) else FREE

    def _abstract(self, possible: list[GraphQLObjectType], sets: Sets) -> Forbidden:
        """One key may stand for fields of several types: it is forbidden when all of them are."""
        by_key: dict[str, list[Forbidden | None]] = {}
        for type_ in possible:
            opened = opening(type_) in self._readable
            below = self.of_object(type_, sets) if opened else FREE
            for key in self._selection.fields(type_, sets):
                by_key.setdefault(key, []).append(below.get(key, FREE) if opened else None)
        return {
            key: all_of[0]
            for key, all_of in by_key.items()
            if all_of[0] != FREE and all_of.count(all_of[0]) == len(all_of)
        }


def excess(noun: Any, categories: Categories) -> str | None:
    """The first attribute that still holds something of a category not granted, in a noun or what it holds."""
    return next(_among((noun,), categories, set()), None)


def _among(values: Iterable[Any], categories: Categories, seen: set[int]) -> Iterator[str]:
    for value in values:
        class_: Any = type(value)
        if _holds_no_noun(class_) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, list | tuple):
            yield from _among(value, categories, seen)
        else:
            yield from _excess(value, categories)
            yield from _among((getattr(value, name) for name in stored(class_)), categories, seen)


def _excess(noun: Any, categories: Categories) -> Iterator[str]:
    """The same, of the noun alone."""
    class_: Any = type(noun)
    for attribute in _closed(class_, categories):
        if getattr(noun, attribute) is not None:
            yield f"{class_.__name__}.{attribute}"
    for attribute in _telling(class_):
        if any(not (value.is_base or value.tells in categories) for value in getattr(noun, attribute) or ()):
            yield f"{class_.__name__}.{attribute}"


@cache
def _holds_no_noun(class_: type) -> bool:
    """A class that holds no noun: most of what nouns hold is texts and dates, and each row is walked."""
    return not issubclass(class_, list | tuple) and not has_object_definition(class_)


@lru_cache(CLOSED_MAX)
def _closed(class_: type, categories: Categories) -> tuple[str, ...]:
    """The attributes of a noun that must be empty."""
    return tuple(attribute for attribute, rule in _rules(class_) if rule not in categories)


@cache
def _telling(class_: type) -> frozenset[str]:
    """The attributes of a noun that list values which tell a category of their own."""
    fields = get_object_definition(class_, strict=True).fields
    return frozenset(field.metadata[ANY_OF] for field in fields if ANY_OF in field.metadata)


@cache
def _rules(class_: type) -> tuple[tuple[str, CategorieDonnee], ...]:
    """The attributes of a noun that rules cover: the field's own, or the private one that its resolver reads."""
    rules = [(field.python_name, field.metadata) for field in get_object_definition(class_, strict=True).fields]
    return tuple((rule.get(MAGASIN) or name, rule[CATEGORIE]) for name, rule in rules if rule.get(CATEGORIE))
