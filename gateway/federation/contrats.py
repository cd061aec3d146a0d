"""Contracts told by several sources, folded into one each. Knows no viewer and no clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.domain.identifiers import siren
from gateway.federation.temoignages import Temoignage
from gateway.schema.nouns import Contrat, Employeur, Rupture

ECART_DEBUT_JOURS = 7  # same employer, starts this close: one contract (DOMAIN §11.7; docs/domaine.md)


@dataclass(slots=True)
class ContratFondu:
    """The versions of one contract, best source first, each with who says it."""

    versions: list[tuple[Temoignage, Contrat]] = field(default_factory=list)

    def premier(self, nom: str) -> object:
        """First value told of a field, in order of precedence."""
        return next((valeur for _, version in self.versions if (valeur := getattr(version, nom)) is not None), None)

    @property
    def annule(self) -> bool:
        """A source that declares a contract void is believed: the others only failed to hear of it."""
        return any(version.annule for _, version in self.versions)

    @property
    def ruptures(self) -> list[tuple[Temoignage, Rupture]]:
        """The sources that tell a rupture, best first."""
        return [(qui, version.rupture) for qui, version in self.versions if version.rupture and version.rupture.date]

    def est_dit_par(self, temoignage: Temoignage) -> bool:
        return any(qui.origine == temoignage.origine for qui, _ in self.versions)


def fondre(temoignages: Iterable[Temoignage]) -> list[ContratFondu]:
    """Fold the contracts of one person. Two contracts of one installation stay two. Void ones are left out."""
    fondus: list[ContratFondu] = []
    for temoignage in temoignages:
        for contrat in sorted(temoignage.jeune.contrats or [], key=_ordre):
            _ranger(fondus, temoignage, contrat)
    return [fondu for fondu in fondus if not fondu.annule]


def _ordre(contrat: Contrat) -> tuple[str, str]:
    return str(contrat.date_debut), contrat.numero or ""


def _ranger(fondus: list[ContratFondu], temoignage: Temoignage, contrat: Contrat) -> None:
    candidats = [fondu for fondu in fondus if not fondu.est_dit_par(temoignage)]
    hote = next((fondu for fondu in candidats if any(_meme(contrat, v) for _, v in fondu.versions)), None)
    if hote is None:
        hote = ContratFondu()
        fondus.append(hote)
    hote.versions.append((temoignage, contrat))


def _meme(un: Contrat, autre: Contrat) -> bool:
    if un.numero and autre.numero:
        return un.numero.casefold() == autre.numero.casefold()
    if un.date_debut is None or autre.date_debut is None:
        return False
    proche = abs((un.date_debut - autre.date_debut).days) <= ECART_DEBUT_JOURS
    return proche and _employeurs_compatibles(un.employeur, autre.employeur)


def _employeurs_compatibles(un: Employeur | None, autre: Employeur | None) -> bool:
    """Same legal unit, or one of the two sources does not say."""
    if un is None or autre is None or not un.siret or not autre.siret:
        return True
    return siren(un.siret) == siren(autre.siret)
