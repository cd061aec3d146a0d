"""The referential as a directory of nouns: communes, Missions locales, CFAs, with their ids. Knows no person and no viewer."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Protocol

import strawberry
from cachetools import LRUCache

from gateway.auth.policy.policy import Perimetre
from gateway.domain.official_numbers import is_valid_code_postal, normalise_code_postal
from gateway.domain.referentiel import Referentiel, Residence, resolve
from gateway.domain.seal import OpaqueIds
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
        self.territories: dict[Perimetre, Any] = {}  # what perimeters have in their menus
        # Kept: a territory is written in few ways, each resolved once.
        self._resolve = lru_cache(HOMES_MAX)(partial(resolve, referentiel.geographie))

    def seal(self, nature: str, key: str) -> strawberry.ID:
        """The public id of an object."""
        return strawberry.ID(self._opaque_ids.seal(nature, key))

    def sealed_as(self, nature: str, identifier: str) -> strawberry.ID:
        """The public id of what lives under the same object: the rupture of a contract. Raises KeyError for no id of ours."""
        return self.seal(nature, self._opaque_ids.key(identifier))

    def pseudonym(self, key: str) -> str:
        """A stand-in for a secret key inside an id."""
        return self._opaque_ids.pseudonym(key)

    def home(self, adresse: Adresse) -> Residence:
        """Where an address is, as far as it tells."""
        return self._resolve(adresse.insee, adresse.code_postal, adresse.ville)

    def mission_locale_of_home(self, adresse: Adresse | None) -> str | None:
        """The Mission locale that serves an address, None when it cannot be told."""
        return self.home(adresse).mission_locale if adresse else None

    def shown_home(self, told: Adresse, place: Residence, commune: Commune | None) -> Adresse:
        """The home with its commune. A postal code that may lack its zero is shown once the town has agreed."""
        code = normalise_code_postal(told.code_postal) if place.departement else told.code_postal
        known = CodePostal(code) if code and is_valid_code_postal(code) else None
        return replace(told, commune=commune, code_postal=known)

    def possible_missions(self, place: Residence) -> list[MissionLocale] | None:
        """The Missions locales that an ambiguous home leaves, by code; None where it is settled, or tells nothing."""
        if place.mission_locale:
            return None
        communes = (self.referentiel.geographie.by_insee[insee] for insee in place.candidates)
        codes = sorted({commune.mission_locale for commune in communes if commune.mission_locale})
        return [mission for code in codes if (mission := self.mission_locale(code))] or None

    def cfa_keys(self, uais: Iterable[str]) -> frozenset[str]:
        """The UAI and the SIRET of each: the registry names a CFA by the one, or by the other where it is missing."""
        known = [organisme for uai in uais if (organisme := self.referentiel.organisme(uai))]
        return frozenset(uais) | frozenset(organisme.siret for organisme in known if organisme.siret)

    def territoire(self, nature: TypeTerritoire, code: str) -> Territoire:
        """A territory named by its kind and code: a bare code would be ambiguous (docs/domaine.md, Territoires)."""
        return Territoire(type=nature, code=code, nom=self.referentiel.noms.get((nature.value, code)))

    def commune(self, insee: str) -> Commune | None:
        """A commune with its Mission locale, whose own seat is left unlinked to keep answers finite."""
        if insee not in self._communes:
            line = self.referentiel.geographie.by_insee.get(insee)
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
        if code not in self._missions_locales:
            bare = self._mission_locale_without_seat(code)
            if code is None or bare is None:
                return None
            seat = self.referentiel.missions_locales[code].insee
            self._missions_locales[code] = replace(bare, commune=self.commune(seat) if seat else None)
        return self._missions_locales[code]

    def _mission_locale_without_seat(self, code: str | None) -> MissionLocale | None:
        line = self.referentiel.missions_locales.get(code) if code else None
        if line is None:
            return None
        return MissionLocale(
            id=self.seal("MissionLocale", line.code),
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
                id=self.seal("Cfa", line.uai),
                uai=UAI(line.uai),
                siret=SIRET(line.siret) if line.siret else None,
                nom=line.nom,
                commune=self.commune(line.insee) if line.insee else None,
                region=self.territoire(TypeTerritoire.REGION, line.region) if line.region else None,
            )
        return self._cfas[line.uai]

    def complete_cfa(self, cfa: Cfa | None) -> Cfa | None:
        """The CFA of the referential, for one that a source only numbers; as the source has it when it is not there."""
        if cfa is None or not (cfa.uai or cfa.siret):
            return None
        return self.cfa(cfa.uai, cfa.siret) or replace(cfa, id=self.seal("Cfa", cfa.uai or cfa.siret or ""))

    def node(self, identifier: str) -> Node | None:
        """The CFA or the Mission locale that an id designates."""
        nature, key = self._opaque_ids.open(identifier) or ("", "")
        if nature == "Cfa":
            return self.cfa(key)
        return self.mission_locale(key) if nature == "MissionLocale" else None


class ReferentielSource(Protocol):
    """What keeps the referential up to date."""

    @property
    def current(self) -> Referentiel: ...


class RenewedDirectory:
    """The directory of the referential of the moment, built again when it changes."""

    def __init__(self, keeper: ReferentielSource, opaque_ids: OpaqueIds) -> None:
        self._keeper, self._opaque_ids = keeper, opaque_ids
        self._built = Directory(Referentiel(), opaque_ids)

    def __call__(self) -> Directory:
        current = self._keeper.current
        if self._built.referentiel is not current:
            self._built = Directory(current, self._opaque_ids)
        return self._built
