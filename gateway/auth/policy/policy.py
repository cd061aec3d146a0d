"""The access policy, loaded from `policy.toml`: pure look-ups over its rows. Knows no field, no viewer, no person."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.auth.policy.perimetre import Relation
from gateway.auth.policy.rules import CategorieDonnee, Finalite, Profil
from gateway.domain.statut import StatutApprenant
from gateway.errors import ConfigurationError
from gateway.toml_file import StrictModel, read_toml

FILE = Path(__file__).parent.parent / "policy.toml"
WITHOUT_FINALITE = frozenset({CategorieDonnee.PUBLIQUE, CategorieDonnee.AGREGAT})
PUBLIQUE = frozenset({CategorieDonnee.PUBLIQUE})

T = TypeVar("T")
Categories = frozenset[CategorieDonnee]
Statuts = Annotated[
    frozenset[StatutApprenant], BeforeValidator(lambda value: list(StatutApprenant) if value == "TOUS" else value)
]
AtLeastOne = Field(min_length=1)


def _of_nobody(categories: Categories) -> Categories:
    if not categories <= {CategorieDonnee.TECHNIQUE}:
        raise ValueError("sans relation avec une personne, seule TECHNIQUE peut être lue")
    return categories


class PolicyRow(StrictModel):
    """One row of the matrix (docs/graphe.md, Droits). `condition` restricts the row to some records of the perimeter."""

    profils: Annotated[tuple[Profil, ...], AtLeastOne]
    relations: Annotated[frozenset[Relation], AtLeastOne]
    statuts: Annotated[Statuts, AtLeastOne]
    finalite: Finalite
    categories: Annotated[Categories, AtLeastOne]
    condition: Literal["collaboration_demandee"] | None = None


class Aggregate(StrictModel):
    """Who reads the figures of its own perimeter, whatever the purpose."""

    profils: Annotated[frozenset[Profil], AtLeastOne]


class OperationsConfig(StrictModel):
    """Who reads the state of the partner systems: categories that open no person's record."""

    profils: Annotated[frozenset[Profil], AtLeastOne]
    finalite: Finalite
    categories: Annotated[Categories, AtLeastOne, AfterValidator(_of_nobody)]


class AccessPolicy(StrictModel):
    """The whole policy. What no row grants is refused."""

    regle: Annotated[tuple[PolicyRow, ...], AtLeastOne]
    agregat: Aggregate
    exploitation: OperationsConfig

    def rows(self, profil: Profil, finalite: Finalite | None) -> tuple[PolicyRow, ...]:
        """The rows of a profile for a purpose, in the order of the file."""
        return tuple(line for line in self.regle if profil in line.profils and finalite is line.finalite)

    def categories(self, profil: Profil, finalite: Finalite | None) -> Categories:
        """What the profile may read of someone at least: the union over relations, statuses and conditions."""
        rows_read = _union(line.categories for line in self.rows(profil, finalite))
        if profil in self.exploitation.profils and finalite is self.exploitation.finalite:
            rows_read |= self.exploitation.categories
        return rows_read | PUBLIQUE | (WITHOUT_FINALITE if profil in self.agregat.profils else PUBLIQUE)

    def everywhere(self, profil: Profil, finalite: Finalite | None) -> Categories:
        """What it may read of *every* record it sees: what a filter or a sort may use without telling the rest."""
        rows = self.rows(profil, finalite)
        always = [line.categories for line in rows if line.condition is None]
        communes = frozenset.intersection(*always) if always else frozenset()
        return self.categories(profil, finalite) - (_union(line.categories for line in rows) - communes)

    def granted(
        self,
        profil: Profil,
        finalite: Finalite | None,
        relations: frozenset[Relation],
        statut: StatutApprenant | None,
        collaboration: bool,
    ) -> Categories:
        """What it may read of one record; empty when the record is out of its perimeter.

        `statut` is the person's today; unknown, only the rows open to every status apply.
        """
        open_lines = [line for line in self.rows(profil, finalite) if _opens(line, relations, statut)]
        if all(line.condition for line in open_lines):
            return frozenset()
        return PUBLIQUE | _union(line.categories for line in open_lines if collaboration or not line.condition)

    def statuts(self, profil: Profil, finalite: Finalite | None) -> frozenset[StatutApprenant]:
        """The statuses under which the profile sees someone."""
        return _union(line.statuts for line in self.rows(profil, finalite))


def read_policy(path: Path = FILE) -> AccessPolicy:
    """The policy of a file, by default the one shipped. Raises ConfigurationError with one line."""
    policy = read_toml(path, AccessPolicy, path.name)
    quoted = _union(line.profils for line in policy.regle)
    forgotten = set(Profil) - quoted - policy.agregat.profils - policy.exploitation.profils
    if forgotten:
        names = ", ".join(sorted(profil.value for profil in forgotten))
        raise ConfigurationError(f"{path.name} : aucune ligne ne dit ce que lisent {names}")
    return policy


def _opens(line: PolicyRow, relations: frozenset[Relation], statut: StatutApprenant | None) -> bool:
    all_ = len(line.statuts) == len(StatutApprenant)
    return not relations.isdisjoint(line.relations) and (all_ or statut in line.statuts)


def _union(sets: Iterable[Iterable[T]]) -> frozenset[T]:
    """Sets keep the hashes of what they hold: an enumeration's is a call of Python's, and each person is judged."""
    return frozenset[T]().union(*sets)
