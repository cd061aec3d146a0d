"""The partners that tell their changes, as configured: those whose queue is consumed, those whose calls are received.

Raises ConfigurationError for a partner that could not be heard as its file says.
"""

from collections.abc import Callable, Iterator, Mapping

from gateway.cache.interface import Cache
from gateway.connectors.base import Connector
from gateway.errors import ConfigurationError
from gateway.sources.events.queue import QueueConsumer
from gateway.sources.events.webhook_receiver import Subscription, WebhookReceiver
from gateway.sources.fetch import Sources
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partners.load import EventsConfig, Partner


def consumers(
    sources: Sources, connectors: Mapping[str, Connector], cache: Cache, metrics: SourceMetrics
) -> list[QueueConsumer]:
    """One consumer for each partner that has a queue."""
    return [
        QueueConsumer(partner, connector.queue, events.periode, sources, cache, metrics)
        for partner, connector, events in subscriptions(sources.partners, connectors)
        if connector.queue
    ]


def receiver(
    sources: Sources, connectors: Mapping[str, Connector], metrics: SourceMetrics, seconds: Callable[[], float]
) -> WebhookReceiver:
    """The receiver of the calls of all partners."""
    callers = {
        partner.nom: Subscription(partner, connector.notices, events.secret)
        for partner, connector, events in subscriptions(sources.partners, connectors)
        if connector.notices and events.secret
    }
    return WebhookReceiver(callers, sources, metrics, seconds)


def subscriptions(
    partners: Mapping[str, Partner], connectors: Mapping[str, Connector]
) -> Iterator[tuple[Partner, Connector, EventsConfig]]:
    """The partners whose file says that they tell their changes."""
    for partner in partners.values():
        if partner.evenements is None:
            continue
        connector = partner.connector(connectors)
        calls = partner.evenements.secret is not None
        if (connector.notices if calls else connector.queue) is None:
            missing = "n'appelle pas" if calls else "n'a pas de file ; pour être appelé, un secret est requis"
            raise ConfigurationError(f"partenaires/{partner.nom}.toml : evenements : « {partner.genre} » {missing}")
        yield partner, connector, partner.evenements
