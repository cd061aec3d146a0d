"""Whose record it is: what a payload or a noun tells of one person, and the records that tell of two under one key.

Knows no partner's dialect.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Protocol, TypeVar

from gateway.connectors.base import QualityCounts, grouped
from gateway.connectors.quality import TWO_IDENTITIES
from gateway.domain.identifiers import ContratTraits, Traits, normalise_code_postal, normalise_nom, siren
from gateway.domain.similarity import Identity, is_one_identity
from gateway.schema.nouns import Contrat, Employeur, Jeune

W = TypeVar("W", bound="Named")


class Named(Protocol):
    """What a payload tells of who somebody is."""

    @property
    def nom(self) -> str: ...
    @property
    def prenom(self) -> str: ...
    @property
    def naissance(self) -> date: ...


def of_one_person(people: Iterable[W], key: Callable[[W], str], account: QualityCounts) -> list[W]:
    """The payloads whose key designates one person. Of a key that bears two identities nothing says whose its contracts are:
    it is set aside, and counted."""
    kept = list[W]()
    for same in grouped(people, key).values():
        if all(is_one_identity(_identity(same[0]), _identity(other)) for other in same[1:]):
            kept += same
        else:
            account.reject(TWO_IDENTITIES, number=len(same))
    return kept


def _identity(who: Named) -> Identity:
    return who.nom, who.prenom, who.naissance


def traits_of(jeune: Jeune, origin: tuple[str, str], key: str) -> Traits | None:
    """None for a record whose name has no letters: it identifies nobody. Raises ValueError without name or birth date."""
    if jeune.nom is None or jeune.prenom is None or jeune.date_naissance is None:
        raise ValueError("a connector let through a record without identity")
    if not normalise_nom(jeune.nom) or not normalise_nom(jeune.prenom):
        return None
    contrats = [contrat for contrat in jeune.contrats or [] if not contrat.annule]
    return Traits(
        origin=origin,
        key=key,
        noms=(jeune.nom, *(name for name in jeune.autres_noms if normalise_nom(name))),
        prenom=jeune.prenom,
        naissance=jeune.date_naissance,
        sexe=jeune.sexe.value if jeune.sexe else None,
        telephone=jeune.telephone,
        courriel=jeune.courriel,
        ine=jeune.ine,
        code_postal=normalise_code_postal(jeune.adresse.code_postal) if jeune.adresse else None,
        cfas=_cfas(jeune),
        contrats=tuple(_contrat(contrat) for contrat in contrats),
    )


def _cfas(jeune: Jeune) -> frozenset[str]:
    """By UAI and by SIRET: a source may tell one of the two only."""
    cfas = [contrat.cfa for contrat in jeune.contrats or []] + [formation.cfa for formation in jeune.formations or []]
    return frozenset(key for cfa in cfas if cfa for key in (cfa.uai, cfa.siret) if key)


def _contrat(contrat: Contrat) -> ContratTraits:
    return ContratTraits(
        numero=contrat.numero.upper() if contrat.numero else None,
        debut=contrat.date_debut,
        fin=_last_day(contrat),
        siren=legal_unit(contrat.employeur) if contrat.employeur else None,
    )


def legal_unit(employeur: Employeur) -> str | None:
    """The SIREN of an employer, told as such or by one of its establishments."""
    return siren(employeur.siret) if employeur.siret else employeur.siren


def _last_day(contrat: Contrat) -> date | None:
    return (contrat.rupture.date if contrat.rupture else None) or contrat.date_fin
