"""The shape of the graph that a caller may use, for introspection (ANSWERS 14). Knows no document and no person.

A shape is the published text without what the caller's register never lets it read: fields, arguments, filters, sort
keys, and the types that nothing left leads to.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from graphql import (
    DefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
    build_ast_schema,
    parse,
    print_schema,
)

from gateway.auth.coordonnees import (
    Categories,
    categorie,
    exigees_par_la_valeur,
    exigees_par_le_champ,
    openings,
)
from gateway.auth.politique import Politique
from gateway.auth.rules import CategorieDonnee, Finalite, Profil
from gateway.auth.viewer import Viewer

N = TypeVar("N", bound=DefinitionNode)
Lecteur = tuple[Profil, frozenset[Finalite]]


class Formes:
    """The shapes of one schema under one policy, made once for each profile and set of purposes."""

    def __init__(self, schema: GraphQLSchema, politique: Politique) -> None:
        self._schema = schema
        self._politique = politique
        self._connues: dict[Lecteur, GraphQLSchema] = {}

    def pour(self, viewer: Viewer) -> GraphQLSchema:
        """The shape of a caller: what its register lets it read, for one purpose or another."""
        cle = (viewer.profil, frozenset(viewer.finalites))
        if cle not in self._connues:
            finalites = (None, *viewer.finalites)
            lues = _union(self._politique.categories(viewer.profil, f) for f in finalites)
            partout = _union(self._politique.partout(viewer.profil, f) for f in finalites)
            self._connues[cle] = build_ast_schema(_Forme(self._schema, lues, partout).document(), assume_valid=True)
        return self._connues[cle]


def _union(ensembles: Iterable[Categories]) -> Categories:
    return frozenset[CategorieDonnee]().union(*ensembles)


@dataclass
class _Forme:
    """One shape being cut. `lues`: of somebody at least; `partout`: of every person seen, what criteria ask for."""

    schema: GraphQLSchema
    lues: Categories
    partout: Categories

    def document(self) -> DocumentNode:
        """What is left of the text, from the root down."""
        restes = {nom: reste for nom, type_ in self._textes.items() if (reste := self._reste(type_))}
        atteints: dict[str, TypeDefinitionNode] = {}
        attente = ["Query", "String", "Boolean"]
        while attente:
            nom = attente.pop()
            if nom in restes and nom not in atteints:
                atteints[nom] = restes[nom]
                attente += [*_vises(restes[nom]), *self._membres(nom)]
        return DocumentNode(definitions=tuple(atteints.values()))

    @cached_property
    def _textes(self) -> dict[str, TypeDefinitionNode]:
        definitions = parse(print_schema(self.schema)).definitions
        return {d.name.value: d for d in definitions if isinstance(d, TypeDefinitionNode)}

    def _membres(self, nom: str) -> list[str]:
        """The types of an interface that the caller may open."""
        return [noeud for noeud, c in openings(self.schema).items() if nom == "Node" and c in self.lues]

    def _reste(self, type_: TypeDefinitionNode) -> Any:
        """A type without what may not be read; None when nothing of it is left."""
        nom = type_.name.value
        if isinstance(type_, EnumTypeDefinitionNode):
            return _avec(type_, "values", [v for v in type_.values or () if self._valeur(nom, v)])
        if isinstance(type_, InputObjectTypeDefinitionNode):
            return _avec(type_, "fields", [champ for champ in type_.fields or () if self._critere(nom, champ)])
        if isinstance(type_, ObjectTypeDefinitionNode):
            return _avec(type_, "fields", list(self._champs(type_)))
        return type_

    def _champs(self, type_: ObjectTypeDefinitionNode) -> Iterator[FieldDefinitionNode]:
        definitions: Any = self.schema.type_map[type_.name.value]
        for champ in type_.fields or ():
            definition = definitions.fields[champ.name.value]
            if categorie(definition) in {None, *self.lues}:
                arguments = [a for a in champ.arguments or () if self._argument(definition.args[a.name.value], a)]
                yield _copie(champ, arguments=tuple(arguments))

    def _argument(self, definition: Any, argument: InputValueDefinitionNode) -> bool:
        """Whether an argument may be used, and something of its type with it."""
        type_ = self._textes.get(_nomme(argument.type))
        propre = categorie(definition)
        return (propre is None or propre in self.partout) and (type_ is None or self._reste(type_) is not None)

    def _critere(self, nom: str, champ: InputValueDefinitionNode) -> bool:
        definitions: Any = self.schema.type_map[nom]
        return exigees_par_le_champ(definitions.fields[champ.name.value]) <= self.partout

    def _valeur(self, nom: str, valeur: EnumValueDefinitionNode) -> bool:
        _, exigees = exigees_par_la_valeur(nom, valeur.name.value)
        return exigees <= self.partout


def _vises(type_: TypeDefinitionNode) -> Iterator[str]:
    """The types that a definition names."""
    for champ in getattr(type_, "fields", None) or ():
        yield _nomme(champ.type)
        yield from (_nomme(argument.type) for argument in getattr(champ, "arguments", None) or ())
    yield from (interface.name.value for interface in getattr(type_, "interfaces", None) or ())


def _nomme(type_: TypeNode) -> str:
    while hasattr(type_, "type"):
        type_ = type_.type
    return str(type_.name.value)  # type: ignore[attr-defined]


def _avec(type_: Any, partie: str, gardees: Sequence[Any]) -> Any:
    return _copie(type_, **{partie: tuple(gardees)}) if gardees else None


def _copie(noeud: Any, **parties: Any) -> Any:
    return type(noeud)(**{cle: parties.get(cle, getattr(noeud, cle)) for cle in noeud.keys})
