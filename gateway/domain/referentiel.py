"""The referential as values: communes, Missions locales, CFAs, and who belongs where. Pure; knows no source, no noun."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gateway.domain.territoire import CommunePlace, Geographie

CommuneLine = CommunePlace


@dataclass(frozen=True, slots=True)
class MissionLocaleRow:
    """A Mission locale; `insee` is the commune of its seat."""

    id: int
    code: str
    nom: str
    insee: str | None
    telephone: str | None
    courriel: str | None


@dataclass(frozen=True, slots=True)
class OrganismeRow:
    """A training body; `responsables` and `formateurs` are the UAIs it is linked to."""

    uai: str
    siret: str
    nom: str
    insee: str | None
    departement: str | None
    region: str | None
    academie: str | None
    reseaux: tuple[str, ...] = ()
    nature: str | None = None
    responsables: tuple[str, ...] = ()
    formateurs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Referentiel:
    """One version of the referential. `noms` gives the name of a territory by (kind, code)."""

    communes: Mapping[str, CommuneLine] = field(default_factory=dict)
    missions_locales: Mapping[str, MissionLocaleRow] = field(default_factory=dict)
    organismes: Mapping[str, OrganismeRow] = field(default_factory=dict)
    noms: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def geographie(self) -> Geographie:
        return Geographie(self.communes.values())

    @cached_property
    def _by_siret(self) -> Mapping[str, OrganismeRow]:
        return {organisme.siret: organisme for organisme in self.organismes.values()}

    def organisme(self, uai: str | None, siret: str | None = None) -> OrganismeRow | None:
        """A CFA by UAI, else by SIRET."""
        return (self.organismes.get(uai) if uai else None) or (self._by_siret.get(siret) if siret else None)

    def cfas_of_region(self, code: str) -> frozenset[str]:
        return frozenset(o.uai for o in self.organismes.values() if o.region == code)

    def cfas_of_departement(self, code: str) -> frozenset[str]:
        return frozenset(o.uai for o in self.organismes.values() if o.departement == code)

    def cfas_of_academie(self, code: str) -> frozenset[str]:
        return frozenset(o.uai for o in self.organismes.values() if o.academie == code)

    def uais_of_reseau(self, reseau: str) -> frozenset[str]:
        return frozenset(o.uai for o in self.organismes.values() if reseau in o.reseaux)

    def formateurs(self, uai: str) -> frozenset[str]:
        """The places of training a CFA answers for."""
        organisme = self.organismes.get(uai)
        return frozenset(organisme.formateurs) if organisme else frozenset()

    def communes_de_mission_locale(self, code: str) -> frozenset[str]:
        return frozenset(c.code for c in self.communes.values() if c.mission_locale == code)

    def communes_de_region(self, code: str) -> frozenset[str]:
        return frozenset(c.code for c in self.communes.values() if c.region == code)

    def codes_postaux_of(self, communes: Iterable[str]) -> frozenset[str]:
        return frozenset(code for insee in communes for code in self.communes[insee].codes_postaux)
