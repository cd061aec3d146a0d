"""Holds a built schema to the rules: whatever has no rule, or a rule that cannot act, stops the start (closed world).

Every check yields lines naming a coordinate; the first one is raised.
"""

from collections.abc import Iterable, Iterator

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_interface_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.utils.str_converters import to_camel_case

from gateway.auth.coherence import lignes_sans_effet
from gateway.auth.coordonnees import categorie, derivation, opening, openings, tells, written
from gateway.auth.criteres import criteres_sans_regle, regle_de
from gateway.auth.politique import Politique
from gateway.auth.rules import ANY_OF, SIZE, CategorieDonnee, Finalite, Profil
from gateway.errors import ErreurConfiguration

IDENTIFIANT = "id"


def verifier_schema(schema: GraphQLSchema, politique: Politique) -> None:
    """Raises ErreurConfiguration, in one line naming the coordinate, unless every coordinate has a rule with effect."""
    for controle in (
        _racines,
        _noms,
        _interfaces,
        _nullables,
        _chemins,
        _noeuds,
        _derives,
        _sizes,
        _any_of,
        criteres_sans_regle,
    ):
        for defaut in controle(schema):
            raise ErreurConfiguration(f"politique d'accès : {defaut}")
    employees = _employees(schema)
    for defaut in (*lignes_sans_effet(politique, frozenset(employees)), *_non_lues(employees - _accordees(politique))):
        raise ErreurConfiguration(f"politique d'accès : {defaut}")


def objets(schema: GraphQLSchema) -> dict[str, GraphQLObjectType]:
    """The object types of the graph, introspection left out, in alphabetical order."""
    return {
        nom: type_
        for nom, type_ in sorted(schema.type_map.items())
        if is_object_type(type_) and not nom.startswith("__")
    }


def gouvernes(type_: GraphQLObjectType) -> dict[str, CategorieDonnee]:
    """The fields of a type that carry a rule."""
    return {nom: c for nom, champ in type_.fields.items() if (c := categorie(champ)) is not None}


def _racines(schema: GraphQLSchema) -> Iterator[str]:
    for operation in (schema.query_type, schema.mutation_type, schema.subscription_type):
        for nom, champ in (operation.fields if operation else {}).items():
            if categorie(champ) is None:
                yield f"{operation and operation.name}.{nom} n'a pas de catégorie"


def _noms(schema: GraphQLSchema) -> Iterator[str]:
    """A noun, or any type where one field carries a rule, carries one on every field but `id`."""
    for nom, type_ in objets(schema).items():
        if opening(type_) not in (None, CategorieDonnee.PUBLIQUE) or gouvernes(type_):
            yield from (
                f"{nom}.{champ} n'a pas de catégorie"
                for champ in type_.fields.keys() - gouvernes(type_) - {IDENTIFIANT}
            )


def _interfaces(schema: GraphQLSchema) -> Iterator[str]:
    """A rule on an interface would be lost by whoever asks the concrete type: rules stand on objects only."""
    for nom, type_ in schema.type_map.items():
        if is_interface_type(type_):
            yield from (
                f"{nom}.{champ} : règle sur une interface" for champ in type_.fields if categorie(type_.fields[champ])
            )


def _nullables(schema: GraphQLSchema) -> Iterator[str]:
    for nom, type_ in objets(schema).items():
        for champ, regle in gouvernes(type_).items():
            if regle is not CategorieDonnee.PUBLIQUE and is_non_null_type(type_.fields[champ].type):
                yield f"{nom}.{champ} est gouverné et ne peut pas être nul"


def _chemins(schema: GraphQLSchema) -> Iterator[str]:
    """Whatever field leads to a noun, directly or through connections, has the rule that opens it."""
    noeuds = openings(schema)
    for nom, type_ in objets(schema).items():
        for champ, regle in gouvernes(type_).items():
            for noeud in reached(type_.fields[champ], set()):
                if noeuds[noeud] is not regle:
                    yield f"{nom}.{champ} ({regle.value}) mène à {noeud}, que {noeuds[noeud].value} ouvre"


def reached(champ: GraphQLField, vus: set[str]) -> Iterator[str]:
    """The personal nouns a field leads to without passing another rule."""
    type_ = get_named_type(champ.type)
    if opening(type_) not in (None, CategorieDonnee.PUBLIQUE):
        yield type_.name
    elif is_object_type(type_) and type_.name not in vus:
        vus.add(type_.name)
        for suivant in type_.fields.values():
            if categorie(suivant) is None:
                yield from reached(suivant, vus)


def _noeuds(schema: GraphQLSchema) -> Iterator[str]:
    """Each type that `node` may open has its rule, and no other has one."""
    noeud = schema.get_type("Node")
    possibles = {type_.name for type_ in schema.get_possible_types(noeud)} if is_interface_type(noeud) else set()
    yield from (f"{nom} n'a pas de règle d'ouverture" for nom in sorted(possibles ^ openings(schema).keys()))


def _derives(schema: GraphQLSchema) -> Iterator[str]:
    """A field computed from another category says why that may be read; a reason that excuses nothing is an error."""
    for nom, type_ in objets(schema).items():
        for champ, regle in gouvernes(type_).items():
            derive = derivation(type_.fields[champ])
            sources = {source: regle_de(schema, source) for source in derive.de} if derive else {}
            yield from (f"{nom}.{champ} dérive de {source}, qui n'existe pas" for source, c in sources.items() if not c)
            autres = sorted(source for source, c in sources.items() if c is not regle)
            if autres and derive and not derive.raison:
                yield f"{nom}.{champ} dérive de {autres[0]}, d'une autre catégorie, sans dire pourquoi c'est permis"
            if derive and derive.raison and not autres:
                yield f"{nom}.{champ} donne une raison que rien ne demande"


def _sizes(schema: GraphQLSchema) -> Iterator[str]:
    """A governed list of objects says how many elements its cost counts, the same for every field of its name."""
    known: dict[str, int] = {}
    for nom, type_ in objets(schema).items():
        for champ in gouvernes(type_):
            definition = type_.fields[champ]
            size = written(definition, SIZE)
            if size is None and is_list_type(definition.type) and is_object_type(get_named_type(definition.type)):
                yield f"{nom}.{champ} ne dit pas combien d'éléments son coût compte"
            elif size is not None and known.setdefault(champ, size) != size:
                yield f"{nom}.{champ} compte {size} éléments, une autre liste de ce nom {known[champ]}"


def _any_of(schema: GraphQLSchema) -> Iterator[str]:
    """Values that tell a category stand in one list, of which a field of the same type says whether there is one."""
    for nom, type_ in objets(schema).items():
        named = {to_camel_case(fact) for champ in type_.fields.values() if (fact := written(champ, ANY_OF))}
        telling = {champ for champ, definition in type_.fields.items() if tells(definition)}
        yield from (f"{nom}.{champ} : rien ne dit s'il en reste (any_of)" for champ in sorted(telling ^ named))


def _employees(schema: GraphQLSchema) -> set[CategorieDonnee]:
    return {regle for type_ in objets(schema).values() for regle in gouvernes(type_).values()}


def _non_lues(categories: Iterable[CategorieDonnee]) -> Iterator[str]:
    yield from sorted(f"personne ne lit la catégorie {categorie.value}" for categorie in categories)


def _accordees(politique: Politique) -> set[CategorieDonnee]:
    return {lue for profil in Profil for finalite in Finalite for lue in politique.categories(profil, finalite)}
