"""The shape of the graph that a caller may use, for introspection (docs/graphe.md). Knows no document and no person.

A shape is the published text without what the caller's register never lets it read: fields, arguments, filters, sort
keys, and the types that nothing left leads to.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from graphql import (
    DefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
    build_ast_schema,
    parse,
    print_schema,
)

from gateway.auth.authentication.viewer import Viewer
from gateway.auth.policy.coordinates import Categories, categorie, openings, required_by_field, required_by_value
from gateway.auth.policy.policy import AccessPolicy
from gateway.auth.policy.rules import CategorieDonnee, Finalite, Profil

N = TypeVar("N", bound=DefinitionNode)
UnitReader = tuple[Profil, frozenset[Finalite]]


class VisibleSchemas:
    """The shapes of one schema under one policy, made once for each profile and set of purposes."""

    def __init__(self, schema: GraphQLSchema, policy: AccessPolicy) -> None:
        self._schema = schema
        self._policy = policy
        self._known: dict[UnitReader, GraphQLSchema] = {}

    def for_viewer(self, viewer: Viewer) -> GraphQLSchema:
        """The shape of a caller: what its register lets it read, for one purpose or another."""
        key = (viewer.profil, frozenset(viewer.finalites))
        if key not in self._known:
            finalites = (None, *viewer.finalites)
            rows_read = _union(self._policy.categories(viewer.profil, f) for f in finalites)
            everywhere = _union(self._policy.everywhere(viewer.profil, f) for f in finalites)
            self._known[key] = build_ast_schema(
                _SchemaCut(self._schema, rows_read, everywhere).document(), assume_valid=True
            )
        return self._known[key]


def _union(sets: Iterable[Categories]) -> Categories:
    return frozenset[CategorieDonnee]().union(*sets)


@dataclass
class _SchemaCut:
    """One shape being cut. `rows_read`: of somebody at least; `everywhere`: of every person seen, what criteria ask for."""

    schema: GraphQLSchema
    rows_read: Categories
    everywhere: Categories

    def document(self) -> DocumentNode:
        """What is left of the text, from the root down."""
        remainders = {name: rest for name, type_ in self._texts.items() if (rest := self._rest(type_))}
        reached: dict[str, TypeDefinitionNode] = {}
        waiting = ["Query", "String", "Boolean"]
        while waiting:
            name = waiting.pop()
            if name in remainders and name not in reached:
                reached[name] = remainders[name]
                waiting += [*_targeted(remainders[name]), *self._members(name)]
        return DocumentNode(definitions=tuple(reached.values()))

    @cached_property
    def _texts(self) -> dict[str, TypeDefinitionNode]:
        definitions = parse(print_schema(self.schema)).definitions
        return {d.name.value: d for d in definitions if isinstance(d, TypeDefinitionNode)}

    def _members(self, nom: str) -> list[str]:
        """The types of an interface that the caller may open."""
        return [node for node, c in openings(self.schema).items() if nom == "Node" and c in self.rows_read]

    def _rest(self, type_: TypeDefinitionNode) -> Any:
        """A type without what may not be read; None when nothing of it is left."""
        name = type_.name.value
        if isinstance(type_, EnumTypeDefinitionNode):
            return _with(type_, "values", [v for v in type_.values or () if self._value(name, v)])
        if isinstance(type_, InputObjectTypeDefinitionNode):
            return _with(type_, "fields", [field for field in type_.fields or () if self._criterion(name, field)])
        if isinstance(type_, ObjectTypeDefinitionNode):
            return _with(type_, "fields", list(self._fields(type_)))
        return type_

    def _fields(self, type_: ObjectTypeDefinitionNode) -> Iterator[FieldDefinitionNode]:
        definitions: Any = self.schema.type_map[type_.name.value]
        for field in type_.fields or ():
            definition = definitions.fields[field.name.value]
            if categorie(definition) in {None, *self.rows_read}:
                arguments = [a for a in field.arguments or () if self._argument(definition.args[a.name.value], a)]
                yield _copy(field, arguments=tuple(arguments))

    def _argument(self, definition: Any, argument: InputValueDefinitionNode) -> bool:
        """Whether an argument may be used, and something of its type with it."""
        type_ = self._texts.get(_named(argument.type))
        own = categorie(definition)
        return (own is None or own in self.everywhere) and (type_ is None or self._rest(type_) is not None)

    def _criterion(self, nom: str, field: InputValueDefinitionNode) -> bool:
        definitions: Any = self.schema.type_map[nom]
        return required_by_field(definitions.fields[field.name.value]) <= self.everywhere

    def _value(self, nom: str, value: EnumValueDefinitionNode) -> bool:
        _, required = required_by_value(nom, value.name.value)
        return required <= self.everywhere


def _targeted(type_: TypeDefinitionNode) -> Iterator[str]:
    """The types that a definition names."""
    for field in getattr(type_, "fields", None) or ():
        yield _named(field.type)
        yield from (_named(argument.type) for argument in getattr(field, "arguments", None) or ())
    yield from (interface.name.value for interface in getattr(type_, "interfaces", None) or ())


def _named(type_: TypeNode) -> str:
    while hasattr(type_, "type"):
        type_ = type_.type
    return str(type_.name.value)  # type: ignore[attr-defined]


def _with(type_: Any, part: str, kept: Sequence[Any]) -> Any:
    return _copy(type_, **{part: tuple(kept)}) if kept else None


def _copy(node: Any, **parties: Any) -> Any:
    return type(node)(**{key: parties.get(key, getattr(node, key)) for key in node.keys})
