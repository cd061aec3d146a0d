"""The access policy, loaded from `policy.toml`: pure look-ups over its rows; and the perimeter of an organisation, with what ties
a person to it (docs/graphe.md, Droits). Knows no field, no viewer, no noun.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator

from gateway.auth.policy.acts import Acte
from gateway.auth.policy.figure_rows import Aggregate, AtLeastOne, LegalGround
from gateway.auth.policy.rules import CategorieDonnee, Categories, Finalite, Profil
from gateway.domain.statut import StatutApprenant
from gateway.errors import ConfigurationError
from gateway.toml_file import StrictModel, read_toml

FILE = Path(__file__).parent.parent / "policy.toml"
WITHOUT_FINALITE = frozenset({CategorieDonnee.PUBLIQUE, CategorieDonnee.AGREGAT})
PUBLIQUE = frozenset({CategorieDonnee.PUBLIQUE})
T = TypeVar("T")
Statuts = Annotated[
    frozenset[StatutApprenant], BeforeValidator(lambda value: list(StatutApprenant) if value == "TOUS" else value)
]
# The category of which a condition is a fact: whoever is granted it under that condition learns of each person whether it
# holds, and a criterion that follows the condition tells nothing more.
TOLD_BY_CONDITION = {"collaboration_demandee": CategorieDonnee.COLLABORATION}

AGE_MINIMAL = 16  # docs/domaine.md, Rupture: young people followed by Missions locales and France Travail
AGE_LIMIT = 26  # first age that is too old, but for a recognised disability
AGE_EMPLOYMENT = 18  # docs/domaine.md, Sans contrat: from which France Travail is told who waits for a contract


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


def mends(perimetre: Perimetre, etablissement: str | None) -> bool:
    """True for who can mend what a partner says of an establishment: itself, and whoever operates the gateway, who also reads
    what is said of none (the registry)."""
    if perimetre.profil is Profil.CFA:
        return etablissement in perimetre.uais
    own = perimetre.profil is Profil.MISSION_LOCALE and etablissement == perimetre.organisation
    return own or perimetre.profil is Profil.ADMINISTRATEUR


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
    """Whether these may see someone of that age (docs/domaine.md, Rupture)."""
    return perimetre.profil not in (Profil.MISSION_LOCALE, Profil.FRANCE_TRAVAIL) or is_followed_age(age, rqth)


def is_followed_age(age: int | None, rqth: bool | None) -> bool:
    """docs/domaine.md, Rupture: Missions locales and France Travail see 16 ≤ age < 26, or a recognised disability from 16 on."""
    return age is not None and age >= AGE_MINIMAL and (age < AGE_LIMIT or rqth is True)


def is_waiting_age(perimetre: Perimetre, age: int | None) -> bool:
    """Whether these may see that someone of that age waits for a contract (docs/domaine.md, Sans contrat): France Travail, of
    adults only."""
    return perimetre.profil is not Profil.FRANCE_TRAVAIL or (age is not None and age >= AGE_EMPLOYMENT)


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


def _of_nobody(categories: Categories) -> Categories:
    if not categories <= {CategorieDonnee.TECHNIQUE}:
        raise ValueError("sans relation avec une personne, seule TECHNIQUE peut être lue")
    return categories


class PolicyRow(LegalGround):
    """One row of the matrix (docs/graphe.md, Droits). `condition` restricts the row to some records of the perimeter."""

    profils: Annotated[tuple[Profil, ...], AtLeastOne]
    relations: Annotated[frozenset[Relation], AtLeastOne]
    statuts: Annotated[Statuts, AtLeastOne]
    finalite: Finalite
    categories: Annotated[Categories, AtLeastOne]
    condition: Literal["collaboration_demandee"] | None = None


class WriteRow(LegalGround):
    """One row of what may be written: by these profiles, on whom one of these relations ties to them, for this purpose."""

    profils: Annotated[tuple[Profil, ...], AtLeastOne]
    relations: Annotated[frozenset[Relation], AtLeastOne]
    finalite: Finalite
    actes: Annotated[frozenset[Acte], AtLeastOne]


class OperationsConfig(LegalGround):
    """The profiles that read the state of the partner systems: categories that open no person's record."""

    profils: Annotated[frozenset[Profil], AtLeastOne]
    finalite: Finalite
    categories: Annotated[Categories, AtLeastOne, AfterValidator(_of_nobody)]


class AccessPolicy(StrictModel):
    """The whole policy. What no row grants is refused."""

    regle: Annotated[tuple[PolicyRow, ...], AtLeastOne]
    ecriture: tuple[WriteRow, ...] = ()
    agregat: Aggregate
    exploitation: OperationsConfig

    def rows(self, profil: Profil, finalite: Finalite | None, comme: Profil | None = None) -> tuple[PolicyRow, ...]:
        """The rows of a profile for a purpose, in the order of the file; `comme`: only those of whom a delegate acts for."""
        held = RELATIONS.get(comme) if comme else None
        return tuple(
            row
            for row in self.regle
            if profil in row.profils
            and finalite is row.finalite
            and (held is None or not held.isdisjoint(row.relations))
        )

    def categories(self, profil: Profil, finalite: Finalite | None, comme: Profil | None = None) -> Categories:
        """The categories that a profile may read of somebody at least: the union over relations, statuses and conditions."""
        categories = union(row.categories for row in self.rows(profil, finalite, comme))
        if profil in self.exploitation.profils and finalite is self.exploitation.finalite:
            categories |= self.exploitation.categories
        return categories | PUBLIQUE | (WITHOUT_FINALITE if profil in self.agregat.profils else PUBLIQUE)

    def everywhere(self, profil: Profil, finalite: Finalite | None, comme: Profil | None = None) -> Categories:
        """The categories it may read of *every* record it sees."""
        rows = self.rows(profil, finalite, comme)
        always = [row.categories for row in rows if row.condition is None]
        common = frozenset.intersection(*always) if always else frozenset()
        return self.categories(profil, finalite, comme) - (union(row.categories for row in rows) - common)

    def filterable(self, profil: Profil, finalite: Finalite | None, comme: Profil | None = None) -> Categories:
        """The categories it may filter and sort by: those it reads everywhere, and those that their own condition tells."""
        rows = self.rows(profil, finalite, comme)
        opening = [row for row in rows if row.condition is None]
        told = union(_told(row) for row in rows if _completes(row, opening, comme))
        return self.everywhere(profil, finalite, comme) | told

    def granted(
        self,
        profil: Profil,
        finalite: Finalite | None,
        relations: frozenset[Relation],
        statut: StatutApprenant | None,
        collaboration: bool,
    ) -> Categories:
        """The categories it may read of one record; empty when the record is out of its perimeter.

        `statut` is the person's today; unknown, only the rows open to every status apply.
        """
        opening = [row for row in self.rows(profil, finalite) if _opens(row, relations, statut)]
        if all(row.condition for row in opening):
            return frozenset()
        return PUBLIQUE | union(row.categories for row in opening if collaboration or not row.condition)

    def writes(self, profil: Profil, finalite: Finalite | None, comme: Profil | None = None) -> tuple[WriteRow, ...]:
        """The rows by which a profile writes for a purpose; `comme`: only those of whom a delegate acts for."""
        held = RELATIONS.get(comme, frozenset()) if comme else frozenset(Relation)
        rows = (row for row in self.ecriture if profil in row.profils and finalite is row.finalite)
        return tuple(row for row in rows if row.relations & held)

    def acts(self, profil: Profil, finalite: Finalite | None, comme: Profil | None = None) -> frozenset[Acte]:
        """What a profile may write, on somebody at least."""
        return union(row.actes for row in self.writes(profil, finalite, comme))

    def statuts(self, profil: Profil, finalite: Finalite | None) -> frozenset[StatutApprenant]:
        """The statuses under which the profile sees someone."""
        return union(row.statuts for row in self.rows(profil, finalite))


def read_policy(path: Path = FILE) -> AccessPolicy:
    """The policy of a file, by default the one shipped. Raises ConfigurationError with one line."""
    policy = read_toml(path, AccessPolicy, path.name)
    named = union(row.profils for row in policy.regle)
    missing = set(Profil) - named - policy.agregat.profils - policy.exploitation.profils
    if missing:
        names = ", ".join(sorted(profil.value for profil in missing))
        raise ConfigurationError(f"{path.name} : aucune ligne ne dit ce que lisent {names}")
    return policy


def _opens(row: PolicyRow, relations: frozenset[Relation], statut: StatutApprenant | None) -> bool:
    every_statut = len(row.statuts) == len(StatutApprenant)
    return not relations.isdisjoint(row.relations) and (every_statut or statut in row.statuts)


def _told(row: PolicyRow) -> Categories:
    return row.categories & {TOLD_BY_CONDITION[row.condition]} if row.condition else frozenset()


def _completes(row: PolicyRow, opening: Iterable[PolicyRow], comme: Profil | None) -> bool:
    """True when a row under condition is tried on every record that the others open."""
    held = RELATIONS.get(comme, frozenset(Relation)) if comme else frozenset(Relation)
    return all(other.relations & held <= row.relations and other.statuts <= row.statuts for other in opening)


def union(sets: Iterable[Iterable[T]]) -> frozenset[T]:
    """The union of sets."""
    # Sets keep the hashes of what they hold: to hash an enum member is a call of Python's, and each person is judged.
    return frozenset[T]().union(*sets)
