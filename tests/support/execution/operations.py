"""Operations drawn at random over the schema: nested, aliased, in fragments, with variables and directives."""

from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from tests.support.access.tools import SCHEMA

DEPTH = 5
VALUES = {
    "String": ('"x"', '"2026"', '"durand"', "null"),
    "ID": ('"J0"', '"C0-0"', '"R0-0"', '"R1-0"', '"CFA"', '"ML"', '"?"'),
    "Int": ("0", "1", "5"),
    "Boolean": ("true", "false"),
    "Date": ('"2026-01-01"', '"2026-08-01"'),
    "UAI": ('"0594899E"',),
    "SIRET": ('"13002526500013"',),
    "CodeInsee": ('"59350"',),
    "DateTime": ('"2026-08-01T00:00:00Z"', '"2026-08-01T02:30:00.5+02:00"'),
}
ROOTS = ("ruptures", "ruptures", "jeunes", "jeunes", "contrats", "node", "jeune", "rupture", "contrat")


class Draw:
    """One operation being drawn."""

    def __init__(self, randomness: Random) -> None:
        self.randomness = randomness
        self.fragments: list[str] = []
        self.variables: dict[str, tuple[str, str | None, Any]] = {}  # type, default, value

    def operation(self) -> tuple[str, dict[str, Any]]:
        """The text and its variables."""
        root: Any = SCHEMA.query_type
        names = [name for name in root.fields if name not in ROOTS]
        chosen = [
            self.randomness.choice(ROOTS if self.randomness.random() < 0.8 else names) for _ in range(self._how_many(2))
        ]
        body = " ".join(self._field(root, name, 0, alias=f"r{rank}") for rank, name in enumerate(chosen))
        declared = ", ".join(
            f"${name}: {type_}" + (f" = {default}" if default else "")
            for name, (type_, default, _) in self.variables.items()
        )
        text = f"query Q{f'({declared})' if declared else ''} {{ {body} }} " + " ".join(self.fragments)
        return text, {name: value for name, (_, _, value) in self.variables.items() if value is not ...}

    def _how_many(self, au_plus: int) -> int:
        return self.randomness.randint(1, au_plus)

    def _selection(self, type_: Any, depth: int) -> str:
        """A selection of a composite type; some of it in fragments."""
        parts = [self._part(type_, depth) for _ in range(self._how_many(4))]
        return "{ " + " ".join(parts) + " }"

    def _part(self, type_: Any, depth: int) -> str:
        drawn = self.randomness.random()
        if drawn < 0.08:
            return "__typename"
        if is_abstract_type(type_) or drawn < 0.22:
            return self._fragment(type_, depth)
        if depth >= DEPTH:
            leaves = [name for name, champ in type_.fields.items() if is_leaf_type(get_named_type(champ.type))]
            return self._field(type_, self.randomness.choice(leaves), depth)
        return self._field(type_, self.randomness.choice(list(type_.fields)), depth)

    def _fragment(self, type_: Any, depth: int) -> str:
        targeted = type_
        if is_abstract_type(type_):
            if self.randomness.random() < 0.2:
                return "id"
            targeted = self.randomness.choice(SCHEMA.get_possible_types(type_))
        elif type_.interfaces and self.randomness.random() < 0.2:
            return f"... on {type_.interfaces[0].name} {self._condition()} {{ id __typename }}"
        body = self._selection(targeted, depth)
        if self.randomness.random() < 0.5:
            about = f"on {targeted.name} " if targeted is not type_ or self.randomness.random() < 0.5 else ""
            return f"... {about}{self._condition()} {body}"
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {targeted.name} {body}")
        return f"...{name} {self._condition()}" + (f" ...{name}" if self.randomness.random() < 0.2 else "")

    def _field(self, type_: Any, nom: str, depth: int, alias: str = "") -> str:
        champ = type_.fields[nom]
        arguments = [self._argument(key, argument) for key, argument in champ.args.items()]
        # The two sizes of a page are refused together.
        both = "last" in champ.args and any(told.startswith("last") for told in arguments)
        told_values = ", ".join(told for told in arguments if told and not (both and told.startswith("first")))
        if told_values and not alias:
            alias = f"a{self.randomness.randint(0, 10**6)}"  # two of one name with other arguments would not merge
        elif not alias and self.randomness.random() < 0.2:
            alias = f"{nom}{self._how_many(2)}"
        target: GraphQLNamedType = get_named_type(champ.type)
        below = "" if is_leaf_type(target) else self._selection(target, depth + 1)
        head = f"{alias}: " if alias else ""
        return f"{head}{nom}{f'({told_values})' if told_values else ''} {self._condition()} {below}"

    def _condition(self) -> str:
        if self.randomness.random() > 0.1:
            return ""
        directive = self.randomness.choice(("skip", "include"))
        if self.randomness.random() < 0.5:
            return f"@{directive}(if: {self.randomness.choice(('true', 'false'))})"
        name = f"v{len(self.variables)}"
        default = self.randomness.choice(("true", "false")) if self.randomness.random() < 0.5 else None
        truth = self.randomness.random() < 0.5
        given: Any = truth if default is None or self.randomness.random() < 0.5 else ...
        self.variables[name] = ("Boolean!" if default is None else "Boolean! ", default, given)
        return f"@{directive}(if: ${name})"

    def _argument(self, nom: str, argument: GraphQLArgument) -> str:
        if not is_non_null_type(argument.type) and self.randomness.random() < (
            0.9 if nom in ("filtre", "after", "last", "before") else 0.6
        ):
            return ""
        if nom == "first" and self.randomness.random() < 0.5:
            key = f"v{len(self.variables)}"
            self.variables[key] = ("Int! ", "3", self.randomness.choice((..., 2, 3, 5, 5, 501, -1)))
            return f"first: ${key}"
        return f"{nom}: {self._literal(argument.type)}"

    def _literal(self, type_: Any) -> str:
        if is_non_null_type(type_):
            told = self._literal(type_.of_type)
            return self._literal(type_) if told == "null" else told
        if is_list_type(type_):
            return "[" + ", ".join(self._literal(type_.of_type) for _ in range(self._how_many(2))) + "]"
        if is_input_object_type(type_):
            return self._object(type_)
        if is_enum_type(type_):
            return self._enum(type_)
        value: str = self.randomness.choice(VALUES[type_.name])
        return value

    def _enum(self, type_: GraphQLEnumType) -> str:
        value: str = self.randomness.choice(list(type_.values))
        return value

    def _object(self, type_: GraphQLInputObjectType) -> str:
        fields = list(type_.fields)
        names = self.randomness.sample(fields, k=self.randomness.randint(0, min(2, len(fields))))
        return "{" + ", ".join(f"{name}: {self._literal(type_.fields[name].type)}" for name in names) + "}"


def operation(randomness: Random) -> tuple[str, dict[str, Any]]:
    """A query and its variables."""
    return Draw(randomness).operation()
