"""What lives as long as the process and touches the outside: sources, stores, cache, counters. Knows no rule."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.admission import RequestSlots
from gateway.audit.alerts import Alerts
from gateway.cache.factory import open_cache
from gateway.cache.sealed import SealedCodec
from gateway.cache.seam import Cache
from gateway.config import Configuration
from gateway.connectors.base import Connector
from gateway.connectors.discovery import connectors
from gateway.errors import ConfigurationError
from gateway.schema.organisations import TypeSource
from gateway.server.loop_lag import LoopLag
from gateway.sources.codec import codec
from gateway.sources.events.queue import QueueConsumer
from gateway.sources.events.subscriptions import consumers, receiver
from gateway.sources.events.webhook import WebhookReceiver
from gateway.sources.fetch import SourceDeps, Sources
from gateway.sources.harvest.harvester import HarvestTarget
from gateway.sources.harvest.progress import HarvestMetrics
from gateway.sources.harvest.referentiel import ReferentielKeeper
from gateway.sources.http.transport import Transport, TransportFactory, aiohttp_transport
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partners.load import Partner, load_partners
from gateway.sources.refresh_ahead import RefreshAhead
from gateway.sources.resilience.pacing import Clock
from gateway.sources.resilience.shared_pacing import SharedPacer
from gateway.sources.units import UnitResult
from gateway.stores.counters import RateLimits
from gateway.stores.journal import Journal
from gateway.stores.links import LinkStore
from gateway.stores.registry import RegistryStore
from gateway.stores.registry_writer import RegistryWriter
from gateway.stores.sql import database_url


@dataclass(frozen=True, slots=True)
class Outside:
    """What tests replace: the network, the seconds since 1970, and the clock and chance of `sources/resilience`."""

    network: TransportFactory = aiohttp_transport
    seconds: Callable[[], float] = time.time
    clock: Clock = field(default_factory=Clock)


@dataclass(slots=True)
class Services:
    """What lives as long as the process, and must be closed."""

    configuration: Configuration
    now: Callable[[], datetime]
    metrics: CollectorRegistry
    transport: Transport
    sources: Sources
    registry: RegistryStore
    registry_writer: RegistryWriter
    harvest_metrics: HarvestMetrics
    links: LinkStore
    readings_journal: Journal
    rate_limits: RateLimits
    shared_pacer: SharedPacer | None
    alerts: Alerts
    counts: SourceMetrics
    execution_paths: Counter
    slots: RequestSlots
    loop_lag: LoopLag
    keeper: ReferentielKeeper
    harvest_target: HarvestTarget
    refresh_ahead: RefreshAhead
    registry_name: str
    consumers: list[QueueConsumer]
    receiver: WebhookReceiver

    async def close(self) -> None:
        await self.sources.aclose()
        await self.registry.close()
        await self.links.close()
        await self.readings_journal.close()
        await self.rate_limits.close()
        if self.shared_pacer is not None:
            await self.shared_pacer.aclose()


def build_services(configuration: Configuration, environ: Mapping[str, str], outside: Outside = Outside()) -> Services:
    """Everything that touches the outside, nothing of it opened yet. Raises ConfigurationError."""
    known_connectors = connectors()
    partners = load_partners(configuration.root / "partenaires", environ, known_connectors)
    metrics = CollectorRegistry()
    counts, alerts = SourceMetrics(metrics), Alerts(metrics)
    transport = Transport(configuration.now, outside.network)
    cache = _cache(configuration, outside)
    shared_pacer = None if configuration.cache == "memory://" else SharedPacer(configuration.cache)
    clock = replace(outside.clock, processus=configuration.processus, shared=shared_pacer)
    sources = Sources(partners, known_connectors, SourceDeps(transport, cache, counts, configuration.now, clock))
    registry = partners[_single(sources, TypeSource.REGISTRE_CONTRATS)]
    referentiel = partners[_single(sources, TypeSource.REFERENTIEL)]
    _create_directory(configuration)
    store = RegistryStore(_url(configuration, environ, "registre.sqlite"), configuration.sealer)
    return Services(
        configuration=configuration,
        now=configuration.now,
        metrics=metrics,
        transport=transport,
        sources=sources,
        counts=counts,
        execution_paths=_execution_paths(metrics),
        loop_lag=LoopLag.registered(metrics),
        slots=RequestSlots(Gauge("passerelle_requetes_en_cours", "Requêtes en cours de traitement.", registry=metrics)),
        registry=store,
        registry_writer=RegistryWriter(store),
        harvest_metrics=HarvestMetrics(metrics, configuration.now),
        links=LinkStore(_url(configuration, environ, "liens.sqlite")),
        readings_journal=build_journal(configuration, environ, alerts.available),
        rate_limits=RateLimits(environ.get("GATEWAY_CACHE_URL", "")),
        shared_pacer=shared_pacer,
        alerts=alerts,
        keeper=_keeper(configuration, sources, referentiel, known_connectors[referentiel.genre]),
        harvest_target=_harvest_target(sources, registry, known_connectors[registry.genre]),
        refresh_ahead=RefreshAhead(sources, cache, clock.sleep),
        registry_name=registry.nom,
        consumers=consumers(sources, known_connectors, cache, counts),
        receiver=receiver(sources, known_connectors, counts, outside.seconds),
    )


def _cache(configuration: Configuration, outside: Outside) -> Cache:
    return open_cache(configuration.cache, SealedCodec(configuration.cache_sealers, codec(UnitResult)), outside.seconds)


def _execution_paths(metrics: CollectorRegistry) -> Counter:
    return Counter("passerelle_executions", "Opérations exécutées, par voie.", ("voie",), registry=metrics)


def _single(sources: Sources, nature: TypeSource) -> str:
    """The name of the one partner of a type."""
    names = sources.sources_of(nature)
    if len(names) != 1:
        raise ConfigurationError(f"partenaires : un partenaire {nature.value} attendu, {len(names)} configuré(s)")
    return names[0]


def _create_directory(configuration: Configuration) -> None:
    try:
        configuration.donnees.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"donnees.dossier : {configuration.donnees} : {error.strerror}") from None


def _url(configuration: Configuration, environ: Mapping[str, str], file: str) -> str:
    """The shared database, or else a file of its own: a harvest locks the registry's for as long as it writes."""
    return database_url(environ, "GATEWAY_DATABASE_URL", f"sqlite+aiosqlite:///{configuration.donnees / file}")


def build_journal(
    configuration: Configuration, environ: Mapping[str, str], report: Callable[[bool], None] = lambda _: None
) -> Journal:
    """The reading journal, not opened yet; `report` is told whether it can be written. Raises ConfigurationError."""
    _create_directory(configuration)
    default = f"sqlite+aiosqlite:///{configuration.donnees / 'journal.sqlite'}"
    return Journal(database_url(environ, "GATEWAY_JOURNAL_URL", default), configuration.sealer, report)


def _keeper(
    configuration: Configuration, sources: Sources, partner: Partner, connector: Connector
) -> ReferentielKeeper:
    if connector.referentiel is None:
        raise ConfigurationError(f"partenaires : {partner.nom} ne sait pas lire un référentiel")
    return ReferentielKeeper(
        configuration.donnees / "referentiel.json",
        lambda reading: sources.execute(partner.nom, reading),
        connector.referentiel,
    )


def _harvest_target(sources: Sources, partner: Partner, connector: Connector) -> HarvestTarget:
    if connector.moisson is None or partner.moisson is None:
        raise ConfigurationError(f"partenaires/{partner.nom}.toml : [moisson] depuis est requis")
    return HarvestTarget(
        source=partner.nom,
        read=partial(sources.page, partner.nom),
        moisson=connector.moisson,
        depuis=partner.moisson.depuis,
        fenetre_jours=partner.moisson.fenetre_jours,
        ouverture=partner.ouverture,
    )
