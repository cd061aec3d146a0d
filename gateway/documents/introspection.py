"""Answers `__schema` and `__type` from the caller's shape of the graph, apart from the data. Knows no policy and no source."""

from collections.abc import Collection, Hashable, Mapping
from dataclasses import replace
from typing import Any

import orjson
from cachetools import LRUCache
from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    execute_sync,
    type_from_ast,
)

from gateway.auth.authorization.selection import Selection
from gateway.documents.limits import TEXT_MAX
from gateway.documents.parse import Document

KEPT_MAX = 8 * 1024 * 1024  # bytes of the answers kept: a whole one takes some 100 KB
ENTRY_BYTES = 2 * TEXT_MAX  # what a key may take


def restrict_to(
    schema: GraphQLSchema, document: Document, keys: Collection[str], variables: Mapping[str, Any]
) -> Document:
    """The document reduced to these response keys of its root, and to the variables whose types `schema` has."""
    operation = document.operation
    root = schema.get_root_type(operation.operation)
    assert root is not None  # noqa: S101 (a graph has a root)
    selection = Selection(schema, document.tree, operation, variables)
    groups = selection.fields(root, (operation.selection_set,))
    reduced = OperationDefinitionNode(
        operation=operation.operation,
        variable_definitions=tuple(d for d in operation.variable_definitions or () if type_from_ast(schema, d.type)),
        selection_set=SelectionSetNode(selections=tuple(node for key in keys for node in groups[key])),
    )
    fragments = [d for d in document.tree.definitions if isinstance(d, FragmentDefinitionNode)]
    return replace(document, tree=DocumentNode(definitions=(reduced, *fragments)), operation=reduced)


def introspect(
    shape: GraphQLSchema, document: Document, keys: Collection[str], variables: Mapping[str, Any]
) -> ExecutionResult:
    """The answer to the introspection fields of these response keys."""
    return execute_sync(shape, restrict_to(shape, document, keys, variables).tree, variable_values=dict(variables))


class Introspections:
    """The answers already made, encoded, by the shape they tell and what asks. Bounded in bytes."""

    def __init__(self) -> None:
        self._kept: LRUCache[Hashable, dict[str, bytes]] = LRUCache(KEPT_MAX, _weight)

    def find(self, key: Hashable) -> ExecutionResult | None:
        """The answer of that key."""
        kept = self._kept.get(key)
        return _as_result(kept) if kept is not None else None

    def keep(self, key: Hashable, result: ExecutionResult) -> ExecutionResult:
        """The same answer, kept unless it tells an error."""
        if result.errors or result.data is None:
            return result
        encoded = {name: orjson.dumps(value) for name, value in result.data.items()}
        self._kept[key] = encoded
        return _as_result(encoded)


def _weight(encoded: Mapping[str, bytes]) -> int:
    return min(KEPT_MAX, ENTRY_BYTES + sum(map(len, encoded.values())))


def _as_result(encoded: Mapping[str, bytes]) -> ExecutionResult:
    return ExecutionResult({name: orjson.Fragment(value) for name, value in encoded.items()}, None)
