"""Decides, before anything is fetched, what of an operation its caller may read (docs/graphe.md, docs/security.md). Pure.

A decision is made once and kept: it depends on the document, on who reads (profile, purpose, purposes of the register) and,
of the variables, only on which criteria they use and on the booleans that @skip and @include read; on nothing of a person.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    is_abstract_type,
    is_object_type,
)

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.reasons import check_act, criterion_refused, field_refused
from gateway.auth.authorization.selection import Selection, Sets, criteria_of
from gateway.auth.policy.acts import ACT
from gateway.auth.policy.policy import PUBLIQUE, WITHOUT_FINALITE, AccessPolicy
from gateway.auth.policy.rules import CategorieDonnee, categorie, opening, paths_to, written
from gateway.errors import ArgumentRefused, Code, InvalidRequest, TooCostlyRequest, WriteRefused

STEPS_MAX = 20_000  # steps of one decision; the limits on cost and depth refuse long before
WITHOUT_PERSON = WITHOUT_FINALITE | {CategorieDonnee.TECHNIQUE}

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused coordinate: the topmost of its branch. `path`: response keys, list indexes left out."""

    path: Path
    coordinate: str
    categorie: CategorieDonnee


@dataclass(frozen=True, slots=True)
class Decision:
    """The part of an operation that will be read, and the part that will not.

    `categories`: granted for the purpose. `coordinates`: granted and used, governed or not, fields ("Jeune.telephone")
    and criteria ("FiltreRuptures.etat", "TriRuptures.PRIORITE"). `fields`: (response key, name) of the root fields, in
    the order of the answer. `roots`: response keys of those that run. `nulls`: (response path, coordinate) of the
    fields that answer null: refused, or holding nothing that is granted (docs/graphe.md, Refus). `nominative`: something of a
    person is read.
    """

    categories: frozenset[CategorieDonnee]
    coordinates: frozenset[str]
    fields: tuple[tuple[str, str], ...]
    roots: frozenset[str]
    refusal: tuple[Refusal, ...]
    nulls: frozenset[tuple[Path, str]]
    nominative: bool

    def keys(self, names: Collection[str]) -> list[str]:
        """Response keys of the root fields of these names."""
        return [key for key, name in self.fields if name in names]


def decide(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    viewer: Viewer,
    policy: AccessPolicy,
) -> Decision:
    """The decision for a valid operation, linear in it.

    Raises ArgumentRefused when a filter or a sort uses data of a category not granted: dropping it would widen the answer;
    WriteRefused when the act, or a field of what a mutation answers, is not.
    """
    selection = Selection(schema, document, operation, variables)
    decider = _Decider(schema, selection, viewer, policy)
    root = schema.get_root_type(operation.operation)
    if root is None:
        raise InvalidRequest("Ce type d'opération n'existe pas ici.")
    groups = selection.fields(root, (operation.selection_set,))
    branches = decider.branches(root, groups)
    whole = _union_of(branches)
    if operation.operation is OperationType.MUTATION and whole.refusal:
        # One field refused, and nothing is written: what is written must be what its author may read back.
        refused = whole.refusal[0]
        raise WriteRefused(field_refused(refused.coordinate, refused.categorie, viewer, policy), Code.CHAMP_REFUSE)
    return Decision(
        categories=decider.readable,
        coordinates=whole.coordinates,
        fields=tuple((key, nodes[0].name.value) for key, nodes in groups.items()),
        roots=frozenset(key for key, branch in branches.items() if not branch.is_null),
        refusal=whole.refusal,
        nulls=frozenset(whole.nulls),
        nominative=not whole.categories <= WITHOUT_PERSON,
    )


@dataclass(frozen=True, slots=True)
class _Branch:
    """The decision on a field or on a set of fields. Paths start at it; `granted`: something governed in it is granted."""

    refusal: tuple[Refusal, ...] = ()
    nulls: tuple[tuple[Path, str], ...] = ()
    coordinates: frozenset[str] = frozenset()
    categories: frozenset[CategorieDonnee] = frozenset()
    granted: bool = False

    @property
    def is_null(self) -> bool:
        """True when the field itself answers null."""
        return any(path == () for path, _ in self.nulls)

    def under(self, key: str) -> "_Branch":
        """The same, seen from the selection that holds it under a response key."""
        if not self.refusal and not self.nulls:
            return self
        refusal = tuple(Refusal((key, *r.path), r.coordinate, r.categorie) for r in self.refusal)
        return replace(self, refusal=refusal, nulls=tuple(((key, *path), name) for path, name in self.nulls))


class _Decider:
    """One decision being made. Sub-selections are memoised by concrete type and selection sets."""

    def __init__(self, schema: GraphQLSchema, selection: Selection, viewer: Viewer, policy: AccessPolicy) -> None:
        reader = (viewer.profil, viewer.finalite, viewer.perimetre.profil)
        self.readable = policy.categories(*reader)
        self._filterable = policy.filterable(*reader)
        self._schema = schema
        self._selection = selection
        self._viewer = viewer
        self._policy = policy
        self._memo: dict[tuple[str, tuple[int, ...]], _Branch] = {}
        self._steps = 0

    def branches(self, type_: GraphQLObjectType, groups: Mapping[str, list[FieldNode]]) -> dict[str, _Branch]:
        """The decision on each response key of a selection."""
        return {key: self._field(type_, nodes) for key, nodes in groups.items()}

    def _object(self, type_: GraphQLObjectType, sets: Sets) -> _Branch:
        place = (type_.name, tuple(map(id, sets)))
        if place not in self._memo:
            self._memo[place] = _union_of(self.branches(type_, self._selection.fields(type_, sets)))
        return self._memo[place]

    def _field(self, type_: GraphQLObjectType, nodes: list[FieldNode]) -> _Branch:
        name = nodes[0].name.value
        if name.startswith("__"):
            return _Branch(coordinates=frozenset({f"{type_.name}.{name}"}))
        field, coordinate = type_.fields[name], f"{type_.name}.{name}"
        own = categorie(field)
        if own is not None and own not in self.readable:
            return _refused_branch(coordinate, own)
        criteria = self._criteria(coordinate, field, nodes[0])
        below = self._below(field, nodes)
        public = paths_to(get_named_type(field.type)) == PUBLIQUE
        self._spend(1 + len(below.refusal) + len(below.nulls))
        if below.refusal and not (below.granted or public) and own is not None:
            return _Branch(refusal=below.refusal, nulls=(((), coordinate),))
        return _Branch(
            below.refusal,
            below.nulls,
            below.coordinates | criteria | {coordinate},
            below.categories | {own} if own else below.categories,
            granted=below.granted or public or own is not None,
        )

    def _criteria(self, coordinate: str, field: GraphQLField, node: FieldNode) -> frozenset[str]:
        """The criteria a field uses; all must be readable on every record seen, else they would tell of the others."""
        criteria = list(criteria_of(coordinate, field, node, self._selection))
        if acts := written(field, ACT):
            check_act(acts, self._viewer, self._policy)
            return frozenset(criterion.coordinate for criterion in criteria)
        for criterion in criteria:
            for refused in sorted(criterion.categories - self._filterable, key=lambda c: c.value):
                raise ArgumentRefused(criterion_refused(criterion.path, refused, self._viewer, self._policy))
        return frozenset(criterion.coordinate for criterion in criteria)

    def _below(self, field: GraphQLField, nodes: list[FieldNode]) -> _Branch:
        sets = tuple(node.selection_set for node in nodes if node.selection_set)
        type_ = get_named_type(field.type)
        if is_object_type(type_):
            return self._object(type_, sets)
        if is_abstract_type(type_):
            return self._abstract(self._schema.get_possible_types(type_), sets)
        return _Branch()

    def _abstract(self, possible: list[GraphQLObjectType], sets: Sets) -> _Branch:
        """A key may be a field of several types: its path is null only if it is for each type that may be opened."""
        branches = {type_.name: self._node(type_, sets) for type_ in possible}
        opened = [
            (self._selection.fields(type_, sets).keys(), {path for path, _ in branches[type_.name].nulls})
            for type_ in possible
            if opening(type_) in self.readable
        ]
        merged = _merged(list(branches.values()))
        nulls = [null for null in merged.nulls if all(null[0] in paths for keys, paths in opened if null[0][0] in keys)]
        return replace(merged, nulls=tuple(nulls))

    def _node(self, type_: GraphQLObjectType, sets: Sets) -> _Branch:
        """The selection on one concrete type of an abstract one: opening it has its own rule."""
        required = opening(type_)
        assert required is not None  # noqa: S101 (the start is stopped otherwise)
        if required in self.readable:
            branch = self._object(type_, sets)
            own = {f"{type_.name}.{name}" for name in ("id", "__typename")}
            public = required is CategorieDonnee.PUBLIQUE and not branch.coordinates <= own
            return replace(branch, granted=branch.granted or public)
        names = {key: nodes[0].name.value for key, nodes in self._selection.fields(type_, sets).items()}
        governed = {key: name for key, name in names.items() if name in type_.fields and categorie(type_.fields[name])}
        return _union_of({key: _refused_branch(f"{type_.name}.{name}", required) for key, name in governed.items()})

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > STEPS_MAX:
            raise TooCostlyRequest("La requête est trop ramifiée.")


def _refused_branch(coordinate: str, refused: CategorieDonnee) -> _Branch:
    return _Branch(refusal=(Refusal((), coordinate, refused),), nulls=(((), coordinate),))


def _union_of(branches: Mapping[str, _Branch]) -> _Branch:
    """The branches of one selection, paths starting at the selection."""
    return _merged([branch.under(key) for key, branch in branches.items()])


def _merged(branches: Sequence[_Branch]) -> _Branch:
    return _Branch(
        refusal=tuple({r.path: r for branch in reversed(branches) for r in reversed(branch.refusal)}.values())[::-1],
        nulls=tuple(dict.fromkeys(null for branch in branches for null in branch.nulls)),
        coordinates=frozenset().union(*(branch.coordinates for branch in branches)),
        categories=frozenset().union(*(branch.categories for branch in branches)),
        granted=any(branch.granted for branch in branches),
    )
