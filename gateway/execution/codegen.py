"""Writes the functions of a plan: from a type and what is selected of it to Python text, and to the function itself.

Everything in the text is a name of the schema, a number or the `repr` of a response key: no value of a request.
"""

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
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.types.field import StrawberryField

from gateway.errors import GatewayError
from gateway.execution.compile_state import CompileState, Position, Rendered, fragment
from gateway.execution.leaves import completer, leaf, unexpected

FIELDS_MAX = 1_000  # fields of one function: writing costs about 20 µs each
LISTS = (list, tuple)


class Unsupported(GatewayError):
    """The writer does not know how: graphql-core executes. The message says what, and carries no value."""


class CodeWriter:
    """Writes one function, and the loops of the lists it holds."""

    def __init__(self, reading: CompileState) -> None:
        self._reading = reading
        self._namespace: dict[str, Any] = {
            "LISTES": LISTS,
            "imprevu": unexpected,
            "isfinite": isfinite,
            "fragment": fragment,
        }
        self._functions: list[str] = []  # of the lists and of what may be kept encoded
        self._fields = 0
        self._in_node = False
        self.depend = False  # on the variables: what was written reads arguments

    def function(self, type_: GraphQLOutputType, position: Position) -> Rendered:
        """The function of a value of that type at that place. Raises Unsupported."""
        body = _shift(self._value(type_, "valeur", position))
        function = f"def niveau(valeur, arguments):\n    return {body}\n"
        source = f"# {'.'.join(position.path)} : {type_}\n" + "\n".join([*self._functions, function])
        self._reading.sources.append(source)
        exec(compile(source, "<plan>", "exec"), self._namespace)  # noqa: S102 - see the docstring of the module
        level: Rendered = self._namespace["niveau"]
        return level

    def _value(self, type_: GraphQLOutputType, lu: str, position: Position) -> str:
        """The expression of a value read by the expression `lu`."""
        if is_non_null_type(type_):
            return self._depending_on(type_.of_type, lu, position, "")
        return self._depending_on(type_, lu, position, "None if {0} is None else ")

    def _depending_on(self, type_: GraphQLOutputType, lu: str, position: Position, empty: str) -> str:
        name = f"o{position.depth}"
        if is_list_type(type_):
            rendered = f"{self._loop(type_, position)}({name}, arguments)"
            return _choice(rendered, name, lu, ".__class__ in LISTES", f"{empty}imprevu({{0}})")
        if is_leaf_type(type_):
            return self._leaf(type_, lu, empty)
        if is_abstract_type(type_):
            rendered = f"{self._levels(type_, position)}[{name}.__class__]({name}, arguments)"
            return _choice(rendered, name, lu, " is not None", f"{empty}imprevu({{0}})")
        object_: Any = type_
        test = f".__class__ is {self._name(_class(object_).__name__, _class(object_))}"
        node = any(interface.name == "Node" for interface in object_.interfaces)
        if not self._in_node and (node or not position.depth):
            return _choice(self._integer(object_, position, node), name, lu, test, f"{empty}imprevu({{0}})")
        return _choice(self._fields_of(object_, position), name, lu, test, f"{empty}imprevu({{0}})")

    def _integer(self, type_: GraphQLObjectType, position: Position, node: bool) -> str:
        """What a root field returns, or the outermost node of a branch: a function of its own, so that what it shows may
        be kept encoded, unless it reads variables."""
        before, self.depend, self._in_node = self.depend, False, node
        body = self._fields_of(type_, position)
        depend, self.depend, self._in_node = self.depend, before or self.depend, False
        if depend:
            return body
        object_, function = f"o{position.depth}", f"entier_{len(self._functions)}"
        self._functions.append(f"def {function}({object_}, arguments):\n    return {_shift(body)}\n")
        return f"fragment({object_}, {function}, {position.path!r}, arguments)"

    def _leaf(self, type_: Any, lu: str, empty: str) -> str:
        other = self._name(f"autre_{type_.name}", completer(type_))
        known = leaf(type_)
        if known is None:
            return _choice(f"{other}(v)", "v", lu, " is not None", f"{empty}imprevu({{0}})")
        class_, written = self._name(known.class_.__name__, known.class_), known.written
        if known.names is not None:
            written = written.replace("noms", self._name(f"noms_{type_.name}", known.names))
        return _choice(written, "v", lu, f".__class__ is {class_}{known.kept}", f"{empty}{other}({{0}})")

    def _loop(self, type_: GraphQLList[Any], position: Position) -> str:
        name = f"liste_{len(self._functions)}_{position.path[-1]}"
        self._functions.append("")  # keeps its number while the loops inside are written
        rank = len(self._functions) - 1
        body = _shift(self._value(type_.of_type, "element", position), 2)
        self._functions[rank] = (
            f"def {name}(liste, arguments):\n    lignes = []\n"
            f"    for element in liste:\n        lignes.append({body})\n    return lignes\n"
        )
        return name

    def _levels(self, type_: Any, position: Position) -> str:
        """The functions of objects whose class is known only when they are there, by class."""
        possible: list[Any] = self._reading.schema.get_possible_types(type_)
        writers = {un: CodeWriter(self._reading) for un in possible}
        by_class = {_class(un): writer.function(un, position) for un, writer in writers.items()}
        self.depend |= any(writer.depend for writer in writers.values())
        return self._name(f"niveaux_{type_.name}", by_class)

    def _fields_of(self, type_: GraphQLObjectType, position: Position) -> str:
        groups = self._reading.selection.fields(type_, position.sets)
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
        if path in self._reading.nulls:
            return "imprevu(None)" if is_non_null_type(field.type) else "None"
        below = Position(sets(nodes), path, position.depth + 1)
        return self._value(field.type, self._read(field, nodes[0], f"o{position.depth}"), below)

    def _read(self, field: GraphQLField, node: FieldNode, object_: str) -> str:
        definition = _definition(field)
        if definition.base_resolver is None:
            return f"{object_}.{definition.python_name}"
        resolver: Any = definition.base_resolver
        if definition.is_async or definition.extensions or resolver.info_parameter or not resolver.self_parameter:
            raise Unsupported(f"résolveur de {node.name.value}")
        read = self._name(f"lire_{definition.python_name}", resolver.wrapped_func)
        if not field.args:
            return f"{read}({object_})"
        self.depend = True
        here = self._name("champ", field), self._name("noeud", node)
        return f"{read}({object_}, **arguments.de({', '.join(here)}))"

    def _name(self, name: str, object_: Any) -> str:
        """A name by which the text says an object of ours, the same for the same object."""
        attempt, rank = name, 1
        while self._namespace.setdefault(attempt, object_) is not object_:
            rank += 1
            attempt = f"{name}_{rank}"
        return attempt


def _choice(rendered: str, name: str, lu: str, test: str, otherwise: str) -> str:
    return f"{rendered} if ({name} := {lu}){test} else {otherwise.format(name)}"


def _shift(rendered: str, step: int = 1) -> str:
    return rendered.replace("\n", "\n" + "    " * step)


def sets(nodes: list[FieldNode]) -> Any:
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
