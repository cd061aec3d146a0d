"""Contracts told by several sources, folded into one each. Knows no viewer and no clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.federation.precedence import memes_employeurs, memes_numeros
from gateway.federation.temoignages import Temoignage
from gateway.schema.nouns import Contrat, Employeur, Rupture

ECART_DEBUT_JOURS = 7  # same employer, starts this close: one contract (DOMAIN §11.7; docs/domaine.md)


@dataclass(slots=True)
class ContratFondu:
    """The versions of one contract, best source first, each with who says it."""

    versions: list[tuple[Temoignage, Contrat]] = field(default_factory=list)

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


def _ordre(contrat: Contrat) -> tuple[str, ...]:
    """Whatever order the source lists them in."""
    siret = contrat.employeur.siret if contrat.employeur else None
    return str(contrat.date_debut), contrat.numero or "", str(contrat.date_fin), siret or ""


def _ranger(fondus: list[ContratFondu], temoignage: Temoignage, contrat: Contrat) -> None:
    """With the contract that it most looks like: the one of its number, else the one that starts the nearest."""
    candidats = [fondu for fondu in fondus if not fondu.est_dit_par(temoignage)]
    proches = [(ecart, fondu) for fondu in candidats if (ecart := _ecart(contrat, fondu)) is not None]
    if proches:
        _, hote = min(proches, key=lambda proche: proche[0])
    else:
        hote = ContratFondu()
        fondus.append(hote)
    hote.versions.append((temoignage, contrat))


def _ecart(contrat: Contrat, fondu: ContratFondu) -> int | None:
    """How far a contract is from the versions of another: -1 for one number, else days; None when they are two contracts.

    It must be like every version: one that tells no employer would else make one contract of those of two employers.
    """
    ecarts = [_ecart_entre(contrat, version) for _, version in fondu.versions]
    if -1 in ecarts:
        return -1
    return None if None in ecarts else min(ecart for ecart in ecarts if ecart is not None)


def _ecart_entre(un: Contrat, autre: Contrat) -> int | None:
    if un.numero and autre.numero:
        return -1 if memes_numeros(un.numero, autre.numero) else None
    if un.date_debut is None or autre.date_debut is None:
        return None
    jours = abs((un.date_debut - autre.date_debut).days)
    compatibles = jours <= ECART_DEBUT_JOURS and _employeurs_compatibles(un.employeur, autre.employeur)
    return jours if compatibles else None


def _employeurs_compatibles(un: Employeur | None, autre: Employeur | None) -> bool:
    """Same legal unit, or one of the two sources does not say."""
    return un is None or autre is None or memes_employeurs(un, autre)
