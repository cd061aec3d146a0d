"""Keeps decisions: made once for an operation and for whoever reads with the same rights (docs/security.md C05). Bounded."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import Any

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    GraphQLNamedType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    type_from_ast,
)

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decide import Decision, decide
from gateway.auth.authorization.selection import Selection
from gateway.auth.authorization.sentinel import Forbidden, forbidden
from gateway.auth.policy.policy import AccessPolicy

# Measured, rounded up. Of a tree, by token of its text; of a decision; by coordinate granted; by path refused, which stands in
# the decision, in what the sentinel looks for and in the key of a plan.
TOKEN_BYTES, DECISION_BYTES, COORDINATE_BYTES, NULL_BYTES = 600, 4000, 200, 1500
DECISIONS_MAX = 16 * 1024 * 1024  # bytes of the decisions kept


@dataclass(frozen=True, slots=True)
class CachedDecision:
    """A decision, and what the sentinel will hold its answer to."""

    decision: Decision
    forbidden: Forbidden


@dataclass(frozen=True, slots=True)
class _Kept:
    """A decision as it is kept, with its operation, so that the address of this one stands for it; `weight`: bytes of both."""

    operation: OperationDefinitionNode
    cached: CachedDecision
    weight: int


def _weight(document: DocumentNode, decision: Decision) -> int:
    """Bytes, rounded up: an operation leads to the whole tree of its document, by its tokens."""
    tree = TOKEN_BYTES * (document.token_count or 0)
    return DECISION_BYTES + tree + COORDINATE_BYTES * len(decision.coordinates) + NULL_BYTES * len(decision.nulls)


class DecisionCache:
    """Decides for one schema and one policy. Bounded in bytes; the least used are forgotten first."""

    def __init__(self, schema: GraphQLSchema, policy: AccessPolicy) -> None:
        self._schema = schema
        self._policy = policy
        self._known: LRUCache[Hashable, _Kept] = LRUCache(DECISIONS_MAX, attrgetter("weight"))

    def judge(
        self, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any], viewer: Viewer
    ) -> CachedDecision:
        """The decision of a valid operation with its coerced variables. Raises what `decide` raises."""
        key = self.key(operation, variables, viewer)
        return self.find(key) or self.keep(key, document, operation, self.make(document, operation, variables, viewer))

    def key(self, operation: OperationDefinitionNode, variables: Mapping[str, Any], viewer: Viewer) -> Hashable:
        """What a decision depends on."""
        reader = (viewer.profil, viewer.perimetre.profil, viewer.finalite, viewer.finalites)
        return id(operation), reader, digest(self._schema, operation, variables)

    def find(self, key: Hashable) -> CachedDecision | None:
        """The decision of that key, if it is kept."""
        known = self._known.get(key)
        return known.cached if known else None

    def make(
        self, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any], viewer: Viewer
    ) -> CachedDecision:
        """The decision, made anew; may run in any thread."""
        decision = decide(self._schema, document, operation, variables, viewer, self._policy)
        selection = Selection(self._schema, document, operation, variables)
        readable = self._policy.categories(viewer.profil, viewer.finalite, viewer.perimetre.profil)
        return CachedDecision(decision, forbidden(self._schema, selection, operation, readable))

    def keep(
        self, key: Hashable, document: DocumentNode, operation: OperationDefinitionNode, cached: CachedDecision
    ) -> CachedDecision:
        """Keep it; the same decision."""
        self._known[key] = _Kept(operation, cached, _weight(document, cached.decision))
        return cached


def digest(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Hashable:
    """All that a decision reads of the variables: which are set, booleans, sort keys; no other value."""
    definitions = operation.variable_definitions or ()
    return tuple(
        _shape(get_named_type(type_from_ast(schema, d.type)), variables.get(d.variable.name.value)) for d in definitions
    )


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
