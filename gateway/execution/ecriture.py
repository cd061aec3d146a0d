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

from gateway.errors import ErreurPasserelle
from gateway.execution.lecture import Lecture, Place, Rendu, fragment
from gateway.execution.valeurs import completeur, feuille, imprevu

CHAMPS_MAX = 1_000  # fields of one function: writing costs about 20 µs each
LISTES = (list, tuple)


class NonCouvert(ErreurPasserelle):
    """The writer does not know how: graphql-core executes. The message says what, and carries no value."""


class Ecrivain:
    """Writes one function, and the loops of the lists it holds."""

    def __init__(self, lecture: Lecture) -> None:
        self._lecture = lecture
        self._espace: dict[str, Any] = {
            "LISTES": LISTES,
            "imprevu": imprevu,
            "isfinite": isfinite,
            "fragment": fragment,
        }
        self._fonctions: list[str] = []  # of the lists and of what may be kept encoded
        self._champs = 0
        self._dans_un_noeud = False
        self.depend = False  # on the variables: what was written reads arguments

    def fonction(self, type_: GraphQLOutputType, place: Place) -> Rendu:
        """The function of a value of that type at that place. Raises NonCouvert."""
        corps = _decale(self._valeur(type_, "valeur", place))
        fonction = f"def niveau(valeur, arguments):\n    return {corps}\n"
        source = f"# {'.'.join(place.chemin)} : {type_}\n" + "\n".join([*self._fonctions, fonction])
        self._lecture.sources.append(source)
        exec(compile(source, "<plan>", "exec"), self._espace)  # noqa: S102 - see the docstring of the module
        niveau: Rendu = self._espace["niveau"]
        return niveau

    def _valeur(self, type_: GraphQLOutputType, lu: str, place: Place) -> str:
        """The expression of a value read by the expression `lu`."""
        if is_non_null_type(type_):
            return self._selon(type_.of_type, lu, place, "")
        return self._selon(type_, lu, place, "None if {0} is None else ")

    def _selon(self, type_: GraphQLOutputType, lu: str, place: Place, vide: str) -> str:
        nom = f"o{place.profondeur}"
        if is_list_type(type_):
            rendu = f"{self._boucle(type_, place)}({nom}, arguments)"
            return _choix(rendu, nom, lu, ".__class__ in LISTES", f"{vide}imprevu({{0}})")
        if is_leaf_type(type_):
            return self._feuille(type_, lu, vide)
        if is_abstract_type(type_):
            rendu = f"{self._niveaux(type_, place)}[{nom}.__class__]({nom}, arguments)"
            return _choix(rendu, nom, lu, " is not None", f"{vide}imprevu({{0}})")
        objet: Any = type_
        test = f".__class__ is {self._nommer(_classe(objet).__name__, _classe(objet))}"
        noeud = any(interface.name == "Node" for interface in objet.interfaces)
        if not self._dans_un_noeud and (noeud or not place.profondeur):
            return _choix(self._entier(objet, place, noeud), nom, lu, test, f"{vide}imprevu({{0}})")
        return _choix(self._champs_de(objet, place), nom, lu, test, f"{vide}imprevu({{0}})")

    def _entier(self, type_: GraphQLObjectType, place: Place, noeud: bool) -> str:
        """What a root field returns, or the outermost node of a branch: a function of its own, so that what it shows may
        be kept encoded, unless it reads variables."""
        avant, self.depend, self._dans_un_noeud = self.depend, False, noeud
        corps = self._champs_de(type_, place)
        depend, self.depend, self._dans_un_noeud = self.depend, avant or self.depend, False
        if depend:
            return corps
        objet, fonction = f"o{place.profondeur}", f"entier_{len(self._fonctions)}"
        self._fonctions.append(f"def {fonction}({objet}, arguments):\n    return {_decale(corps)}\n")
        return f"fragment({objet}, {fonction}, {place.chemin!r}, arguments)"

    def _feuille(self, type_: Any, lu: str, vide: str) -> str:
        autre = self._nommer(f"autre_{type_.name}", completeur(type_))
        connue = feuille(type_)
        if connue is None:
            return _choix(f"{autre}(v)", "v", lu, " is not None", f"{vide}imprevu({{0}})")
        classe, ecrit = self._nommer(connue.classe.__name__, connue.classe), connue.ecrit
        if connue.noms is not None:
            ecrit = ecrit.replace("noms", self._nommer(f"noms_{type_.name}", connue.noms))
        return _choix(ecrit, "v", lu, f".__class__ is {classe}{connue.garde}", f"{vide}{autre}({{0}})")

    def _boucle(self, type_: GraphQLList[Any], place: Place) -> str:
        nom = f"liste_{len(self._fonctions)}_{place.chemin[-1]}"
        self._fonctions.append("")  # keeps its number while the loops inside are written
        rang = len(self._fonctions) - 1
        corps = _decale(self._valeur(type_.of_type, "element", place), 2)
        self._fonctions[rang] = (
            f"def {nom}(liste, arguments):\n    lignes = []\n"
            f"    for element in liste:\n        lignes.append({corps})\n    return lignes\n"
        )
        return nom

    def _niveaux(self, type_: Any, place: Place) -> str:
        """The functions of objects whose class is known only when they are there, by class."""
        possibles: list[Any] = self._lecture.schema.get_possible_types(type_)
        ecrivains = {un: Ecrivain(self._lecture) for un in possibles}
        par_classe = {_classe(un): ecrivain.fonction(un, place) for un, ecrivain in ecrivains.items()}
        self.depend |= any(ecrivain.depend for ecrivain in ecrivains.values())
        return self._nommer(f"niveaux_{type_.name}", par_classe)

    def _champs_de(self, type_: GraphQLObjectType, place: Place) -> str:
        groupes = self._lecture.selection.champs(type_, place.ensembles)
        lignes = [f"{cle!r}: {self._champ(type_, cle, noeuds, place)},\n" for cle, noeuds in groupes.items()]
        return "{\n" + indent("".join(lignes), "    ") + "}"

    def _champ(self, type_: GraphQLObjectType, cle: str, noeuds: list[FieldNode], place: Place) -> str:
        nom, chemin = noeuds[0].name.value, (*place.chemin, cle)
        if nom == "__typename":
            return repr(type_.name)
        self._champs += 1
        if self._champs > CHAMPS_MAX:
            raise NonCouvert(f"plus de {CHAMPS_MAX} champs")
        champ = type_.fields[nom]
        if chemin in self._lecture.nuls:
            return "imprevu(None)" if is_non_null_type(champ.type) else "None"
        dessous = Place(ensembles(noeuds), chemin, place.profondeur + 1)
        return self._valeur(champ.type, self._lire(champ, noeuds[0], f"o{place.profondeur}"), dessous)

    def _lire(self, champ: GraphQLField, noeud: FieldNode, objet: str) -> str:
        definition = _definition(champ)
        if definition.base_resolver is None:
            return f"{objet}.{definition.python_name}"
        resolveur: Any = definition.base_resolver
        if definition.is_async or definition.extensions or resolveur.info_parameter or not resolveur.self_parameter:
            raise NonCouvert(f"résolveur de {noeud.name.value}")
        lire = self._nommer(f"lire_{definition.python_name}", resolveur.wrapped_func)
        if not champ.args:
            return f"{lire}({objet})"
        self.depend = True
        ici = self._nommer("champ", champ), self._nommer("noeud", noeud)
        return f"{lire}({objet}, **arguments.de({', '.join(ici)}))"

    def _nommer(self, nom: str, objet: Any) -> str:
        """A name by which the text says an object of ours, the same for the same object."""
        essai, rang = nom, 1
        while self._espace.setdefault(essai, objet) is not objet:
            rang += 1
            essai = f"{nom}_{rang}"
        return essai


def _choix(rendu: str, nom: str, lu: str, test: str, sinon: str) -> str:
    return f"{rendu} if ({nom} := {lu}){test} else {sinon.format(nom)}"


def _decale(rendu: str, pas: int = 1) -> str:
    return rendu.replace("\n", "\n" + "    " * pas)


def ensembles(noeuds: list[FieldNode]) -> Any:
    return tuple(noeud.selection_set for noeud in noeuds if noeud.selection_set)


def _classe(type_: GraphQLNamedType) -> type:
    definition: Any = type_.extensions.get("strawberry-definition")
    if definition is None or not is_object_type(type_):
        raise NonCouvert(f"type {type_.name}")
    classe: type = definition.origin
    return classe


def _definition(champ: GraphQLField) -> StrawberryField:
    definition: StrawberryField | None = champ.extensions.get("strawberry-definition")
    if definition is None:
        raise NonCouvert("champ sans définition")
    return definition
