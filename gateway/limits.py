"""How heavy an operation may be, judged on its text before any work. Linear in the document; knows no value.

Fragments are measured once and counted wherever they are spread, so a document cannot be small and explode (SECURITY F3).
The shape is judged before validation, whose own rules are quadratic in repeated fields; the cost after it, with variables.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
from gateway.schema.connexions import PAGE_MAX, PAGE_PAR_DEFAUT
from gateway.schema.tables import LIST_SIZES, PAGED_ROOTS

TEXTE_MAX = 32_768  # characters of a document
JETONS_MAX = 2000
PROFONDEUR_MAX = 15
PROFONDEUR_SCHEMA_MAX = 20
ALIAS_MAX = 60
RACINES_MAX = 10
DIRECTIVES_MAX = 40
OPERATIONS_MAX = 10
CHAMPS_MAX = 600  # fields written, fragments expanded
REPETITIONS_MAX = 10  # of one response key in one selection: validation compares them two by two
FRAGMENTS_EMBOITES_MAX = 30
# `ruptures(first: 100)` with everything nested passes; nothing ten times as heavy does (ANSWERS 18).
COUT_MAX = 60_000
COUT_SCHEMA_MAX = 150_000  # one standard introspection query passes, two do not

# Usual sizes of what introspection lists, in this graph.
TAILLES_SCHEMA = {"types": 70, "fields": 10, "args": 2, "inputFields": 5, "enumValues": 5, "directives": 6}
META = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Forme:
    """What a selection weighs whatever the variables. `champs`: fields written, as if each list had one element; `cles`:
    response keys of the selection itself; `pages`: the lists whose size is an argument, with the weight of a row.
    What reads the schema is counted apart (`_schema`)."""

    fixe: int = 0
    pages: tuple[tuple[FieldNode, int], ...] = ()
    profondeur: int = 0
    alias: int = 0
    directives: int = 0
    champs: int = 0
    fixe_schema: int = 0
    profondeur_schema: int = 0
    cles: Counter[str] = field(default_factory=Counter)


def _reunir(parts: Iterable[Forme]) -> Forme:
    parts = list(parts)
    cles: Counter[str] = Counter()
    for part in parts:
        cles.update(part.cles)
    reunie = Forme(
        sum(part.fixe for part in parts),
        tuple(page for part in parts for page in part.pages),
        max((part.profondeur for part in parts), default=0),
        sum(part.alias for part in parts),
        sum(part.directives for part in parts),
        sum(part.champs for part in parts),
        sum(part.fixe_schema for part in parts),
        max((part.profondeur_schema for part in parts), default=0),
        cles,
    )
    _plafond("répétitions d'un champ", max(cles.values(), default=0), REPETITIONS_MAX)
    _plafond("nombre de champs", reunie.champs, CHAMPS_MAX)
    return reunie


class _Peseur:
    def __init__(self, document: DocumentNode, tailles: Mapping[str, int]) -> None:
        self.document = document
        self.tailles = tailles
        self.fragments = {
            noeud.name.value: noeud for noeud in document.definitions if isinstance(noeud, FragmentDefinitionNode)
        }
        self.connus: dict[tuple[str, bool], Forme] = {}
        self.en_cours: set[str] = set()

    def selection(self, ensemble: SelectionSetNode | None, racine: bool = False) -> Forme:
        return _reunir(self.noeud(noeud, racine) for noeud in ensemble.selections) if ensemble else Forme()

    def noeud(self, noeud: SelectionNode, racine: bool) -> Forme:
        forme = self.contenu(noeud, racine)
        return replace(forme, directives=forme.directives + len(noeud.directives)) if noeud.directives else forme

    def contenu(self, noeud: SelectionNode, racine: bool) -> Forme:
        if isinstance(noeud, FieldNode):
            return self.meta(noeud) if racine and noeud.name.value in META else self.champ(noeud, racine)
        if isinstance(noeud, FragmentSpreadNode):
            return self.fragment(noeud.name.value, racine)
        return self.selection(noeud.selection_set if isinstance(noeud, InlineFragmentNode) else None, racine)

    def fragment(self, nom: str, racine: bool) -> Forme:
        if nom in self.en_cours:
            raise RequeteInvalide("Un fragment s'inclut lui-même.")
        if (nom, racine) not in self.connus:
            _plafond("fragments emboîtés", len(self.en_cours) + 1, FRAGMENTS_EMBOITES_MAX)
            definition = self.fragments.get(nom)
            self.en_cours.add(nom)
            self.connus[nom, racine] = self.selection(definition.selection_set, racine) if definition else Forme()
            self.en_cours.discard(nom)
        return self.connus[nom, racine]

    def champ(self, noeud: FieldNode, racine: bool) -> Forme:
        dedans = self.selection(noeud.selection_set)
        paginee = racine and noeud.name.value in PAGED_ROOTS
        return Forme(
            1 if paginee else 1 + self.tailles.get(noeud.name.value, 1) * dedans.fixe,
            ((noeud, dedans.fixe),) if paginee else (),
            1 + dedans.profondeur,
            int(noeud.alias is not None) + dedans.alias,
            dedans.directives,
            1 + dedans.champs,
            cles=Counter(((noeud.alias or noeud.name).value,)),
        )

    def meta(self, noeud: FieldNode) -> Forme:
        """What reads the schema takes nothing of the budget of data, and has its own (ANSWERS 14)."""
        forme = _Peseur(self.document, TAILLES_SCHEMA).champ(noeud, racine=False)
        return replace(forme, fixe=0, profondeur=0, fixe_schema=forme.fixe, profondeur_schema=forme.profondeur)


def juger(document: DocumentNode) -> Mapping[str | None, Forme]:
    """The shape of each operation by name, judged before validation. Raises RequeteTropCouteuse or RequeteInvalide, each naming
    the limit, for the whole document: an unreasonable fragment is refused though it is never spread."""
    operations = [noeud for noeud in document.definitions if isinstance(noeud, OperationDefinitionNode)]
    _plafond("nombre d'opérations", len(operations), OPERATIONS_MAX)
    peseur = _Peseur(document, LIST_SIZES)
    for fragment in peseur.fragments:
        peseur.fragment(fragment, racine=False)
    return {nom_de(operation): _juger(operation, peseur) for operation in operations}


def nom_de(operation: OperationDefinitionNode) -> str | None:
    """Its name, None when it has none."""
    return operation.name.value if operation.name else None


def _juger(operation: OperationDefinitionNode, peseur: _Peseur) -> Forme:
    forme = peseur.selection(operation.selection_set, racine=True)
    _plafond("champs à la racine", forme.cles.total(), RACINES_MAX)
    _plafond("profondeur", forme.profondeur, PROFONDEUR_MAX)
    _plafond("profondeur d'introspection", forme.profondeur_schema, PROFONDEUR_SCHEMA_MAX)
    _plafond("alias", forme.alias, ALIAS_MAX)
    _plafond("directives", forme.directives + len(operation.directives or ()), DIRECTIVES_MAX)
    _plafond("coût d'introspection", forme.fixe_schema, COUT_SCHEMA_MAX)
    return forme


def mesurer(forme: Forme, variables: Mapping[str, Any]) -> int:
    """The cost of an operation for these variables, defaults included: the number of values that may be written.

    Raises RequeteTropCouteuse.
    """
    cout = forme.fixe + sum(_page(noeud, variables) * ligne for noeud, ligne in forme.pages)
    _plafond("coût", cout, COUT_MAX)
    return cout


def _page(noeud: FieldNode, variables: Mapping[str, Any]) -> int:
    for argument in noeud.arguments or ():
        if argument.name.value == "first":
            if isinstance(argument.value, IntValueNode):
                return _borne(int(argument.value.value))
            if isinstance(argument.value, VariableNode):
                return _borne(variables.get(argument.value.name.value, PAGE_MAX))
            return PAGE_MAX
    return PAGE_PAR_DEFAUT


def _borne(valeur: object) -> int:
    """An unknown, negative or absurd size counts as the largest page (SECURITY G08)."""
    return valeur if isinstance(valeur, int) and 0 <= valeur <= PAGE_MAX else PAGE_MAX


def _plafond(nom: str, valeur: int, maximum: int) -> None:
    if valeur > maximum:
        raise RequeteTropCouteuse(f"Requête refusée : {nom} {valeur}, {maximum} au plus.")
