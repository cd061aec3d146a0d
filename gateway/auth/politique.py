"""The access policy, loaded from `policy.toml`: pure look-ups over its rows. Knows no field, no viewer, no person."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.auth.perimetre import Relation
from gateway.auth.rules import CategorieDonnee, Finalite, Profil
from gateway.domain.statut import StatutApprenant
from gateway.errors import ErreurConfiguration
from gateway.toml_file import StrictModel, read_toml

FICHIER = Path(__file__).with_name("policy.toml")
SANS_FINALITE = frozenset({CategorieDonnee.PUBLIQUE, CategorieDonnee.AGREGAT})
PUBLIQUE = frozenset({CategorieDonnee.PUBLIQUE})

T = TypeVar("T")
Categories = frozenset[CategorieDonnee]
Statuts = Annotated[
    frozenset[StatutApprenant], BeforeValidator(lambda valeur: list(StatutApprenant) if valeur == "TOUS" else valeur)
]
AuMoinsUne = Field(min_length=1)


def _d_aucune_personne(categories: Categories) -> Categories:
    if not categories <= {CategorieDonnee.TECHNIQUE}:
        raise ValueError("sans relation avec une personne, seule TECHNIQUE peut être lue")
    return categories


class Regle(StrictModel):
    """One row of the matrix (ANSWERS 11). `condition` restricts the row to some records of the perimeter."""

    profils: Annotated[tuple[Profil, ...], AuMoinsUne]
    relations: Annotated[frozenset[Relation], AuMoinsUne]
    statuts: Annotated[Statuts, AuMoinsUne]
    finalite: Finalite
    categories: Annotated[Categories, AuMoinsUne]
    condition: Literal["collaboration_demandee"] | None = None


class Agregat(StrictModel):
    """Who reads the figures of its own perimeter, whatever the purpose."""

    profils: Annotated[frozenset[Profil], AuMoinsUne]


class Exploitation(StrictModel):
    """Who reads the state of the partner systems: categories that open no person's record."""

    profils: Annotated[frozenset[Profil], AuMoinsUne]
    finalite: Finalite
    categories: Annotated[Categories, AuMoinsUne, AfterValidator(_d_aucune_personne)]


class Politique(StrictModel):
    """The whole policy. What no row grants is refused."""

    regle: Annotated[tuple[Regle, ...], AuMoinsUne]
    agregat: Agregat
    exploitation: Exploitation

    def lignes(self, profil: Profil, finalite: Finalite | None) -> tuple[Regle, ...]:
        """The rows of a profile for a purpose, in the order of the file."""
        return tuple(ligne for ligne in self.regle if profil in ligne.profils and finalite is ligne.finalite)

    def categories(self, profil: Profil, finalite: Finalite | None) -> Categories:
        """What the profile may read of someone at least: the union over relations, statuses and conditions."""
        lues = _union(ligne.categories for ligne in self.lignes(profil, finalite))
        if profil in self.exploitation.profils and finalite is self.exploitation.finalite:
            lues |= self.exploitation.categories
        return lues | PUBLIQUE | (SANS_FINALITE if profil in self.agregat.profils else PUBLIQUE)

    def partout(self, profil: Profil, finalite: Finalite | None) -> Categories:
        """What it may read of *every* record it sees: what a filter or a sort may use without telling the rest."""
        lignes = self.lignes(profil, finalite)
        toujours = [ligne.categories for ligne in lignes if ligne.condition is None]
        communes = frozenset.intersection(*toujours) if toujours else frozenset()
        return self.categories(profil, finalite) - (_union(ligne.categories for ligne in lignes) - communes)

    def accordees(
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
        ouvertes = [ligne for ligne in self.lignes(profil, finalite) if _ouvre(ligne, relations, statut)]
        if all(ligne.condition for ligne in ouvertes):
            return frozenset()
        return PUBLIQUE | _union(ligne.categories for ligne in ouvertes if collaboration or not ligne.condition)

    def statuts(self, profil: Profil, finalite: Finalite | None) -> frozenset[StatutApprenant]:
        """The statuses under which the profile sees someone."""
        return _union(ligne.statuts for ligne in self.lignes(profil, finalite))


def lire_politique(chemin: Path = FICHIER) -> Politique:
    """The policy of a file, by default the one shipped. Raises ErreurConfiguration with one line."""
    politique = read_toml(chemin, Politique, chemin.name)
    cites = _union(ligne.profils for ligne in politique.regle)
    oublies = set(Profil) - cites - politique.agregat.profils - politique.exploitation.profils
    if oublies:
        noms = ", ".join(sorted(profil.value for profil in oublies))
        raise ErreurConfiguration(f"{chemin.name} : aucune ligne ne dit ce que lisent {noms}")
    return politique


def _ouvre(ligne: Regle, relations: frozenset[Relation], statut: StatutApprenant | None) -> bool:
    tous = len(ligne.statuts) == len(StatutApprenant)
    return not relations.isdisjoint(ligne.relations) and (tous or statut in ligne.statuts)


def _union(ensembles: Iterable[Iterable[T]]) -> frozenset[T]:
    """Sets keep the hashes of what they hold: an enumeration's is a call of Python's, and each person is judged."""
    return frozenset[T]().union(*ensembles)
