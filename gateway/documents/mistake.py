"""What is wrong in a request, as values: `find_mistakes.py` and `wrong_values.py` find them, `mistake_messages.py` tells them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import InvalidRequest


class Detail(StrEnum):
    """What of a request is wrong, in `extensions.detail` (docs/erreurs.md): a closed list too."""

    SYNTAXE = "SYNTAXE"
    CHAMP_INCONNU = "CHAMP_INCONNU"
    ARGUMENT_INCONNU = "ARGUMENT_INCONNU"
    TYPE_INCONNU = "TYPE_INCONNU"
    DIRECTIVE_INCONNUE = "DIRECTIVE_INCONNUE"
    FRAGMENT_INCONNU = "FRAGMENT_INCONNU"
    VARIABLE_INCONNUE = "VARIABLE_INCONNUE"
    OPERATION_INCONNUE = "OPERATION_INCONNUE"
    ARGUMENT_REQUIS = "ARGUMENT_REQUIS"
    ARGUMENT_IMPOSSIBLE = "ARGUMENT_IMPOSSIBLE"
    VALEUR_REQUISE = "VALEUR_REQUISE"
    VALEUR_INVALIDE = "VALEUR_INVALIDE"
    VALEUR_INCONNUE = "VALEUR_INCONNUE"
    TYPE_INATTENDU = "TYPE_INATTENDU"
    SELECTION_REQUISE = "SELECTION_REQUISE"
    SELECTION_REFUSEE = "SELECTION_REFUSEE"
    CHAMPS_EN_CONFLIT = "CHAMPS_EN_CONFLIT"
    REPETITION = "REPETITION"
    DIRECTIVE_MAL_PLACEE = "DIRECTIVE_MAL_PLACEE"
    FRAGMENT_IMPOSSIBLE = "FRAGMENT_IMPOSSIBLE"
    FRAGMENT_CIRCULAIRE = "FRAGMENT_CIRCULAIRE"
    FRAGMENT_INUTILISE = "FRAGMENT_INUTILISE"
    VARIABLE_INUTILISEE = "VARIABLE_INUTILISEE"
    OPERATION_SANS_NOM = "OPERATION_SANS_NOM"
    OPERATION_NON_SERVIE = "OPERATION_NON_SERVIE"  # published, and no longer told: every kind of operation is served
    UNE_ECRITURE = "UNE_ECRITURE"
    DEFINITION_REFUSEE = "DEFINITION_REFUSEE"
    AUTRES_ERREURS = "AUTRES_ERREURS"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in what a caller sent. `said`: in his own words; `places`: lines and columns, from 1. What follows
    comes from the graph, and is told to who may read it only: `told`, a sentence's end; `among`, the coordinate that it is about,
    whose names the nearest to `name` is one of; `expected`, a type."""

    detail: Detail
    said: str
    places: tuple[tuple[int, int], ...] = ()
    told: str = ""
    among: str = ""
    name: str = ""
    expected: str = ""


class MistakenRequest(InvalidRequest):
    """The same, with all that is wrong in the document, its arguments or its variables. At least one mistake."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__(f"{mistakes[0].said}{mistakes[0].told}.")
        self.mistakes = tuple(mistakes)
