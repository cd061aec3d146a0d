"""Runs one compiled operation: its root fields resolved, their values shown by functions already written.

Holds what those functions share while they run. Knows neither how they are written, nor the view, nor the caller.
"""

from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    VariableValues,
    get_argument_values,
    is_non_null_type,
    located_error,
)
from graphql.pyutils import Path

from gateway.auth.authorization.sentinel import Forbidden, find_leak
from gateway.documents.parse import Document, tree_bytes
from gateway.errors import LeakStopped
from gateway.execution.conversions import convert
from gateway.execution.leaves import Unexpected

ENCODED_MAX = 4  # encoded forms of one object, one for each function that shows it
ENCODED_BYTES_MAX = 16 * 1024 * 1024  # of all the encoded forms, the oldest forgotten first
CODE_BYTES = 8  # of functions, by character of their text
FORM_BYTES = 250  # what a form takes beside its bytes

KeyPath = tuple[str, ...]  # response keys, without list indexes
Rendered = Callable[[Any, "Arguments"], Any]  # from an object to what the answer shows


class EncodedForms:
    """The encoded forms of objects, which hold them themselves: here they are counted, and taken off when they are too many."""

    def __init__(self, bytes_max: int = ENCODED_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._total = 0
        self._forms: deque[tuple[dict[int, orjson.Fragment], int, int]] = deque()

    def keep(self, kept_bytes: dict[int, orjson.Fragment], number: int, encoded: bytes) -> orjson.Fragment:
        """Keep in an object the form that the function of that number shows of it."""
        if len(kept_bytes) >= ENCODED_MAX:
            kept_bytes.clear()
        fragment = kept_bytes[number] = orjson.Fragment(encoded)
        weight = FORM_BYTES + len(encoded)
        self._forms.append((kept_bytes, number, weight))
        self._total += weight
        while self._total > self._bytes_max:
            others, other, weight = self._forms.popleft()
            others.pop(other, None)
            self._total -= weight
        return fragment


class Arguments(dict[tuple[int, int], dict[str, Any]]):
    """The arguments of resolvers below the root, evaluated once an operation. Keys: ids of the field and of its node.

    `frozen`: what is shown of an object is the same as long as the object is; `forbidden`: what the answer may not hold;
    `forms`: where encoded forms are counted.
    """

    def __init__(self, variables: VariableValues, frozen: bool, forbidden: Forbidden, forms: EncodedForms) -> None:
        super().__init__()
        self._variables = variables
        self.frozen, self.forbidden, self.forms = frozen, forbidden, forms

    def of(self, field: GraphQLField, node: FieldNode) -> dict[str, Any]:
        """As the resolver takes them. Raises GraphQLError for a value that does not fit."""
        # Ids are safe keys: what is compiled holds the field and the node for longer than this dictionary lives.
        key = (id(field), id(node))
        if key not in self:
            self[key] = convert(field, get_argument_values(field, node, self._variables))
        return self[key]


def encode_once(object_: Any, level: Rendered, number: int, path: KeyPath, arguments: Arguments) -> Any:
    """What `level` shows of an object: encoded where its bytes may be kept, as a value everywhere else.

    They are kept by the number of `level`, that no other function has: by the function itself, they would hold all of it.

    Raises LeakStopped.
    """
    # Only masked copies have a place for bytes; where the state of a source is shown, none is used.
    kept_bytes = getattr(object_, "kept_bytes", None) if arguments.frozen else None
    if kept_bytes is None:
        return level(object_, arguments)
    kept = kept_bytes.get(number)
    if kept is None:
        rendered = level(object_, arguments)
        # Bytes cannot be looked into any more: the sentinel reads what they will hold before they are.
        forbidden: Any = arguments.forbidden
        for key in path:
            forbidden = forbidden.get(key, {})
        if found := find_leak(rendered, forbidden):
            raise LeakStopped(".".join((*path, *found)))
        kept = arguments.forms.keep(kept_bytes, number, orjson.dumps(rendered))
    return kept


@dataclass(frozen=True, slots=True)
class RootField:
    """A root field.

    `level` None: refused, or holding nothing granted; its resolver is not called. `constants`: arguments without a
    variable, as the resolver takes them; `variables`: the field reduced to its other arguments.
    """

    key: str
    name: str
    nodes: list[FieldNode]
    field: GraphQLField
    level: Rendered | None
    constants: Mapping[str, Any]
    variables: GraphQLField

    def resolve(self, schema: Any, info: GraphQLResolveInfo[Any], variables: VariableValues) -> Any:
        """What the resolver returns, called as Strawberry calls it. Raises what it raises."""
        definition: Any = self.field.extensions["strawberry-definition"]
        varying = {}
        if self.variables.args:
            varying = convert(self.field, get_argument_values(self.variables, self.nodes[0], variables))
        request = schema._strawberry_schema.config.info_class(_raw_info=info, _field=definition)
        return definition.base_resolver.wrapped_func(info=request, **self.constants, **varying)


@dataclass(frozen=True, slots=True)
class CompiledOperation:
    """The functions of an operation, under its root fields. `sources`: their texts, in the order they were written."""

    schema: GraphQLSchema
    document: Document
    type_: GraphQLObjectType
    roots: tuple[RootField, ...]
    sources: list[str]

    @property
    def weight(self) -> int:
        """Bytes of what was written, and of the tree that it was written from."""
        return tree_bytes(self.document.tree) + CODE_BYTES * sum(map(len, self.sources))

    def steps(
        self, context: Any, variables: VariableValues, forbidden: Forbidden, forms: EncodedForms
    ) -> Generator[None, None, ExecutionResult]:
        """The answer over a context, a root field at a time. Raises Unexpected, or what a level failed on."""
        arguments = Arguments(variables, context.frozen, forbidden, forms)
        data: dict[str, Any] = {}
        errors: list[GraphQLError] = []
        for root in self.roots:
            # Set before it is known: an answer keeps the order in which its keys were selected.
            data[root.key] = None
            if root.name == "__typename":
                data[root.key] = self.type_.name
            elif root.level is not None:
                value = self._resolve(root, context, variables, errors)
                data[root.key] = None if value is None else root.level(value, arguments)
                yield
        return ExecutionResult(data, errors or None)

    def _resolve(
        self, root: RootField, context: Any, variables: VariableValues, errors: list[GraphQLError]
    ) -> Any | None:
        """What the resolver returns; None, and an error at the field, when it fails."""
        try:
            value = root.resolve(self.schema, self._info(root, context, variables), variables)
        except Exception as error:
            # The failure of one root field leaves the others: it is an answer, not a reason to execute again.
            errors.append(located_error(error, root.nodes, [root.key]))
            value = None
        if value is None and is_non_null_type(root.field.type):
            raise Unexpected(root.name)  # a null that must climb: graphql-core knows how far
        return value

    def _info(self, root: RootField, context: Any, variables: VariableValues) -> GraphQLResolveInfo[Any]:
        return GraphQLResolveInfo(
            field_name=root.name,
            field_nodes=root.nodes,
            return_type=root.field.type,
            parent_type=self.type_,
            path=Path(None, root.key, self.type_.name),
            schema=self.schema,
            fragments={},
            root_value=None,
            operation=self.document.operation,
            variable_values=variables,
            context=context,
            is_awaitable=cast("Any", _never),
            abort_signal=None,
            async_helpers=cast("Any", None),
        )


def _never(_value: Any) -> bool:
    """Root fields answer at once: what they show was fetched before."""
    return False
