"""Answers `__schema` and `__type` from the caller's shape of the graph, beside the data. Knows no policy and no source."""

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

from gateway.auth.selection import Selection
from gateway.documents import Document


def seulement(
    schema: GraphQLSchema, document: Document, cles: Collection[str], variables: Mapping[str, Any]
) -> Document:
    """The document reduced to these response keys of its root, and to the variables whose types `schema` has."""
    operation = document.operation
    racine = schema.query_type
    assert racine is not None  # noqa: S101 (a graph has a root)
    lecture = Selection(schema, document.arbre, operation, variables)
    groupes = lecture.champs(racine, (operation.selection_set,))
    reduite = OperationDefinitionNode(
        operation=operation.operation,
        variable_definitions=tuple(d for d in operation.variable_definitions or () if type_from_ast(schema, d.type)),
        selection_set=SelectionSetNode(selections=tuple(noeud for cle in cles for noeud in groupes[cle])),
    )
    fragments = [d for d in document.arbre.definitions if isinstance(d, FragmentDefinitionNode)]
    return replace(document, arbre=DocumentNode(definitions=(reduite, *fragments)), operation=reduite)


def introspecter(
    forme: GraphQLSchema, document: Document, cles: Collection[str], variables: Mapping[str, Any]
) -> ExecutionResult:
    """The answer to the introspection fields of these response keys."""
    return execute_sync(forme, seulement(forme, document, cles, variables).arbre, variable_values=dict(variables))
