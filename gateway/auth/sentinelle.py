"""The assertion that must never fire: what leaves holds nothing that its caller may not read (SECURITY §4).

It works from the rules and the policy, never from the decision nor from the mask that it watches. Two looks: at a noun
that was masked, for the categories of that very person; at the data of an answer, for what the profile never reads.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from graphql import (
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from strawberry.types import get_object_definition, has_object_definition

from gateway.auth.coordonnees import Categories, categorie, opening
from gateway.auth.rules import ANY_OF, CATEGORIE, MAGASIN, CategorieDonnee
from gateway.auth.selection import Ensembles, Selection

# What must be null in an answer, by response key: the value itself (None), or something below it.
Interdits = Mapping[str, "Interdits | None"]
LIBRE: Interdits = {}
FERMES_MAX = 4096


def fuite(data: Any, interdits: Interdits) -> tuple[str, ...] | None:
    """The path of a value that must not be there, list indexes left out; None when all is well.

    Walks the forbidden branches only: an answer of which everything is granted costs nothing.
    """
    if isinstance(data, list):
        return (
            next((trouvee for element in data if (trouvee := fuite(element, interdits))), None) if interdits else None
        )
    for cle, dessous in interdits.items() if isinstance(data, dict) else ():
        valeur = data.get(cle)
        if valeur is None:
            continue
        if dessous is None:
            return (cle,)
        if trouvee := fuite(valeur, dessous):
            return (cle, *trouvee)
    return None


def interdits(schema: GraphQLSchema, selection: Selection, racine: Ensembles, lues: Categories) -> Interdits:
    """What must be null in the answer of an operation whose caller reads `lues`."""
    type_ = schema.query_type
    return _Releve(schema, selection, lues).objet(type_, racine) if type_ else LIBRE


class _Releve:
    """One reading of a selection; sub-selections are read once for each concrete type."""

    def __init__(self, schema: GraphQLSchema, selection: Selection, lues: Categories) -> None:
        self._schema = schema
        self._selection = selection
        self._lues = lues
        self._memo: dict[tuple[str, tuple[int, ...]], Interdits] = {}

    def objet(self, type_: GraphQLObjectType, ensembles: Ensembles) -> Interdits:
        place = (type_.name, tuple(map(id, ensembles)))
        if place not in self._memo:
            groupes = self._selection.champs(type_, ensembles)
            vus = {cle: self._champ(type_, noeuds) for cle, noeuds in groupes.items()}
            self._memo[place] = {cle: vu for cle, vu in vus.items() if vu != LIBRE}
        return self._memo[place]

    def _champ(self, type_: GraphQLObjectType, noeuds: list[FieldNode]) -> Interdits | None:
        nom = noeuds[0].name.value
        if nom.startswith("__"):
            return LIBRE
        champ = type_.fields[nom]
        if categorie(champ) not in {None, *self._lues}:
            return None
        dessous, ensembles = get_named_type(champ.type), tuple(n.selection_set for n in noeuds if n.selection_set)
        if is_abstract_type(dessous):
            return self._abstrait(self._schema.get_possible_types(dessous), ensembles)
        return self.objet(dessous, ensembles) if is_object_type(dessous) else LIBRE

    def _abstrait(self, possibles: list[GraphQLObjectType], ensembles: Ensembles) -> Interdits:
        """One key may stand for fields of several types: it is forbidden when all of them are."""
        avis: dict[str, list[Interdits | None]] = {}
        for type_ in possibles:
            ouvert = opening(type_) in self._lues
            dessous = self.objet(type_, ensembles) if ouvert else LIBRE
            for cle in self._selection.champs(type_, ensembles):
                avis.setdefault(cle, []).append(dessous.get(cle, LIBRE) if ouvert else None)
        return {
            cle: recus[0] for cle, recus in avis.items() if recus[0] != LIBRE and recus.count(recus[0]) == len(recus)
        }


def en_trop(objet: Any, categories: Categories) -> str | None:
    """The first attribute that still holds something of a category not granted, in a noun or what it holds."""
    return next(_parmi((objet,), categories, set()), None)


def _parmi(valeurs: Iterable[Any], categories: Categories, vus: set[int]) -> Iterator[str]:
    for valeur in valeurs:
        classe: Any = type(valeur)
        if _muette(classe) or id(valeur) in vus:
            continue
        vus.add(id(valeur))
        if isinstance(valeur, list | tuple):
            yield from _parmi(valeur, categories, vus)
        else:
            yield from _en_trop(valeur, categories)
            yield from _parmi(vars(valeur).values(), categories, vus)


def _en_trop(noun: Any, categories: Categories) -> Iterator[str]:
    """Of the noun alone."""
    valeurs = vars(noun)
    classe: Any = type(noun)
    for attribut in _fermes(classe, categories):
        if valeurs[attribut] is not None:
            yield f"{classe.__name__}.{attribut}"
    for attribut in _telling(classe):
        if any(not (value.is_base or value.tells in categories) for value in valeurs[attribut] or ()):
            yield f"{classe.__name__}.{attribut}"


@cache
def _muette(classe: type) -> bool:
    """A class that holds no noun: most of what nouns hold is texts and dates, and each row is walked."""
    return not issubclass(classe, list | tuple) and not has_object_definition(classe)


@lru_cache(FERMES_MAX)
def _fermes(classe: type, categories: Categories) -> tuple[str, ...]:
    """The attributes of a noun that must be empty."""
    return tuple(attribut for attribut, regle in _regles(classe) if regle not in categories)


@cache
def _telling(classe: type) -> frozenset[str]:
    """The attributes of a noun that list values which tell a category of their own."""
    fields = get_object_definition(classe, strict=True).fields
    return frozenset(field.metadata[ANY_OF] for field in fields if ANY_OF in field.metadata)


@cache
def _regles(classe: type) -> tuple[tuple[str, CategorieDonnee], ...]:
    """The attributes of a noun that rules cover: the field's own, or the private one that its resolver reads."""
    regles = [(champ.python_name, champ.metadata) for champ in get_object_definition(classe, strict=True).fields]
    return tuple((regle.get(MAGASIN) or nom, regle[CATEGORIE]) for nom, regle in regles if regle.get(CATEGORIE))
