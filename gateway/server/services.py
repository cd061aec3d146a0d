"""What lives as long as the process and touches the outside: sources, stores, cache, counters. Knows no rule."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from prometheus_client import CollectorRegistry, Gauge

from gateway.audit.alerts import Alerts
from gateway.audit.retention import JournalKeeper
from gateway.auth.authentication.client_register import ClientMetrics
from gateway.cache.factory import open_cache
from gateway.cache.interface import Cache
from gateway.cache.sealed import SealedCodec
from gateway.config import Configuration
from gateway.connectors.base import Connector
from gateway.edge.guard import RequestSlots
from gateway.edge.metrics import EdgeMetrics
from gateway.errors import ConfigurationError
from gateway.reception.fields import REQUIRED
from gateway.redis_breaker import RedisBreaker
from gateway.redis_client import open_redis
from gateway.schema.organisations import Source, TypeSource
from gateway.server.loop_lag import LoopLag
from gateway.server.open_files import OpenFiles
from gateway.server.statistics_watch import StatisticsMetrics, StatisticsWatch
from gateway.server.trace_export import TraceExport
from gateway.sources.codec import codec
from gateway.sources.connector_runs import lazily
from gateway.sources.events.event_partners import consumers, receiver
from gateway.sources.events.queue import QueueConsumer
from gateway.sources.events.webhook_receiver import WebhookReceiver
from gateway.sources.fetch import SourceDeps, Sources
from gateway.sources.harvest.harvester import HarvestTarget
from gateway.sources.harvest.progress import HarvestMetrics
from gateway.sources.harvest.referentiel import ReferentielKeeper
from gateway.sources.http.issuers import IssuerClient
from gateway.sources.http.outbound import TransportFactory, aiohttp_transport
from gateway.sources.http.transport import Transport
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partners.configured import configured_partners
from gateway.sources.partners.load import Partner
from gateway.sources.received import NAME, AskedAndReceived, ReceivedDossiers
from gateway.sources.refresh_ahead import RefreshAhead
from gateway.sources.resilience.budgets import Clock
from gateway.sources.resilience.shared_pacing import SharedPacer
from gateway.sources.units import UnitResult
from gateway.stores.blocks import BlockStore
from gateway.stores.event_log import EventStore
from gateway.stores.journal import Journal
from gateway.stores.links import LinkStore
from gateway.stores.quota_counters import RateLimits
from gateway.stores.receptions import ReceptionStore
from gateway.stores.registry import RegistryStore
from gateway.stores.shared_counters import SharedCounters
from gateway.stores.sql import database_url
from gateway.stores.write_store import WriteStore
from gateway.system_reasons import reason_of
from gateway.webhooks.endpoints import RegisteredEndpoints


@dataclass(slots=True)
class Services:
    """What lives as long as the process, and must be closed."""

    configuration: Configuration
    metrics: CollectorRegistry
    edge_metrics: EdgeMetrics
    transport: Transport
    sources: Sources
    registry: RegistryStore
    harvest_metrics: HarvestMetrics
    links: LinkStore
    statistics_watch: StatisticsWatch
    readings_journal: Journal
    journal_keeper: JournalKeeper
    rate_limits: RateLimits
    alerts: Alerts
    client_metrics: ClientMetrics
    counts: SourceMetrics
    slots: RequestSlots
    loop_lag: LoopLag
    keeper: ReferentielKeeper
    harvest_target: HarvestTarget
    refresh_ahead: RefreshAhead
    consumers: list[QueueConsumer]
    receiver: WebhookReceiver
    received: ReceivedDossiers | None  # None: nothing is received
    writes: WriteStore
    events: EventStore
    issuers: list[IssuerClient] = field(default_factory=list)
    open_files: OpenFiles = field(default_factory=OpenFiles)
    traces: TraceExport | None = None  # None: no span is made
    webhooks: RegisteredEndpoints | None = None  # once they are read

    @property
    def blocks(self) -> BlockStore:
        """The counts of statistics."""
        return self.statistics_watch.store

    @property
    def shared_counters(self) -> SharedCounters | None:
        """What all processes count together, where there is a Redis."""
        return self.rate_limits.shared

    @property
    def receptions(self) -> ReceptionStore | None:
        """The store of what is received; None: nothing is."""
        return self.received.store if self.received else None

    @property
    def live_sources(self) -> Sources | AskedAndReceived:
        """What readings are made of: the partners, and what is received."""
        return AskedAndReceived(self.sources, self.received) if self.received else self.sources

    def states(self) -> list[Source]:
        """The state of every source now, by name."""
        received = [self.received.source()] if self.received else []
        return sorted([*self.sources.states(), *received], key=lambda source: source.nom)

    async def aclose(self) -> None:
        await self.sources.aclose()  # with the cache, which closes Redis
        if self.received:
            await self.received.aclose()
        for issuer in self.issuers:
            await issuer.aclose()
        await self.registry.close()
        await self.links.close()
        await self.blocks.close()
        await self.events.close()
        await self.readings_journal.close()
        await self.writes.close()
        if self.webhooks is not None:
            await self.webhooks.store.close()
        if self.receptions is not None:
            await self.receptions.close()


def build_services(
    configuration: Configuration,
    environ: Mapping[str, str],
    network: TransportFactory = aiohttp_transport,
    seconds: Callable[[], float] = time.time,
    clock: Clock | None = None,
) -> Services:
    """Everything that touches the outside, not opened yet. Raises ConfigurationError. The rest is replaced in virtual time."""
    metrics, transport = CollectorRegistry(), Transport(configuration.now, network)
    counts, alerts, redis_breaker = SourceMetrics(metrics), Alerts(metrics), RedisBreaker(registry=metrics)
    cache, shared_pacer, shared_counters = _shared(configuration, redis_breaker, seconds)
    clock = replace(clock or Clock(), processus=configuration.processus, shared=shared_pacer)
    known_connectors, sources = _sources(configuration, environ, (transport, cache, counts), clock)
    return Services(
        configuration=configuration,
        metrics=metrics,
        edge_metrics=EdgeMetrics(metrics),
        transport=transport,
        sources=sources,
        counts=counts,
        loop_lag=LoopLag(metrics),
        slots=RequestSlots(Gauge("passerelle_requetes_en_cours", "Requêtes en cours de traitement.", registry=metrics)),
        registry=_registry(configuration, environ, metrics),
        harvest_metrics=HarvestMetrics(metrics, configuration.now),
        links=build_links(configuration, environ),
        statistics_watch=_statistics_watch(configuration, environ, metrics),
        readings_journal=(readings_journal := build_journal(configuration, environ, alerts.available)),
        journal_keeper=JournalKeeper(readings_journal, configuration, configuration.now, alerts),
        rate_limits=RateLimits(shared_counters),
        alerts=alerts,
        client_metrics=ClientMetrics(metrics),
        keeper=_keeper(configuration, sources, known_connectors),
        harvest_target=_harvest_target(sources, known_connectors),
        refresh_ahead=RefreshAhead(sources, cache, clock.sleep),
        consumers=consumers(sources, known_connectors, cache, counts),
        receiver=receiver(sources, known_connectors, counts, seconds),
        received=_received(configuration, environ, sources.partners, metrics),
        writes=build_writes(configuration, environ),
        events=EventStore(_url(configuration, environ, "evenements.sqlite")),
    )


def _sources(
    configuration: Configuration, environ: Mapping[str, str], deps: tuple[Transport, Cache, SourceMetrics], clock: Clock
) -> tuple[Mapping[str, Connector], Sources]:
    """The connectors that are known, and the sources that partners' files describe."""
    known, partners = configured_partners(configuration.root, configuration.file, environ)
    return known, Sources(partners, known, SourceDeps(*deps, configuration.now, clock))


def _received(
    configuration: Configuration,
    environ: Mapping[str, str],
    partners: Mapping[str, Partner],
    metrics: CollectorRegistry,
) -> ReceivedDossiers | None:
    """What is received, where the reception is open. Raises ConfigurationError."""
    if not configuration.file.reception.active:
        return None
    if NAME in partners:
        raise ConfigurationError(f"partenaires/{NAME}.toml : nom : réservé à ce que les ERP transmettent")
    store = build_receptions(configuration, environ)
    received = ReceivedDossiers(store, configuration.sealer, configuration.now, time.monotonic, REQUIRED)
    text = "CFA qui ont transmis, et ne transmettent plus depuis plus de trois jours."
    Gauge("passerelle_transmissions_muettes", text, registry=metrics).set_function(received.silent)
    return received


def _registry(configuration: Configuration, environ: Mapping[str, str], metrics: CollectorRegistry) -> RegistryStore:
    text = "1 si une part de la copie du registre ne se lit plus."
    damaged = Gauge("passerelle_registre_endommage", text, registry=metrics)
    return RegistryStore(_url(configuration, environ, "registre.sqlite"), configuration.sealer, damaged.set)


def _statistics_watch(
    configuration: Configuration, environ: Mapping[str, str], metrics: CollectorRegistry
) -> StatisticsWatch:
    store = BlockStore(_url(configuration, environ, "statistiques.sqlite"))
    gauges = StatisticsMetrics(metrics, configuration.now)
    return StatisticsWatch(store, gauges, configuration.now, configuration.statistics_key is not None)


def _shared(
    configuration: Configuration, redis_breaker: RedisBreaker, seconds: Callable[[], float]
) -> tuple[Cache, SharedPacer | None, SharedCounters | None]:
    """The cache, and what all processes count together where there is a Redis."""
    redis = None if configuration.cache == "memory://" else open_redis(configuration.cache)
    sealed_codec = SealedCodec(configuration.cache_sealers, codec(UnitResult))
    cache = open_cache(redis, sealed_codec, redis_breaker, seconds)
    if redis is None:
        return cache, None, None
    return cache, SharedPacer(redis, redis_breaker, sealed_codec.name), SharedCounters(redis, redis_breaker)


def _single(sources: Sources, nature: TypeSource) -> Partner:
    """The one partner of a type."""
    names = sources.sources_of(nature)
    if len(names) != 1:
        raise ConfigurationError(f"partenaires : un partenaire {nature.value} attendu, {len(names)} configuré(s)")
    return sources.partners[names[0]]


def _url(
    configuration: Configuration, environ: Mapping[str, str], file: str, variable: str = "GATEWAY_DATABASE_URL"
) -> str:
    """The database that `variable` names, or else a file of its own: a harvest locks the registry's while it writes."""
    return database_url(environ, variable, f"sqlite+aiosqlite:///{configuration.donnees / file}")


def build_links(configuration: Configuration, environ: Mapping[str, str]) -> LinkStore:
    """The ledger of links. Raises ConfigurationError."""
    return LinkStore(_url(configuration, environ, "liens.sqlite"))


def build_receptions(configuration: Configuration, environ: Mapping[str, str]) -> ReceptionStore:
    """The store of what ERPs transmit, not opened yet. Raises ConfigurationError."""
    return ReceptionStore(_url(configuration, environ, "receptions.sqlite"))


def build_writes(configuration: Configuration, environ: Mapping[str, str]) -> WriteStore:
    """The store of what is written through the gateway, not opened yet. Raises ConfigurationError."""
    return WriteStore(_url(configuration, environ, "ecritures.sqlite"))


def build_journal(
    configuration: Configuration, environ: Mapping[str, str], report: Callable[[bool], None] = lambda _: None
) -> Journal:
    """The reading journal, not opened yet; `report` is told whether it can be written. Raises ConfigurationError."""
    try:
        configuration.donnees.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"donnees.dossier : {configuration.donnees} : {reason_of(error)}") from None
    url = _url(configuration, environ, "journal.sqlite", "GATEWAY_JOURNAL_URL")
    return Journal(url, configuration.sealer, report, configuration.journal_sealers)


def _keeper(configuration: Configuration, sources: Sources, known: Mapping[str, Connector]) -> ReferentielKeeper:
    partner = _single(sources, TypeSource.REFERENTIEL)
    read = partner.connector(known).referentiel
    if read is None:
        raise ConfigurationError(f"partenaires : {partner.nom} ne sait pas lire un référentiel")
    return ReferentielKeeper(
        configuration.donnees / "referentiel.json",
        lambda reading: sources.execute(partner.nom, reading),
        lambda: lazily(read),
    )


def _harvest_target(sources: Sources, known: Mapping[str, Connector]) -> HarvestTarget:
    partner = _single(sources, TypeSource.REGISTRE_CONTRATS)
    moisson = partner.connector(known).moisson
    if moisson is None or partner.moisson is None:
        raise ConfigurationError(f"partenaires/{partner.nom}.toml : [moisson] depuis est requis")
    return HarvestTarget(
        source=partner.nom,
        read=partial(sources.page, partner.nom),
        moisson=moisson,
        depuis=partner.moisson.depuis,
        fenetre_jours=partner.moisson.fenetre_jours,
        ouverture=partner.ouverture,
    )
