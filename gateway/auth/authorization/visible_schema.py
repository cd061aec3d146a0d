"""The shape of the graph that a caller may use, for introspection (docs/graphe.md). Knows no document and no person.

A shape is the published text without what the caller's register never lets it read: fields, arguments, filters, sort
keys, and the types that nothing left leads to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
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

from gateway.auth.authentication.clients import Viewer
from gateway.auth.policy.acts import Acte, acts_of, is_granted_by_act
from gateway.auth.policy.policy import AccessPolicy, union
from gateway.auth.policy.rules import (
    Categories,
    Finalite,
    Profil,
    categorie,
    openings,
    required_by_field,
    required_by_value,
)

EXECUTABLE = frozenset({"QUERY", "FIELD"})  # where an operation holds directives
N = TypeVar("N", bound=DefinitionNode)
Reader = tuple[Profil, Profil, frozenset[Finalite]]


class VisibleSchemas:
    """The shapes of one schema under one policy, made once for each profile, whom it acts for, and set of purposes."""

    def __init__(self, schema: GraphQLSchema, policy: AccessPolicy) -> None:
        self._schema = schema
        self._policy = policy
        self._known: dict[Reader, GraphQLSchema] = {}

    def for_viewer(self, viewer: Viewer) -> GraphQLSchema:
        """The shape of a caller: what its register lets it read, for one purpose or another."""
        profil, comme = viewer.profil, viewer.perimetre.profil
        key = (profil, comme, frozenset(viewer.finalites))
        if key not in self._known:
            finalites = (None, *viewer.finalites)
            readable = union(self._policy.categories(profil, f, comme) for f in finalites)
            filterable = union(self._policy.filterable(profil, f, comme) for f in finalites)
            acts = union(self._policy.acts(profil, f, comme) for f in finalites)
            document = _SchemaCut(self._schema, readable, filterable, acts).document()
            self._known[key] = build_ast_schema(document, assume_valid=True)
        return self._known[key]


@dataclass
class _SchemaCut:
    """One shape being cut. `readable`: of somebody at least; `filterable`: what criteria may ask for; `acts`: what is written."""

    schema: GraphQLSchema
    readable: Categories
    filterable: Categories
    acts: frozenset[Acte]

    def document(self) -> DocumentNode:
        """The definitions that are left of the text, from the roots down."""
        left = {name: remainder for name, type_ in self._texts.items() if (remainder := self._cut(type_))}
        reached: dict[str, TypeDefinitionNode] = {}
        to_visit = ["Query", "Mutation", "Subscription", "String", "Boolean"]
        while to_visit:
            name = to_visit.pop()
            if name in left and name not in reached:
                reached[name] = left[name]
                to_visit += [*_types_named(left[name]), *self._members(name)]
        return DocumentNode(definitions=(*reached.values(), *self._directives))

    @cached_property
    def _definitions(self) -> tuple[DefinitionNode, ...]:
        return parse(print_schema(self.schema)).definitions

    @cached_property
    def _texts(self) -> dict[str, TypeDefinitionNode]:
        return {d.name.value: d for d in self._definitions if isinstance(d, TypeDefinitionNode)}

    @cached_property
    def _directives(self) -> list[DirectiveDefinitionNode]:
        """Those that whoever asks may write: none is refused to anybody."""
        found = [d for d in self._definitions if isinstance(d, DirectiveDefinitionNode)]
        return [d for d in found if any(place.value in EXECUTABLE for place in d.locations)]

    def _members(self, name: str) -> list[str]:
        """The types of an interface that the caller may open."""
        return [node for node, c in openings(self.schema).items() if name == "Node" and c in self.readable]

    def _cut(self, type_: TypeDefinitionNode) -> Any:
        """A type without what may not be read; None when nothing of it is left."""
        name = type_.name.value
        if isinstance(type_, EnumTypeDefinitionNode):
            usable = [v for v in type_.values or () if required_by_value(name, v.name.value)[1] <= self.filterable]
            return _with(type_, "values", usable)
        if isinstance(type_, InputObjectTypeDefinitionNode):
            return _with(type_, "fields", [field for field in type_.fields or () if self._criterion(name, field)])
        if isinstance(type_, ObjectTypeDefinitionNode):
            return _with(type_, "fields", list(self._fields(type_)))
        return type_

    def _fields(self, type_: ObjectTypeDefinitionNode) -> Iterator[FieldDefinitionNode]:
        definitions: Any = self.schema.type_map[type_.name.value]
        for field in type_.fields or ():
            definition = definitions.fields[field.name.value]
            if categorie(definition) in {None, *self.readable} and self._may_write(definition):
                arguments = [a for a in field.arguments or () if self._argument(definition.args[a.name.value], a)]
                yield replace(field, arguments=tuple(arguments))

    def _may_write(self, definition: Any) -> bool:
        """True for a field that writes nothing, or by an act that the caller may do."""
        return not (acts := acts_of(definition)) or bool(acts & self.acts)

    def _argument(self, definition: Any, argument: InputValueDefinitionNode) -> bool:
        """True when an argument may be used, and something of its type with it."""
        type_ = self._texts.get(_named(argument.type))
        own = categorie(definition)
        return (own is None or own in self.filterable) and (type_ is None or self._cut(type_) is not None)

    def _criterion(self, name: str, field: InputValueDefinitionNode) -> bool:
        definitions: Any = self.schema.type_map[name]
        definition = definitions.fields[field.name.value]
        # Granted with its act: no other field of the shape leads to it.
        return is_granted_by_act(definition) or required_by_field(definition) <= self.filterable


def _types_named(type_: TypeDefinitionNode) -> Iterator[str]:
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
    return replace(type_, **{part: tuple(kept)}) if kept else None
