"""The access policy, loaded from `policy.toml`: pure look-ups over its rows. Knows no field, no viewer, no person."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from gateway.auth.policy.perimetre import RELATIONS, Relation
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
AtLeastOne = Field(min_length=1)
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# The category of which a condition is a fact: whoever is granted it under that condition learns of each person whether it
# holds, and a criterion that follows the condition tells nothing more.
TOLD_BY_CONDITION = {"collaboration_demandee": CategorieDonnee.COLLABORATION}


def _of_nobody(categories: Categories) -> Categories:
    if not categories <= {CategorieDonnee.TECHNIQUE}:
        raise ValueError("sans relation avec une personne, seule TECHNIQUE peut être lue")
    return categories


class LegalGround(StrictModel):
    """What a line of the file is founded on, and how long what it opens is kept: written for the DPO (docs/droits.md)."""

    fondement: Sentence
    conservation: Sentence


class PolicyRow(LegalGround):
    """One row of the matrix (docs/graphe.md, Droits). `condition` restricts the row to some records of the perimeter."""

    profils: Annotated[tuple[Profil, ...], AtLeastOne]
    relations: Annotated[frozenset[Relation], AtLeastOne]
    statuts: Annotated[Statuts, AtLeastOne]
    finalite: Finalite
    categories: Annotated[Categories, AtLeastOne]
    condition: Literal["collaboration_demandee"] | None = None


class Aggregate(LegalGround):
    """The profiles that read the figures of their own perimeter, whatever the purpose."""

    profils: Annotated[frozenset[Profil], AtLeastOne]


class OperationsConfig(LegalGround):
    """The profiles that read the state of the partner systems: categories that open no person's record."""

    profils: Annotated[frozenset[Profil], AtLeastOne]
    finalite: Finalite
    categories: Annotated[Categories, AtLeastOne, AfterValidator(_of_nobody)]


class AccessPolicy(StrictModel):
    """The whole policy. What no row grants is refused."""

    regle: Annotated[tuple[PolicyRow, ...], AtLeastOne]
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
