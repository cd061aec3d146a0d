"""Perimeters: the persons that a caller may see, and by which relation. Pure: knows no source, no policy, no noun."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.auth.policy.rules import Profil

AGE_MINIMAL = 16  # docs/domaine.md, Rupture: young people followed by Missions locales and France Travail
AGE_LIMIT = 26  # first age that is too old, but for a recognised disability


class Relation(Enum):
    """The ties of a caller's organisation to a person (docs/graphe.md, Droits)."""

    RESIDENCE = "RESIDENCE"  # the person lives in the territory of this Mission locale
    SUIVI = "SUIVI"  # this Mission locale has a dossier on the person (docs/domaine.md, Résidence)
    CFA = "CFA"  # the person is or was in this CFA, or in a place of training it answers for
    RESEAU = "RESEAU"  # … in a CFA of this network
    TERRITOIRE_CFA = "TERRITOIRE_CFA"  # … in a CFA of this territory
    RESIDENCE_REGION = "RESIDENCE_REGION"  # the person lives in this region


@dataclass(frozen=True, slots=True)
class Affiliation:
    """The facts that tie one person to organisations; codes only, no identity.

    `mission_locale`, `departement` and `region` are those of the residence; `reseaux`, `regions`, `departements` and
    `academies` are those of the CFAs named by `uais` (of the person's trainings and contracts).
    """

    mission_locale: str | None = None
    followed_by: frozenset[str] = frozenset()
    departement: str | None = None
    region: str | None = None
    uais: frozenset[str] = frozenset()
    reseaux: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    departements: frozenset[str] = frozenset()
    academies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Perimetre:
    """The reach of an organisation. `uais`: the CFAs it may see, for a CFA or a network; empty for the others."""

    profil: Profil
    organisation: str
    uais: frozenset[str] = frozenset()


class TrainingDirectory(Protocol):
    """The part of the referential that tells of CFAs."""

    def formateurs(self, uai: str) -> frozenset[str]:
        """UAIs of the places of training this CFA is responsible for."""
        ...

    def uais_of_reseau(self, reseau: str) -> frozenset[str]:
        """UAIs of the CFAs of a network."""
        ...


def build_perimetre(profil: Profil, organisation: str, directory: TrainingDirectory) -> Perimetre:
    """The perimeter of an organisation; `profil` is the one it acts as (`comme` for a partner system)."""
    if profil is Profil.CFA:
        return Perimetre(profil, organisation, frozenset({organisation}) | directory.formateurs(organisation))
    if profil is Profil.TETE_DE_RESEAU:
        return Perimetre(profil, organisation, directory.uais_of_reseau(organisation))
    return Perimetre(profil, organisation)


def joins_all(perimetre: Perimetre) -> bool:
    """True when Missions locales' records join persons too (docs/decisions/0049): for a Mission locale, or who acts as one."""
    return perimetre.profil is Profil.MISSION_LOCALE


def relations(perimetre: Perimetre, affiliation: Affiliation) -> frozenset[Relation]:
    """The relations that hold between the organisation and the person; none means out of perimeter."""
    own = perimetre.uais if perimetre.profil is Profil.CFA else _codes(perimetre.organisation)
    links = _LINKS.get(perimetre.profil, ())
    return frozenset(relation for relation, organisations in links if organisations(affiliation) & own)


def is_contrat_visible(perimetre: Perimetre, uai: str | None) -> bool:
    """A CFA or a network sees the contracts of its CFAs only; those who see by residence see all of a person's."""
    if perimetre.profil in (Profil.CFA, Profil.TETE_DE_RESEAU):
        return uai in perimetre.uais
    return True


def is_request_open(perimetre: Perimetre, uai: str | None, affiliation: Affiliation) -> bool:
    """Whether a request for joint support opens what waits for one: to a Mission locale any, to a CFA its own only.

    `uai`: the CFA that asked; a request that names none is that of the person's only CFA, if there is but one.
    """
    if perimetre.profil is not Profil.CFA:
        return True
    asked_by = {uai} if uai else affiliation.uais
    return asked_by == {perimetre.organisation}


def is_age_admissible(perimetre: Perimetre, age: int | None, rqth: bool | None) -> bool:
    """docs/domaine.md, Rupture: Missions locales and France Travail see 16 ≤ age < 26, or a recognised disability from 16 on."""
    if perimetre.profil not in (Profil.MISSION_LOCALE, Profil.FRANCE_TRAVAIL):
        return True
    return age is not None and age >= AGE_MINIMAL and (age < AGE_LIMIT or rqth is True)


def _codes(code: str | None) -> frozenset[str]:
    return frozenset({code}) if code else frozenset()


# For each profile, the relations it may hold and the organisations that a person's facts name for each of them.
_LINKS: Mapping[Profil, tuple[tuple[Relation, Callable[[Affiliation], frozenset[str]]], ...]] = {
    Profil.MISSION_LOCALE: (
        (Relation.RESIDENCE, lambda a: _codes(a.mission_locale)),
        (Relation.SUIVI, lambda a: a.followed_by),
    ),
    Profil.CFA: ((Relation.CFA, lambda a: a.uais),),
    Profil.TETE_DE_RESEAU: ((Relation.RESEAU, lambda a: a.reseaux),),
    Profil.DREETS: ((Relation.TERRITOIRE_CFA, lambda a: a.regions),),
    Profil.DDETS: ((Relation.TERRITOIRE_CFA, lambda a: a.departements),),
    Profil.ACADEMIE: ((Relation.TERRITOIRE_CFA, lambda a: a.academies),),
    Profil.FRANCE_TRAVAIL: ((Relation.RESIDENCE_REGION, lambda a: _codes(a.region)),),
}
RELATIONS = {profil: frozenset(relation for relation, _ in links) for profil, links in _LINKS.items()}
