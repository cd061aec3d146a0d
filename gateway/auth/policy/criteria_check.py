"""Checks the rules of what a caller filters, sorts and selects by (closed world). Knows no viewer, no policy."""

from collections.abc import Iterable, Iterator

from graphql import GraphQLArgument, GraphQLSchema, get_named_type, is_enum_type, is_input_object_type, is_object_type

from gateway.auth.policy.acts import is_granted_by_act
from gateway.auth.policy.policy import TOLD_BY_CONDITION
from gateway.auth.policy.rules import CategorieDonnee, Categories, categorie, compares, required_by_field, sort_orders


def unruled_criteria(schema: GraphQLSchema) -> Iterator[str]:
    """One line for each argument, filter or sort key without a rule, or whose rule does not cover what it looks at."""
    yield from _arguments(schema)
    yield from _filters(schema)
    yield from _sorts(schema)


def rule_of(schema: GraphQLSchema, coordinate: str) -> CategorieDonnee | None:
    """The category of an object field, None when there is no such governed field."""
    name, _, field = coordinate.partition(".")
    type_ = schema.get_type(name)
    return categorie(type_.fields[field]) if is_object_type(type_) and field in type_.fields else None


def _arguments(schema: GraphQLSchema) -> Iterator[str]:
    """An argument has a category, or a type whose fields or values have theirs."""
    for type_ in schema.type_map.values():
        if is_object_type(type_) and not type_.name.startswith("__"):
            for name, field in type_.fields.items():
                yield from (
                    f"{type_.name}.{name}({argument}:) n'a pas de catégorie"
                    for argument, definition in field.args.items()
                    if not _governed(definition)
                )


def _governed(argument: GraphQLArgument) -> bool:
    type_ = get_named_type(argument.type)
    return categorie(argument) is not None or is_input_object_type(type_) or type_.name in sort_orders()


def _filters(schema: GraphQLSchema) -> Iterator[str]:
    for name, type_ in schema.type_map.items():
        if is_input_object_type(type_):
            for field, definition in type_.fields.items():
                if categorie(definition) is None:
                    yield f"{name}.{field} n'a pas de catégorie"
                if not is_granted_by_act(definition):
                    yield from _covers(schema, f"{name}.{field}", required_by_field(definition), compares(definition))


def _sorts(schema: GraphQLSchema) -> Iterator[str]:
    """Every value of an order carries its rule, and every rule has its value in the graph."""
    for name, sort_keys in sort_orders().items():
        type_ = schema.get_type(name)
        values = type_.values.keys() if is_enum_type(type_) else set()
        yield from (f"{name}.{value} n'existe pas" for value in sorted(sort_keys.__members__.keys() - values))
        for value in values:
            key = sort_keys.__members__.get(value)
            if key is None or not key.asks:
                yield f"{name}.{value} n'a pas de catégorie"
            else:
                yield from _covers(schema, f"{name}.{value}", key.asks, key.compares)


def _covers(schema: GraphQLSchema, criterion: str, required: Categories, about: Iterable[str]) -> Iterator[str]:
    """Whoever may use a criterion must read the fields it looks at: else what it keeps would tell their values."""
    rules = {coordinate: rule_of(schema, coordinate) for coordinate in about}
    if not rules:
        yield f"{criterion} ne dit pas quels champs il regarde"
    for coordinate, rule in rules.items():
        if rule is None:
            yield f"{criterion} regarde {coordinate}, qui n'existe pas"
        elif rule not in required:
            yield f"{criterion} regarde {coordinate} sans exiger {rule.value}"
        elif rule in TOLD_BY_CONDITION.values():
            # Whoever reads it under condition may use criteria that follow the condition, not one that follows the value.
            yield f"{criterion} regarde {coordinate}, qui peut n'être lu que sous condition"
