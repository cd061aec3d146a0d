"""The fields that an operation selects, once fragments are spread and @skip/@include are evaluated. Knows no rule."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    is_abstract_type,
    value_from_ast_untyped,
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
