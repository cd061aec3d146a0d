"""The schema coordinates and the roots that other rooms look for, derived once from what is written beside fields and types."""

from collections.abc import Iterator, Mapping
from functools import cache

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    is_input_object_type,
    is_interface_type,
)
from strawberry.utils.str_converters import to_camel_case

from gateway.auth.policy.policy import TOLD_BY_CONDITION
from gateway.auth.policy.rules import (
    BY_FIELD,
    CURSOR,
    MAGASIN,
    NAMES_SOURCES,
    PAGE_MAX,
    ROWS,
    SIZE,
    TOLD_BY,
    CategorieDonnee,
    Categories,
    categorie,
    compares,
    derivation,
    is_nominative,
    openings,
    required_by_field,
    sort_orders,
    written,
)
from gateway.auth.policy.schema_check import objects, reached
from gateway.schema.organisations import TypeSource
from gateway.schema.query import build, core_schema

_SCHEMA = core_schema(build())
_ROOTS: GraphQLObjectType = _SCHEMA.type_map["Query"]  # type: ignore[assignment]


def _fields() -> Iterator[tuple[str, str, GraphQLField]]:
    for type_ in objects(_SCHEMA).values():
        yield from ((type_.name, name, field) for name, field in type_.fields.items())


def _with(key: str, value: object) -> frozenset[str]:
    """The coordinates of the fields beside which it is written."""
    return frozenset(f"{type_}.{name}" for type_, name, field in _fields() if written(field, key) == value)


def _drawn_from() -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is computed from fields, or compares them: fields, filters and sort keys, each with their coordinates."""
    yield from ((f"{type_}.{name}", d.de) for type_, name, field in _fields() if (d := derivation(field)))
    for type_ in filter(is_input_object_type, _SCHEMA.type_map.values()):
        yield from ((f"{type_.name}.{name}", compares(field)) for name, field in type_.fields.items())
    yield from ((f"{name}.{key.name}", key.compares) for name, order in sort_orders().items() for key in order)


def _drawn_out(told: frozenset[str]) -> frozenset[str]:
    """These coordinates, and all that is drawn from them."""
    while more := {name for name, sources in _drawn_from() if not told.isdisjoint(sources)} - told:
        told |= more
    return told


def _reads_view(field: GraphQLField) -> bool:
    """Whether a root field leads to persons, contracts or ruptures, by an interface or without passing another rule."""
    return is_interface_type(get_named_type(field.type)) or any(reached(field, set()))


PERSONAL_TYPES = frozenset(name for name, c in openings(_SCHEMA).items() if c is not CategorieDonnee.PUBLIQUE)
_ABSTRACT = frozenset(name for name, type_ in _SCHEMA.type_map.items() if is_interface_type(type_))
# A selection of one of these is about somebody.
SHOWN_TYPES = PERSONAL_TYPES | _ABSTRACT | {name for name, t in _SCHEMA.type_map.items() if is_nominative(t)}
VIEW_ROOTS = frozenset(name for name, field in _ROOTS.fields.items() if _reads_view(field))
# The roots that show events of the log; those of a subscription, and that of a query.
EVENT_ROOTS = frozenset(
    f"{type_}.{name}"
    for type_, name, field in _fields()
    if type_ in ("Query", "Subscription") and get_named_type(field.type).name in ("Evenement", "EvenementConnection")
)
# The roots whose size is an argument, with that of who gives none; of these, the lists of persons; the usual size of others.
DEFAULT_SIZES = {name: one.args["first"].default_value for name, one in _ROOTS.fields.items() if "first" in one.args}
# Of these, the largest size that is not that of lists; and the field below, the elements of which alone are as many.
LARGEST_PAGES = {name: size for name in DEFAULT_SIZES if (size := written(_ROOTS.fields[name], PAGE_MAX))}
ROWS_BELOW = {name: below for name in DEFAULT_SIZES if (below := written(_ROOTS.fields[name], ROWS))}
PAGED_ROOTS = frozenset(DEFAULT_SIZES) & VIEW_ROOTS
# What tells, by list, how many elements it keeps or whether there are any.
_CONNECTIONS = {name: get_named_type(_ROOTS.fields[name].type).name for name in PAGED_ROOTS}
TOLD_BY_LIST = {
    name: frozenset(f"{type_}.{field}" for type_, field, _ in _fields() if type_ == connection and field != "complet")
    for name, connection in _CONNECTIONS.items()
}
LIST_SIZES = {name: size for _, name, field in _fields() if (size := written(field, SIZE) or 1) > 1}
TOLD_BY_MISSION_LOCALE = _drawn_out(_with(TOLD_BY, TypeSource.MISSION_LOCALE))
NAMING_SOURCES = _drawn_out(_with(NAMES_SOURCES, True))
# Read only where a request for joint support was made, which Missions locales tell.
UNDER_REQUEST = frozenset(
    f"{type_}.{name}" for type_, name, field in _fields() if categorie(field) in TOLD_BY_CONDITION.values()
)
ROW_CURSORS, END_CURSORS = _with(CURSOR, "rows"), _with(CURSOR, "ends")
EXPLANATIONS = _with(BY_FIELD, True)
PROVENANCES = EXPLANATIONS & _with(MAGASIN, "rows")


@cache
def asked_by(root: str, criteria: tuple[str, ...], cursors: tuple[str, ...]) -> Mapping[str, Categories]:
    """What a list is asked by, as coordinates with the categories that each reads: its own, its criteria, its cursors."""
    field = _ROOTS.fields[root]
    own = frozenset({categorie(field) or CategorieDonnee.PUBLIQUE})
    asked = {f"Query.{root}({argument}:)": own for argument in (*(("filtre",) if criteria else ()), *cursors)}
    if criteria:
        type_: GraphQLInputObjectType = get_named_type(field.args["filtre"].type)
        for name in map(to_camel_case, criteria):
            asked[f"{type_.name}.{name}"] = required_by_field(type_.fields[name])
    return asked
