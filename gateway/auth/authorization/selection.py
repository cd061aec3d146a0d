"""What an operation selects, once fragments are spread and @skip/@include are evaluated, and the criteria it filters and sorts
by, found in its arguments. Knows no rule.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
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
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    value_from_ast_untyped,
)

from gateway.auth.policy.rules import (
    CategorieDonnee,
    Categories,
    categorie,
    required_by_field,
    required_by_value,
)

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
        """An argument's value, variables replaced: Undefined for one that is not given."""
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
        conditions = {d.name.value: self.value(d.arguments[0].value) for d in node.directives or () if d.arguments}
        return conditions.get("skip") is not True and conditions.get("include", True) is True


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion in use. `path`: as the caller wrote it, "filtre.etat"; `coordinate`: "FiltreRuptures.etat",
    "TriJeunes.NOM_ASC" or "Query.contrat(numero:)"."""

    path: str
    coordinate: str
    categories: Categories


def criteria_of(coordinate: str, field: GraphQLField, node: FieldNode, selection: Selection) -> Iterator[Criterion]:
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
