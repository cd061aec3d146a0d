"""Answers `__schema` and `__type` from the caller's shape of the graph, apart from the data. Knows no policy and no source."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

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
from gateway.documents.parse import Document


def restrict_to(
    schema: GraphQLSchema, document: Document, keys: Collection[str], variables: Mapping[str, Any]
) -> Document:
    """The document reduced to these response keys of its root, and to the variables whose types `schema` has."""
    operation = document.operation
    root = schema.query_type
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
