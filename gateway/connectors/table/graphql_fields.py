"""A query of GraphQL, as a table writes it: the fields that it asks for come from the paths that the table reads, so that each
place is said once; and its variables are those that are sent. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from gateway.connectors.table.field_paths import parse_path

SELECTED = "{champs}"
_LIKE_SELECTED = re.compile(r"\{\s*champs?\s*\}")
_PLACE_IN_TEXT = re.compile(r'"(\{(?:uai|siret|code|mission_locale|annee_scolaire|jour|depuis)\})"')
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
Tree = dict[str, Any]  # of what is a value, as it is asked for, None


def query_of(written: str, nouns: Iterable[tuple[str, Any]]) -> str:
    """The query, with all that the tables of nouns read in the place of SELECTED. Raises ValueError, in French, for a path that
    no query can ask for."""
    if (like := _LIKE_SELECTED.search(written)) and SELECTED not in written:
        raise ValueError(f"graphql : {SELECTED} attendu à la place de {like[0]}")
    if SELECTED not in written:
        return written
    tree: Tree = {}
    for _, path in rows_paths(nouns):
        _add(tree, path)
    return written.replace(SELECTED, _written(tree))


def rows_paths(nouns: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Sequence[str]]]:
    """The names that lead to each value that tables of nouns read in a row, with the field that reads it."""
    for noun, table in nouns:
        above = parse_path(table.lignes) if table.lignes else ()
        for word, told in table.fields():
            for path in told.paths:
                steps = (*above, *parse_path(path))
                names = [step.name for step in steps]
                yield from ((f"{noun}.{word}", [*names[: n + 1], one.key]) for n, one in enumerate(steps) if one.key)
                yield f"{noun}.{word}", names


def _add(tree: Tree, path: Iterable[str]) -> None:
    for name in path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"chemin « {name} » : GraphQL n'a pas de tel nom ; écrire les champs dans « graphql »")
        tree = tree.setdefault(name, {})


def _written(tree: Tree) -> str:
    fields = (f"{name} {_written(inside)}" if inside else name for name, inside in tree.items())
    return "{ " + " ".join(fields) + " }"


def check_query(query: str, variables: Mapping[str, Any], pages: Collection[str]) -> Tree:
    """What a query asks for, by the names of its answer. Raises ValueError, in French, for one that is none, or whose variables
    are not those that are sent: `variables`, and the places where pages are asked."""
    try:
        document = parse(query).definitions
        operation = next(one for one in document if isinstance(one, OperationDefinitionNode))
    except (GraphQLSyntaxError, StopIteration):
        raise ValueError("graphql : requête illisible ; une accolade de trop, ou qui manque ?") from None
    if written := _PLACE_IN_TEXT.search(query):
        raise ValueError(
            f"graphql : {written[1]} n'y est pas remplacé ; une variable, et variables = {{ … = {written[0]} }}"
        )
    declared = {one.variable.name.value: one for one in operation.variable_definitions or ()}
    told = ", ".join(f"${name}" for name in declared) or "aucune"
    for place in filter(None, pages):
        head, _, name = place.partition(".")
        if head != "variables" or name.partition(".")[0] not in declared:
            raise ValueError(f"pages : « {place} » : « variables. » et une variable de la requête attendus ({told})")
    if unknown := set(variables) - set(declared):
        raise ValueError(f"variables : « {min(unknown)} » n'est pas une variable de la requête ({told})")
    sent = {*variables, *(place.split(".")[1] for place in filter(None, pages))}
    for name, one in declared.items():
        if name not in sent and one.default_value is None:
            raise ValueError(f"variables : « {name} » attendu, que la requête demande")
    fragments = {one.name.value: one.selection_set for one in document if isinstance(one, FragmentDefinitionNode)}
    return {"data": _selected(operation.selection_set, fragments)}


def _selected(selection: SelectionSetNode | None, fragments: Mapping[str, SelectionSetNode]) -> Tree:
    """The names that a selection asks for; none under what is a value. A fragment that leads to itself is none of its own."""
    tree: Tree = {}
    for one in selection.selections if selection else ():
        if isinstance(one, FieldNode):
            inside = _selected(one.selection_set, fragments) if one.selection_set else None
            _merge(tree, {(one.alias or one.name).value: inside})
        elif isinstance(one, InlineFragmentNode):
            _merge(tree, _selected(one.selection_set, fragments))
        elif isinstance(one, FragmentSpreadNode):
            others = {name: inside for name, inside in fragments.items() if name != one.name.value}
            _merge(tree, _selected(fragments.get(one.name.value), others))
    return tree


def _merge(tree: Tree, other: Tree) -> Tree:
    for name, inside in other.items():
        tree[name] = None if inside is None else _merge(tree.get(name) or {}, inside)
    return tree


def check_asked(asked: Tree, paths: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Raises ValueError, in French, for a path that a table reads and its query does not ask for."""
    for label, path in paths:
        tree = asked
        for rank, name in enumerate(path):
            if name not in tree:
                near = get_close_matches(name, tree, 1)
                hint = ".".join([*path[:rank], near[0]]) if near else SELECTED if rank else ".".join(["data", *path])
                raise ValueError(f"graphql : « {'.'.join(path)} » n'est pas demandé, que {label} lit ; « {hint} » ?")
            if (tree := tree[name]) is None:
                break
