"""Builds what sends webhooks, and has it go on beside requests. Knows no rule."""

import asyncio
import logging
import random
import time
from collections.abc import Coroutine, Mapping
from typing import Any

from gateway.auth.authentication.clients import RegisteredClient
from gateway.concurrency import every
from gateway.environment import ENVIRONMENT
from gateway.operation import Gateway
from gateway.server.services import Services
from gateway.stores.sql import database_url
from gateway.stores.webhook_store import WebhookStore
from gateway.webhooks.endpoint_delivery import DeliveryParts, WebhookDelivery
from gateway.webhooks.endpoints import RegisteredEndpoints, read_endpoints
from gateway.webhooks.event_message import EventMessages
from gateway.webhooks.metrics import WebhookMetrics
from gateway.webhooks.sending import WebhookSender

PERIOD = 15.0  # seconds between two looks at what waits
FORGET = 86_400.0  # seconds

logger = logging.getLogger("gateway.webhooks")


def read_webhooks(services: Services, environ: Mapping[str, str] = ENVIRONMENT) -> RegisteredEndpoints:
    """The endpoints of the configuration and their store, not opened yet, which is closed with the services. Raises
    ConfigurationError."""
    configuration = services.configuration
    default = f"sqlite+aiosqlite:///{configuration.donnees / 'abonnements.sqlite'}"
    store = WebhookStore(database_url(environ, "GATEWAY_DATABASE_URL", default))
    services.webhooks = RegisteredEndpoints(read_endpoints(configuration.root, environ), store)
    return services.webhooks


def webhook_watches(
    services: Services, gateway: Gateway, clients: Mapping[str, RegisteredClient]
) -> list[Coroutine[Any, Any, None]]:
    """One delivery for each endpoint, and what is told of them; figures without a line where there is none."""
    metrics = WebhookMetrics(services.metrics)
    if services.webhooks is None or not services.webhooks.endpoints:
        return []
    endpoints, store = services.webhooks.endpoints, services.webhooks.store
    sender = WebhookSender(services.transport, endpoints, time.time, services.configuration.now)
    messages = EventMessages(gateway, clients)
    parts = DeliveryParts(store, gateway.log, messages, sender, metrics, time.time, random.random)
    names = [endpoint.nom for endpoint in endpoints]

    async def tell() -> None:
        states = await store.states(names)
        perimeters = {state.perimetre for state in states.values()}
        metrics.tell(states, await gateway.log.store.last_numbers(perimeters))

    async def deliver() -> None:
        try:
            await asyncio.gather(*(WebhookDelivery(endpoint, parts).run() for endpoint in endpoints))
        finally:
            await sender.aclose()

    return [deliver(), _watch(tell, PERIOD), _watch(lambda: _forget(store), FORGET)]


async def _watch(work: Any, period: float) -> None:
    await every(period, work, lambda error: logger.warning("webhooks : %s", type(error).__name__))


async def _forget(store: WebhookStore) -> None:
    await store.purge(time.time())
