"""What cannot be answered in the arguments of a valid operation, told before any source is asked (docs/graphe.md). Knows no
right and no source, and says no value.

What is written in the text is judged once, with it; what comes by variables is judged each time, and only that.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    NonNullTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Undefined,
    ValueNode,
    VariableNode,
    Visitor,
    is_non_null_type,
    value_from_ast_untyped,
    visit,
)

from gateway.documents.mistake import Detail, Mistake, MistakenRequest
from gateway.documents.wrong_values import MISTAKES_MAX, place_of
from gateway.domain.official_numbers import normalise_nom
from gateway.schema.connections import PAGE_MAX
from gateway.schema.coordinates import LARGEST_PAGES
from gateway.schema.filters import NAME_MIN

FRAICHEUR, AGE_MAX = "fraicheur", "maxSecondes"
ONE_OF = {"cfa": ("uai", "siret"), "contrat": ("id", "numero")}  # root fields that need one of these arguments
SEARCH = "rechercheJeune"
INTERVALS = (("depuis", "jusqua"), ("debutDepuis", "debutJusqua"))
NAMES = ("nom", "prenom")
SOUGHT = ("nom", "recherche")  # criteria of a name, which need letters
SIZES = ("first", "last")
NAME_MAX = 100  # characters: no name is longer, and names looked for are kept in their normal form

Written = FieldNode | DirectiveNode
Variables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ArgumentChecks:
    """What has to be looked at in the variables of an operation: those that must not be null though their type allows it, and
    the fields and directives whose arguments they give, each with the arguments that its text gives."""

    required: tuple[str, ...]
    varying: tuple[tuple[Written, Mapping[str, Any]], ...]

    def mistakes(self, variables: Variables) -> list[Mistake]:
        """What of these variables cannot be answered."""
        null = [name for name in self.required if name in variables and variables[name] is None]
        if null:
            said = "La variable ${} est nulle, où une valeur est requise"
            return [Mistake(Detail.VALEUR_REQUISE, said.format(name)) for name in null]
        return [mistake for written, known in self.varying for mistake in _mistakes(written, known, variables)]


def checks_of(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> ArgumentChecks | None:
    """Those of a valid operation, if any; what its text says is checked at once. Raises MistakenRequest."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    directives = [d for d in operation.directives or () if d.name.value == FRAICHEUR]
    varying: list[tuple[Written, Mapping[str, Any]]] = []
    mistakes: list[Mistake] = []
    everything: tuple[Written, ...] = (*directives, *_roots(operation.selection_set, fragments, set()))
    for written in everything:
        arguments = written.arguments or ()
        known = {a.name.value: value_from_ast_untyped(a.value) for a in arguments if not _has_variable(a.value)}
        if len(known) < len(arguments):
            varying.append((written, known))
        else:
            mistakes += _mistakes(written, known, {})
    if mistakes:
        raise MistakenRequest(mistakes[:MISTAKES_MAX])
    required = _required(schema, document, operation)
    return ArgumentChecks(required, tuple(varying)) if required or varying else None


def _roots(
    selection: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], spread: set[str]
) -> Iterator[FieldNode]:
    """The root fields, each fragment spread once."""
    for node in selection.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _roots(node.selection_set, fragments, spread)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
            spread.add(node.name.value)
            yield from _roots(fragments[node.name.value].selection_set, fragments, spread)


def _has_variable(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(map(_has_variable, node.values))
    if isinstance(node, ObjectValueNode):
        return any(_has_variable(field.value) for field in node.fields)
    return isinstance(node, VariableNode)


def _mistakes(written: Written, known: Mapping[str, Any], variables: Variables) -> list[Mistake]:
    """What cannot be answered in these arguments; `known`: those that no variable gives."""
    varying = (argument for argument in written.arguments or () if argument.name.value not in known)
    given = _present({**known, **{a.name.value: value_from_ast_untyped(a.value, variables) for a in varying}})
    return [Mistake(Detail.ARGUMENT_IMPOSSIBLE, said, place_of(written)) for said in _said(written, given)]


def _said(written: Written, given: Mapping[str, Any]) -> Iterator[str]:
    name = written.name.value
    if name in ONE_OF and isinstance(written, FieldNode) and given.keys().isdisjoint(ONE_OF[name]):
        yield f"{name} demande {' ou '.join(ONE_OF[name])}"
    for size in SIZES:
        largest = LARGEST_PAGES.get(name, PAGE_MAX)
        if not 0 <= given.get(size, 0) <= largest:
            yield f"L'argument {size} va de 0 à {largest}"
    if given.keys() >= set(SIZES):
        yield "Les arguments first et last ne se donnent pas ensemble"
    if name == FRAICHEUR and given[AGE_MAX] < 0:
        yield f"@{FRAICHEUR} : {AGE_MAX} est un nombre de secondes, zéro au moins"
    yield from _of_names(given)
    if name == SEARCH and not all(normalise_nom(given.get(one, "")) for one in NAMES):
        yield "La recherche demande un nom et un prénom qui ont des lettres"
    yield from _of_filter(_present(given.get("filtre", {})))


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are given: neither null nor a variable without value."""
    return {name: value for name, value in values.items() if value is not None and value is not Undefined}


def _of_names(given: Mapping[str, Any]) -> Iterator[str]:
    for name in (*NAMES, "recherche"):
        if len(given.get(name, "")) > NAME_MAX:
            yield f"{name} : {NAME_MAX} caractères au plus"


def _of_filter(filtre: Mapping[str, Any]) -> Iterator[str]:
    yield from _of_names(filtre)
    for name in SOUGHT:
        if name in filtre and len(normalise_nom(filtre[name])) < NAME_MIN:
            yield f"Le filtre {name} demande {NAME_MIN} lettres au moins"
    for start, end in INTERVALS:
        first, last = _day(filtre.get(start)), _day(filtre.get(end))
        if first and last and first > last:
            yield f"Le filtre ne laisse aucun jour : {start} vient après {end}"


def _day(value: Any) -> date | None:
    """A day as the text writes it, or as variables hold it."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def _required(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> tuple[str, ...]:
    """The variables that may be null by their type, and stand where null may not: a default lets them pass validation."""
    definitions = operation.variable_definitions or ()
    nullable = {d.variable.name.value for d in definitions if not isinstance(d.type, NonNullTypeNode)}
    if not nullable:
        return ()
    type_info = TypeInfo(schema)
    reader = _NonNullReader(type_info)
    for definition in document.definitions:
        if definition is operation or isinstance(definition, FragmentDefinitionNode):
            visit(definition, TypeInfoVisitor(type_info, reader))
    return tuple(sorted(nullable & reader.names))


class _NonNullReader(Visitor):
    """Finds the variables that stand where null may not."""

    def __init__(self, type_info: TypeInfo) -> None:
        super().__init__()
        self._type_info = type_info
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        if is_non_null_type(self._type_info.get_input_type()):
            self.names.add(node.name.value)
