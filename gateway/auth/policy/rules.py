"""The words of the access policy, and the rules written beside fields, types and values. Knows no noun and no viewer."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self, TypeVar

import strawberry
from strawberry.schema_directive import Location

CATEGORIE = "categorie"
MAGASIN = "magasin"
DERIVATION = "derivation"
ABOUT = "sur"
ALSO = "also"
SIZE = "size"
TOLD_BY = "told_by"
ANY_OF = "any_of"
BY_FIELD = "by_field"
CURSOR = "cursor"
OPENED_BY = "__opened_by__"
NOMINATIVE = "__nominative__"

T = TypeVar("T", bound=type)


@strawberry.enum(description="Catégorie de données : l'unité dans laquelle les droits de lecture sont accordés.")
class CategorieDonnee(Enum):
    PUBLIQUE = "PUBLIQUE"
    PARCOURS = "PARCOURS"
    IDENTITE = "IDENTITE"
    CONTACT = "CONTACT"
    ADRESSE = "ADRESSE"
    SENSIBLE = "SENSIBLE"
    REPRESENTANT = "REPRESENTANT"
    IDENTIFIANT_NATIONAL = "IDENTIFIANT_NATIONAL"
    CONTRAT = "CONTRAT"
    RUPTURE = "RUPTURE"
    SUIVI = "SUIVI"
    COLLABORATION = "COLLABORATION"
    AGREGAT = "AGREGAT"
    TECHNIQUE = "TECHNIQUE"


@strawberry.enum(description="Profil de l'appelant, fixé par le registre des clients.")
class Profil(Enum):
    MISSION_LOCALE = "MISSION_LOCALE"
    CFA = "CFA"
    TETE_DE_RESEAU = "TETE_DE_RESEAU"
    DREETS = "DREETS"
    DDETS = "DDETS"
    ACADEMIE = "ACADEMIE"
    FRANCE_TRAVAIL = "FRANCE_TRAVAIL"
    ARML = "ARML"
    SI_PARTENAIRE = "SI_PARTENAIRE"
    STATISTIQUES = "STATISTIQUES"
    ADMINISTRATEUR = "ADMINISTRATEUR"


PARTNER_ROLES = (Profil.MISSION_LOCALE, Profil.CFA)  # whom a partner system may act for


@strawberry.enum(description="Finalité du traitement, déclarée par l'en-tête X-Finalite.")
class Finalite(Enum):
    ACCOMPAGNEMENT = "ACCOMPAGNEMENT"
    GESTION_CFA = "GESTION_CFA"
    CONTROLE_OBLIGATION = "CONTROLE_OBLIGATION"
    PILOTAGE = "PILOTAGE"
    EXPLOITATION = "EXPLOITATION"


@strawberry.schema_directive(locations=[Location.FIELD_DEFINITION], name="policy")
class Policy:
    """The standard federation directive, so that a router above us can read the rule in the published SDL."""

    policies: list[list[str]]


@dataclass(frozen=True, slots=True)
class Derivation:
    """The fields that a field is computed from, and why whoever reads it may read what it tells of them (docs/graphe.md, Droits).

    `de`: coordinates of governed fields. `reason`, in French: required when one of them has another category.
    """

    de: tuple[str, ...]
    reason: str = ""


# What whoever reads a person at all reads of it: a value that tells it tells nothing more.
BASE = CategorieDonnee.PARCOURS


class Telling(Enum):
    """Values that tell a category of their own (`tells`), beside the category of the fields that hold them: where it is
    not granted, the value is left out of the answer."""

    _value_: str
    tells: CategorieDonnee

    def __new__(cls, value: str, tells: CategorieDonnee) -> Self:
        member = object.__new__(cls)
        member._value_, member.tells = value, tells
        return member

    @property
    def is_base(self) -> bool:
        """True when it tells only what whoever sees the person reads."""
        return self.tells is BASE


class SortKey(Enum):
    """The orders of a list. An order tells what it compares: the fields at the coordinates `compares`, for whoever is
    granted all the categories that it `asks`."""

    _value_: str
    asks: frozenset[CategorieDonnee]
    compares: tuple[str, ...]

    def __new__(cls, value: str, asks: frozenset[CategorieDonnee] = frozenset(), *compares: str) -> Self:
        member = object.__new__(cls)
        member._value_, member.asks, member.compares = value, asks, compares
        return member


def opened_by(categorie: CategorieDonnee) -> Callable[[T], T]:
    """Beside a node: what opening an object of the type asks for, by whatever field leads to it, `node` included."""
    return _type_rule(OPENED_BY, categorie)


def nominative(type_: T) -> T:
    """Beside a type that no rule opens: an answer that shows any field of it is about somebody."""
    return _type_rule(NOMINATIVE, True)(type_)


def _type_rule(name: str, value: object) -> Callable[[T], T]:
    def declare(type_: T) -> T:
        setattr(type_, name, value)
        return type_

    return declare


def donnee(
    categorie: CategorieDonnee,
    description: str,
    *,
    resolver: Callable[..., Any] | None = None,
    store: str | None = None,
    derived: Derivation | None = None,
    **facts: Any,
) -> Any:
    """A governed field: nullable, covered by the policy under `categorie`, never fetched when refused.

    `store` names the private attribute a resolver reads, so that the mask empties it with the field. `facts`:
    `size`, the elements that the cost counts for a list of objects; `told_by`, the only kind of source that tells it;
    `any_of`, the list of telling values of which it says whether there is one; `by_field`, each of its lines speaks of a
    field of the same type.
    """
    directives = [Policy(policies=[[categorie.value]])]
    metadata = {CATEGORIE: categorie, MAGASIN: store, DERIVATION: derived, **facts}
    if resolver is not None:
        return strawberry.field(resolver=resolver, description=description, metadata=metadata, directives=directives)
    return strawberry.field(default=None, description=description, metadata=metadata, directives=directives)


def libre(description: str, **facts: Any) -> Any:
    """A field that inherits the rule of the field leading to it (docs/graphe.md, Droits). `facts`: `size`, as for `donnee`;
    `cursor`, the cursors of a page that are sealed when it is asked, every row's ("rows") or the two ends' ("ends")."""
    return strawberry.field(default=None, description=description, metadata=facts)


def criterion(
    categorie: CategorieDonnee, description: str, *about: str, also: frozenset[CategorieDonnee] = frozenset()
) -> Any:
    """An input field that filters on data of `categorie`: refused, the whole operation is refused.

    `about`: coordinates of the fields it looks at. `also`: other categories that what it keeps tells.
    """
    metadata = {CATEGORIE: categorie, ABOUT: about, ALSO: also}
    return strawberry.field(default=None, description=description, metadata=metadata)


def argument(categorie: CategorieDonnee, description: str, name: str | None = None) -> Any:
    """An argument that selects by data of `categorie`, ruled as a filter is; PUBLIQUE: it tells nothing of a person."""
    return strawberry.argument(description=description, name=name, metadata={CATEGORIE: categorie})


def publique(description: str, resolver: Callable[..., Any]) -> Any:
    """A root field that every authenticated caller may ask."""
    return strawberry.field(resolver=resolver, description=description, metadata={CATEGORIE: CategorieDonnee.PUBLIQUE})
