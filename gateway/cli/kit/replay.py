"""One reading of a partner, made by what reads it in the gateway, whatever feeds its answers: files of a case, or the partner.

A registry is harvested for one window of days into a store of its own, soon forgotten, and its contracts folded; a referential is
read, and refused as the gateway would. Knows no verdict.
"""

import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from gateway.cli.kit.case_files import Case, as_data, records_as_data
from gateway.cli.kit.recorded import OTHER_UAI, Behaviour, RecordedTransport
from gateway.connectors.base import Connector, PartnerRequest, QualityCounts, ReadingSteps, Record, Tenant, mapped
from gateway.connectors.quality import Fault, defects
from gateway.connectors.table.dialect import Dialect
from gateway.domain.days import paris_day
from gateway.domain.referentiel import Referentiel
from gateway.domain.seal import Sealer
from gateway.errors import SourceError, SourceInvalid
from gateway.schema.organisations import NatureDefaut, Qualite
from gateway.sources.connector_runs import lazily
from gateway.sources.harvest.harvester import HarvestedRows, HarvestTarget, harvest
from gateway.sources.harvest.referentiel import ReferentielKeeper
from gateway.sources.http.transport import Transport
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partner_client import HarvestPage, PartnerClient
from gateway.sources.partners.load import Partner
from gateway.sources.partners.tenants import TenantConfig
from gateway.sources.reading import ReadingRun
from gateway.sources.resilience.budgets import Clock
from gateway.sources.unit_reader import UnitReader
from gateway.sources.units import Resource, Unit, UnitFailure
from gateway.stores.registry import RegistryStore
from gateway.stores.registry_writer import RegistryWriter

UNPACED = 1e6  # requests a second: recorded answers spare nobody
SHORT_DELAY = 0.1  # seconds
REASONS = 3
LOSSES = {NatureDefaut.ECARTEE, NatureDefaut.DOUBLON, NatureDefaut.ORPHELINE}
ALL_PSEUDONYMS = ("", "g")  # they are hexadecimal
_NOT_SECRET = bytes(32)  # seals a copy of fictitious people, forgotten at once


@dataclass(frozen=True, slots=True)
class Target:
    """A partner to verify: how it is configured, what reads it, its folder and its file."""

    partner: Partner
    connector: Connector
    folder: Path
    file: Path
    dialect: Dialect | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """What a reading gave. `referentiel`: the tables of one, as data, where the partner is one."""

    records: Sequence[Record] = ()
    error: str = ""  # its code and its message; "" when it succeeded
    quality: Qualite | None = None
    referentiel: Mapping[str, Any] | None = None

    def as_data(self) -> dict[str, Any]:
        """As a case writes it."""
        if self.referentiel is not None:
            return {"referentiel": self.referentiel}
        return {"dossiers": records_as_data(self.records)}

    @property
    def reason(self) -> str:
        """Its error, with what most was set aside: that is where to look."""
        found = [one for one in (self.quality.defauts if self.quality else ()) if one.nature in LOSSES]
        told = ", ".join(f"{one.champ or one.genre} × {one.nombre}" for one in found[:REASONS])
        return f"{self.error} ; écarté : {told}" if self.error and told else self.error

    def aside(self, kind: str) -> int:
        """How many records (`dossier`), or values (`valeur`), were set aside."""
        defects = self.quality.defauts if self.quality else ()
        natures = {"dossier": {"dossier", "identite_double", "erreur", "colonnes_en_trop"}, "valeur": {"valeur"}}[kind]
        return sum(one.nombre for one in defects if one.genre in natures)


async def read_case(target: Target, case: Case, behaviour: Behaviour | None = None) -> tuple[Replay, RecordedTransport]:
    """A case as the gateway reads it, be its partner well behaved or not."""
    behaviour = behaviour or Behaviour()
    transport, own = RecordedTransport(case, behaviour), _for_case(target, case)
    if behaviour.drips:  # its delay is what ends it: nobody waits for the real one
        shorter = own.partner.limites.model_copy(update={"delai_secondes": SHORT_DELAY})
        own = replace(own, partner=replace(own.partner, limites=shorter))
    return await read_target(own, transport, case.tenant.key, case.now), transport


async def read_target(target: Target, transport: Transport, key: str, now: datetime) -> Replay:
    """One reading: of a tenant, of a registry's night, of a referential."""
    client = PartnerClient(target.partner, transport, SourceMetrics(CollectorRegistry()), lambda: now, Clock())
    try:
        if target.connector.moisson:
            return await _harvested(target, client, now)
        if target.connector.referentiel:
            return await _referentiel(client, target.connector.referentiel)
    except SourceError as error:
        return Replay(error=_told(error))
    return await _unit(target, client, key)


def _for_case(target: Target, case: Case) -> Target:
    """The partner as it is for the tenant of a case."""
    configured = (target.partner.abonnes or {}).get(case.tenant.key)
    tenant = TenantConfig(
        case.tenant, configured.base_url if configured else "", configured.secret if configured else None
    )
    limits = target.partner.limites.model_copy(update={"par_seconde": UNPACED, "par_minute_locataire": 60 * UNPACED})
    partner = replace(target.partner, abonnes={case.tenant.key: tenant}, acces={}, limites=limits)
    return replace(target, partner=partner)


def _told(error: SourceError) -> str:
    return " ; ".join([f"{error.code.value} : {error}", *getattr(error, "__notes__", ())])


async def _unit(target: Target, client: PartnerClient, key: str) -> Replay:
    """The records of a tenant, by what reads units in the gateway."""
    reader = UnitReader(client, target.connector, [key, OTHER_UAI])
    resource = Resource.CFA if target.connector.cfa_records else Resource.STRUCTURE
    outcome = await reader.read(Unit(target.partner.nom, resource, key))
    quality = reader.quality.get(key)
    if isinstance(outcome, UnitFailure):
        return Replay(error=_told(outcome.error), quality=quality)
    return Replay(outcome.records, quality=quality)


async def _harvested(target: Target, client: PartnerClient, now: datetime) -> Replay:
    """The contracts of the last window of days, each with its person. Raises SourceError."""
    moisson, fold, faults = target.connector.moisson, target.connector.contrat, Counter[Fault]()
    if moisson is None or fold is None:
        raise SourceInvalid(target.partner.nom, "ce partenaire ne répond pas à cette demande")

    async def page(
        request: PartnerRequest, rank: int, read: Callable[[Any], HarvestedRows]
    ) -> HarvestPage[HarvestedRows]:
        answered = await client.page(request, rank, read)
        faults.update(answered.content[1].faults)
        return answered

    length = target.partner.moisson.fenetre_jours if target.partner.moisson else 1
    first = paris_day(now) - timedelta(days=length)
    async with _throwaway_registry() as registry:
        await harvest(
            HarvestTarget(target.partner.nom, page, moisson, first, length),
            RegistryWriter(registry),
            lambda: now,
            _ignore,
        )
        stored = await registry.between(*ALL_PSEUDONYMS)
        payloads = [registry.payloads(contract) for contract in stored]
    folded = await client.apart(lambda: mapped(fold, payloads, QualityCounts()))
    records = [
        Record(contrat.numero or "", replace(jeune, contrats=[contrat])) for jeune, contrat in filter(None, folded)
    ]
    return Replay(records, quality=_quality(faults, len(records), now))


def _ignore(_: object) -> None:
    """Nobody watches how far it is."""


@asynccontextmanager
async def _throwaway_registry() -> AsyncIterator[RegistryStore]:
    with tempfile.TemporaryDirectory() as folder:
        registry = RegistryStore(f"sqlite+aiosqlite:///{folder}/registre.sqlite", Sealer(_NOT_SECRET))
        try:
            await registry.open()
            yield registry
        finally:
            await registry.close()


async def _referentiel(
    client: PartnerClient, read: Callable[[], ReadingSteps[tuple[Referentiel, QualityCounts]]]
) -> Replay:
    """The tables of a referential. Raises SourceError, for one that the gateway would not keep too."""
    faults, failed = Counter[Fault](), list[SourceError]()

    async def reading(steps: ReadingSteps[tuple[Referentiel, QualityCounts]]) -> tuple[Referentiel, QualityCounts]:
        try:
            told, counts = (await ReadingRun(client, Tenant("")).run(steps)).value
        except SourceError as error:
            failed.append(error)
            raise
        faults.update(counts.faults)
        return told, counts

    with tempfile.TemporaryDirectory() as folder:
        keeper = ReferentielKeeper(Path(folder) / "referentiel.json", reading, lambda: lazily(read))
        if not await keeper.harvest():
            raise failed[0] if failed else SourceInvalid(client.partner.nom, "référentiel vide ou tronqué")
    told = keeper.current
    tables = {name: list(getattr(told, name).values()) for name in ("communes", "missions_locales", "organismes")}
    names = [[nature, code, name] for (nature, code), name in sorted(told.noms.items())]
    return Replay(
        quality=_quality(faults, sum(map(len, tables.values())), client.wall_clock()),
        referentiel={**{name: as_data(rows) for name, rows in tables.items()}, "noms": names},
    )


def _quality(faults: Mapping[Fault, int], kept: int, now: datetime) -> Qualite:
    return Qualite(etablissement=None, lue_le=now, dossiers=kept, defauts=defects(faults))
