"""What is wrong with a value, written in a text or sent as a variable: where it stands, what it is, what was expected.

Never the value itself, which may be somebody's (docs/security.md F12). Entered for what is refused only.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from graphql import (
    ArgumentNode,
    EnumValueNode,
    GraphQLError,
    GraphQLSchema,
    ListValueNode,
    Node,
    ObjectValueNode,
    StringValueNode,
    ValidationRule,
    ValueNode,
    VariableDefinitionNode,
    get_location,
    get_named_type,
    get_nullable_type,
    is_enum_type,
    is_list_type,
    is_non_null_type,
    type_from_ast,
    value_from_ast_untyped,
)
from graphql.utilities.validate_input_value import validate_input_literal, validate_input_value

from gateway.documents.mistake import Detail, Mistake

Place = tuple[int, int]  # line and column
MISTAKES_MAX = 20  # told of one text, or of its variables
NAME_MAX = 60  # characters of a name that is repeated
TOO_MANY = Mistake(Detail.AUTRES_ERREURS, f"D'autres erreurs suivent les {MISTAKES_MAX} premières")
_KINDS = {
    bool: "un booléen",
    int: "un entier",
    float: "un nombre à virgule",
    str: "un texte",
    list: "une liste",
    dict: "un objet",
}
_NAME, _QUOTED = "un nom sans guillemets", "un texte entre guillemets"


class _Given(NamedTuple):
    """A value that does not do, and what may be told of it."""

    where: str
    value: Any
    kind: str
    places: tuple[Place, ...]


class WrongValues(ValidationRule):
    """The library's rule on literal values, telling where in which argument they stand."""

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        return self._check(node.name.value, node.value)

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        if node.default_value:
            self._check(f"${node.variable.name.value}", node.default_value)

    def _check(self, name: str, value: ValueNode) -> None:
        type_ = self.context.get_input_type()
        if type_:
            validate_input_literal(value, type_, partial(self._report, name, value, type_), hide_suggestions=True)

    def _report(self, name: str, value: ValueNode, type_: Any, error: GraphQLError, path: list[str | int]) -> None:
        wrong = _at(value, path)
        given = _Given(_where(name, path), value_from_ast_untyped(wrong), _kind(wrong), place_of(wrong))
        mistake = _value_mistake(given, _type_at(type_, path), error.message)
        self.report_error(GraphQLError("", error.nodes, extensions={"mistake": mistake}))


def _kind(value: ValueNode) -> str:
    """What a literal is; a text and a name differ by their quotes."""
    if isinstance(value, EnumValueNode):
        return _NAME
    return _QUOTED if isinstance(value, StringValueNode) else _kind_of(value_from_ast_untyped(value))


def _kind_of(value: Any) -> str:
    return _KINDS.get(type(value), "une autre valeur")


def _at(value: ValueNode, path: Sequence[str | int]) -> ValueNode:
    """The literal at a path inside another; a value alone stands for a list of one."""
    for key in path:
        if isinstance(value, ListValueNode) and isinstance(key, int):
            value = value.values[key]
        elif isinstance(value, ObjectValueNode):
            value = next(field.value for field in value.fields if field.name.value == key)
    return value


def variable_mistakes(
    schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode], raw: Mapping[str, Any]
) -> list[Mistake]:
    """Those of the values sent, the first ones only."""
    mistakes: list[Mistake] = []
    for definition in definitions:
        mistakes += _of_variable(schema, definition, raw)
    if len(mistakes) > MISTAKES_MAX:
        mistakes[MISTAKES_MAX:] = [TOO_MANY]
    return mistakes


def _of_variable(
    schema: GraphQLSchema, definition: VariableDefinitionNode, raw: Mapping[str, Any]
) -> Iterator[Mistake]:
    name, place = definition.variable.name.value, place_of(definition)
    type_: Any = type_from_ast(schema, definition.type)
    if name not in raw:
        if is_non_null_type(type_) and not definition.default_value:
            said = f"Variable absente : ${name[:NAME_MAX]}"
            yield Mistake(Detail.VALEUR_REQUISE, said, place, expected=str(type_))
        return
    found: list[tuple[GraphQLError, list[str | int]]] = []
    validate_input_value(raw[name], type_, lambda error, path: found.append((error, path)), hide_suggestions=True)
    for error, path in found[: MISTAKES_MAX + 1]:
        given: Any = raw[name]
        for key in path:
            given = given[key] if isinstance(given, dict | list) else given  # type: ignore[index]
        wrong = _Given(_where(f"${name}", path), given, _kind_of(given), place)
        yield _value_mistake(wrong, _type_at(type_, path), error.message)


def _where(name: str, path: Sequence[str | int]) -> str:
    """The way to a value, as a program writes it."""
    return (name + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path))[: 2 * NAME_MAX]


def _type_at(type_: Any, path: Sequence[str | int]) -> Any:
    for key in path:
        type_ = get_nullable_type(type_)
        while is_list_type(type_) and not isinstance(key, int):
            type_ = get_nullable_type(type_.of_type)
        type_ = type_.of_type if is_list_type(type_) else type_.fields[key].type
    return type_


def _value_mistake(given: _Given, type_: Any, message: str) -> Mistake:
    """What is wrong with a value: never the value itself, which may be somebody's."""
    named, where, places = get_named_type(type_), given.where, given.places
    if unknown := re.match(r"Expected value of type '\S+' not to include unknown field '(.*?)', found", message):
        name = unknown[1] if re.fullmatch("[_A-Za-z][_A-Za-z0-9]*", unknown[1]) else ""
        said = f"Champ inconnu : {name[:NAME_MAX] or '(illisible)'} dans {where}"
        return Mistake(Detail.CHAMP_INCONNU, said, places, f" ({named})", str(named), name)
    if lacking := re.match(r"Expected value of type '\S+' to include required field '(\w+)', found", message):
        # What lacks is of the graph, and not of what was sent: it is told to whom the graph shows it.
        field = named.fields[lacking[1]]
        told, among = f" : {where}.{lacking[1]}", f"{named}.{lacking[1]}"
        return Mistake(Detail.VALEUR_REQUISE, "Champ requis absent", places, told, among, expected=str(field.type))
    if given.value is None:
        said = f"Valeur nulle : {where}, où une valeur est requise"
        return Mistake(Detail.VALEUR_REQUISE, said, places, expected=str(type_))
    if is_enum_type(named) and isinstance(given.value, str) and given.kind != _QUOTED:
        said = f"Valeur inconnue : {where}"
        return Mistake(
            Detail.VALEUR_INCONNUE,
            said,
            places,
            among=str(named),
            name=given.value[: NAME_MAX + 1],
            expected=str(named),
        )
    return Mistake(Detail.VALEUR_INVALIDE, f"Valeur invalide : {where}, {given.kind}", places, expected=str(named))


def place_of(node: Node) -> tuple[Place, ...]:
    """Where it begins in its text."""
    if node.loc is None:
        return ()
    place = get_location(node.loc.source, node.loc.start)
    return ((place.line, place.column),)
