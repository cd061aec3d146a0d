"""Holds what a caller filters, sorts and selects by to its rules (closed world). Knows no viewer, no policy."""

from collections.abc import Iterable, Iterator

from graphql import (
    GraphQLArgument,
    GraphQLSchema,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_object_type,
)

from gateway.auth.coordonnees import Categories, categorie, compares, exigees_par_le_champ, sort_orders
from gateway.auth.rules import CategorieDonnee


def criteres_sans_regle(schema: GraphQLSchema) -> Iterator[str]:
    """One line for each argument, filter or sort key without a rule, or whose rule does not cover what it looks at."""
    yield from _arguments(schema)
    yield from _filtres(schema)
    yield from _tris(schema)


def regle_de(schema: GraphQLSchema, coordonnee: str) -> CategorieDonnee | None:
    """The category of an object field, None when there is no such governed field."""
    nom, _, champ = coordonnee.partition(".")
    type_ = schema.get_type(nom)
    return categorie(type_.fields[champ]) if is_object_type(type_) and champ in type_.fields else None


def _arguments(schema: GraphQLSchema) -> Iterator[str]:
    """An argument has a category, or a type whose fields or values have theirs."""
    for type_ in schema.type_map.values():
        if is_object_type(type_) and not type_.name.startswith("__"):
            for nom, champ in type_.fields.items():
                yield from (
                    f"{type_.name}.{nom}({argument}:) n'a pas de catégorie"
                    for argument, definition in champ.args.items()
                    if not _gouverne(definition)
                )


def _gouverne(argument: GraphQLArgument) -> bool:
    type_ = get_named_type(argument.type)
    return categorie(argument) is not None or is_input_object_type(type_) or type_.name in sort_orders()


def _filtres(schema: GraphQLSchema) -> Iterator[str]:
    for nom, type_ in schema.type_map.items():
        if is_input_object_type(type_):
            for champ, definition in type_.fields.items():
                if categorie(definition) is None:
                    yield f"{nom}.{champ} n'a pas de catégorie"
                yield from _couvre(schema, f"{nom}.{champ}", exigees_par_le_champ(definition), compares(definition))


def _tris(schema: GraphQLSchema) -> Iterator[str]:
    """Every value of an order carries its rule, and every rule has its value in the graph."""
    for nom, order in sort_orders().items():
        type_ = schema.get_type(nom)
        values = type_.values.keys() if is_enum_type(type_) else set()
        yield from (f"{nom}.{value} n'existe pas" for value in sorted(order.__members__.keys() - values))
        for value in values:
            key = order.__members__.get(value)
            if key is None or not key.asks:
                yield f"{nom}.{value} n'a pas de catégorie"
            else:
                yield from _couvre(schema, f"{nom}.{value}", key.asks, key.compares)


def _couvre(schema: GraphQLSchema, critere: str, exigees: Categories, sur: Iterable[str]) -> Iterator[str]:
    """Who may use a criterion reads the fields it looks at: else their values would be told by what it keeps."""
    regles = {coordonnee: regle_de(schema, coordonnee) for coordonnee in sur}
    if not regles:
        yield f"{critere} ne dit pas quels champs il regarde"
    for coordonnee, regle in regles.items():
        if regle is None:
            yield f"{critere} regarde {coordonnee}, qui n'existe pas"
        elif regle not in exigees:
            yield f"{critere} regarde {coordonnee} sans exiger {regle.value}"
