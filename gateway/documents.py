"""Parsed and validated documents, kept by their text. Knows the graph, no viewer and no value of a variable.

Messages are our own: those of the library echo literal values (SECURITY F12) and suggest names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    VariableValues,
    get_operation_ast,
    get_variable_values,
    parse,
    validate,
    value_from_ast_untyped,
)

from gateway.errors import ErreurAppelant, RequeteInvalide, RequeteTropCouteuse
from gateway.limits import JETONS_MAX, TEXTE_MAX, Forme, juger, nom_de

POIDS_MAX = 100_000  # of the documents kept, in tokens: about 40 MB (a token of a tree takes 390 bytes)
CARACTERES_PAR_JETON = 100  # what the text itself takes beside its tree
ERREURS_MAX = 1
# Names written in the query are the caller's own; nothing else of the library's message is repeated.
_TRADUCTIONS = (
    (re.compile(r"^Cannot query field '([_A-Za-z0-9]+)' on type '([_A-Za-z0-9]+)'"), "Champ inconnu : {0} sur {1}."),
    (re.compile(r"^Unknown argument '([_A-Za-z0-9]+)' on field '([_A-Za-z0-9.]+)'"), "Argument inconnu : {0} de {1}."),
    (re.compile(r"^Unknown type '([_A-Za-z0-9]+)'"), "Type inconnu : {0}."),
    (re.compile(r"^Unknown fragment '([_A-Za-z0-9]+)'"), "Fragment inconnu : {0}."),
    (re.compile(r"^Unknown directive '@([_A-Za-z0-9]+)'"), "Directive inconnue : @{0}."),
    (re.compile(r"^Variable '\$([_A-Za-z0-9]+)' is not defined"), "Variable non déclarée : ${0}."),
    (re.compile(r"^Variable '\$([_A-Za-z0-9]+)' is never used"), "Variable déclarée et inutilisée : ${0}."),
    (re.compile(r"^Field '([_A-Za-z0-9]+)' of type '.*' must have a selection"), "Choisir des champs sous {0}."),
    (
        re.compile(r"^Field '([_A-Za-z0-9]+)' argument '([_A-Za-z0-9]+)' .* is required"),
        "Argument requis : {1} de {0}.",
    ),
    (re.compile(r"^Syntax Error"), "Syntaxe GraphQL incorrecte."),
)
_AUTRE = "Requête invalide : un champ, un argument ou un type n'est pas celui du graphe."


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document, as it was written and as it is read, and the operation chosen in it."""

    texte: str
    arbre: DocumentNode
    operation: OperationDefinitionNode
    forme: Forme

    def variables(self, schema: GraphQLSchema, brutes: dict[str, Any]) -> VariableValues:
        """As received and coerced, defaults included. Raises RequeteInvalide naming the variable, never its value."""
        lues = get_variable_values(schema, self.operation.variable_definitions or (), brutes, max_errors=ERREURS_MAX)
        if isinstance(lues, list):
            nom = re.search(r"\$([_A-Za-z0-9]+)", lues[0].message)
            raise RequeteInvalide(f"Variable invalide : {nom.group(0) if nom else 'type attendu non respecté'}.")
        return lues

    def age_max(self, variables: dict[str, Any]) -> int | None:
        """The age in seconds, zero at least, that `@fraicheur` asks for; None without it."""
        for directive in self.operation.directives or ():
            if directive.name.value == "fraicheur":
                (argument,) = directive.arguments or ()
                valeur = argument.value
                dit = (
                    variables[valeur.name.value] if isinstance(valeur, VariableNode) else value_from_ast_untyped(valeur)
                )
                return max(0, int(dit))
        return None


@dataclass(frozen=True, slots=True)
class _Valide:
    """A valid document, and the shape of each of its operations."""

    arbre: DocumentNode
    formes: Mapping[str | None, Forme]


_Lu = tuple[int, _Valide | ErreurAppelant]  # what a text takes, and what it is: a document or the same refusal for all


class Documents:
    """Parses, judges and validates each text once. Bounded."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._connus: LRUCache[str, _Lu] = LRUCache(POIDS_MAX, itemgetter(0))

    def lire(self, texte: str, nom: str | None) -> Document:
        """The document and its operation. Raises RequeteInvalide or RequeteTropCouteuse."""
        valide = self.valider(texte)
        operation = get_operation_ast(valide.arbre, nom)
        if operation is None:
            raise RequeteInvalide("Nommer l'opération à exécuter : operationName est absent ou inconnu.")
        if operation.operation is not OperationType.QUERY:
            raise RequeteInvalide("Seules les requêtes (query) sont servies.")
        return Document(texte, valide.arbre, operation, valide.formes[nom_de(operation)])

    def valider(self, texte: str) -> _Valide:
        """The document of a text. Raises as `lire` does."""
        if len(texte) > TEXTE_MAX:
            raise RequeteTropCouteuse(f"Requête refusée : texte de plus de {TEXTE_MAX} caractères.")
        if texte not in self._connus:
            self._connus[texte] = self._lu(texte)
        connu = self._connus[texte][1]
        if isinstance(connu, ErreurAppelant):
            raise type(connu)(str(connu))  # a new one each time: the one kept would gather the frames of each raise
        return connu

    def _lu(self, texte: str) -> _Lu:
        poids = 1 + len(texte) // CARACTERES_PAR_JETON
        try:
            valide = self._examiner(texte)
        except ErreurAppelant as refus:
            return poids, refus.with_traceback(None)
        return poids + (valide.arbre.token_count or 0), valide

    def _examiner(self, texte: str) -> _Valide:
        try:
            arbre = parse(texte, max_tokens=JETONS_MAX, allow_empty_selection_sets=False)
            formes = juger(arbre)
        except (GraphQLError, RecursionError) as erreur:
            raise _illisible(erreur) from None
        erreurs = validate(self._schema, arbre, max_errors=ERREURS_MAX, hide_suggestions=True)
        if erreurs:
            raise RequeteInvalide(_traduire(erreurs[0]))
        return _Valide(arbre, formes)


def _illisible(erreur: Exception) -> ErreurAppelant:
    """A text that the parser refuses: too long, nested beyond reason, or not GraphQL."""
    if "contains more than" in str(erreur) or "too deeply" in str(erreur) or isinstance(erreur, RecursionError):
        return RequeteTropCouteuse(f"Requête refusée : trop longue ou trop profonde, {JETONS_MAX} jetons au plus.")
    return RequeteInvalide(_traduire(erreur))


def _traduire(erreur: Exception) -> str:
    message = str(getattr(erreur, "message", ""))
    texte = next(
        (modele.format(*trouve.groups()) for motif, modele in _TRADUCTIONS if (trouve := motif.match(message))), _AUTRE
    )
    lieux = getattr(erreur, "locations", None) or []
    return f"{texte} (ligne {lieux[0].line}, colonne {lieux[0].column})" if lieux else texte
