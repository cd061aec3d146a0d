"""Requests drawn from the arguments of the graph: scalars at their extremes, null and default where they may not stand."""

from dataclasses import dataclass
from random import Random
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from tests.support.security.hostile import Demo

DAYS = ["0001-01-01", "9999-12-31", "2026-02-28", "2026-02-30", "2024-02-29", "1900-01-01"]
TEXTS = [
    "",
    " ",
    "a",
    "\u0000",
    "é" * 100,
    "N" * 999,
    "😀",
    "-1",
    "null",
    "0350000A",
    "44109",
    "2A004",
    "$x",
    "%",
    "' OR 1=1",
]
NUMBERS = [0, 1, -1, 20, 499, 500, 501, 2**31 - 1, -(2**31), 2**31, 2**63]
POOLS: dict[str, list[Any]] = {
    "Int": NUMBERS,
    "Float": [0.0, -1.5, 1e308],
    "Boolean": [True, False],
    "Date": DAYS,
    "DateTime": DAYS,
}
ODD = [None, "x", 3, 1.5, True, [], {}, [None], {"inconnu": 1}]


@dataclass(frozen=True, slots=True)
class Graph:
    """What one client sees of it."""

    schema: GraphQLSchema
    roots: list[tuple[str, GraphQLField]]


def read_graph(served: Demo) -> Graph:
    """As a client that may read much sees it, by introspection."""
    schema = build_client_schema(served.graphql("ml", get_introspection_query())["data"])
    query = schema.query_type
    assert query is not None
    return Graph(schema, list(query.fields.items()))


def draw_request(randomness: Random, graph: Graph) -> tuple[str, dict[str, Any]]:
    """A text and its variables; most are mistaken in one way or another."""
    drawing = _Drawing(randomness)
    # One in three asks nothing but itself: what is wrong then is the directive alone.
    alone = randomness.random() < 0.3
    roots = [pair for pair in graph.roots if pair[0] == "moi"] if alone else graph.roots
    chosen = randomness.sample(roots, 1 if alone else randomness.choice((1, 1, 2, 3)))
    body = " ".join(f"r{rank}: {drawing.field(name, field, 0)}" for rank, (name, field) in enumerate(chosen))
    age = drawing.value("maxSecondes", "Int!", NUMBERS)
    directive = f"@fraicheur(maxSecondes: {age}) " if alone or randomness.random() < 0.2 else ""
    header = f"({', '.join(drawing.definitions)}) " if drawing.definitions else ""
    if not directive and any(name in age for name in drawing.variables):
        directive = f"@fraicheur(maxSecondes: {age}) "
    return f"query {header}{directive}{{ {body} }}", drawing.variables


class _Drawing:
    """A request being drawn, and the variables it takes."""

    def __init__(self, randomness: Random) -> None:
        self.randomness = randomness
        self.definitions: list[str] = []
        self.variables: dict[str, Any] = {}

    def field(self, name: str, field: GraphQLField, depth: int) -> str:
        given = [
            f"{argument}: {self.argument(definition.type)}"
            for argument, definition in field.args.items()
            if self.randomness.random() < (0.95 if is_non_null_type(definition.type) else 0.5)
        ]
        arguments = f"({', '.join(given)})" if given else ""
        return f"{name}{arguments}{self.selection(get_named_type(field.type), depth)}"

    def selection(self, type_: Any, depth: int) -> str:
        if is_leaf_type(type_):
            return ""
        if not is_object_type(type_) or depth > 4:
            return " { __typename }"
        return f" {{ {' '.join(self.inside(type_, depth)) or '__typename'} }}"

    def inside(self, type_: GraphQLObjectType, depth: int) -> list[str]:
        fields = list(type_.fields.items())
        wanted = [pair for pair in fields if pair[0] in {"edges", "node"} or pair[1].args]
        wanted += self.randomness.sample(fields, min(2, len(fields)))
        return [self.field(name, field, depth + 1) for name, field in dict(wanted).items()]

    def argument(self, type_: GraphQLInputType) -> str:
        """An argument as the text writes it: a literal, or a variable with or without a default, given, null or missing."""
        if self.randomness.random() < 0.5:
            return _literal(self.told(type_, 0), type_)
        return self.value("v", str(type_), [self.told(type_, 0) for _ in range(2)], type_)

    def value(self, hint: str, type_: str, pool: list[Any], drawn: GraphQLInputType | None = None) -> str:
        name, choice = f"{hint}{len(self.variables)}", self.randomness.random()
        if hint == "maxSecondes" and choice < 0.4:
            return str(self.randomness.choice(pool))
        written = type_.rstrip("!") if choice < 0.7 else type_
        default = f" = {_literal(self.randomness.choice(pool), drawn)}" if self.randomness.random() < 0.5 else ""
        self.definitions.append(f"${name}: {written}{default}")
        odd = self.randomness.choice(ODD)
        self.variables[name] = None if self.randomness.random() < 0.3 else self.randomness.choice([*pool, odd])
        return f"${name}"

    def told(self, type_: GraphQLInputType, depth: int) -> Any:
        """A value of that type, extreme or wrong."""
        if not is_non_null_type(type_) and self.randomness.random() < 0.1:
            return None
        if self.randomness.random() < 0.05:
            return self.randomness.choice(ODD)
        inner: Any = get_nullable_type(type_)
        if is_list_type(inner):
            return [self.told(inner.of_type, depth) for _ in range(self.randomness.choice((0, 1, 3)))]
        if is_enum_type(inner):
            return self.randomness.choice(list(inner.values))
        if is_input_object_type(inner):
            fields = self.randomness.sample(
                list(inner.fields.items()), self.randomness.randrange(len(inner.fields) + 1)
            )
            return {name: self.told(field.type, depth + 1) for name, field in fields}
        return self.randomness.choice(POOLS.get(inner.name, TEXTS))


def _literal(value: Any, type_: GraphQLInputType | None) -> str:
    """The value as GraphQL writes it; an enumeration without quotes where one is expected."""
    named: Any = get_named_type(type_) if type_ else None
    if isinstance(value, dict):
        fields: dict[str, Any] = getattr(named, "fields", {})
        rows = (f"{key}: {_literal(told, fields[key].type if key in fields else None)}" for key, told in value.items())
        return f"{{{', '.join(rows)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_literal(told, type_) for told in value)}]"
    if isinstance(value, str) and is_enum_type(named):
        return value or "X"
    if isinstance(value, str):
        plain = (c if c >= " " and c not in '"\\' else f"\\u{ord(c):04x}" for c in value)
        return f'"{"".join(plain)}"'
    return (
        {True: "true", False: "false", None: "null"}[value] if value is None or isinstance(value, bool) else repr(value)
    )
