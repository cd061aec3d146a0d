"""A root field of a plan: its arguments, those without a variable read once, and its resolver. Knows no level."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLResolveInfo,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    VariableValues,
    get_argument_values,
)

from gateway.execution.conversions import convertir
from gateway.execution.lecture import Rendu


@dataclass(frozen=True, slots=True)
class Racine:
    """A root field. `rendre` None: refused, or holding nothing granted; nobody is asked.

    `fixes`: arguments as the resolver takes them; `variables`: the field with the others only.
    """

    cle: str
    nom: str
    noeuds: list[FieldNode]
    champ: GraphQLField
    rendre: Rendu | None
    fixes: Mapping[str, Any]
    variables: GraphQLField

    def resoudre(self, schema: Any, info: GraphQLResolveInfo[Any], variables: VariableValues) -> Any:
        """What the resolver returns, called as Strawberry calls it. Raises what it raises."""
        definition: Any = self.champ.extensions["strawberry-definition"]
        lus = {}
        if self.variables.args:
            lus = convertir(self.champ, get_argument_values(self.variables, self.noeuds[0], variables))
        demande = schema._strawberry_schema.config.info_class(_raw_info=info, _field=definition)
        return definition.base_resolver.wrapped_func(info=demande, **self.fixes, **lus)


def lire_racine(cle: str, noeuds: list[FieldNode], champ: GraphQLField, rendre: Rendu | None) -> Racine:
    """A root field, its arguments sorted."""
    dits = {argument.name.value: argument.value for argument in noeuds[0].arguments or ()}
    mouvants = {nom for nom, valeur in dits.items() if _a_variable(valeur)}
    fixes = _seulement(champ, champ.args.keys() - mouvants)
    lus = convertir(champ, get_argument_values(fixes, noeuds[0])) if rendre else {}
    return Racine(cle, noeuds[0].name.value, noeuds, champ, rendre, lus, _seulement(champ, mouvants))


def _seulement(champ: GraphQLField, noms: set[str]) -> GraphQLField:
    return GraphQLField(champ.type, args={nom: argument for nom, argument in champ.args.items() if nom in noms})


def _a_variable(valeur: ValueNode) -> bool:
    if isinstance(valeur, ObjectValueNode):
        return any(_a_variable(champ.value) for champ in valeur.fields)
    if isinstance(valeur, ListValueNode):
        return any(map(_a_variable, valeur.values))
    return isinstance(valeur, VariableNode)
