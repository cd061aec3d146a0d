"""The plan of one operation for what one caller may read: its root fields, resolved then written. Knows no cache."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    VariableValues,
    get_argument_values,
    is_non_null_type,
    located_error,
)
from graphql.pyutils import Path

from gateway.auth.selection import Selection
from gateway.auth.sentinelle import Interdits
from gateway.documents import Document
from gateway.execution.conversions import convertir
from gateway.execution.ecriture import Ecrivain, NonCouvert, ensembles
from gateway.execution.lecture import Arguments, Chemin, Lecture, Place, Rendu
from gateway.execution.valeurs import Imprevu


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


@dataclass(frozen=True, slots=True)
class Plan:
    """The functions of an operation. `sources`: their texts; those of levels not met yet are not written."""

    schema: GraphQLSchema
    document: Document
    type_: GraphQLObjectType
    racines: tuple[Racine, ...]
    sources: list[str]

    def executer(self, contexte: Any, variables: VariableValues, interdits: Interdits) -> ExecutionResult:
        """The answer over a context. Raises Imprevu, or what a level failed on."""
        arguments = Arguments(variables, contexte.figes, interdits)
        data: dict[str, Any] = {}
        erreurs: list[GraphQLError] = []
        for racine in self.racines:
            data[racine.cle] = None
            if racine.nom == "__typename":
                data[racine.cle] = self.type_.name
            elif racine.rendre is not None:
                valeur = self._resoudre(racine, contexte, variables, erreurs)
                data[racine.cle] = None if valeur is None else racine.rendre(valeur, arguments)
        return ExecutionResult(data, erreurs or None)

    def _resoudre(
        self, racine: Racine, contexte: Any, variables: VariableValues, erreurs: list[GraphQLError]
    ) -> Any | None:
        """What the resolver returns; None, and an error at the field, when it fails."""
        try:
            valeur = racine.resoudre(self.schema, self._info(racine, contexte, variables), variables)
        except Exception as erreur:
            erreurs.append(located_error(erreur, racine.noeuds, [racine.cle]))
            valeur = None
        if valeur is None and is_non_null_type(racine.champ.type):
            raise Imprevu(racine.nom)
        return valeur

    def _info(self, racine: Racine, contexte: Any, variables: VariableValues) -> GraphQLResolveInfo[Any]:
        return GraphQLResolveInfo(
            field_name=racine.nom,
            field_nodes=racine.noeuds,
            return_type=racine.champ.type,
            parent_type=self.type_,
            path=Path(None, racine.cle, self.type_.name),
            schema=self.schema,
            fragments={},
            root_value=None,
            operation=self.document.operation,
            variable_values=variables,
            context=contexte,
            is_awaitable=cast("Any", _jamais),
            abort_signal=None,
            async_helpers=cast("Any", None),
        )


def _jamais(_valeur: Any) -> bool:
    """Root fields answer at once: what they show was fetched before."""
    return False


def planifier(schema: GraphQLSchema, document: Document, nuls: frozenset[Chemin], variables: Mapping[str, Any]) -> Plan:
    """The plan of a valid operation; of `variables`, only those of @skip and @include are read. Raises NonCouvert."""
    type_ = schema.query_type
    if type_ is None:
        raise NonCouvert("schéma sans requête")
    lecture = Lecture(schema, Selection(schema, document.arbre, document.operation, variables), nuls)
    groupes = lecture.selection.champs(type_, (document.operation.selection_set,))
    racines = tuple(_racine(lecture, type_, cle, noeuds) for cle, noeuds in groupes.items())
    return Plan(schema, document, type_, racines, lecture.sources)


def _racine(lecture: Lecture, type_: GraphQLObjectType, cle: str, noeuds: list[FieldNode]) -> Racine:
    nom = noeuds[0].name.value
    champ = lecture.schema.get_field(type_, nom)
    if champ is None or (nom.startswith("__") and nom != "__typename"):
        raise NonCouvert("introspection")
    rendre = None
    if (cle,) not in lecture.nuls and nom != "__typename":
        rendre = Ecrivain(lecture).fonction(champ.type, Place(ensembles(noeuds), (cle,)))
    return lire_racine(cle, noeuds, champ, rendre)


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
