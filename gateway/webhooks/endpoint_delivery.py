"""Sends the events of the log to webhook endpoints: one process at a time for each, in order, until each is taken or given up.

    woken, or a try is due → is it ours → who is the client now → what is next → decide, mask, journal → sign → send → settle

At least once: what was sent and not settled is sent again, under the same identifier. What cannot be decided for a while (the
log, the journal, the keys, a quota) costs no try and passes over nothing. An endpoint that took nothing while an event went
through all its tries, or that answers that it is gone, is sent nothing more until an operator has it replayed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from gateway.auth.authentication.clients import Viewer
from gateway.errors import CallerError, QuotaReached
from gateway.evenements.catch_up import AGAIN as LOOK_AGAIN
from gateway.evenements.perimeter_logs import EventLog
from gateway.evenements.perimeters import WatchedPerimeter
from gateway.stores.lease import Lease
from gateway.stores.webhook_store import EndpointPlace, EndpointState, WebhookStore, WebhooksUnavailable
from gateway.subscription import PASSING
from gateway.webhooks.endpoints import WebhookEndpoint
from gateway.webhooks.event_message import EventBehind, EventMessages
from gateway.webhooks.metrics import WebhookMetrics
from gateway.webhooks.schedule import IDLE, NextDelivery, choose, tried
from gateway.webhooks.sending import SendOutcome, WebhookSender

RENEW = 20.0  # seconds after which the lease is taken again, a third of what it lasts
STANDBY = 5.0  # seconds between two looks at the lease of another process
AGAIN = 2.0  # seconds before what could not be decided is tried again
QUOTA_AGAIN = 3_600.0  # seconds at most before a quota that is reached is looked at again
FAULT = SendOutcome(motif="faute de la passerelle")

logger = logging.getLogger("gateway.webhooks")


@dataclass(frozen=True, slots=True)
class DeliveryParts:
    """What deliveries are made with. `seconds`: since 1970, a clock that the processes share; `drawn`: in [0, 1)."""

    store: WebhookStore
    log: EventLog
    messages: EventMessages
    sender: WebhookSender
    metrics: WebhookMetrics
    seconds: Callable[[], float]
    drawn: Callable[[], float]


@dataclass
class WebhookDelivery:
    """The deliverer of this process to one endpoint."""

    endpoint: WebhookEndpoint
    parts: DeliveryParts
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _heard: ExitStack = field(default_factory=ExitStack)
    _key: str = ""  # of the perimeter that is listened to
    _renew_at: float = 0.0  # loop time
    _held_for: str = ""  # why nothing may be sent for now, as it was told
    _is_held: bool = False

    def __post_init__(self) -> None:
        self._lease: Lease = self.parts.store.lease(self.endpoint.nom)

    async def run(self) -> None:
        """Until cancelled; the place is left to another process at the end."""
        try:
            while True:
                self._woken.clear()
                await self._wait(await self.attempt())
        finally:
            self._heard.close()
            await self._lease.release()

    async def attempt(self) -> float:
        """Send what is next, if anything is; the seconds to wait."""
        self._is_held = False
        try:
            return await self._turn()
        except EventBehind:
            self._is_held = True
            return LOOK_AGAIN
        except QuotaReached as error:
            return self._hold(str(error), min(float(error.retry_after), QUOTA_AGAIN))
        except (*PASSING, WebhooksUnavailable, CallerError) as error:
            return self._hold(str(error), AGAIN)
        except Exception as error:  # the text could hold a value
            self._renew_at = 0.0
            return self._hold(type(error).__name__, AGAIN)

    async def _turn(self) -> float:
        viewer = self.parts.messages.viewer(self.endpoint)
        if viewer is None:
            return self._hold("le registre n'a plus ce client, ou lui demande un second facteur", IDLE)
        perimeter = WatchedPerimeter.of(viewer)
        key = perimeter.key(self.parts.log.ids)
        state = await self._state(key)
        if not await self._is_ours():
            return STANDBY
        if state.perimetre != key:
            await self.parts.store.move(self._lease, self.endpoint.nom, key, (await self.parts.log.read(key)).last)
            return 0.0
        if not state.active:
            return IDLE
        self._listen(key)
        await self.parts.log.follow(key, perimeter)
        kept = await self.parts.log.read(key)
        chosen = choose(state, kept, self.parts.seconds(), self.parts.log.now())
        wait = chosen if isinstance(chosen, float) else 0.0
        if isinstance(chosen, NextDelivery):
            await self._deliver(viewer, state, chosen)
        self._held_for = ""
        return wait

    async def _state(self, key: str) -> EndpointState:
        """Where the endpoint is; one that is new begins after what is known."""
        store, name = self.parts.store, self.endpoint.nom
        state = (await store.states([name])).get(name)
        if state is None:
            await store.begin(name, key, (await self.parts.log.read(key)).last)
            state = (await store.states([name]))[name]
        return state

    async def _is_ours(self) -> bool:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._renew_at:
            is_ours = await self._lease.elect()
            self._renew_at = loop.time() + (RENEW if is_ours else 0.0)
            return is_ours
        return True

    async def _deliver(self, viewer: Viewer, state: EndpointState, chosen: NextDelivery) -> None:
        parts, event, place = self.parts, chosen.event, EndpointPlace(self.endpoint.nom, state.numero)
        outcome = await self._send(viewer, state, chosen)
        if outcome is None or outcome.taken:
            instant = parts.seconds() if outcome else None
            settled = await parts.store.delivered(self._lease, place, event.numero, instant)
            self._settled(settled, "remis" if outcome else "ecarte")
        elif outcome.gone:
            await self._disable("l'adresse ne veut plus rien recevoir (HTTP 410)")
        else:
            await self._fail(state, chosen, outcome)

    async def _send(self, viewer: Viewer, state: EndpointState, chosen: NextDelivery) -> SendOutcome | None:
        """What became of an event; None where it is not for this client. A fault of ours is of this event, not of the others.

        Raises what says that nothing can be decided for a while.
        """
        try:
            kept = await self.parts.log.read(state.perimetre)
            message = await self.parts.messages.message(self.endpoint, viewer, kept, chosen.event)
        except (*PASSING, CallerError, EventBehind):
            raise
        except Exception as error:  # the text could hold a value
            logger.error("webhook %s : %s", self.endpoint.nom, type(error).__name__)
            return FAULT
        return await self.parts.sender.send(self.endpoint, message) if message else None

    async def _fail(self, state: EndpointState, chosen: NextDelivery, outcome: SendOutcome) -> None:
        parts, name = self.parts, self.endpoint.nom
        seconds = parts.seconds()
        late = tried(chosen.late, chosen.event.numero, seconds, outcome.wait, parts.drawn())
        place = EndpointPlace(name, state.numero)
        settled = await parts.store.failed(self._lease, place, late, seconds, outcome.motif)
        self._settled(settled, "echec" if late.following else "abandonne")
        if state.failing_since is None:
            logger.warning("webhook %s : pas remis (%s), sera essayé de nouveau", name, outcome.motif)
        if late.following is None and state.failing_since is not None and state.failing_since <= late.first:
            await self._disable(f"rien n'a été reçu en {late.tries} essais ({outcome.motif})")

    async def _disable(self, motif: str) -> None:
        self._settled(await self.parts.store.disable(self._lease, self.endpoint.nom, motif), "desactive")
        logger.error(
            "webhook %s désactivé : %s ; « python -m gateway abonnements rejouer %s »",
            self.endpoint.nom,
            motif,
            self.endpoint.nom,
        )

    def _settled(self, settled: bool, issue: str) -> None:
        """Count what was written; a process that was taken for dead and replaced has itself elected anew."""
        if settled:
            self.parts.metrics.tried(self.endpoint.nom, issue)
        else:
            self._renew_at = 0.0

    def _listen(self, key: str) -> None:
        """Be woken by what is written of that perimeter."""
        if key != self._key:
            self._heard.close()
            self._heard.enter_context(self.parts.log.listening(key, self._woken))
            self._key = key

    def _hold(self, why: str, seconds: float) -> float:
        """Send nothing for a while, and say why once."""
        self._is_held = True
        if why != self._held_for:
            self._held_for = why
            logger.warning("webhook %s : rien n'est envoyé pour l'instant (%s)", self.endpoint.nom, why)
        return seconds

    async def _wait(self, seconds: float) -> None:
        """Until woken, or so many seconds. Whoever is held is not woken sooner: what holds it is asked again soon enough."""
        waiting: Awaitable[object] = asyncio.sleep(seconds) if self._is_held else self._woken.wait()
        try:
            async with asyncio.timeout(seconds):
                await waiting
        except TimeoutError:
            return
