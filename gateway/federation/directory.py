"""The referential as nouns: communes, Missions locales, CFAs, with their ids. Knows no person and no viewer."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

import strawberry
from cachetools import LRUCache

from gateway.auth.policy.perimetre import Perimetre
from gateway.domain.referentiel import Referentiel
from gateway.domain.territoire import Geographie, Residence, resolve
from gateway.federation.opaque_ids import OpaqueIds
from gateway.schema.nouns import Adresse
from gateway.schema.organisations import Cfa, Commune, MissionLocale, Node, Territoire, TypeTerritoire
from gateway.schema.scalars import SIRET, UAI, CodeInsee, CodePostal

HOMES_MAX = 100_000
PLANS_MAX = 256


class Directory:
    """Nouns of one version of the referential, built once each."""

    def __init__(self, referentiel: Referentiel, opaque_ids: OpaqueIds) -> None:
        self.referentiel = referentiel
        self._opaque_ids = opaque_ids
        self._communes: dict[str, Commune] = {}
        self._missions_locales: dict[str, MissionLocale] = {}
        self._cfas: dict[str, Cfa] = {}
        self.plans: LRUCache[tuple[Perimetre, bool], Any] = LRUCache(PLANS_MAX)  # what perimeters ask of the sources
        self._homes: dict[tuple[str | None, str | None, str | None], Residence] = {}

    @cached_property
    def geographie(self) -> Geographie:
        return self.referentiel.geographie

    def seal(self, nature: str, key: str) -> str:
        """The public id of an object."""
        return self._opaque_ids.seal(nature, key)

    def pseudonym(self, key: str) -> str:
        """Stands for a secret key inside an id."""
        return self._opaque_ids.pseudonym(key)

    def home(self, adresse: Adresse) -> Residence:
        """Where an address is, as far as it tells; a territory is told in few ways, each resolved once."""
        key = (adresse.insee, adresse.code_postal, adresse.ville)
        if key not in self._homes:
            if len(self._homes) >= HOMES_MAX:
                self._homes.clear()
            self._homes[key] = resolve(self.geographie, *key)
        return self._homes[key]

    def mission_locale_of_home(self, adresse: Adresse | None) -> str | None:
        """The Mission locale that serves an address, None when it cannot be told."""
        return self.home(adresse).mission_locale if adresse else None

    def cfa_keys(self, uais: Iterable[str]) -> frozenset[str]:
        """The registry names a CFA by UAI, or by SIRET where the UAI is missing: both, for each."""
        known_ones = [organisme for uai in uais if (organisme := self.referentiel.organisme(uai))]
        return frozenset(uais) | frozenset(organisme.siret for organisme in known_ones if organisme.siret)

    def territoire(self, nature: TypeTerritoire, code: str) -> Territoire:
        """A territory named by its kind and code: a bare code would be ambiguous (docs/domaine.md, Territoires)."""
        return Territoire(type=nature, code=code, nom=self.referentiel.noms.get((nature.value, code)))

    def commune(self, insee: str) -> Commune | None:
        """A commune with its Mission locale, whose own seat is left unlinked to keep answers finite."""
        if insee not in self._communes:
            line = self.geographie.by_insee.get(insee)
            if line is None:
                return None
            self._communes[insee] = Commune(
                code=CodeInsee(line.code),
                nom=line.nom,
                codes_postaux=[CodePostal(code) for code in line.codes_postaux],
                departement=self.territoire(TypeTerritoire.DEPARTEMENT, line.departement),
                region=self.territoire(TypeTerritoire.REGION, line.region),
                mission_locale=self._mission_locale_without_seat(line.mission_locale),
            )
        return self._communes[insee]

    def mission_locale(self, code: str | None) -> MissionLocale | None:
        """A Mission locale with the commune of its seat."""
        if code is None:
            return None
        if code not in self._missions_locales:
            bare = self._mission_locale_without_seat(code)
            if bare is None:
                return None
            seat = self.referentiel.missions_locales[code].insee
            self._missions_locales[code] = replace(bare, commune=self.commune(seat) if seat else None)
        return self._missions_locales[code]

    def _mission_locale_without_seat(self, code: str | None) -> MissionLocale | None:
        line = self.referentiel.missions_locales.get(code) if code else None
        if line is None:
            return None
        return MissionLocale(
            id=strawberry.ID(self.seal("MissionLocale", line.code)),
            code=line.code,
            nom=line.nom,
            telephone=line.telephone,
            courriel=line.courriel,
        )

    def cfa(self, uai: str | None, siret: str | None = None) -> Cfa | None:
        """A CFA of the referential, by UAI else by SIRET."""
        line = self.referentiel.organisme(uai, siret)
        if line is None:
            return None
        if line.uai not in self._cfas:
            self._cfas[line.uai] = Cfa(
                id=strawberry.ID(self.seal("Cfa", line.uai)),
                uai=UAI(line.uai),
                siret=SIRET(line.siret) if line.siret else None,
                nom=line.nom,
                commune=self.commune(line.insee) if line.insee else None,
                region=self.territoire(TypeTerritoire.REGION, line.region) if line.region else None,
            )
        return self._cfas[line.uai]

    def complete_cfa(self, told: Cfa | None) -> Cfa | None:
        """What the referential knows of a CFA that a source only numbers; the source's own words if it knows nothing."""
        if told is None or not (told.uai or told.siret):
            return None
        return self.cfa(told.uai, told.siret) or replace(
            told, id=strawberry.ID(self.seal("Cfa", told.uai or told.siret or ""))
        )

    def node(self, identifier: str) -> Node | None:
        """The CFA or the Mission locale that an id designates."""
        lu = self._opaque_ids.open(identifier)
        if lu is None:
            return None
        nature, key = lu
        if nature == "Cfa":
            return self.cfa(key)
        return self.mission_locale(key) if nature == "MissionLocale" else None
