"""From what a caller sends to a valid document: the text of a hash, then its tree, parsed and validated once a text.

Two stores, both bounded: the texts that clients taught by their SHA-256 (Apollo's automatic persisted queries), beside
those the operator trusts, and the trees by their text. Knows the graph, no value of a variable; what a document may read
is decided each time it is run. Messages are our own: those of the library echo literal values (docs/security.md F12) and
suggest names.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from sys import getsizeof
from typing import Any, cast

from cachetools import LRUCache
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    ValidationContext,
    VariableValues,
    get_operation_ast,
    get_variable_values,
    parse,
    specified_rules,
    validate,
    value_from_ast_untyped,
)

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decision_cache import TOKEN_BYTES
from gateway.documents.arguments import ArgumentChecks, checks_of
from gateway.documents.limits import TEXT_MAX, TOKENS_MAX, Shape, judge, name_of
from gateway.errors import CallerError, ConfigurationError, InvalidRequest, TooCostlyRequest, UnknownDocument

ENTRY_BYTES = 1500  # what an entry of a cache takes beside its text: its key, its place, the refusal it may hold
LEARNT_MAX = 8 * 1024 * 1024  # bytes of the taught documents, all clients together


class PersistedDocuments:
    """`trusted`: text by SHA-256 in hexadecimal, usable by every client."""

    def __init__(self, trusted: Mapping[str, str]) -> None:
        self._trusted = trusted
        self.operations = frozenset(name for text in trusted.values() for name in _operations(text))
        self._learnt: LRUCache[tuple[str, str], str] = LRUCache(LEARNT_MAX, _text_bytes)

    def text(self, viewer: Viewer, text: str | None, digest: str | None) -> str:
        """The text to run. A text sent with its hash is learnt for that client only (docs/security.md G20).

        Raises UnknownDocument for a hash that this client never taught, InvalidRequest for a hash that is not the
        text's, or for a text that is not trusted when the register gives the client nothing else.
        """
        own = sha256(text.encode()).hexdigest() if text is not None else digest or ""
        if digest not in (None, own):
            raise InvalidRequest("sha256Hash n'est pas l'empreinte SHA-256 de query.")
        if own in self._trusted:
            return self._trusted[own]
        if not viewer.free_documents:
            raise InvalidRequest("Ce client n'envoie que des documents enregistrés.")
        if text is None:
            text = self._learnt.get((viewer.client, own))
        elif digest:
            self._learnt[viewer.client, own] = text
        if text is None:
            raise UnknownDocument
        return text


def _operations(text: str) -> list[str]:
    """The names of the operations of a document."""
    definitions = [each for each in parse(text).definitions if isinstance(each, OperationDefinitionNode)]
    return [each.name.value for each in definitions if each.name]


def read_manifests(directory: Path, validate: Callable[[str], object]) -> Mapping[str, str]:
    """The trusted documents of a directory, none when it does not exist: JSON files that map a SHA-256 to a text.

    Raises ConfigurationError for a hash or a document that does not hold.
    """
    trusted: dict[str, str] = {}
    for path in sorted(directory.glob("*.json")):
        trusted |= _manifest(path, validate)
    return trusted


def _manifest(path: Path, validate: Callable[[str], object]) -> Mapping[str, str]:
    texts = _read(path)
    for digest, text in texts.items():
        if not isinstance(text, str) or sha256(text.encode()).hexdigest() != digest:
            raise ConfigurationError(f"documents/{path.name} : {digest} n'est pas le SHA-256 de son texte")
        try:
            validate(text)
        except CallerError as error:
            raise ConfigurationError(f"documents/{path.name} : {digest} : {error}") from error
    return texts


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"documents/{path.name} : JSON illisible") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"documents/{path.name} : un objet {{empreinte: texte}} est attendu")
    return content


KEPT_MAX = 16 * 1024 * 1024  # bytes of the documents kept
ERRORS_MAX = 1
# Names written in the query are the caller's own; nothing else of the library's message is repeated.
_TRANSLATIONS = (
    (r"^Cannot query field '([_A-Za-z0-9]+)' on type '([_A-Za-z0-9]+)'", "Champ inconnu : {0} sur {1}."),
    (r"^Unknown argument '([_A-Za-z0-9]+)' on field '([_A-Za-z0-9.]+)'", "Argument inconnu : {0} de {1}."),
    (r"^Unknown type '([_A-Za-z0-9]+)'", "Type inconnu : {0}."),
    (r"^Unknown fragment '([_A-Za-z0-9]+)'", "Fragment inconnu : {0}."),
    (r"^Unknown directive '@([_A-Za-z0-9]+)'", "Directive inconnue : @{0}."),
    (r"^Variable '\$([_A-Za-z0-9]+)' is not defined", "Variable non déclarée : ${0}."),
    (r"^Variable '\$([_A-Za-z0-9]+)' is never used", "Variable déclarée et inutilisée : ${0}."),
    (r"^Field '([_A-Za-z0-9]+)' of type '.*' must have a selection", "Choisir des champs sous {0}."),
    (r"^Field '([_A-Za-z0-9]+)' argument '([_A-Za-z0-9]+)' .* is required", "Argument requis : {1} de {0}."),
    (r"^Syntax Error", "Syntaxe GraphQL incorrecte."),
)
_OTHER = "Requête invalide : un champ, un argument ou un type n'est pas celui du graphe."


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document, as it was written and as it is read, and the operation chosen in it."""

    text: str
    tree: DocumentNode
    operation: OperationDefinitionNode
    shape: Shape
    arguments: ArgumentChecks | None  # None: nothing to look at in the variables

    def variables(self, schema: GraphQLSchema, raw: dict[str, Any]) -> VariableValues:
        """As received and coerced, defaults included. Raises InvalidRequest naming the variable or argument, never a value."""
        values = get_variable_values(schema, self.operation.variable_definitions or (), raw, max_errors=ERRORS_MAX)
        if isinstance(values, list):
            name = re.search(r"\$([_A-Za-z0-9]+)", values[0].message)
            raise InvalidRequest(f"Variable invalide : {name.group(0) if name else 'type attendu non respecté'}.")
        if self.arguments:
            self.arguments.check(values.coerced)
        return values

    def age_max(self, variables: dict[str, Any]) -> int | None:
        """The age in seconds that `@fraicheur` asks for; None without it."""
        for directive in self.operation.directives or ():
            if directive.name.value == "fraicheur":
                (argument,) = directive.arguments or ()
                return int(value_from_ast_untyped(argument.value, variables))
        return None


@dataclass(frozen=True, slots=True)
class _Validated:
    """A valid document, and the shape and arguments of each of its operations."""

    tree: DocumentNode
    shapes: Mapping[str | None, Shape]
    arguments: Mapping[str | None, ArgumentChecks | None]


Judged = tuple[int, _Validated | CallerError]  # the bytes of a text, with its document or the refusal it gets each time


def tree_bytes(tree: DocumentNode) -> int:
    """What a tree takes in memory, and whatever holds a node of it: each node leads to all the tokens."""
    return ENTRY_BYTES + TOKEN_BYTES * (tree.token_count or 0)


def _text_bytes(text: str) -> int:
    return ENTRY_BYTES + getsizeof(text)


class Documents:
    """Parses, judges and validates each text once. Bounded in bytes: what a text costs to keep is what it weighs."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._judged: LRUCache[str, Judged] = LRUCache(KEPT_MAX, itemgetter(0))

    def read(self, text: str, name: str | None) -> Document:
        """The document and its operation. Raises InvalidRequest or TooCostlyRequest."""
        valid = self.validate(text)
        operation = get_operation_ast(valid.tree, name)
        if operation is None:
            raise InvalidRequest("Nommer l'opération à exécuter : operationName est absent ou inconnu.")
        if operation.operation is not OperationType.QUERY:
            raise InvalidRequest("Seules les requêtes (query) sont servies.")
        name = name_of(operation)
        return Document(text, valid.tree, operation, valid.shapes[name], valid.arguments[name])

    def knows(self, text: str) -> bool:
        """Whether it was judged, and is kept. Raises TooCostlyRequest for a text that is not even looked at."""
        if len(text) > TEXT_MAX:
            raise TooCostlyRequest(f"Requête refusée : texte de plus de {TEXT_MAX} caractères.")
        return text in self._judged

    def keep(self, text: str, judged: Judged) -> None:
        self._judged[text] = judged

    def validate(self, text: str) -> _Validated:
        """The document of a text. Raises as `read` does."""
        if not self.knows(text):
            self.keep(text, self.judge(text))
        known = self._judged[text][1]
        if isinstance(known, CallerError):
            raise type(known)(str(known))  # a new one each time: the one kept would gather the frames of each raise
        return known

    def judge(self, text: str) -> Judged:
        """What is to be kept of a text; may run in any thread, and take tens of milliseconds."""
        try:
            valid = self._examine(text)
        except CallerError as refusal:
            # Another one: that which was raised leads to its frames, and by its context to the whole tree.
            return _text_bytes(text), type(refusal)(str(refusal))
        return _text_bytes(text) + tree_bytes(valid.tree), valid

    def _examine(self, text: str) -> _Validated:
        try:
            tree = parse(text, max_tokens=TOKENS_MAX, allow_empty_selection_sets=False)
            _unchain(tree)
            shapes = judge(tree)
        except (GraphQLError, RecursionError) as error:
            raise _unreadable(error) from None
        errors = _errors(self._schema, tree)
        if errors:
            raise InvalidRequest(_translate(errors[0]))
        operations = [node for node in tree.definitions if isinstance(node, OperationDefinitionNode)]
        arguments = {name_of(each): checks_of(self._schema, tree, each) for each in operations}
        return _Validated(tree, shapes, arguments)


def _unchain(tree: DocumentNode) -> None:
    """Let go of each other the tokens, which nobody reads any more: as a cycle, they would hold a text of which we are done until
    the collector passes, which stops everybody the longer the more there is."""
    token = tree.loc.start_token if tree.loc else None
    while token:
        following, token.prev, token.next = token.next, None, None
        token = following


def _errors(schema: GraphQLSchema, tree: DocumentNode) -> list[GraphQLError]:
    """What is wrong with a document. The rules are emptied at the end: each is a cycle, by its own methods, that holds it."""
    made: list[ASTValidationRule] = []

    def noted(rule: type[ASTValidationRule], context: ValidationContext) -> ASTValidationRule:
        made.append(rule(context))
        return made[-1]

    rules = cast("list[type[ASTValidationRule]]", [partial(noted, rule) for rule in specified_rules])
    try:
        return validate(schema, tree, rules, max_errors=ERRORS_MAX, hide_suggestions=True)
    finally:
        for rule in made:
            vars(rule).clear()


def _unreadable(error: Exception) -> CallerError:
    """A text that the parser refuses: too long, nested beyond reason, or not GraphQL."""
    if "contains more than" in str(error) or "too deeply" in str(error) or isinstance(error, RecursionError):
        return TooCostlyRequest(f"Requête refusée : trop longue ou trop profonde, {TOKENS_MAX} jetons au plus.")
    return InvalidRequest(_translate(error))


def _translate(error: Exception) -> str:
    message = str(getattr(error, "message", ""))
    text = next(
        (model.format(*found.groups()) for pattern, model in _TRANSLATIONS if (found := re.match(pattern, message))),
        _OTHER,
    )
    places = getattr(error, "locations", None) or []
    return f"{text} (ligne {places[0].line}, colonne {places[0].column})" if places else text
