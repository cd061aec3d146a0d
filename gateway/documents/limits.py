"""Weighs an operation on its text, before any work, and refuses what is too heavy. Linear in the document; knows no value.

Fragments are measured once and counted wherever they are spread, so a document cannot be small and explode (docs/security.md F3).
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
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    value_from_ast_untyped,
)

from gateway.documents.mistake import Detail, Mistake, MistakenRequest
from gateway.documents.wrong_values import NAME_MAX, place_of
from gateway.errors import TooCostlyRequest
from gateway.schema.connections import PAGE_MAX
from gateway.schema.coordinates import DEFAULT_SIZES, LARGEST_PAGES, LIST_SIZES, ROWS_BELOW

TEXT_MAX = 32_768  # characters of a document
TOKENS_MAX = 2000
DEPTH_MAX = 15
SCHEMA_DEPTH_MAX = 20
ALIAS_MAX = 60
ROOTS_MAX = 10
DIRECTIVES_MAX = 40
OPERATIONS_MAX = 10
FIELDS_MAX = 600  # fields written, fragments expanded
REPETITIONS_MAX = 10  # of one response key in one selection: validation compares them two by two
NESTED_FRAGMENTS_MAX = 30
# `ruptures(first: 100)` with everything nested passes; nothing ten times as heavy does (docs/graphe.md, Coût).
COST_MAX = 60_000
WRITE_PRICE = 50  # of what writes: a find, a journal entry and a commit
SCHEMA_COST_MAX = 150_000  # one standard introspection query passes, two do not

# Usual sizes of what introspection lists, in this graph.
SCHEMA_SIZES = {"types": 70, "fields": 10, "args": 2, "inputFields": 5, "enumValues": 5, "directives": 6}
META = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Shape:
    """What a selection weighs whatever the variables. `fields`: fields written, as if each list had one element; `keys`:
    response keys of the selection itself; `pages`: the lists whose size is an argument, with the weight of a row;
    `below`: the weight of each field of the selection that is the rows of such a list.
    What reads the schema is counted apart (`_schema`)."""

    fixe: int = 0
    pages: tuple[tuple[FieldNode, int], ...] = ()
    depth: int = 0
    alias: int = 0
    directives: int = 0
    fields: int = 0
    schema_fixed: int = 0
    schema_depth: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    below: Counter[str] = field(default_factory=Counter)


def _sum(shapes: Iterable[Shape]) -> Shape:
    shapes = list(shapes)
    keys, below = Counter[str](), Counter[str]()
    for shape in shapes:
        keys.update(shape.keys)
        below.update(shape.below)
    total = Shape(
        sum(shape.fixe for shape in shapes),
        tuple(page for shape in shapes for page in shape.pages),
        max((shape.depth for shape in shapes), default=0),
        sum(shape.alias for shape in shapes),
        sum(shape.directives for shape in shapes),
        sum(shape.fields for shape in shapes),
        sum(shape.schema_fixed for shape in shapes),
        max((shape.schema_depth for shape in shapes), default=0),
        keys,
        below,
    )
    _cap("répétitions d'un champ", max(keys.values(), default=0), REPETITIONS_MAX)
    _cap("nombre de champs", total.fields, FIELDS_MAX)
    return total


class _Weigher:
    """The shapes of one document's selections, by these sizes of lists. Each fragment is measured once."""

    def __init__(self, document: DocumentNode, sizes: Mapping[str, int]) -> None:
        self.document = document
        self.sizes = sizes
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.measured: dict[tuple[str, bool], Shape] = {}
        self.under_way: set[str] = set()

    def selection(self, selection: SelectionSetNode | None, root: bool = False) -> Shape:
        return _sum(self.node(node, root) for node in selection.selections) if selection else Shape()

    def node(self, node: SelectionNode, root: bool) -> Shape:
        if isinstance(node, FieldNode):
            shape = self.meta(node) if root and node.name.value in META else self.field(node, root)
        elif isinstance(node, FragmentSpreadNode):
            shape = self.fragment(node.name.value, root)
        else:
            shape = self.selection(node.selection_set if isinstance(node, InlineFragmentNode) else None, root)
        return replace(shape, directives=shape.directives + len(node.directives)) if node.directives else shape

    def fragment(self, name: str, root: bool) -> Shape:
        if name in self.under_way:
            said = f"Le fragment {name[:NAME_MAX]} s'inclut lui-même"
            raise MistakenRequest([Mistake(Detail.FRAGMENT_CIRCULAIRE, said, place_of(self.fragments[name]))])
        if (name, root) not in self.measured:
            _cap("fragments emboîtés", len(self.under_way) + 1, NESTED_FRAGMENTS_MAX)
            definition = self.fragments.get(name)
            self.under_way.add(name)
            self.measured[name, root] = self.selection(definition.selection_set, root) if definition else Shape()
            self.under_way.discard(name)
        return self.measured[name, root]

    def field(self, node: FieldNode, root: bool) -> Shape:
        inside, name = self.selection(node.selection_set), node.name.value
        paged, rows = root and name in DEFAULT_SIZES, ROWS_BELOW.get(name)
        row = inside.below[rows] if rows else inside.fixe
        return Shape(
            1 + inside.fixe - row if paged else 1 + self.sizes.get(name, 1) * inside.fixe,
            ((node, row),) if paged else (),
            1 + inside.depth,
            int(node.alias is not None) + inside.alias,
            inside.directives,
            1 + inside.fields,
            keys=Counter(((node.alias or node.name).value,)),
            below=Counter({name: 1 + inside.fixe}) if name in ROWS_BELOW.values() else Counter(),
        )

    def meta(self, node: FieldNode) -> Shape:
        """What reads the schema takes nothing of the budget of data, and has its own (docs/graphe.md)."""
        shape = _Weigher(self.document, SCHEMA_SIZES).field(node, root=False)
        return replace(shape, fixe=0, depth=0, schema_fixed=shape.fixe, schema_depth=shape.depth)


def judge(document: DocumentNode) -> Mapping[str | None, Shape]:
    """The shape of each operation by name, judged before validation. Raises TooCostlyRequest or InvalidRequest, each naming
    the limit, for the whole document: an unreasonable fragment is refused though it is never spread."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    _cap("nombre d'opérations", len(operations), OPERATIONS_MAX)
    weigher = _Weigher(document, LIST_SIZES)
    for fragment in weigher.fragments:
        weigher.fragment(fragment, root=False)
    return {name_of(operation): _judge(operation, weigher) for operation in operations}


def name_of(operation: OperationDefinitionNode) -> str | None:
    """Its name, None when it has none."""
    return operation.name.value if operation.name else None


def _judge(operation: OperationDefinitionNode, weigher: _Weigher) -> Shape:
    shape = weigher.selection(operation.selection_set, root=True)
    if operation.operation is OperationType.MUTATION:
        shape = replace(_written_alone(operation, shape), fixe=shape.fixe + WRITE_PRICE)
    _cap("champs à la racine", shape.keys.total(), ROOTS_MAX)
    _cap("profondeur", shape.depth, DEPTH_MAX)
    _cap("profondeur d'introspection", shape.schema_depth, SCHEMA_DEPTH_MAX)
    _cap("alias", shape.alias, ALIAS_MAX)
    _cap("directives", shape.directives + len(operation.directives or ()), DIRECTIVES_MAX)
    _cap("coût d'introspection", shape.schema_fixed, SCHEMA_COST_MAX)
    return shape


def _written_alone(operation: OperationDefinitionNode, shape: Shape) -> Shape:
    """The shape of a mutation that does one thing, so that it is done or not as a whole. Raises MistakenRequest."""
    if shape.keys.total() > 1:
        said = "Une écriture à la fois : un seul champ à la racine d'une mutation"
        raise MistakenRequest([Mistake(Detail.UNE_ECRITURE, said, place_of(operation))])
    return shape


def cost_of(shape: Shape, variables: dict[str, Any]) -> int:
    """The cost of an operation for these variables, defaults included: the number of values that may be written.

    Raises TooCostlyRequest.
    """
    cost = shape.fixe + sum(_page(node, variables) * row for node, row in shape.pages)
    _cap("coût", cost, COST_MAX)
    return cost


def _page(node: FieldNode, variables: dict[str, Any]) -> int:
    """The number of rows that a list may show; an unknown, negative or absurd size counts as the largest page
    (docs/security.md G08)."""
    sizes = (argument for argument in node.arguments or () if argument.name.value in ("first", "last"))
    given = {size.name.value: value_from_ast_untyped(size.value, variables) for size in sizes}
    # One that may be null is not given then, and is never given beside the other.
    size = (
        given.get("first", DEFAULT_SIZES[node.name.value]) if given.get("last") in (None, Undefined) else given["last"]
    )
    largest = LARGEST_PAGES.get(node.name.value, PAGE_MAX)
    return size if isinstance(size, int) and 0 <= size <= largest else largest


def _cap(name: str, value: int, maximum: int) -> None:
    if value > maximum:
        raise TooCostlyRequest(f"Requête refusée : {name} {value}, {maximum} au plus.")
