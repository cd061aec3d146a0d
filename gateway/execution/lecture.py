"""What the functions of a plan share: the selection read, the place of a value in it, the arguments of resolvers, and the
bytes of an object that no longer changes, kept with the object. Knows no view and no caller."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import FieldNode, GraphQLField, GraphQLSchema, VariableValues, get_argument_values

from gateway.auth.selection import Ensembles, Selection
from gateway.auth.sentinelle import Interdits, fuite
from gateway.errors import FuiteArretee
from gateway.execution.conversions import convertir

FRAGMENTS_MAX = 4  # of one object, a level each

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


def fragment(objet: Any, niveau: Rendu, chemin: Chemin, arguments: Arguments) -> Any:
    """What `niveau` shows of an object: encoded once where its bytes may be kept, as a value everywhere else.

    Bytes cannot be looked into any more: the sentinel reads them before they are. Raises FuiteArretee.
    """
    gardes = getattr(objet, "kept_bytes", None) if arguments.figes else None
    if gardes is None:
        return niveau(objet, arguments)
    garde = gardes.get(niveau)
    if garde is None:
        rendu = _verifie(niveau(objet, arguments), chemin, arguments)
        if len(gardes) >= FRAGMENTS_MAX:
            gardes.clear()
        garde = gardes[niveau] = orjson.Fragment(orjson.dumps(rendu))
    return garde


def _verifie(rendu: Any, chemin: Chemin, arguments: Arguments) -> Any:
    interdits: Any = arguments.interdits
    for cle in chemin:
        interdits = interdits.get(cle, {})
    if trouvee := fuite(rendu, interdits):
        raise FuiteArretee(".".join((*chemin, *trouvee)))
    return rendu
