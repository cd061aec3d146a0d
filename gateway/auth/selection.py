"""What an operation selects, once fragments are spread and @skip/@include are evaluated. Knows no rule."""

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

Ensembles = tuple[SelectionSetNode, ...]


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
        self._variables = {**_defauts(operation), **variables}

    def champs(self, type_: GraphQLObjectType, ensembles: Ensembles) -> dict[str, list[FieldNode]]:
        """The fields selected on a concrete type, by response key, in order; each fragment is spread once."""
        groupes: dict[str, list[FieldNode]] = {}
        vus: set[str] = set()
        attente = [iter(ensemble.selections) for ensemble in reversed(ensembles)]
        while attente:
            noeud = next(attente[-1], None)
            if noeud is None:
                attente.pop()
            elif isinstance(noeud, FieldNode):
                if self._retenu(noeud):
                    groupes.setdefault(noeud.alias.value if noeud.alias else noeud.name.value, []).append(noeud)
            elif self._retenu(noeud):
                attente.append(self._etendu(noeud, type_, vus))
        return groupes

    def valeur(self, noeud: ValueNode) -> Any:
        """An argument's value, variables replaced; None when it is absent or null."""
        if isinstance(noeud, VariableNode):
            return self._variables.get(noeud.name.value)
        return value_from_ast_untyped(noeud, self._variables)

    def _etendu(self, noeud: SelectionNode, type_: GraphQLObjectType, vus: set[str]) -> Iterator[SelectionNode]:
        cible: SelectionNode | FragmentDefinitionNode = noeud
        if isinstance(noeud, FragmentSpreadNode):
            nom = noeud.name.value
            if nom in vus:
                return iter(())
            vus.add(nom)
            cible = self._fragments[nom]
        if not isinstance(cible, FragmentDefinitionNode | InlineFragmentNode) or not self._concerne(cible, type_):
            return iter(())
        return iter(cible.selection_set.selections)

    def _concerne(self, fragment: FragmentDefinitionNode | InlineFragmentNode, type_: GraphQLObjectType) -> bool:
        condition = fragment.type_condition
        if condition is None or condition.name.value == type_.name:
            return True
        vise = self._schema.get_type(condition.name.value)
        return is_abstract_type(vise) and self._schema.is_sub_type(vise, type_)

    def _retenu(self, noeud: SelectionNode) -> bool:
        directives = {directive.name.value: directive for directive in noeud.directives or ()}
        saute = "skip" in directives and self._vrai(directives["skip"])
        return not saute and ("include" not in directives or self._vrai(directives["include"]))

    def _vrai(self, directive: DirectiveNode) -> bool:
        valeur = (directive.arguments or ())[0].value
        if isinstance(valeur, BooleanValueNode):
            return valeur.value
        return self.valeur(valeur) is True


def _defauts(operation: OperationDefinitionNode) -> dict[str, Any]:
    definitions: Sequence[Any] = operation.variable_definitions or ()
    return {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in definitions
        if definition.default_value is not None
    }
