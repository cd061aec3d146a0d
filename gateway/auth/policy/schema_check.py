"""Checks a built schema: whatever has no rule, or a rule that cannot act, stops the start (closed world).

Every check yields texts that name a coordinate; the first one is raised.
"""

from collections.abc import Iterable, Iterator

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_interface_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.utils.str_converters import to_camel_case

from gateway.auth.policy.consistency import delegate_excess, rows_without_effect, unwritable
from gateway.auth.policy.criteria_check import rule_of, unruled_criteria
from gateway.auth.policy.policy import PUBLIQUE, AccessPolicy
from gateway.auth.policy.rules import (
    ANY_OF,
    SIZE,
    CategorieDonnee,
    Categories,
    Derivation,
    Finalite,
    Profil,
    categorie,
    derivation,
    is_nominative,
    opening,
    openings,
    paths_to,
    tells,
    written,
)
from gateway.errors import ConfigurationError

IDENTIFIER = "id"


def check_schema(schema: GraphQLSchema, policy: AccessPolicy) -> None:
    """Check that every coordinate has a rule with effect. Raises ConfigurationError, naming the first that has not."""
    for check in (_roots, _names, _interfaces, _nullables, _nodes, _edges, _derived, _sizes, _any_of, unruled_criteria):
        for fault in check(schema):
            raise ConfigurationError(f"politique d'accès : {fault}")
    carried = frozenset(rule for _, _, rule in governed_fields(schema))
    unread = _unread(carried - _granted(policy))
    unused = (*rows_without_effect(policy, carried), *unwritable(schema, policy))
    for fault in (*delegate_excess(policy), *_narrower(schema, policy), *unused, *unread):
        raise ConfigurationError(f"politique d'accès : {fault}")


def objects(schema: GraphQLSchema) -> dict[str, GraphQLObjectType]:
    """The object types of the graph, introspection left out, in alphabetical order."""
    return {
        name: type_
        for name, type_ in sorted(schema.type_map.items())
        if is_object_type(type_) and not name.startswith("__")
    }


def governed(type_: GraphQLObjectType) -> dict[str, CategorieDonnee]:
    """The fields of a type that carry a rule."""
    return {name: c for name, field in type_.fields.items() if (c := categorie(field)) is not None}


def governed_fields(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLField, CategorieDonnee]]:
    """Each field that carries a rule, between its coordinate and its rule, in alphabetical order."""
    for name, type_ in objects(schema).items():
        yield from ((f"{name}.{field}", type_.fields[field], rule) for field, rule in sorted(governed(type_).items()))


def _roots(schema: GraphQLSchema) -> Iterator[str]:
    for operation in _operations(schema):
        for name, field in operation.fields.items():
            if categorie(field) is None:
                yield f"{operation.name}.{name} n'a pas de catégorie"


def _operations(schema: GraphQLSchema) -> list[GraphQLObjectType]:
    return [type_ for type_ in (schema.query_type, schema.mutation_type, schema.subscription_type) if type_]


def _names(schema: GraphQLSchema) -> Iterator[str]:
    """A noun, or any type where one field carries a rule, carries one on every field but `id`; a referential one need not."""
    for name, type_ in objects(schema).items():
        if paths_to(type_) != PUBLIQUE and (opening(type_) or governed(type_)):
            yield from (
                f"{name}.{field} n'a pas de catégorie" for field in type_.fields.keys() - governed(type_) - {IDENTIFIER}
            )


def _interfaces(schema: GraphQLSchema) -> Iterator[str]:
    """A rule on an interface would be lost by whoever asks the concrete type: rules stand on objects only."""
    for name, type_ in schema.type_map.items():
        if is_interface_type(type_):
            yield from (
                f"{name}.{field} : règle sur une interface" for field in type_.fields if categorie(type_.fields[field])
            )


def _nullables(schema: GraphQLSchema) -> Iterator[str]:
    for coordinate, field, rule in governed_fields(schema):
        if rule is not CategorieDonnee.PUBLIQUE and is_non_null_type(field.type):
            yield f"{coordinate} est gouverné et ne peut pas être nul"


def _narrower(schema: GraphQLSchema, policy: AccessPolicy) -> Iterator[str]:
    """A row that grants a category by which some objects of a node are reached grants what opens that node."""
    for name, opened in openings(schema).items():
        others = paths_to(schema.type_map[name]) - {opened}
        for rank, row in enumerate(policy.regle):
            if others & row.categories and opened not in row.categories:
                yield f"regle.{rank} : {_names_of(others & row.categories)} mène à {name}, que {opened.value} ouvre"


def _edges(schema: GraphQLSchema) -> Iterator[str]:
    """Whatever field leads to a type, by a rule of its own or an inherited one, has one of those that the type declares."""
    seen: set[tuple[str, CategorieDonnee]] = set()
    waiting = [(operation, CategorieDonnee.PUBLIQUE) for operation in _operations(schema)]
    while waiting:
        type_, inherited = waiting.pop()
        if (type_.name, inherited) in seen:
            continue
        seen.add((type_.name, inherited))
        for name, field in type_.fields.items():
            rule = categorie(field) or inherited
            for target in _targets(schema, field):
                yield from _fault(f"{type_.name}.{name}", rule, target)
                public = paths_to(target) == PUBLIQUE
                waiting.append((target, CategorieDonnee.PUBLIQUE if public else rule))


def _targets(schema: GraphQLSchema, field: GraphQLField) -> list[GraphQLObjectType]:
    """The type that a field leads to; of an abstract one, those that are no node: opening a node has its own rule."""
    type_ = get_named_type(field.type)
    if is_abstract_type(type_):
        return [possible for possible in schema.get_possible_types(type_) if not opening(possible)]
    return [type_] if is_object_type(type_) else []


def _fault(coordinate: str, rule: CategorieDonnee, target: GraphQLObjectType) -> Iterator[str]:
    paths = paths_to(target)
    if not paths:
        yield f"{target.name} ne dit ni qu'il est un référentiel, ni quelle catégorie mène à lui"
    elif rule not in paths and paths != PUBLIQUE:
        yield f"{coordinate} ({rule.value}) mène à {target.name}, que {_names_of(paths)} ouvre"


def _names_of(categories: Categories) -> str:
    return " ou ".join(sorted(categorie.value for categorie in categories))


def reached(field: GraphQLField, seen: set[str]) -> Iterator[str]:
    """The personal nouns, and what is about somebody, that a field leads to without passing another rule."""
    type_ = get_named_type(field.type)
    if opening(type_) not in (None, CategorieDonnee.PUBLIQUE) or is_nominative(type_):
        yield type_.name
    elif is_object_type(type_) and type_.name not in seen:
        seen.add(type_.name)
        for below in type_.fields.values():
            if categorie(below) is None:
                yield from reached(below, seen)


def _nodes(schema: GraphQLSchema) -> Iterator[str]:
    """Each type that `node` may open has its rule, and no other has one."""
    node = schema.get_type("Node")
    possible = {type_.name for type_ in schema.get_possible_types(node)} if is_interface_type(node) else set()
    yield from (f"{name} n'a pas de règle d'ouverture" for name in sorted(possible ^ openings(schema).keys()))


def _derived(schema: GraphQLSchema) -> Iterator[str]:
    """A field computed from another category says why that may be read; a reason that excuses nothing is an error."""
    for coordinate, field, rule in governed_fields(schema):
        derived = derivation(field) or Derivation(())
        sources = {source: rule_of(schema, source) for source in derived.de}
        yield from (f"{coordinate} dérive de {source}, qui n'existe pas" for source, c in sources.items() if not c)
        others = sorted(source for source, c in sources.items() if c is not rule)
        if others and not derived.reason:
            yield f"{coordinate} dérive de {others[0]}, d'une autre catégorie, sans dire pourquoi c'est permis"
        if derived.reason and not others:
            yield f"{coordinate} donne une raison que rien ne demande"


def _sizes(schema: GraphQLSchema) -> Iterator[str]:
    """A governed list of objects says how many elements its cost counts, the same for every field of its name."""
    known: dict[str, int] = {}
    for coordinate, field, _ in governed_fields(schema):
        name, size = coordinate.partition(".")[2], written(field, SIZE)
        if size is None and is_list_type(field.type) and is_object_type(get_named_type(field.type)):
            yield f"{coordinate} ne dit pas combien d'éléments son coût compte"
        elif size is not None and known.setdefault(name, size) != size:
            yield f"{coordinate} compte {size} éléments, une autre liste de ce nom {known[name]}"


def _any_of(schema: GraphQLSchema) -> Iterator[str]:
    """Values that tell a category stand in one list, of which a field of the same type says whether there is one."""
    for name, type_ in objects(schema).items():
        named = {to_camel_case(fact) for field in type_.fields.values() if (fact := written(field, ANY_OF))}
        telling = {field for field, definition in type_.fields.items() if tells(definition)}
        yield from (f"{name}.{field} : rien ne dit s'il en reste (any_of)" for field in sorted(telling ^ named))


def _unread(categories: Iterable[CategorieDonnee]) -> Iterator[str]:
    yield from sorted(f"personne ne lit la catégorie {categorie.value}" for categorie in categories)


def _granted(policy: AccessPolicy) -> set[CategorieDonnee]:
    return {
        categorie for profil in Profil for finalite in Finalite for categorie in policy.categories(profil, finalite)
    }
