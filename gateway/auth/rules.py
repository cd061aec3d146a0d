"""The words of the access policy and the rule written beside a field. Knows no noun and no viewer."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import strawberry
from strawberry.schema_directive import Location

CATEGORIE = "categorie"
MAGASIN = "magasin"
DERIVATION = "derivation"
SUR = "sur"


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


ROLES_PARTENAIRE = (Profil.MISSION_LOCALE, Profil.CFA)  # whom a partner system may act for


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
    """What a field is computed from, and why whoever reads the field may read what it tells of that (ANSWERS 12).

    `de`: coordinates of governed fields. `raison`, in French: required when one of them has another category.
    """

    de: tuple[str, ...]
    raison: str = ""


def donnee(
    categorie: CategorieDonnee,
    description: str,
    *,
    resolver: Callable[..., Any] | None = None,
    magasin: str | None = None,
    derive: Derivation | None = None,
) -> Any:
    """A governed field: nullable, covered by the policy under `categorie`, never fetched when refused.

    `magasin` names the private attribute a resolver reads, so that the mask empties it with the field.
    """
    directives = [Policy(policies=[[categorie.value]])]
    metadata = {CATEGORIE: categorie, MAGASIN: magasin, DERIVATION: derive}
    if resolver is not None:
        return strawberry.field(resolver=resolver, description=description, metadata=metadata, directives=directives)
    return strawberry.field(default=None, description=description, metadata=metadata, directives=directives)


def libre(description: str) -> Any:
    """A field that inherits the rule of the field leading to it (ANSWERS 12)."""
    return strawberry.field(default=None, description=description)


def critere(categorie: CategorieDonnee, description: str, *sur: str) -> Any:
    """An input field that filters on data of `categorie`: refused, the whole operation is refused.

    `sur`: coordinates of the fields it looks at.
    """
    return strawberry.field(default=None, description=description, metadata={CATEGORIE: categorie, SUR: sur})


def argument(categorie: CategorieDonnee, description: str, nom: str | None = None) -> Any:
    """An argument that selects by data of `categorie`, ruled as a filter is; PUBLIQUE: it tells nothing of a person."""
    return strawberry.argument(description=description, name=nom, metadata={CATEGORIE: categorie})


def publique(description: str, resolver: Callable[..., Any]) -> Any:
    """A root field that every authenticated caller may ask."""
    return strawberry.field(resolver=resolver, description=description, metadata={CATEGORIE: CategorieDonnee.PUBLIQUE})
