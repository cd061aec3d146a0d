"""Holds a built schema to the rules: whatever has no rule, or a rule that cannot act, stops the start (closed world).

Every check yields lines naming a coordinate; the first one is raised.
"""

from collections.abc import Iterator

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_non_null_type,
    is_object_type,
)

from gateway.auth.coordonnees import AUSSI, NOEUDS, TRIS, categorie
from gateway.auth.politique import Politique
from gateway.auth.rules import CategorieDonnee, Finalite, Profil
from gateway.errors import ErreurConfiguration

IDENTIFIANT = "id"
TRI = "tri"  # name of the argument that orders a list


def verifier_schema(schema: GraphQLSchema, politique: Politique) -> None:
    """Raises ErreurConfiguration, in one line naming the coordinate, unless every coordinate has a rule with effect."""
    for controle in (_racines, _noms, _interfaces, _nullables, _chemins, _filtres, _tris, _tables):
        for defaut in controle(schema):
            raise ErreurConfiguration(f"politique d'accès : {defaut}")
    for categorie_ in sorted(_employees(schema) - _accordees(politique), key=lambda c: c.value):
        raise ErreurConfiguration(f"politique d'accès : personne ne lit la catégorie {categorie_.value}")


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
    publics = {nom for nom, ouverture in NOEUDS.items() if ouverture is CategorieDonnee.PUBLIQUE}
    for nom, type_ in objets(schema).items():
        if nom in NOEUDS.keys() - publics or gouvernes(type_):
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
    for nom, type_ in objets(schema).items():
        for champ, regle in gouvernes(type_).items():
            for noeud in _atteints(type_.fields[champ], set()):
                if NOEUDS[noeud] is not regle:
                    yield f"{nom}.{champ} ({regle.value}) mène à {noeud}, que {NOEUDS[noeud].value} ouvre"


def _atteints(champ: GraphQLField, vus: set[str]) -> Iterator[str]:
    """The personal nouns a field leads to without passing another rule."""
    type_ = get_named_type(champ.type)
    if NOEUDS.get(type_.name, CategorieDonnee.PUBLIQUE) is not CategorieDonnee.PUBLIQUE:
        yield type_.name
    elif is_object_type(type_) and type_.name not in vus:
        vus.add(type_.name)
        for suivant in type_.fields.values():
            if categorie(suivant) is None:
                yield from _atteints(suivant, vus)


def _filtres(schema: GraphQLSchema) -> Iterator[str]:
    for nom, type_ in schema.type_map.items():
        if is_input_object_type(type_):
            yield from (
                f"{nom}.{champ} n'a pas de catégorie" for champ, c in type_.fields.items() if categorie(c) is None
            )


def _tris(schema: GraphQLSchema) -> Iterator[str]:
    """Every sort key is ruled by the table, name for name."""
    for type_ in objets(schema).values():
        for champ in type_.fields.values():
            for nom, argument in champ.args.items():
                ordre = get_named_type(argument.type)
                if nom == TRI and is_enum_type(ordre):
                    yield from (
                        f"{ordre.name}.{valeur} n'a pas de catégorie"
                        for valeur in ordre.values.keys() - TRIS.get(ordre.name, {})
                    )


def _tables(schema: GraphQLSchema) -> Iterator[str]:
    """The tables name nothing that the schema has not, and forget none of its nodes."""
    noeud = schema.get_type("Node")
    possibles = {type_.name for type_ in schema.get_possible_types(noeud)} if is_interface_type(noeud) else set()
    yield from (f"{nom} n'a pas de règle d'ouverture" for nom in sorted(possibles ^ NOEUDS.keys()))
    valeurs = {f"{ordre}.{valeur}" for ordre, lignes in TRIS.items() for valeur in lignes}
    yield from (f"{nom} n'existe pas" for nom in sorted(AUSSI.keys() | valeurs) if not _existe(schema, nom))


def _existe(schema: GraphQLSchema, coordonnee: str) -> bool:
    nom, _, membre = coordonnee.partition(".")
    type_ = schema.get_type(nom)
    if is_enum_type(type_):
        return membre in type_.values
    return is_input_object_type(type_) and membre in type_.fields


def _employees(schema: GraphQLSchema) -> set[CategorieDonnee]:
    return {regle for type_ in objets(schema).values() for regle in gouvernes(type_).values()}


def _accordees(politique: Politique) -> set[CategorieDonnee]:
    return {lue for profil in Profil for finalite in Finalite for lue in politique.categories(profil, finalite)}
