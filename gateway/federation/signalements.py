"""When each rupture was first told, by whom, and how long before the registry. Pure; first sightings are given.

A source that states the day of its report is believed; for another, it is the day we first saw that rupture there (ANSWERS 2).
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from gateway.domain.temps import jour_paris
from gateway.federation.contrats import ContratFondu
from gateway.federation.grappes import Pseudonyme, texte_du_contrat
from gateway.federation.temoignages import Temoignage
from gateway.schema.lieux import TypeSource
from gateway.schema.nouns import Contrat, Rupture

Fait = tuple[str, str, str]  # record, fact, name of the source
Vues = Mapping[tuple[str, str], datetime]  # by record and fact


def faits_sans_date(fondu: ContratFondu, pseudonyme: Pseudonyme) -> Iterator[Fait]:
    """The ruptures of a contract whose source does not say when it reported them; those to come are facts too."""
    for temoignage, contrat in fondu.versions:
        if contrat.rupture and contrat.rupture.date and not contrat.rupture.signalee_le:
            yield (*_fait(temoignage, contrat, contrat.rupture, pseudonyme), temoignage.source)


def signaler(rupture: Rupture, fondu: ContratFondu, vues: Vues, pseudonyme: Pseudonyme) -> None:
    """Write on a merged rupture when it was told, and how much earlier by an ERP than by the registry."""
    jours: dict[TypeSource, list[date]] = {}
    for temoignage, contrat in fondu.versions:
        jour = _signalee_le(temoignage, contrat, vues, pseudonyme)
        if jour:
            jours.setdefault(temoignage.type, []).append(jour)
    rupture.signalee_le = min((min(dits) for dits in jours.values()), default=None)
    if rupture.signalee_le and rupture.date:
        rupture.delai_signalement_jours = (rupture.signalee_le - rupture.date).days
    if jours.keys() >= {TypeSource.ERP_CFA, TypeSource.REGISTRE_CONTRATS}:
        avance = min(jours[TypeSource.REGISTRE_CONTRATS]) - min(jours[TypeSource.ERP_CFA])
        rupture.avance_sur_registre_jours = avance.days


def _signalee_le(temoignage: Temoignage, contrat: Contrat, vues: Vues, pseudonyme: Pseudonyme) -> date | None:
    rupture = contrat.rupture
    if rupture is None or rupture.date is None:
        return None
    if rupture.signalee_le:
        return rupture.signalee_le
    vue = vues.get(_fait(temoignage, contrat, rupture, pseudonyme))
    return jour_paris(vue) if vue else None


def _fait(temoignage: Temoignage, contrat: Contrat, rupture: Rupture, pseudonyme: Pseudonyme) -> tuple[str, str]:
    dossier = texte_du_contrat(temoignage, contrat)
    return pseudonyme(f"contrat|{dossier}"), pseudonyme(f"rupture|{dossier}|{rupture.date}")
