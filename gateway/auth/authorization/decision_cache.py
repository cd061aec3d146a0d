"""Decisions, each made once: kept by all that they depend on, and by nothing of a person. Knows no source.

A decision is a function of the document, of who reads (profile, purpose, purposes of the register) and, of the
variables, only of which criteria they use and of the booleans that @skip and @include read.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    GraphQLNamedType,
    GraphQLSchema,
    NamedTypeNode,
    OperationDefinitionNode,
    TypeNode,
    Undefined,
    get_named_type,
    is_enum_type,
    is_input_object_type,
)

from gateway.auth.authentication.viewer import Viewer
from gateway.auth.authorization.decide import Decision, decide
from gateway.auth.authorization.selection import Selection
from gateway.auth.authorization.sentinel import Forbidden, forbidden
from gateway.auth.policy.policy import AccessPolicy

DECISIONS_MAX = 1024


@dataclass(frozen=True, slots=True)
class CachedDecision:
    """A decision, and what the sentinel will hold its answer to."""

    decision: Decision
    forbidden: Forbidden


class DecisionCache:
    """Decides for one schema and one policy. Bounded; the least used are forgotten first."""

    def __init__(self, schema: GraphQLSchema, policy: AccessPolicy) -> None:
        self._schema = schema
        self._policy = policy
        # The operation is kept with its decision, so that its address stands for it as long as the entry lives.
        self._known: LRUCache[Hashable, tuple[OperationDefinitionNode, CachedDecision]] = LRUCache(DECISIONS_MAX)

    def judge(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        viewer: Viewer,
    ) -> CachedDecision:
        """The decision of a valid operation with its coerced variables. Raises what `decide` raises."""
        reader = (viewer.profil, viewer.finalite, viewer.finalites)
        key = (id(operation), reader, digest(self._schema, operation, variables))
        known = self._known.get(key)
        if known is None:
            decision = decide(self._schema, document, operation, variables, viewer, self._policy)
            selection = Selection(self._schema, document, operation, variables)
            readable = self._policy.categories(viewer.profil, viewer.finalite)
            closed = forbidden(self._schema, selection, (operation.selection_set,), readable)
            known = self._known[key] = (operation, CachedDecision(decision, closed))
        return known[1]


def digest(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> tuple[Hashable, ...]:
    """All that a decision reads of the variables: which are set, booleans, sort keys; no other value."""
    definitions = operation.variable_definitions or ()
    return tuple(_shape(_named(schema, d.type), variables.get(d.variable.name.value)) for d in definitions)


def _named(schema: GraphQLSchema, type_: TypeNode) -> GraphQLNamedType | None:
    while not isinstance(type_, NamedTypeNode):
        type_ = type_.type  # type: ignore[attr-defined]
    return schema.get_type(type_.name.value)


def _shape(type_: GraphQLNamedType | None, value: Any) -> Hashable:
    if value is None or value is Undefined:
        return None
    if isinstance(value, list | tuple):
        return frozenset(_shape(type_, element) for element in value)
    if is_input_object_type(type_) and isinstance(value, Mapping):
        fields = type_.fields
        return frozenset((name, _shape(get_named_type(fields[name].type), element)) for name, element in value.items())
    if is_enum_type(type_):
        return value.name if isinstance(value, Enum) else str(value)
    return value if isinstance(value, bool) else True
