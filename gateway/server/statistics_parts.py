"""Builds what answers statistics, over the services of the gateway. Knows no rule."""

from gateway.auth.policy.policy import AccessPolicy
from gateway.domain.seal import OpaqueIds
from gateway.federation.collect.collector import Collector
from gateway.operation import Gateway
from gateway.server.services import Services
from gateway.statistiques.answer import Statistics, StatisticsParts
from gateway.statistiques.public_figures import PublicFigures
from gateway.statistiques.published_figures import Published


def build_statistics(
    services: Services, policy: AccessPolicy, opaque_ids: OpaqueIds, collector: Collector
) -> Statistics:
    """What answers statistics; without their key, from the lists of callers alone."""
    configuration, sources = services.configuration, services.live_sources
    settings = configuration.file.statistiques
    return Statistics(
        StatisticsParts(
            policy=policy,
            published=Published(services.blocks, settings.seuil) if configuration.statistics_key else None,
            opaque_ids=opaque_ids,
            registry=collector.registry_name,
            has_erp=lambda uai: sources.partner_of_cfa(uai) is not None,
            registry_as_of=lambda: services.harvest_metrics.as_of,
            now=configuration.now,
            seconds=collector.wall_clock,
        )
    )


def build_public_figures(services: Services, gateway: Gateway) -> PublicFigures | None:
    """The figures of everybody, where their page is opened and a key protects them."""
    return open_figures(services, gateway) if services.configuration.file.statistiques.page else None


def open_figures(services: Services, gateway: Gateway) -> PublicFigures | None:
    """The figures that may be told to everybody, whoever is told them; None where no key protects them."""
    published = gateway.statistics.published
    if published is None:
        return None
    return PublicFigures(published, lambda: gateway.statistics.known(gateway.directory()), services.rate_limits)
