"""The criteria an operation filters and sorts by, found in its arguments: each tells something of what it compares."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    Undefined,
    get_named_type,
    is_enum_type,
    is_input_object_type,
)

from gateway.auth.coordonnees import Categories, categorie, exigees_par_la_valeur, exigees_par_le_champ
from gateway.auth.rules import CategorieDonnee
from gateway.auth.selection import Selection


@dataclass(frozen=True, slots=True)
class Critere:
    """A criterion in use. `chemin`: as the caller wrote it, "filtre.etat"; `coordonnee`: "FiltreRuptures.etat",
    "TriJeunes.NOM_ASC" or "Query.contrat(numero:)"."""

    chemin: str
    coordonnee: str
    categories: Categories


def criteres_du_champ(
    coordonnee: str, champ: GraphQLField, noeud: FieldNode, selection: Selection
) -> Iterator[Critere]:
    """The governed criteria of the arguments of the field of that coordinate. Absent and null ones are not used."""
    for ecrit in noeud.arguments or ():
        nom = ecrit.name.value
        argument, valeur = champ.args[nom], selection.valeur(ecrit.value)
        propre = categorie(argument)
        if propre not in (None, CategorieDonnee.PUBLIQUE) and not _absente(valeur):
            yield Critere(nom, f"{coordonnee}({nom}:)", frozenset({propre}))
        yield from _criteres(get_named_type(argument.type), valeur, nom)


def _criteres(type_: GraphQLNamedType, valeur: Any, chemin: str) -> Iterator[Critere]:
    if _absente(valeur):
        return
    if isinstance(valeur, list | tuple):
        for element in valeur:
            yield from _criteres(type_, element, chemin)
    elif is_enum_type(type_):
        coordonnee, categories = exigees_par_la_valeur(type_.name, valeur)
        if categories:
            yield Critere(chemin, coordonnee, categories)
    elif is_input_object_type(type_) and isinstance(valeur, Mapping):
        yield from _champs(type_, valeur, chemin)


def _champs(type_: GraphQLInputObjectType, valeur: Mapping[str, Any], chemin: str) -> Iterator[Critere]:
    for nom, element in valeur.items():
        champ = type_.fields[nom]
        if not _absente(element):
            yield Critere(f"{chemin}.{nom}", f"{type_.name}.{nom}", exigees_par_le_champ(champ))
        yield from _criteres(get_named_type(champ.type), element, f"{chemin}.{nom}")


def _absente(valeur: Any) -> bool:
    return valeur is None or valeur is Undefined
