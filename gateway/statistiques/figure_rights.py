"""Which figures a caller may be answered: of which places, which exactly, and whether from its own list.

The rules are those of docs/statistiques.md. Decided by profile, purpose and perimeter, never by what is selected. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.auth.policy.figure_rows import FigureRow
from gateway.auth.policy.policy import AccessPolicy, Perimetre
from gateway.auth.policy.rules import PARTNER_ROLES, CategorieDonnee, Finalite, Profil
from gateway.domain.statut import StatutApprenant
from gateway.errors import ConfigurationError
from gateway.schema.statistics_filter import LieuDeReference
from gateway.statistiques.grids import (
    ISSUE,
    PRISE_EN_CHARGE,
    RUPTURE,
    SIGNALEMENT,
    STATUT,
    SUITE,
    TRAITEMENT,
)
from gateway.statistiques.indicators import Indicator, indicators

_C = CategorieDonnee
FORMATION, RESIDENCE = LieuDeReference.FORMATION, LieuDeReference.RESIDENCE
# What is read of each person counted by whoever counts exactly.
_READ = {
    ISSUE.name: frozenset({_C.CONTRAT, _C.RUPTURE}),
    RUPTURE.name: frozenset({_C.RUPTURE}),
    SIGNALEMENT.name: frozenset({_C.RUPTURE}),
    SUITE.name: frozenset({_C.RUPTURE, _C.PARCOURS}),
    STATUT.name: frozenset({_C.PARCOURS}),
    TRAITEMENT.name: frozenset({_C.RUPTURE, _C.SUIVI}),
    PRISE_EN_CHARGE.name: frozenset({_C.RUPTURE, _C.SUIVI}),
}
# By whom one acts as: what one's organisation is, and by which places its people are counted.
_PERIMETERS: Mapping[Profil, tuple[str, tuple[LieuDeReference, ...]]] = {
    Profil.MISSION_LOCALE: ("MISSION_LOCALE", (RESIDENCE,)),
    Profil.CFA: ("CFA", (FORMATION,)),
    Profil.TETE_DE_RESEAU: ("CFA", (FORMATION,)),
    Profil.DREETS: ("REGION", (FORMATION,)),
    Profil.DDETS: ("DEPARTEMENT", (FORMATION,)),
    Profil.ACADEMIE: ("ACADEMIE", (FORMATION,)),
    Profil.FRANCE_TRAVAIL: ("REGION", (RESIDENCE,)),
    Profil.ARML: ("REGION", (RESIDENCE,)),
    Profil.REGION: ("REGION", (FORMATION, RESIDENCE)),
    Profil.OPCO: ("", (FORMATION,)),
    Profil.STATISTIQUES: ("", (FORMATION, RESIDENCE)),
}
_LIST = (Profil.MISSION_LOCALE, Profil.CFA)  # whose own list is counted
_EVERY = frozenset(StatutApprenant)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: its profile, whom it acts for where it is a delegate, and its purpose."""

    profil: Profil
    comme: Profil
    finalite: Finalite | None


@dataclass(frozen=True, slots=True)
class FigureRights:
    """`bounds`: by dimension, the codes of one's perimeter; none, the whole country. `exact`: figures counted exactly today,
    `exact_before`: of months past, where persons who are no longer seen were counted. `lists`: persons may be read one by one,
    and counted as they are. `par`: as in the policy."""

    bounds: Mapping[str, frozenset[str]]
    lieux: tuple[LieuDeReference, ...]
    exact: frozenset[str] = frozenset()
    exact_before: frozenset[str] = frozenset()
    lists: bool = False
    par: str | None = None


def figure_rights_of(reader: Reader, perimetre: Perimetre, policy: AccessPolicy) -> FigureRights:
    """Of a caller who reads AGREGAT."""
    row = policy.agregat.row(reader.profil, reader.comme)
    if row is None:
        raise ConfigurationError(f"politique d'accès : agregat ne dit rien de {reader.profil.value}")
    dimension, lieux = _PERIMETERS[reader.comme]
    codes = perimetre.uais or frozenset({perimetre.organisation})
    return FigureRights(
        bounds={dimension: codes} if row.lieux == "PERIMETRE" else {},
        lieux=lieux,
        exact=frozenset(_exact(reader, row, policy, before=False)),
        exact_before=frozenset(_exact(reader, row, policy, before=True)),
        lists=reader.comme in _LIST and bool(policy.rows(reader.profil, reader.finalite, reader.comme)),
        par=row.par,
    )


def _exact(reader: Reader, row: FigureRow, policy: AccessPolicy, before: bool) -> Iterator[str]:
    for name, indicator in indicators().items():
        if row.counts(name) and may_count(reader, indicator, policy, before):
            yield name


def may_count(reader: Reader, indicator: Indicator, policy: AccessPolicy, before: bool = False) -> bool:
    """Whether every person counted may be read one by one, and what is counted of them. `before`: in months past, of which
    statuses of today say nothing, and the age gate of a residence may have let in who is seen for a disability only."""
    categories = policy.everywhere(reader.profil, reader.finalite, reader.comme)
    statuts = policy.statuts(reader.profil, reader.finalite)
    counted = _counted(indicator) if not before else _EVERY
    if not _READ[indicator.partition] <= categories or not counted <= statuts:
        return False
    return reader.comme is not Profil.MISSION_LOCALE or not before or _C.SENSIBLE in categories


def _counted(indicator: Indicator) -> frozenset[StatutApprenant]:
    """The statuses of today of those whom it counts."""
    return frozenset(map(StatutApprenant, indicator.counted)) if indicator.partition == STATUT.name else _EVERY


def check_exact(policy: AccessPolicy) -> None:
    """Raises ConfigurationError for a figure declared exact that nobody could count by reading persons, or that there is not."""
    for row in policy.agregat.lecture:
        names = indicators().keys() if row.counts("") else row.exacts
        for profil in sorted(row.profils, key=lambda profil: profil.value):
            for name in names:
                _check(profil, row, name, policy)


def _check(profil: Profil, row: FigureRow, name: str, policy: AccessPolicy) -> None:
    indicator = indicators().get(name)
    if indicator is None:
        raise ConfigurationError(f"politique d'accès : agregat.lecture : aucun chiffre ne s'appelle {name}")
    roles = [role for role in PARTNER_ROLES if role in row.profils] if profil is Profil.SI_PARTENAIRE else [profil]
    readers = [Reader(profil, role, finalite) for role in roles for finalite in Finalite]
    if not any(may_count(reader, indicator, policy) for reader in readers):
        raise ConfigurationError(
            f"politique d'accès : agregat.lecture : {profil.value} ne lit pas les personnes que compte {name}"
        )
