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

from gateway.auth.decide import Decision, decider
from gateway.auth.politique import Politique
from gateway.auth.selection import Selection
from gateway.auth.sentinelle import Interdits, interdits
from gateway.auth.viewer import Viewer

JUGEMENTS_MAX = 1024


@dataclass(frozen=True, slots=True)
class Jugement:
    """A decision, and what the sentinel will hold its answer to."""

    decision: Decision
    interdits: Interdits


class Juge:
    """Decides for one schema and one policy. Bounded; the least used are forgotten first."""

    def __init__(self, schema: GraphQLSchema, politique: Politique) -> None:
        self._schema = schema
        self._politique = politique
        # The operation is kept with its judgement, so that its address stands for it as long as the entry lives.
        self._connus: LRUCache[Hashable, tuple[OperationDefinitionNode, Jugement]] = LRUCache(JUGEMENTS_MAX)

    def juger(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        viewer: Viewer,
    ) -> Jugement:
        """The judgement of a valid operation with its coerced variables. Raises what `decider` raises."""
        lecteur = (viewer.profil, viewer.finalite, viewer.finalites)
        cle = (id(operation), lecteur, empreinte(self._schema, operation, variables))
        connu = self._connus.get(cle)
        if connu is None:
            connu = self._connus[cle] = (operation, self._juger(document, operation, variables, viewer))
        return connu[1]

    def _juger(
        self, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any], viewer: Viewer
    ) -> Jugement:
        decision = decider(self._schema, document, operation, variables, viewer, self._politique)
        selection = Selection(self._schema, document, operation, variables)
        lues = self._politique.categories(viewer.profil, viewer.finalite)
        return Jugement(decision, interdits(self._schema, selection, (operation.selection_set,), lues))


def empreinte(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> tuple[Hashable, ...]:
    """All that a decision reads of the variables: which are set, booleans, sort keys; no other value."""
    definitions = operation.variable_definitions or ()
    return tuple(_trace(_nomme(schema, d.type), variables.get(d.variable.name.value)) for d in definitions)


def _nomme(schema: GraphQLSchema, type_: TypeNode) -> GraphQLNamedType | None:
    while not isinstance(type_, NamedTypeNode):
        type_ = type_.type  # type: ignore[attr-defined]
    return schema.get_type(type_.name.value)


def _trace(type_: GraphQLNamedType | None, valeur: Any) -> Hashable:
    if valeur is None or valeur is Undefined:
        return None
    if isinstance(valeur, list | tuple):
        return frozenset(_trace(type_, element) for element in valeur)
    if is_input_object_type(type_) and isinstance(valeur, Mapping):
        champs = type_.fields
        return frozenset((nom, _trace(get_named_type(champs[nom].type), element)) for nom, element in valeur.items())
    if is_enum_type(type_):
        return valeur.name if isinstance(valeur, Enum) else str(valeur)
    return valeur if isinstance(valeur, bool) else True
