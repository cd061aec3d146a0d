"""What the functions of a plan share: the selection read, the place of a value in it, the arguments of resolvers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLSchema, VariableValues, get_argument_values
from strawberry.types.arguments import convert_arguments

from gateway.auth.selection import Ensembles, Selection
from gateway.auth.sentinelle import Interdits

Chemin = tuple[str, ...]
Rendu = Callable[[Any, "Arguments"], Any]  # from an object to what the answer shows


@dataclass(frozen=True, slots=True)
class Lecture:
    """What the functions of one plan are written from. `sources`: the text of each function, in the order they were written."""

    schema: GraphQLSchema
    selection: Selection
    nuls: frozenset[Chemin]
    sources: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: what is selected below it, its path without list indexes, its depth."""

    ensembles: Ensembles
    chemin: Chemin
    profondeur: int = 0


class Arguments(dict[tuple[int, int], dict[str, Any]]):
    """The arguments of resolvers below the root, evaluated once an operation. Keys: ids of the field and of its node.

    `figes`: what is shown of an object is the same as long as the object is; `interdits`: what the answer may not hold.
    """

    def __init__(self, schema: GraphQLSchema, variables: VariableValues, figes: bool, interdits: Interdits) -> None:
        super().__init__()
        self._schema: Any = schema
        self._variables = variables
        self.figes, self.interdits = figes, interdits

    def de(self, champ: GraphQLField, noeud: FieldNode) -> dict[str, Any]:
        """As Strawberry gives them to the resolver. Raises GraphQLError for a value that does not fit."""
        cle = (id(champ), id(noeud))
        if cle not in self:
            self[cle] = convertir(self._schema, champ, get_argument_values(champ, noeud, self._variables))
        return self[cle]


def convertir(schema: Any, champ: GraphQLField, lus: dict[str, Any]) -> dict[str, Any]:
    """Arguments as Strawberry gives them to a resolver."""
    graphe, definition = schema._strawberry_schema, champ.extensions["strawberry-definition"]
    return convert_arguments(lus, definition.arguments, graphe.schema_converter.scalar_registry, graphe.config)
