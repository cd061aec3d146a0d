"""From what a caller sends to a valid document: the text of a hash, then its tree, parsed and validated once a text.

Two stores, both bounded: the texts that clients taught by their SHA-256 (Apollo's automatic persisted queries), beside
those the operator trusts, and the trees by their text. Knows the graph, no value of a variable; what a document may read
is decided each time it is run.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from operator import itemgetter
from sys import getsizeof
from typing import Any, cast

from cachetools import LRUCache
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
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
from gateway.documents.find_mistakes import RULES, as_mistakes, syntax_mistake
from gateway.documents.limits import TEXT_MAX, TOKENS_MAX, Shape, judge, name_of
from gateway.documents.mistake import Detail, Mistake, MistakenRequest
from gateway.documents.wrong_values import MISTAKES_MAX, NAME_MAX, variable_mistakes
from gateway.errors import CallerError, InvalidRequest, TooCostlyRequest, UnknownDocument

MISTAKE_BYTES = 1000  # of one that is kept, rounded up
ENTRY_BYTES = 1500  # what an entry of a cache takes beside its text: its key, its place, the refusal it may hold
LEARNT_MAX = 8 * 1024 * 1024  # bytes of the taught documents, all clients together


class PersistedDocuments:
    """`trusted`: text by identifier, its SHA-256 in hexadecimal and those of its manifest; usable by every client."""

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
            raise InvalidRequest("L'identifiant du document n'est pas l'empreinte SHA-256 de query.")
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


KEPT_MAX = 16 * 1024 * 1024  # bytes of the documents kept


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document, as it was written and as it is read, and the operation chosen in it."""

    text: str
    tree: DocumentNode
    operation: OperationDefinitionNode
    shape: Shape
    arguments: ArgumentChecks | None  # None: nothing to look at in the variables
    stand_in: str  # of its text, for the operator

    def variables(self, schema: GraphQLSchema, raw: dict[str, Any]) -> VariableValues:
        """As received and coerced, defaults included. Raises MistakenRequest, whose mistakes tell no value."""
        definitions = self.operation.variable_definitions or ()
        values = get_variable_values(schema, definitions, raw, max_errors=1, hide_suggestions=True)
        if isinstance(values, list):
            raise MistakenRequest(variable_mistakes(schema, definitions, raw))
        if self.arguments and (mistakes := self.arguments.mistakes(values.coerced)):
            raise MistakenRequest(mistakes[:MISTAKES_MAX])
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
    stand_in: str


Judged = tuple[int, _Validated | CallerError]  # the bytes of a text, with its document or the refusal it gets each time


def tree_bytes(tree: DocumentNode) -> int:
    """What a tree takes in memory, and whatever holds a node of it: each node leads to all the tokens."""
    return ENTRY_BYTES + TOKEN_BYTES * (tree.token_count or 0)


def _text_bytes(text: str) -> int:
    return ENTRY_BYTES + getsizeof(text)


class Documents:
    """Parses, judges and validates each text once. Bounded in bytes: what a text costs to keep is what it weighs.

    `stand_in`: the pseudonym of a text, made once as well.
    """

    def __init__(self, schema: GraphQLSchema, stand_in: Callable[[str], str]) -> None:
        self._schema, self._stand_in = schema, stand_in
        self._judged: LRUCache[str, Judged] = LRUCache(KEPT_MAX, itemgetter(0))

    def read(self, text: str, name: str | None) -> Document:
        """The document and its operation. Raises InvalidRequest or TooCostlyRequest."""
        valid = self.validate(text)
        operation = get_operation_ast(valid.tree, name)
        if operation is None:
            raise MistakenRequest([_unnamed(valid)])
        name = name_of(operation)
        return Document(text, valid.tree, operation, valid.shapes[name], valid.arguments[name], valid.stand_in)

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
            raise _renewed(known)  # a new one each time: the one kept would gather the frames of each raise
        return known

    def judge(self, text: str) -> Judged:
        """What is to be kept of a text; may run in any thread, and take tens of milliseconds."""
        try:
            valid = self._examine(text)
        except CallerError as refusal:
            return _text_bytes(text) + MISTAKE_BYTES * len(getattr(refusal, "mistakes", ())), _renewed(refusal)
        return _text_bytes(text) + tree_bytes(valid.tree), valid

    def _examine(self, text: str) -> _Validated:
        try:
            tree = parse(text, max_tokens=TOKENS_MAX, allow_empty_selection_sets=False)
            _unchain(tree)
            shapes = judge(tree)
        except (GraphQLError, RecursionError) as error:
            raise _unreadable(error) from None
        # Twice when something is wrong: most texts are right, and need no more than to know it.
        if _errors(self._schema, tree, specified_rules, 1):
            raise MistakenRequest(as_mistakes(_errors(self._schema, tree, RULES, MISTAKES_MAX)))
        operations = [node for node in tree.definitions if isinstance(node, OperationDefinitionNode)]
        arguments = {name_of(each): checks_of(self._schema, tree, each) for each in operations}
        return _Validated(tree, shapes, arguments, self._stand_in(text))


def _unchain(tree: DocumentNode) -> None:
    """Let go of each other the tokens, which nobody reads any more: as a cycle, they would hold a text of which we are done until
    the collector passes, which stops everybody the longer the more there is."""
    token = tree.loc.start_token if tree.loc else None
    while token:
        following, token.prev, token.next = token.next, None, None
        token = following


def _errors(
    schema: GraphQLSchema, tree: DocumentNode, rules: Iterable[type[ASTValidationRule]], maximum: int
) -> list[GraphQLError]:
    """What is wrong with a document. The rules are emptied at the end: each is a cycle, by its own methods, that holds it."""
    made: list[ASTValidationRule] = []

    def noted(rule: type[ASTValidationRule], context: ValidationContext) -> ASTValidationRule:
        made.append(rule(context))
        return made[-1]

    noting = cast("list[type[ASTValidationRule]]", [partial(noted, rule) for rule in rules])
    try:
        return validate(schema, tree, noting, maximum, hide_suggestions=True)
    finally:
        for rule in made:
            vars(rule).clear()


def _unnamed(valid: _Validated) -> Mistake:
    """The operation to run is not told, or is not there: its author is reminded of those that are."""
    names = ", ".join(name[:NAME_MAX] for name in valid.shapes if name)
    said = "Nommer l'opération à exécuter : operationName est absent ou inconnu"
    return Mistake(Detail.OPERATION_INCONNUE, f"{said} ; le texte a {names}" if names else said)


def _renewed(refusal: CallerError) -> CallerError:
    """Another one that says the same: one that was raised leads to its frames, and by its context to the whole tree."""
    return MistakenRequest(refusal.mistakes) if isinstance(refusal, MistakenRequest) else type(refusal)(str(refusal))


def _unreadable(error: GraphQLError | RecursionError) -> CallerError:
    """A text that the parser refuses: too long, nested beyond reason, or not GraphQL."""
    if isinstance(error, RecursionError) or re.search("contains more than|too deeply", error.message):
        return TooCostlyRequest(f"Requête refusée : trop longue ou trop profonde, {TOKENS_MAX} jetons au plus.")
    return MistakenRequest([syntax_mistake(error)])
