"""Compiles one operation for what one caller may read: from types and a selection to Python text, and functions.

Everything in the text is a name of the schema, a number or the `repr` of a response key: no value of a request. Knows no
cache, no view and no caller.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from math import isfinite
from textwrap import indent
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_argument_values,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.types.field import StrawberryField

from gateway.auth.authorization.selection import Selection, Sets
from gateway.documents.parse import Document
from gateway.errors import GatewayError
from gateway.execution.compiled_operation import CompiledOperation, KeyPath, Rendered, RootField, encode_once
from gateway.execution.conversions import convert
from gateway.execution.leaves import completer, leaf, unexpected

FIELDS_MAX = 1_000  # fields of one function: writing costs about 20 µs each
LISTS = (list, tuple)
NUMBERS = count(1)  # of the functions whose results are kept: never given twice


class Unsupported(GatewayError):
    """The writer does not know how: graphql-core executes. The message says what, and carries no value."""


@dataclass(frozen=True, slots=True)
class CompileState:
    """What the functions of one operation are written from. `nulls`: paths refused; `sources`: texts already written."""

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


def compile_operation(
    schema: GraphQLSchema, document: Document, nulls: frozenset[KeyPath], variables: Mapping[str, Any]
) -> CompiledOperation:
    """A valid operation, compiled; of `variables`, only those of @skip and @include are read. Raises Unsupported."""
    type_ = schema.get_root_type(document.operation.operation)
    if type_ is None:
        raise Unsupported("schéma sans cette opération")
    state = CompileState(schema, Selection(schema, document.tree, document.operation, variables), nulls)
    groups = state.selection.fields(type_, (document.operation.selection_set,))
    roots = tuple(_root(state, type_, key, nodes) for key, nodes in groups.items())
    return CompiledOperation(schema, document, type_, roots, state.sources)


def _root(state: CompileState, type_: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> RootField:
    name = nodes[0].name.value
    field = state.schema.get_field(type_, name)
    if field is None:
        raise Unsupported("champ inconnu")
    level = None
    # `__schema` and `__type` are answered apart, from the caller's own shape of the graph (documents.introspection).
    if (key,) not in state.nulls and not name.startswith("__"):
        level = CodeWriter(state).function(field.type, Position(_sets(nodes), (key,)))
    given = {argument.name.value: argument.value for argument in nodes[0].arguments or ()}
    varying = {name for name, value in given.items() if _has_variable(value)}
    constant = _only(field, field.args.keys() - varying)
    # Read once, when compiled: the filter of a list is the same at each execution, unless a variable is in it.
    constants = convert(field, get_argument_values(constant, nodes[0])) if level else {}
    return RootField(key, name, nodes, field, level, constants, _only(field, varying))


def _only(field: GraphQLField, names: set[str]) -> GraphQLField:
    return GraphQLField(field.type, args={name: argument for name, argument in field.args.items() if name in names})


def _has_variable(value: ValueNode) -> bool:
    if isinstance(value, ObjectValueNode):
        return any(_has_variable(field.value) for field in value.fields)
    if isinstance(value, ListValueNode):
        return any(map(_has_variable, value.values))
    return isinstance(value, VariableNode)


class CodeWriter:
    """Writes one function, and those of the lists and objects it holds. `depends`: what was written reads variables."""

    def __init__(self, state: CompileState) -> None:
        self._state = state
        # The words of the text. Nothing else is in reach of it but what `_name` adds.
        self._namespace: dict[str, Any] = {
            "LISTS": LISTS,
            "unexpected": unexpected,
            "isfinite": isfinite,
            "encode_once": encode_once,
        }
        self._functions: list[str] = []  # of the lists and of what may be kept encoded
        self._fields = 0
        self._in_node = False
        self.depends = False

    def function(self, type_: GraphQLOutputType, position: Position) -> Rendered:
        """The function of a value of that type at that place. Raises Unsupported."""
        body = _shift(self._value(type_, "value", position))
        function = f"def level(value, arguments):\n    return {body}\n"
        source = f"# {'.'.join(position.path)} : {type_}\n" + "\n".join([*self._functions, function])
        self._state.sources.append(source)
        exec(compile(source, "<plan>", "exec"), self._namespace)  # noqa: S102 - see the docstring of the module
        level: Rendered = self._namespace["level"]
        return level

    def _value(self, type_: GraphQLOutputType, read: str, position: Position) -> str:
        """The expression of a value that the expression `read` reads."""
        if is_non_null_type(type_):
            return self._nullable(type_.of_type, read, position, "")
        return self._nullable(type_, read, position, "None if {0} is None else ")

    def _nullable(self, type_: GraphQLOutputType, read: str, position: Position, empty: str) -> str:
        # The test of what is right comes first: None and faults are rare, and pay for the second test.
        name = f"o{position.depth}"
        if is_list_type(type_):
            rendered = f"{self._loop(type_, position)}({name}, arguments)"
            return _choice(rendered, name, read, ".__class__ in LISTS", f"{empty}unexpected({{0}})")
        if is_leaf_type(type_):
            return self._leaf(type_, read, empty)
        if is_abstract_type(type_):
            rendered = f"{self._by_class(type_, position)}[{name}.__class__]({name}, arguments)"
            return _choice(rendered, name, read, " is not None", f"{empty}unexpected({{0}})")
        object_type: Any = type_
        # `__class__ is`, not isinstance: a subclass may show what its parent does not.
        test = f".__class__ is {self._name(_class(object_type).__name__, _class(object_type))}"
        node = any(interface.name == "Node" for interface in object_type.interfaces)
        if not self._in_node and (node or not position.depth):
            return _choice(self._whole(object_type, position, node), name, read, test, f"{empty}unexpected({{0}})")
        return _choice(self._object(object_type, position), name, read, test, f"{empty}unexpected({{0}})")

    def _whole(self, type_: GraphQLObjectType, position: Position, node: bool) -> str:
        """What a root field returns, or the outermost node of a branch: a function of its own, whose result may be kept."""
        before, self.depends, self._in_node = self.depends, False, node
        body = self._object(type_, position)
        depends, self.depends, self._in_node = self.depends, before or self.depends, False
        if depends:
            return body  # what is shown changes with the variables: its bytes are not worth keeping
        object_, function = f"o{position.depth}", f"whole_{len(self._functions)}"
        self._functions.append(f"def {function}({object_}, arguments):\n    return {_shift(body)}\n")
        return f"encode_once({object_}, {function}, {next(NUMBERS)}, {position.path!r}, arguments)"

    def _leaf(self, type_: Any, read: str, empty: str) -> str:
        other = self._name(f"other_{type_.name}", completer(type_))
        known = leaf(type_)
        if known is None:
            return _choice(f"{other}(v)", "v", read, " is not None", f"{empty}unexpected({{0}})")
        class_, written = self._name(known.class_.__name__, known.class_), known.written
        if known.names is not None:
            written = written.replace("names", self._name(f"names_{type_.name}", known.names))
        return _choice(written, "v", read, f".__class__ is {class_}{known.kept}", f"{empty}{other}({{0}})")

    def _loop(self, type_: GraphQLList[Any], position: Position) -> str:
        # A loop in a function, not a comprehension: the names of a level (`o1`, `v`) are bound inside.
        name = f"list_{len(self._functions)}_{position.path[-1]}"
        self._functions.append("")  # keeps its number while the loops inside are written
        rank = len(self._functions) - 1
        body = _shift(self._value(type_.of_type, "item", position), 2)
        self._functions[rank] = (
            f"def {name}(items, arguments):\n    rows = []\n"
            f"    for item in items:\n        rows.append({body})\n    return rows\n"
        )
        return name

    def _by_class(self, type_: Any, position: Position) -> str:
        """The name of a table of functions: the class of an object under an interface is known when it is there."""
        possible: list[Any] = self._state.schema.get_possible_types(type_)
        writers = {possible_type: CodeWriter(self._state) for possible_type in possible}
        functions = {_class(each): writer.function(each, position) for each, writer in writers.items()}
        self.depends |= any(writer.depends for writer in writers.values())
        return self._name(f"levels_{type_.name}", functions)

    def _object(self, type_: GraphQLObjectType, position: Position) -> str:
        groups = self._state.selection.fields(type_, position.sets)
        rows = [f"{key!r}: {self._field(type_, key, nodes, position)},\n" for key, nodes in groups.items()]
        return "{\n" + indent("".join(rows), "    ") + "}"

    def _field(self, type_: GraphQLObjectType, key: str, nodes: list[FieldNode], position: Position) -> str:
        name, path = nodes[0].name.value, (*position.path, key)
        if name == "__typename":
            return repr(type_.name)
        self._fields += 1
        if self._fields > FIELDS_MAX:
            raise Unsupported(f"plus de {FIELDS_MAX} champs")
        field = type_.fields[name]
        if path in self._state.nulls:
            # Refused: the text does not read it. Where null may not stand, graphql-core says how far it climbs.
            return "unexpected(None)" if is_non_null_type(field.type) else "None"
        below = Position(_sets(nodes), path, position.depth + 1)
        return self._value(field.type, self._read(field, nodes[0], f"o{position.depth}"), below)

    def _read(self, field: GraphQLField, node: FieldNode, object_: str) -> str:
        """The expression that reads a field of the object of that name: its attribute, or its resolver called."""
        definition = _definition(field)
        if definition.base_resolver is None:
            return f"{object_}.{definition.python_name}"
        resolver: Any = definition.base_resolver
        # A resolver that waits, asks the context or is wrapped by an extension needs what a level does not have.
        if definition.is_async or definition.extensions or resolver.info_parameter or not resolver.self_parameter:
            raise Unsupported(f"résolveur de {node.name.value}")
        function = self._name(f"read_{definition.python_name}", resolver.wrapped_func)
        if not field.args:
            return f"{function}({object_})"
        self.depends = True
        return f"{function}({object_}, **arguments.of({self._name('field', field)}, {self._name('node', node)}))"

    def _name(self, name: str, object_: Any) -> str:
        """A name by which the text says an object of ours, the same for the same object."""
        attempt, rank = name, 1
        while self._namespace.setdefault(attempt, object_) is not object_:
            rank += 1
            attempt = f"{name}_{rank}"
        return attempt


def _choice(rendered: str, name: str, read: str, test: str, otherwise: str) -> str:
    return f"{rendered} if ({name} := {read}){test} else {otherwise.format(name)}"


def _shift(rendered: str, step: int = 1) -> str:
    return rendered.replace("\n", "\n" + "    " * step)


def _sets(nodes: list[FieldNode]) -> Sets:
    return tuple(node.selection_set for node in nodes if node.selection_set)


def _class(type_: GraphQLNamedType) -> type:
    definition: Any = type_.extensions.get("strawberry-definition")
    if definition is None or not is_object_type(type_):
        raise Unsupported(f"type {type_.name}")
    class_: type = definition.origin
    return class_


def _definition(field: GraphQLField) -> StrawberryField:
    definition: StrawberryField | None = field.extensions.get("strawberry-definition")
    if definition is None:
        raise Unsupported("champ sans définition")
    return definition
