"""What the functions of a plan share: the selection read, the place of a value in it, the arguments of resolvers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLSchema, VariableValues, get_argument_values

from gateway.auth.selection import Ensembles, Selection
from gateway.auth.sentinelle import Interdits
from gateway.execution.conversions import convertir

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

    def __init__(self, variables: VariableValues, figes: bool, interdits: Interdits) -> None:
        super().__init__()
        self._variables = variables
        self.figes, self.interdits = figes, interdits

    def de(self, champ: GraphQLField, noeud: FieldNode) -> dict[str, Any]:
        """As the resolver takes them. Raises GraphQLError for a value that does not fit."""
        cle = (id(champ), id(noeud))
        if cle not in self:
            self[cle] = convertir(champ, get_argument_values(champ, noeud, self._variables))
        return self[cle]
