"""A registry partner that answers from memory, and rows to fill it: shared by the tests of the store and of the harvest."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from gateway.connectors.base import Requete
from gateway.connectors.registre import CONNECTEUR
from gateway.domain.sceau import Sceau
from gateway.sources.guichet import Page
from gateway.sources.moisson import Champ, Recolte
from gateway.stores.grange import Chantier, Grange
from gateway.stores.lignes import LigneRegistre
from gateway.stores.registre import Fenetre, Registre

SCEAU = Sceau(bytes(range(32)))
TELEPHONE, COURRIEL = "0639980017", "canari@exemple.invalid"


def charge(no_contrat: str = "059202509000001", **dits: Any) -> dict[str, Any]:
    """A contract object of the TBA view; `dits` replaces some of what it tells."""
    valeurs: dict[str, Any] = {
        "nom": "CANARI",
        "prenom": "Zoé",
        "naissance": "2007-05-17",
        "sexe": "F",
        "code_postal": "59000",
        "uai": "0590001F",
        "siret": "",
        "debut": "2025-09-01",
        "fin": "2027-08-31",
        "avenant": "",
        "statut": "",
        "rupture": "",
        **dits,
    }
    return {
        "alternant": {
            "nom": valeurs["nom"],
            "prenom": valeurs["prenom"],
            "dateNaissance": valeurs["naissance"],
            "sexe": valeurs["sexe"],
            "telephone": TELEPHONE,
            "courriel": COURRIEL,
            "adresse": {"numero": "1", "voie": "rue du Canari", "codePostal": valeurs["code_postal"]},
        },
        "formation": {"dateDebutFormation": valeurs["debut"], "dateFinFormation": valeurs["fin"]},
        "organismeFormationResponsable": {"uaiCfa": valeurs["uai"], "siret": valeurs["siret"]},
        "detailsContrat": {
            "noContrat": no_contrat,
            "noAvenant": valeurs["avenant"],
            "dispositif": "APPR",
            "dateDebutContrat": valeurs["debut"],
            "dateFinContrat": valeurs["fin"],
            "statut": valeurs["statut"],
        },
        "rupture": {"dateEffetRupture": valeurs["rupture"], "codeMotifRupture": "02" if valeurs["rupture"] else ""},
    }


def charge_lba(no_contrat: str = "059202509000001", **dits: Any) -> dict[str, Any]:
    """The same contract in the LBA view: an employer, no address, no sex, no phone."""
    objet = charge(no_contrat, **dits)
    objet["alternant"] = {cle: objet["alternant"][cle] for cle in ("nom", "prenom", "dateNaissance", "courriel")}
    objet["employeur"] = {"siret": "13002526500013", "denomination": "Boulangerie fictive"}
    return objet


@dataclass
class Partenaire:
    """Answers pages of windows from `jours`: day of processing → rows of each view. `incident` runs before each window."""

    jours: dict[date, list[tuple[str, dict[str, Any]]]] = field(default_factory=dict)
    incident: Callable[[int], None] = lambda _: None
    fenetres: list[tuple[str, str]] = field(default_factory=list)
    appels: list[tuple[str, str, int]] = field(default_factory=list)  # view, first day, page
    a_la_page: Callable[[str, str, int], object] = lambda *_: None
    par_page: int = 1000

    def dire(self, jour: date, objet: dict[str, Any], vue: str = "TBA") -> None:
        self.jours.setdefault(jour, []).append((vue, objet))

    async def lire(self, requete: Requete, rang: int, lire: Callable[[Any], Recolte]) -> Page[Recolte]:
        """One page, as the core asks for it."""
        await asyncio.sleep(0)
        debut, fin = _bornes(requete)
        if requete.acces == "tba" and rang == 1:
            self.incident(len(self.fenetres))
            self.fenetres.append((debut, fin))
        self.appels.append((requete.acces, debut, rang))
        self.a_la_page(requete.acces, debut, rang)
        contrats = self._contrats(requete)
        page = contrats[(rang - 1) * self.par_page : rang * self.par_page]
        empreinte = json.dumps([requete.corps, rang]).encode()
        return Page(lire({"contrats": page}), max(1, -(-len(contrats) // self.par_page)), empreinte)

    def _contrats(self, requete: Requete) -> list[dict[str, Any]]:
        debut, fin = (date.fromisoformat(borne) for borne in _bornes(requete))
        jours = (debut + timedelta(days=rang) for rang in range((fin - debut).days + 1))
        return [o for jour in jours for vue, o in self.jours.get(jour, []) if requete.chemin.endswith(vue)]


def _bornes(requete: Requete) -> tuple[str, str]:
    assert requete.corps is not None
    return requete.corps["dateDebut"], requete.corps["dateFin"]


def champ(source: Partenaire, depuis: date, **dits: Any) -> Champ:
    """That partner, harvested by the real connector."""
    assert CONNECTEUR.moisson is not None
    return Champ("registre", source.lire, CONNECTEUR.moisson, depuis, 59, **dits)


async def importer(registre: Registre, fenetre: Fenetre, lignes: Sequence[LigneRegistre], instant: datetime) -> None:
    """Write a window of one page."""
    grange, chantier = Grange(registre), Chantier(fenetre)
    assert await grange.elire()
    try:
        await grange.engranger(chantier, lignes, chantier.apres(1, len(lignes)), instant)
    finally:
        await grange.liberer()
