"""Commands of an operator over webhooks: where each endpoint is, what it is sent again, a message to try it.

Knows no HTTP; `__main__` prints what is returned.
"""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import orjson

from gateway.config import load
from gateway.domain.days import PARIS
from gateway.domain.seal import OpaqueIds
from gateway.environment import ENVIRONMENT
from gateway.errors import CommandFailed, InvalidCursor
from gateway.evenements.perimeter_logs import EventLog
from gateway.server.services import Services, build_services
from gateway.server.webhook_parts import read_webhooks
from gateway.stores.webhook_store import EndpointState, WebhooksUnavailable
from gateway.webhooks.endpoints import FILE, RegisteredEndpoints, WebhookEndpoint
from gateway.webhooks.sending import WebhookSender
from gateway.webhooks.signing import WebhookMessage


async def describe_endpoints() -> str:
    """The endpoints, a line each. Raises CommandFailed."""
    async with _opened() as (_, webhooks):
        names = [endpoint.nom for endpoint in webhooks.endpoints]
        states = await webhooks.store.states(names)
    return "\n".join(f"{name} : {_line(states.get(name))}" for name in names) or f"{FILE} : aucun abonné"


async def replay(name: str, place: str | None) -> str:
    """Have an endpoint sent to again, at the next look of the process that serves it. Raises CommandFailed."""
    async with _opened() as (services, webhooks):
        store = webhooks.store
        _require(webhooks, name)
        state = (await store.states([name])).get(name)
        if state is None:
            raise CommandFailed(f"{name} : rien ne lui a encore été envoyé")
        await store.replay(name, _number(services, state, place), time.time())
    told = "ce qui suit cet événement lui sera envoyé" if place else "ce qu'il n'a pas reçu lui sera envoyé"
    return f"{name} : actif, {told} dans la minute"


async def probe(name: str) -> tuple[str, bool]:
    """Send an endpoint a message of nobody; what became of it, and whether it was taken. Raises CommandFailed."""
    async with aclosing(build_services(load(), ENVIRONMENT)) as services:
        endpoint = _require(read_webhooks(services), name)
        sender = WebhookSender(services.transport, [endpoint], time.time, services.configuration.now)
        instant = datetime.now(UTC).isoformat(timespec="seconds")
        body = orjson.dumps({"type": "essai", "timestamp": instant, "data": {"id": None, "evenement": None}})
        outcome = await sender.send(endpoint, WebhookMessage(f"essai_{secrets.token_hex(16)}", body))
        await sender.aclose()
    return f"{name} : {'message reçu' if outcome.taken else outcome.motif}", outcome.taken


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[Services, RegisteredEndpoints]]:
    try:
        async with aclosing(build_services(load(), ENVIRONMENT)) as services:
            webhooks = read_webhooks(services)
            await webhooks.store.open()
            yield services, webhooks
    except WebhooksUnavailable:
        raise CommandFailed("la base des abonnements ne répond pas") from None


def _require(webhooks: RegisteredEndpoints, name: str) -> WebhookEndpoint:
    endpoint = webhooks.named(name)
    if endpoint is None:
        raise CommandFailed(f"{FILE} : abonné « {name} » inconnu")
    return endpoint


def _number(services: Services, state: EndpointState, place: str | None) -> int | None:
    """The number of an event of the endpoint's own log. Raises CommandFailed."""
    if place is None:
        return None
    configuration = services.configuration
    log = EventLog(services.events, configuration.sealer, OpaqueIds(configuration.sealer), configuration.now)
    try:
        return log.place(state.perimetre, place)
    except InvalidCursor:
        raise CommandFailed(f"{place} : pas un événement de cet abonné") from None


def _line(state: EndpointState | None) -> str:
    if state is None:
        return "pas encore servi"
    parts = ["actif" if state.active else f"désactivé, {state.motif}"]
    if waiting := sum(one.following is not None for one in state.late):
        parts.append(f"{waiting} à essayer de nouveau")
    if given_up := sum(one.following is None for one in state.late):
        parts.append(f"{given_up} abandonnés")
    if state.failing_since is not None:
        parts.append(f"en échec depuis le {_told(state.failing_since)}" + (f" ({state.motif})" if state.active else ""))
    parts.append(f"dernière remise le {_told(state.delivered_at)}" if state.delivered_at else "aucune remise")
    return " ; ".join(parts)


def _told(instant: float) -> str:
    return f"{datetime.fromtimestamp(instant, PARIS):%d/%m/%Y à %H:%M}"
