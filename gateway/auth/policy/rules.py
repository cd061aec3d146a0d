"""The words of the access policy, and the rules written beside fields, types and values: writing them, and reading them back
from a built schema, where they travel in Strawberry's definitions (`schema_check` checks them). Knows no noun, no viewer."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self, TypeVar, dataclass_transform

import strawberry
from graphql import GraphQLArgument, GraphQLField, GraphQLInputField, GraphQLNamedType, GraphQLSchema, get_named_type
from strawberry.schema_directive import Location

CATEGORIE = "categorie"
MAGASIN = "magasin"
DERIVATION = "derivation"
ABOUT = "sur"
ALSO = "also"
SIZE = "size"
ROWS = "rows"
PAGE_MAX = "page_max"
TOLD_BY = "told_by"
NAMES_SOURCES = "names_sources"
ANY_OF = "any_of"
BY_FIELD = "by_field"
CURSOR = "cursor"
OPENED_BY = "__opened_by__"
PATHS_TO = "__paths_to__"
NOMINATIVE = "__nominative__"

T = TypeVar("T", bound=type)
Governable = GraphQLField | GraphQLInputField | GraphQLArgument


@strawberry.enum(description="Catégorie de données : l'unité dans laquelle les droits de lecture sont accordés.")
class CategorieDonnee(Enum):
    __hash__ = object.__hash__  # members are unique, and hashed at each request: Enum hashes its name, in Python

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
    SANS_CONTRAT = "SANS_CONTRAT"
    AGREGAT = "AGREGAT"
    TECHNIQUE = "TECHNIQUE"


@strawberry.enum(description="Profil de l'appelant, fixé par le registre des clients.")
class Profil(Enum):
    __hash__ = object.__hash__  # members are unique, and hashed at each request: Enum hashes its name, in Python

    MISSION_LOCALE = "MISSION_LOCALE"
    CFA = "CFA"
    TETE_DE_RESEAU = "TETE_DE_RESEAU"
    DREETS = "DREETS"
    DDETS = "DDETS"
    ACADEMIE = "ACADEMIE"
    FRANCE_TRAVAIL = "FRANCE_TRAVAIL"
    ARML = "ARML"
    REGION = "REGION"
    OPCO = "OPCO"
    SI_PARTENAIRE = "SI_PARTENAIRE"
    STATISTIQUES = "STATISTIQUES"
    ADMINISTRATEUR = "ADMINISTRATEUR"


PARTNER_ROLES = (Profil.MISSION_LOCALE, Profil.CFA)  # whom a partner system may act for


@strawberry.enum(description="Finalité du traitement, déclarée par l'en-tête X-Finalite.")
class Finalite(Enum):
    __hash__ = object.__hash__  # members are unique, and hashed at each request: Enum hashes its name, in Python

    ACCOMPAGNEMENT = "ACCOMPAGNEMENT"
    GESTION_CFA = "GESTION_CFA"
    CONTROLE_OBLIGATION = "CONTROLE_OBLIGATION"
    PILOTAGE = "PILOTAGE"
    EXPLOITATION = "EXPLOITATION"


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="policy",
    description="Catégories dont l'une, accordée par la politique, ouvre ce champ.",
)
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


def opened_by(categorie: CategorieDonnee, *narrower: CategorieDonnee) -> Callable[[T], T]:
    """Beside a node: what opening an object asks for, by any field, `node` included; `narrower`: what else leads to some."""

    def declare(type_: T) -> T:
        setattr(type_, OPENED_BY, categorie)
        setattr(type_, PATHS_TO, frozenset({categorie, *narrower}))
        return type_

    return declare


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def object_type(description: str, *paths: CategorieDonnee, name: str | None = None) -> Callable[[T], T]:
    """A type of the graph that is no node, and the categories of the fields that may lead to it: by another, its values
    would be read without their rule. PUBLIQUE: a referential type, which tells nothing of a person, by whatever field."""

    def declare(type_: T) -> T:
        setattr(type_, PATHS_TO, frozenset(paths))
        return strawberry.type(type_, description=description, name=name)

    return declare


def nominative(type_: T) -> T:
    """Beside a type that no rule opens: an answer that shows any field of it is about somebody."""
    setattr(type_, NOMINATIVE, True)
    return type_


def donnee(
    categorie: CategorieDonnee,
    description: str,
    resolver: Callable[..., Any] | None = None,
    *,
    store: str | None = None,
    derived: Derivation | None = None,
    **facts: Any,
) -> Any:
    """A governed field: nullable, covered by the policy under `categorie`, never fetched when refused.

    `store` names the private attribute a resolver reads, so that the mask empties it with the field. `facts`:
    `size`, the elements that the cost counts for a list of objects; `told_by`, the only kind of source that tells it;
    `any_of`, the list of telling values of which it says whether there is one; `by_field`, each of its lines speaks of a
    field of the same type; `names_sources`, it names who knows the person; `rows`, `page_max`: `schema.coordinates`.
    """
    value: dict[str, Any] = {"resolver": resolver} if resolver else {"default": None}
    metadata = {CATEGORIE: categorie, MAGASIN: store, DERIVATION: derived, **facts}
    policy = Policy(policies=[[categorie.value]])
    return strawberry.field(**value, description=description, metadata=metadata, directives=[policy])


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


def publique(description: str, resolver: Callable[..., Any], **facts: Any) -> Any:
    """A root field that every authenticated caller may ask. `facts`: `size`, as for `donnee`."""
    metadata = {CATEGORIE: CategorieDonnee.PUBLIQUE, **facts}
    return strawberry.field(resolver=resolver, description=description, metadata=metadata)


Categories = frozenset[CategorieDonnee]


def categorie(element: Governable) -> CategorieDonnee | None:
    """The category written beside a field, an input field or an argument; None where it inherits."""
    value = written(element, CATEGORIE)
    return value if isinstance(value, CategorieDonnee) else None


def derivation(field: GraphQLField) -> Derivation | None:
    """The fields that a field declares it is computed from, if it does."""
    value = written(field, DERIVATION)
    return value if isinstance(value, Derivation) else None


def compares(field: GraphQLInputField) -> tuple[str, ...]:
    """The coordinates of the fields that a filter says it looks at."""
    return tuple(written(field, ABOUT) or ())


def written(element: Governable, key: str) -> Any:
    """The value written beside a field, an input field or an argument under one key of `rules`; None: nothing."""
    return getattr(element.extensions.get("strawberry-definition"), "metadata", {}).get(key)


def opening(type_: GraphQLNamedType) -> CategorieDonnee | None:
    """The category that opening an object of a type asks for, by whatever field leads to it; None: it is no node."""
    value = getattr(_class_of(type_), OPENED_BY, None)
    return value if isinstance(value, CategorieDonnee) else None


def paths_to(type_: GraphQLNamedType) -> Categories:
    """The categories of the fields that may lead to a type; none: it does not say."""
    paths: Categories = getattr(_class_of(type_), PATHS_TO, frozenset())
    return paths


def openings(schema: GraphQLSchema) -> dict[str, CategorieDonnee]:
    """The opening of each node, by name: those of persons first, in the order of the categories; then the public ones."""
    nodes = {name: c for name, type_ in schema.type_map.items() if (c := opening(type_))}
    order = list(CategorieDonnee)
    return dict(
        sorted(nodes.items(), key=lambda node: (node[1] is CategorieDonnee.PUBLIQUE, order.index(node[1]), node[0]))
    )


def is_nominative(type_: GraphQLNamedType) -> bool:
    """True when the type declares that any of its fields is about somebody."""
    return hasattr(_class_of(type_), NOMINATIVE)


def tells(field: GraphQLField) -> bool:
    """True when the values of a field tell a category of their own."""
    class_ = _class_of(get_named_type(field.type))
    return isinstance(class_, type) and issubclass(class_, Telling)


def sort_orders() -> dict[str, type[SortKey]]:
    """The orders that a list may be asked in, by name, as they are written."""
    return {order.__name__: order for order in SortKey.__subclasses__()}


def _class_of(type_: GraphQLNamedType) -> Any:
    return getattr(type_.extensions.get("strawberry-definition"), "origin", None)


def required_by_field(field: GraphQLInputField) -> Categories:
    """The categories that using an input field asks for."""
    return frozenset(filter(None, [categorie(field)])) | (written(field, ALSO) or frozenset())


def required_by_value(type_: str, value: Any) -> tuple[str, Categories]:
    """The coordinate of an enum value, and the categories that sorting by it asks for."""
    name = value.name if isinstance(value, Enum) else str(value)
    order = sort_orders().get(type_)
    return f"{type_}.{name}", order[name].asks if order and name in order.__members__ else frozenset()
