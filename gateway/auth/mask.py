"""The last lock: copies of the nouns that hold only what may be read. Works on any class that carries rules; knows none.

A refused field is emptied together with the private attribute its resolver reads, a line of provenance or of evidence goes
with the field it speaks of, and a value that tells a category not granted is left out (ANSWERS 12).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from strawberry.types.base import StrawberryObjectDefinition
from strawberry.utils.str_converters import to_camel_case

from gateway.auth.coordonnees import Categories
from gateway.auth.rules import ANY_OF, BY_FIELD, CATEGORIE, MAGASIN

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the mask does to a class for a set of categories, by attribute name."""

    vides: dict[str, None]  # emptied at once
    profonds: tuple[str, ...]  # may hold governed objects
    lignes: tuple[str, ...]  # hold lines that each speak of a field
    champs: frozenset[str]  # the fields whose lines stay
    telling: tuple[tuple[str, str], ...]  # lists of values that tell a category, and what says whether there is one


def masquer(objet: T, categories: Categories) -> T:
    """A copy of a noun and of the nouns it holds, in time linear in them; cycles stay cycles. The original is untouched.

    Objects without governed fields are shared with the original.
    """
    copie: T = _copie(objet, categories, {})
    return copie


def _copie(objet: Any, categories: Categories, faites: dict[int, Any]) -> Any:
    classe: Any = type(objet)
    if classe is list or classe is tuple:
        return classe(_copie(element, categories, faites) for element in objet)
    plan = _plan(classe, categories)
    if plan is None:
        return objet
    if id(objet) not in faites:
        copie = faites[id(objet)] = object.__new__(classe)
        copie.__dict__.update(objet.__dict__, **plan.vides)
        _descendre(copie, plan, categories, faites)
    return faites[id(objet)]


def _descendre(copie: Any, plan: _Plan, categories: Categories, faites: dict[int, Any]) -> None:
    valeurs = copie.__dict__
    for nom in plan.profonds:
        if valeurs[nom] is not None:
            valeurs[nom] = _copie(valeurs[nom], categories, faites)
    for nom in plan.lignes:
        valeurs[nom] = valeurs[nom] and [ligne for ligne in valeurs[nom] if ligne.champ in plan.champs]
    for values, any_of in plan.telling:
        _taire(valeurs, values, any_of, categories)


def _taire(valeurs: dict[str, Any], values: str, any_of: str, categories: Categories) -> None:
    """Leave out the values that tell a category not granted; where no other is left, nothing says that there was one."""
    if not valeurs[values]:
        return
    dits = [value for value in valeurs[values] if value.is_base or value.tells in categories]
    if len(dits) < len(valeurs[values]):
        valeurs[values] = dits
        valeurs[any_of] = bool(dits)


@lru_cache(maxsize=2048)
def _plan(classe: type, categories: Categories) -> _Plan | None:
    """How to mask a class; None when nothing of it is governed, near or far."""
    definition = _definition_de(classe)
    if definition is None or not _touche(classe):
        return None
    champs: dict[str, Mapping[Any, Any]] = {champ.python_name: champ.metadata for champ in definition.fields}
    refuses = {nom for nom, regles in champs.items() if regles.get(CATEGORIE) not in {None, *categories}}
    stockes = {champs[nom].get(MAGASIN) or nom for nom in refuses}
    return _Plan(
        vides=dict.fromkeys(stockes),
        profonds=tuple(sorted(_porteurs(classe) - stockes)),
        lignes=tuple(str(regles[MAGASIN]) for regles in champs.values() if regles.get(BY_FIELD)),
        champs=frozenset(to_camel_case(nom) for nom in champs if nom not in refuses),
        telling=tuple((regles[ANY_OF], nom) for nom, regles in champs.items() if regles.get(ANY_OF)),
    )


def _definition_de(type_: object) -> StrawberryObjectDefinition | None:
    """The object type behind lists and optionals, if it is one."""
    while hasattr(type_, "of_type"):
        type_ = type_.of_type
    definition = getattr(type_, "__strawberry_definition__", None)
    return definition if isinstance(definition, StrawberryObjectDefinition) else None


@lru_cache(maxsize=256)
def _porteurs(classe: type) -> frozenset[str]:
    """The attributes through which governed objects are reached; resolvers hold none."""
    definition = _definition_de(classe)
    champs = definition.fields if definition else []
    vers = {champ.python_name: _definition_de(champ.type) for champ in champs if champ.base_resolver is None}
    gouvernees: dict[str, Any] = {nom: cible.origin for nom, cible in vers.items() if cible}
    return frozenset(nom for nom, cible in gouvernees.items() if _touche(cible))


@lru_cache(maxsize=256)
def _touche(classe: type) -> bool:
    """Whether a class carries rules, or leads to one that does."""
    vues, attente = set[type](), [classe]
    while attente:
        definition = _definition_de(attente.pop())
        if definition is None or definition.origin in vues:
            continue
        vues.add(definition.origin)
        if any(champ.metadata.get(CATEGORIE) for champ in definition.fields):
            return True
        attente += [champ.type for champ in definition.fields]  # type: ignore[misc]
    return False
