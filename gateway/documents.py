"""Parsed and validated documents, kept by their text. Knows the graph, no viewer and no value of a variable.

Messages are our own: those of the library echo literal values (SECURITY F12) and suggest names.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    get_operation_ast,
    get_variable_values,
    parse,
    validate,
    value_from_ast_untyped,
)

from gateway.errors import RequeteInvalide
from gateway.limits import JETONS_MAX

DOCUMENTS_MAX = 512
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
    (re.compile(r"^Syntax Error: Document contains more than"), f"Requête trop longue : {JETONS_MAX} jetons au plus."),
    (re.compile(r"^Syntax Error"), "Syntaxe GraphQL incorrecte."),
)
_AUTRE = "Requête invalide : un champ, un argument ou un type n'est pas celui du graphe."


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document and the operation chosen in it."""

    arbre: DocumentNode
    operation: OperationDefinitionNode

    def racines(self, noms: Collection[str]) -> list[str]:
        """Response keys of the root fields of these names, in the order written."""
        champs = [noeud for noeud in self.operation.selection_set.selections if isinstance(noeud, FieldNode)]
        return [(c.alias or c.name).value for c in champs if c.name.value in noms]

    def variables(self, schema: GraphQLSchema, brutes: dict[str, Any]) -> dict[str, Any]:
        """Coerced variables, defaults included. Raises RequeteInvalide naming the variable, never its value."""
        lues = get_variable_values(schema, self.operation.variable_definitions or (), brutes, max_errors=ERREURS_MAX)
        if isinstance(lues, list):
            nom = re.search(r"\$([_A-Za-z0-9]+)", lues[0].message)
            raise RequeteInvalide(f"Variable invalide : {nom.group(0) if nom else 'type attendu non respecté'}.")
        return dict(lues.coerced)

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


class Documents:
    """Parses and validates each text once. Bounded."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._connus: LRUCache[str, DocumentNode | str] = LRUCache(DOCUMENTS_MAX)

    def lire(self, texte: str, nom: str | None) -> Document:
        """The document and its operation. Raises RequeteInvalide."""
        if texte not in self._connus:
            self._connus[texte] = self._valider(texte)
        connu = self._connus[texte]
        if isinstance(connu, str):
            raise RequeteInvalide(connu)
        operation = get_operation_ast(connu, nom)
        if operation is None:
            raise RequeteInvalide("Nommer l'opération à exécuter : operationName est absent ou inconnu.")
        if operation.operation is not OperationType.QUERY:
            raise RequeteInvalide("Seules les requêtes (query) sont servies.")
        return Document(connu, operation)

    def _valider(self, texte: str) -> DocumentNode | str:
        try:
            arbre = parse(texte, max_tokens=JETONS_MAX, allow_empty_selection_sets=False)
        except (GraphQLError, RecursionError) as erreur:
            return _traduire(erreur)
        erreurs = validate(self._schema, arbre, max_errors=ERREURS_MAX, hide_suggestions=True)
        return _traduire(erreurs[0]) if erreurs else arbre


def _traduire(erreur: Exception) -> str:
    message = str(getattr(erreur, "message", ""))
    texte = next(
        (modele.format(*trouve.groups()) for motif, modele in _TRADUCTIONS if (trouve := motif.match(message))), _AUTRE
    )
    lieux = getattr(erreur, "locations", None) or []
    return f"{texte} (ligne {lieux[0].line}, colonne {lieux[0].column})" if lieux else texte
