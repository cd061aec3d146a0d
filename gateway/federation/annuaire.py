"""The referential as nouns: communes, Missions locales, CFAs, with their ids. Knows no person and no viewer."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

import strawberry
from cachetools import LRUCache

from gateway.auth.perimetre import Perimetre
from gateway.domain.referentiel import Referentiel
from gateway.domain.territoire import Geographie, Residence, resoudre
from gateway.federation.identifiants import Identifiants
from gateway.schema.lieux import Cfa, Commune, MissionLocale, Node, Territoire, TypeTerritoire
from gateway.schema.nouns import Adresse
from gateway.schema.scalaires import SIRET, UAI, CodeInsee, CodePostal

DOMICILES_MAX = 100_000
PLANS_MAX = 256


class Annuaire:
    """Nouns of one version of the referential, built once each."""

    def __init__(self, referentiel: Referentiel, identifiants: Identifiants) -> None:
        self.referentiel = referentiel
        self._identifiants = identifiants
        self._communes: dict[str, Commune] = {}
        self._missions_locales: dict[str, MissionLocale] = {}
        self._cfas: dict[str, Cfa] = {}
        self.plans: LRUCache[tuple[Perimetre, bool], Any] = LRUCache(PLANS_MAX)  # what perimeters ask of the sources
        self._domiciles: dict[tuple[str | None, str | None, str | None], Residence] = {}

    @cached_property
    def geographie(self) -> Geographie:
        return self.referentiel.geographie

    def sceller(self, nature: str, cle: str) -> str:
        """The public id of an object."""
        return self._identifiants.sceller(nature, cle)

    def pseudonyme(self, cle: str) -> str:
        """Stands for a secret key inside an id."""
        return self._identifiants.pseudonyme(cle)

    def domicile(self, adresse: Adresse) -> Residence:
        """Where an address is, as far as it tells; a territory is told in few ways, each resolved once."""
        cle = (adresse.insee, adresse.code_postal, adresse.ville)
        if cle not in self._domiciles:
            if len(self._domiciles) >= DOMICILES_MAX:
                self._domiciles.clear()
            self._domiciles[cle] = resoudre(self.geographie, *cle)
        return self._domiciles[cle]

    def mission_locale_du_domicile(self, adresse: Adresse | None) -> str | None:
        """The Mission locale that serves an address, None when it cannot be told."""
        return self.domicile(adresse).mission_locale if adresse else None

    def cles_des_cfas(self, uais: Iterable[str]) -> frozenset[str]:
        """The registry names a CFA by UAI, or by SIRET where the UAI is missing: both, for each."""
        connus = [organisme for uai in uais if (organisme := self.referentiel.organisme(uai))]
        return frozenset(uais) | frozenset(organisme.siret for organisme in connus if organisme.siret)

    def territoire(self, nature: TypeTerritoire, code: str) -> Territoire:
        """A territory named by its kind and code: a bare code would be ambiguous (DOMAIN §8.1)."""
        return Territoire(type=nature, code=code, nom=self.referentiel.noms.get((nature.value, code)))

    def commune(self, insee: str) -> Commune | None:
        """A commune with its Mission locale, whose own seat is left unlinked to keep answers finite."""
        if insee not in self._communes:
            ligne = self.geographie.par_insee.get(insee)
            if ligne is None:
                return None
            self._communes[insee] = Commune(
                code=CodeInsee(ligne.code),
                nom=ligne.nom,
                codes_postaux=[CodePostal(code) for code in ligne.codes_postaux],
                departement=self.territoire(TypeTerritoire.DEPARTEMENT, ligne.departement),
                region=self.territoire(TypeTerritoire.REGION, ligne.region),
                mission_locale=self._mission_locale_sans_siege(ligne.mission_locale),
            )
        return self._communes[insee]

    def mission_locale(self, code: str | None) -> MissionLocale | None:
        """A Mission locale with the commune of its seat."""
        if code is None:
            return None
        if code not in self._missions_locales:
            nue = self._mission_locale_sans_siege(code)
            if nue is None:
                return None
            siege = self.referentiel.missions_locales[code].insee
            self._missions_locales[code] = replace(nue, commune=self.commune(siege) if siege else None)
        return self._missions_locales[code]

    def _mission_locale_sans_siege(self, code: str | None) -> MissionLocale | None:
        ligne = self.referentiel.missions_locales.get(code) if code else None
        if ligne is None:
            return None
        return MissionLocale(
            id=strawberry.ID(self.sceller("MissionLocale", ligne.code)),
            code=ligne.code,
            nom=ligne.nom,
            telephone=ligne.telephone,
            courriel=ligne.courriel,
        )

    def cfa(self, uai: str | None, siret: str | None = None) -> Cfa | None:
        """A CFA of the referential, by UAI else by SIRET."""
        ligne = self.referentiel.organisme(uai, siret)
        if ligne is None:
            return None
        if ligne.uai not in self._cfas:
            self._cfas[ligne.uai] = Cfa(
                id=strawberry.ID(self.sceller("Cfa", ligne.uai)),
                uai=UAI(ligne.uai),
                siret=SIRET(ligne.siret) if ligne.siret else None,
                nom=ligne.nom,
                commune=self.commune(ligne.insee) if ligne.insee else None,
                region=self.territoire(TypeTerritoire.REGION, ligne.region) if ligne.region else None,
            )
        return self._cfas[ligne.uai]

    def completer_cfa(self, dit: Cfa | None) -> Cfa | None:
        """What the referential knows of a CFA that a source only numbers; the source's own words if it knows nothing."""
        if dit is None or not (dit.uai or dit.siret):
            return None
        return self.cfa(dit.uai, dit.siret) or replace(
            dit, id=strawberry.ID(self.sceller("Cfa", dit.uai or dit.siret or ""))
        )

    def noeud(self, identifiant: str) -> Node | None:
        """The CFA or the Mission locale that an id designates."""
        lu = self._identifiants.ouvrir(identifiant)
        if lu is None:
            return None
        nature, cle = lu
        if nature == "Cfa":
            return self.cfa(cle)
        return self.mission_locale(cle) if nature == "MissionLocale" else None
