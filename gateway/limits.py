"""How heavy an operation may be, judged on its text before any work. Linear in the document; knows no value.

Fragments are measured once and counted wherever they are spread, so a document cannot be small and explode (SECURITY F3).
"""

from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from gateway.errors import RequeteInvalide, RequeteTropCouteuse

JETONS_MAX = 2000
PROFONDEUR_MAX = 15
ALIAS_MAX = 60
RACINES_MAX = 10
DIRECTIVES_MAX = 40
# `ruptures(first: 100)` with everything nested passes; nothing ten times as heavy does (ANSWERS 18).
COUT_MAX = 60_000
PAGE_PAR_DEFAUT = 20
PAGE_MAX = 500

# Usual sizes of inner lists (ANSWERS 18).
TAILLES = {
    "contrats": 4,
    "ruptures": 4,
    "formations": 4,
    "parcours": 10,
    "representants": 2,
    "missionsLocalesPossibles": 3,
    "historique": 10,
    "provenance": 20,
}
CONNEXIONS = frozenset({"ruptures", "jeunes", "contrats"})


@dataclass(frozen=True, slots=True)
class Mesure:
    """What a selection weighs. `cout` counts the fields that will be written."""

    cout: int
    profondeur: int
    alias: int
    directives: int


_VIDE = Mesure(0, 0, 0, 0)


class _Peseur:
    def __init__(self, document: DocumentNode, variables: dict[str, Any]) -> None:
        self.variables = variables
        self.fragments = {
            noeud.name.value: noeud for noeud in document.definitions if isinstance(noeud, FragmentDefinitionNode)
        }
        self.connus: dict[str, Mesure] = {}
        self.en_cours: set[str] = set()

    def selection(self, ensemble: SelectionSetNode | None, racine: bool = False) -> Mesure:
        if ensemble is None:
            return _VIDE
        parts = [self.noeud(noeud, racine) for noeud in ensemble.selections]
        return Mesure(
            sum(part.cout for part in parts),
            max((part.profondeur for part in parts), default=0),
            sum(part.alias for part in parts),
            sum(part.directives for part in parts),
        )

    def noeud(self, noeud: SelectionNode, racine: bool) -> Mesure:
        if isinstance(noeud, FieldNode):
            mesure = self.champ(noeud, racine)
        elif isinstance(noeud, InlineFragmentNode):
            mesure = self.selection(noeud.selection_set, racine)
        elif isinstance(noeud, FragmentSpreadNode):
            mesure = self.fragment(noeud.name.value, racine)
        else:
            return _VIDE
        return Mesure(mesure.cout, mesure.profondeur, mesure.alias, mesure.directives + len(noeud.directives or ()))

    def fragment(self, nom: str, racine: bool) -> Mesure:
        cle = f"{nom}:{racine}"
        if nom in self.en_cours:
            raise RequeteInvalide("Un fragment s'inclut lui-même.")
        if cle not in self.connus:
            definition = self.fragments.get(nom)
            self.en_cours.add(nom)
            self.connus[cle] = self.selection(definition.selection_set, racine) if definition else _VIDE
            self.en_cours.discard(nom)
        return self.connus[cle]

    def champ(self, noeud: FieldNode, racine: bool) -> Mesure:
        interieur = self.selection(noeud.selection_set)
        taille = self.page(noeud) if racine and noeud.name.value in CONNEXIONS else TAILLES.get(noeud.name.value, 1)
        return Mesure(
            1 + taille * interieur.cout,
            1 + interieur.profondeur,
            int(noeud.alias is not None) + interieur.alias,
            interieur.directives,
        )

    def page(self, noeud: FieldNode) -> int:
        for argument in noeud.arguments or ():
            if argument.name.value == "first":
                if isinstance(argument.value, IntValueNode):
                    return _borne(int(argument.value.value))
                if isinstance(argument.value, VariableNode):
                    return _borne(self.variables.get(argument.value.name.value, PAGE_MAX))
                return PAGE_MAX
        return PAGE_PAR_DEFAUT


def _borne(valeur: object) -> int:
    """An unknown, negative or absurd size counts as the largest page (SECURITY G08)."""
    return valeur if isinstance(valeur, int) and 0 <= valeur <= PAGE_MAX else PAGE_MAX


def mesurer(document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]) -> Mesure:
    """Weigh an operation. Raises RequeteTropCouteuse or RequeteInvalide, each naming the limit."""
    racines = len(operation.selection_set.selections)
    if racines > RACINES_MAX:
        raise RequeteTropCouteuse(f"Requête refusée : {racines} champs à la racine, {RACINES_MAX} au plus.")
    mesure = _Peseur(document, variables).selection(operation.selection_set, racine=True)
    _plafond("profondeur", mesure.profondeur, PROFONDEUR_MAX)
    _plafond("alias", mesure.alias, ALIAS_MAX)
    _plafond("directives", mesure.directives, DIRECTIVES_MAX)
    _plafond("coût", mesure.cout, COUT_MAX)
    return mesure


def _plafond(nom: str, valeur: int, maximum: int) -> None:
    if valeur > maximum:
        raise RequeteTropCouteuse(f"Requête refusée : {nom} {valeur}, {maximum} au plus.")
