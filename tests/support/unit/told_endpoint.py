"""A webhook endpoint of a watched world: the receiver of the fixtures over real HTTP, and deliverers whose clock a test sets."""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from prometheus_client import CollectorRegistry

from fixtures.servers import HOST, Servers, reserve
from fixtures.webhook_receiver import MESSAGES, MessageReceiver
from gateway.auth.authentication.clients import RegisteredClient
from gateway.auth.policy.rules import Finalite, Profil
from gateway.schema.events import TypeEvenement
from gateway.sources.http.transport import Transport
from gateway.stores.webhook_store import EndpointState, WebhookStore
from gateway.webhooks.endpoint_delivery import DeliveryParts, WebhookDelivery
from gateway.webhooks.endpoints import WebhookEndpoint
from gateway.webhooks.event_message import EventMessages
from gateway.webhooks.metrics import WebhookMetrics
from gateway.webhooks.sending import WebhookSender
from tests.support.unit.watched_world import WatchedWorld

NAME = "logiciel"
START = 1_790_000_000.0


def registered(code: str = "60001", **values: Any) -> RegisteredClient:
    """The system of a Mission locale, as the register has it."""
    given: dict[str, Any] = {"organisation": code, "nom": "Logiciel", "finalites": (Finalite.ACCOMPAGNEMENT,)}
    return RegisteredClient(profil=Profil.SI_PARTENAIRE, comme=Profil.MISSION_LOCALE, **{**given, **values})


@contextmanager
def receiving() -> Iterator[MessageReceiver]:
    """A receiver that listens."""
    receiver = MessageReceiver([secrets.token_bytes(32)])
    taken = reserve(0)
    receiver.url = f"http://{HOST}:{taken.getsockname()[1]}"
    with Servers([(taken, receiver.application())]):
        yield receiver


@dataclass
class ToldEndpoint:
    """One endpoint, and the processes that send to it. `clients`: the register as it is now."""

    world: WatchedWorld
    receiver: MessageReceiver
    clients: dict[str, RegisteredClient] = field(default_factory=lambda: {"si": registered()})
    types: tuple[TypeEvenement, ...] | None = None
    seconds: float = START
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.endpoint = WebhookEndpoint(
            NAME, "si", self.receiver.url + MESSAGES, tuple(self.receiver.secrets), types=self.types
        )
        self.store = WebhookStore(self.world.url)
        self.metrics = WebhookMetrics(self.registry)
        self.transport = Transport(lambda: self.world.instant)
        self.delivery = self.process()

    async def open(self) -> "ToldEndpoint":
        await self.store.open()
        await self.send()  # it begins after what is known
        return self

    async def close(self) -> None:
        await self.store.close()
        await self.transport.aclose()

    def with_secrets(self, *known: bytes) -> None:
        """Have the gateway sign by these from now on."""
        self.endpoint = replace(self.endpoint, secrets=known)
        self.delivery = self.process(self.delivery)

    def process(self, replaced: WebhookDelivery | None = None) -> WebhookDelivery:
        """One more process that would send; the place of the one that it replaces is its own."""
        sender = WebhookSender(self.transport, [self.endpoint], time.time, lambda: self.world.instant)
        messages = EventMessages(self.world.gateway, self.clients)
        clock = lambda: self.seconds  # noqa: E731
        parts = DeliveryParts(self.store, self.world.log, messages, sender, self.metrics, clock, lambda: 0.0)
        delivery = WebhookDelivery(self.endpoint, parts)
        if replaced is not None:
            delivery._lease = replaced._lease
        return delivery

    async def send(self, delivery: WebhookDelivery | None = None) -> float:
        """Send all that can be sent now; the seconds to wait."""
        while not (wait := await (delivery or self.delivery).attempt()):
            pass
        return wait

    async def later(self, seconds: float) -> None:
        """So many seconds later, and what is due sent."""
        self.seconds += seconds
        await self.send()

    async def state(self) -> EndpointState:
        return (await self.store.states([NAME]))[NAME]

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.receiver.received]

    def statuses(self) -> list[int]:
        return [call["statut"] for call in self.receiver.calls]

    def counted(self) -> dict[str, float]:
        """Tries by what became of them."""
        samples = [one for metric in self.registry.collect() for one in metric.samples]
        return {one.labels["issue"]: one.value for one in samples if one.name == "passerelle_webhooks_total"}


def places(messages: Sequence[dict[str, Any]]) -> list[str]:
    """The events that messages tell of, in order."""
    return [message["data"]["evenement"] for message in messages]
