"""What the functions of a plan share: the selection read, the place of a value in it, the arguments of resolvers, and the
bytes of an object that no longer changes, kept with the object. Knows no view and no caller."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import FieldNode, GraphQLField, GraphQLSchema, VariableValues, get_argument_values

from gateway.auth.authorization.selection import Selection, Sets
from gateway.auth.authorization.sentinel import Forbidden, find_leak
from gateway.errors import LeakStopped
from gateway.execution.conversions import convert

FRAGMENTS_MAX = 4  # of one object, a level each

KeyPath = tuple[str, ...]
Rendered = Callable[[Any, "Arguments"], Any]  # from an object to what the answer shows


@dataclass(frozen=True, slots=True)
class CompileState:
    """What the functions of one plan are written from. `sources`: the text of each function, in the order they were written."""

    schema: GraphQLSchema
    selection: Selection
    nulls: frozenset[KeyPath]
    sources: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a value stands: what is selected below it, its path without list indexes, its depth."""

    sets: Sets
    path: KeyPath
    depth: int = 0


class Arguments(dict[tuple[int, int], dict[str, Any]]):
    """The arguments of resolvers below the root, evaluated once an operation. Keys: ids of the field and of its node.

    `frozen`: what is shown of an object is the same as long as the object is; `forbidden`: what the answer may not hold.
    """

    def __init__(self, variables: VariableValues, frozen: bool, forbidden: Forbidden) -> None:
        super().__init__()
        self._variables = variables
        self.frozen, self.forbidden = frozen, forbidden

    def de(self, field: GraphQLField, node: FieldNode) -> dict[str, Any]:
        """As the resolver takes them. Raises GraphQLError for a value that does not fit."""
        key = (id(field), id(node))
        if key not in self:
            self[key] = convert(field, get_argument_values(field, node, self._variables))
        return self[key]


def fragment(object_: Any, level: Rendered, path: KeyPath, arguments: Arguments) -> Any:
    """What `level` shows of an object: encoded once where its bytes may be kept, as a value everywhere else.

    Bytes cannot be looked into any more: the sentinel reads them before they are. Raises LeakStopped.
    """
    kept_entries = getattr(object_, "kept_bytes", None) if arguments.frozen else None
    if kept_entries is None:
        return level(object_, arguments)
    kept = kept_entries.get(level)
    if kept is None:
        rendered = _verified(level(object_, arguments), path, arguments)
        if len(kept_entries) >= FRAGMENTS_MAX:
            kept_entries.clear()
        kept = kept_entries[level] = orjson.Fragment(orjson.dumps(rendered))
    return kept


def _verified(rendered: Any, path: KeyPath, arguments: Arguments) -> Any:
    forbidden: Any = arguments.forbidden
    for key in path:
        forbidden = forbidden.get(key, {})
    if found := find_leak(rendered, forbidden):
        raise LeakStopped(".".join((*path, *found)))
    return rendered
