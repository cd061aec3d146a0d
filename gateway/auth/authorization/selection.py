"""What an operation selects, once fragments are spread and @skip/@include are evaluated, and the criteria it filters and sorts
by, found in its arguments. Knows no rule."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    value_from_ast_untyped,
)

from gateway.auth.policy.rules import CategorieDonnee, Categories, categorie, required_by_field, required_by_value

Sets = tuple[SelectionSetNode, ...]


class Selection:
    """Reads the selections of one operation, for its variables (coerced or as received)."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._variables = {**_defaults(operation), **variables}

    def fields(self, type_: GraphQLObjectType, sets: Sets) -> dict[str, list[FieldNode]]:
        """The fields selected on a concrete type, by response key, in order; each fragment is spread once."""
        groups: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        waiting = [iter(selection_set.selections) for selection_set in reversed(sets)]
        while waiting:
            node = next(waiting[-1], None)
            if node is None:
                waiting.pop()
            elif isinstance(node, FieldNode):
                if self._is_selected(node):
                    groups.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif self._is_selected(node):
                waiting.append(self._spread(node, type_, spread))
        return groups

    def value(self, node: ValueNode) -> Any:
        """An argument's value, variables replaced; None when it is absent or null."""
        if isinstance(node, VariableNode):
            return self._variables.get(node.name.value)
        return value_from_ast_untyped(node, self._variables)

    def _spread(self, node: SelectionNode, type_: GraphQLObjectType, spread: set[str]) -> Iterator[SelectionNode]:
        target: SelectionNode | FragmentDefinitionNode = node
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name in spread:
                return iter(())
            spread.add(name)
            target = self._fragments[name]
        if not isinstance(target, FragmentDefinitionNode | InlineFragmentNode) or not self._concerns(target, type_):
            return iter(())
        return iter(target.selection_set.selections)

    def _concerns(self, fragment: FragmentDefinitionNode | InlineFragmentNode, type_: GraphQLObjectType) -> bool:
        condition = fragment.type_condition
        if condition is None or condition.name.value == type_.name:
            return True
        targeted = self._schema.get_type(condition.name.value)
        return is_abstract_type(targeted) and self._schema.is_sub_type(targeted, type_)

    def _is_selected(self, node: SelectionNode) -> bool:
        directives = {directive.name.value: directive for directive in node.directives or ()}
        skipped = "skip" in directives and self._is_true(directives["skip"])
        return not skipped and ("include" not in directives or self._is_true(directives["include"]))

    def _is_true(self, directive: DirectiveNode) -> bool:
        value = (directive.arguments or ())[0].value
        if isinstance(value, BooleanValueNode):
            return value.value
        return self.value(value) is True


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    definitions: Sequence[Any] = operation.variable_definitions or ()
    return {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in definitions
        if definition.default_value is not None
    }


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion in use. `path`: as the caller wrote it, "filtre.etat"; `coordinate`: "FiltreRuptures.etat",
    "TriJeunes.NOM_ASC" or "Query.contrat(numero:)"."""

    path: str
    coordinate: str
    categories: Categories


def criteria_of_field(
    coordinate: str, field: GraphQLField, node: FieldNode, selection: Selection
) -> Iterator[Criterion]:
    """The governed criteria of the arguments of the field of that coordinate. Absent and null ones are not used."""
    for written in node.arguments or ():
        name = written.name.value
        argument, value = field.args[name], selection.value(written.value)
        own = categorie(argument)
        if own not in (None, CategorieDonnee.PUBLIQUE) and not _is_absent(value):
            yield Criterion(name, f"{coordinate}({name}:)", frozenset({own}))
        yield from _criteria(get_named_type(argument.type), value, name)


def _criteria(type_: GraphQLNamedType, value: Any, path: str) -> Iterator[Criterion]:
    if _is_absent(value):
        return
    if isinstance(value, list | tuple):
        for element in value:
            yield from _criteria(type_, element, path)
    elif is_enum_type(type_):
        coordinate, categories = required_by_value(type_.name, value)
        if categories:
            yield Criterion(path, coordinate, categories)
    elif is_input_object_type(type_) and isinstance(value, Mapping):
        yield from _fields(type_, value, path)


def _fields(type_: GraphQLInputObjectType, value: Mapping[str, Any], path: str) -> Iterator[Criterion]:
    for name, element in value.items():
        field = type_.fields[name]
        if not _is_absent(element):
            yield Criterion(f"{path}.{name}", f"{type_.name}.{name}", required_by_field(field))
        yield from _criteria(get_named_type(field.type), element, f"{path}.{name}")


def _is_absent(value: Any) -> bool:
    return value is None or value is Undefined
