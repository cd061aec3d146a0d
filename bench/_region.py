"""A region in this process: what its systems would say of a generated population, given as units and as a registry, without HTTP.

What is exercised is what a query exercises once partners have answered: the collector, the joining, the views, the ledger of
links. Records are taken as the systems tell them, with their mistakes, before any partner's format.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fixtures.population.model import Account, Population
from gateway.connectors.base import Record
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.schema.organisations import TypeSource
from gateway.sources.units import CacheStatus, Resource, Unit, UnitFailure, UnitResult
from tests.support.told_population import INSTANT, record_of

MILO = "imilo"


def referentiel_of(population: Population) -> Referentiel:
    """The communes, Missions locales and CFAs of a population, as the referential tells them."""
    geo = population.geographie
    communes = {
        code: CommuneLine(code, c.nom, c.codes_postaux, c.departement, c.region, c.academie, c.mission_locale)
        for code, c in geo.communes.items()
    }
    missions = {
        code: MissionLocaleRow(rank, code, one.nom, one.commune, None, None)
        for rank, (code, one) in enumerate(geo.missions_locales.items())
    }
    places = {uai: geo.communes[cfa.commune] for uai, cfa in population.cfas.items()}
    organismes = {
        uai: OrganismeRow(
            uai, cfa.siret, cfa.nom, cfa.commune, places[uai].departement, places[uai].region, places[uai].academie
        )
        for uai, cfa in population.cfas.items()
    }
    return Referentiel(communes=communes, missions_locales=missions, organismes=organismes)


@dataclass(frozen=True, slots=True)
class RegistryTold:
    """What the registry answered."""

    records: tuple[Record, ...]
    as_of: datetime | None = INSTANT
    version: str = "1"


class Registry:
    """The registry: found by home, by CFA and by identity, as its store finds them; one answer is kept for one question."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._by_key: dict[object, list[Record]] = defaultdict(list)
        self._answers: dict[Any, RegistryTold] = {}
        for account in accounts:
            record = record_of(account)
            self._by_key[account.person.adresse.code_postal].append(record)
            for contrat in account.person.contrats:
                self._by_key[contrat.uai].append(record)

    async def version(self) -> str:
        return "1"

    async def records(
        self, codes_postaux: Collection[str], cfas: Collection[str], identities: Collection[str]
    ) -> RegistryTold:
        question = frozenset(codes_postaux), frozenset(cfas), frozenset(identities)
        if question not in self._answers:
            found = {one.key: one for key in (*codes_postaux, *cfas) for one in self._by_key.get(key, ())}
            self._answers[question] = RegistryTold(tuple(found[key] for key in sorted(found)))
        return self._answers[question]


@dataclass
class Partners:
    """The ERPs and the system of Missions locales: a unit a CFA or a structure, of which one record may be changed."""

    accounts: Mapping[Unit, Sequence[Account]]
    _told: dict[Unit, UnitResult] = field(default_factory=dict)

    def partner_of_cfa(self, uai: str) -> str | None:
        return next((unit.source for unit in self._units_of(Resource.CFA, uai)), None)

    def sources_of_cfa(self, uai: str) -> tuple[str, ...]:
        return tuple(unit.source for unit in self._units_of(Resource.CFA, uai))

    def partners_of_structure(self, code: str) -> tuple[str, ...]:
        return tuple(unit.source for unit in self._units_of(Resource.STRUCTURE, code))

    def sources_of(self, type_source: TypeSource) -> tuple[str, ...]:
        return (MILO,) if type_source is TypeSource.MISSION_LOCALE else ()

    def cap(self, _source: str) -> int:
        return 10_000

    async def read(
        self, units: Sequence[Unit], _timeout: float, _age_max: float | None, _asked: object
    ) -> list[UnitResult | UnitFailure]:
        return [self._result(unit) for unit in units]

    async def kept_versions(self, units: Sequence[Unit]) -> list[UnitResult | None]:
        return [self._result(unit) for unit in units]

    def change(self, unit: Unit, rank: int, telephone: str) -> None:
        """The unit is told anew whole, as a partner does: one of its records has another telephone."""
        told = self._result(unit)
        records = [replace(record, jeune=replace(record.jeune)) for record in told.records]
        records[rank] = replace(records[rank], jeune=replace(records[rank].jeune, telephone=telephone))
        self._told[unit] = replace(told, records=tuple(records), version=str(int(told.version) + 1))

    def _result(self, unit: Unit) -> UnitResult:
        if unit not in self._told:
            records = tuple(record_of(account) for account in self.accounts[unit])
            self._told[unit] = UnitResult(unit, records, INSTANT, CacheStatus.MISSED, "1")
        return self._told[unit]

    def _units_of(self, resource: Resource, key: str) -> list[Unit]:
        units = (Unit(source, resource, key) for source in ("ypareo", "gestibase", "aimaira", MILO))
        return [unit for unit in units if unit in self.accounts]


def partners_of(population: Population) -> tuple[Partners, Registry]:
    """The systems of a population."""
    accounts: dict[Unit, Sequence[Account]] = {}
    for system, tenants in population.accounts.items():
        resource = Resource.STRUCTURE if system == MILO else Resource.CFA
        if system != "registre":
            accounts |= {Unit(system, resource, key): told for key, told in tenants.items() if told}
    return Partners(accounts), Registry(one for told in population.accounts["registre"].values() for one in told)
