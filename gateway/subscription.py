"""A subscription under way: a place in the log of its perimeter, and an answer to its operation for each event beyond it.

    opened once: request → its text → validate → cost → charge → decide → a place
    at each event: who asks, again → decide → collect → view → execute → sentinel → quotas and journal → answer

There is no queue: who reads slowly lags in the log, and who lags by more than WAITING_MAX is told so once, and goes on from now.
Whoever asks is known anew before each event and at each beat: a token that ends, a client that is removed, a purpose that changes
end it. What cannot be answered for a while (the log, the journal, the keys, what this process has not heard yet) is not passed
over: the same event is tried again.
Knows no HTTP and no WebSocket: they write what it yields.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from random import random

from graphql import get_argument_values

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.selection import Selection
from gateway.config import StreamSettings
from gateway.domain.perimeter_events import About, LoggedEvent
from gateway.errors import (
    CallerError,
    ClientsUnavailable,
    InvalidRequest,
    JournalUnavailable,
    KeysUnavailable,
    Overloaded,
    QuotaReached,
)
from gateway.evenements.catch_up import AGAIN as LOOK_AGAIN
from gateway.evenements.perimeter_logs import KeptEvents
from gateway.evenements.perimeters import WatchedPerimeter
from gateway.federation.views.event_resolver import EventResolver
from gateway.operation import Gateway, judge, serve
from gateway.operation_runner import GraphQLRequest, ValidatedOperation, validate
from gateway.response import GraphQLResponse, refused_response
from gateway.schema.events import OF_RUPTURES, TypeEvenement
from gateway.stores.event_log import EventsUnavailable

BEAT = 25.0  # seconds between two signs of life; who asks is known again at each. Proxies wait for thirty (deploy/)
WAITING_MAX = 50  # events that a stream may lag by
AGAIN = 2.0  # seconds before what could not be answered is tried again
DRAIN = 10.0  # seconds over which streams end when the process does: those who come back do not come together
ALL = "evenements"  # the root that is answered by every event
RETRY_AFTER = 30  # seconds, of who has too many streams
CHANGED = "Vos droits ont changé : ouvrir à nouveau la souscription."
PASSING = (EventsUnavailable, JournalUnavailable, KeysUnavailable, ClientsUnavailable, Overloaded)

logger = logging.getLogger("gateway.flux")
Caller = Callable[[], Awaitable[Viewer]]  # who asks, verified again; raises Unauthenticated and its like


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """An answer to be sent, and the place to come back to after it; none where it is the last."""

    response: GraphQLResponse
    place: str | None = None


class StreamPlaces:
    """The streams of this process, bounded by account, by organisation and in all."""

    def __init__(self, settings: StreamSettings, tell: Callable[[int], None]) -> None:
        self._settings, self._tell, self._most = settings, tell, settings.par_processus
        self._held: Counter[tuple[str, ...]] = Counter()
        self._open: set[SubscriptionStream] = set()

    @contextmanager
    def hold(self, viewer: Viewer, stream: "SubscriptionStream") -> Iterator[None]:
        """A place, as long as the block lasts. Raises QuotaReached for who has too many, Overloaded when there is none."""
        self.require(viewer)
        who = _counted(viewer)
        self._held.update(who)
        self._open.add(stream)
        self._tell(len(self._open))
        try:
            yield
        finally:
            self._open.discard(stream)
            self._tell(len(self._open))
            self._held -= Counter(who)  # none is left at zero

    def limit_to(self, streams: int) -> None:
        """Hold no more than so many, where the system lets this process open too few files for all."""
        self._most = max(1, min(self._most, streams))

    def drain(self) -> None:
        """End every stream, one after the other."""
        loop = asyncio.get_running_loop()
        for stream in self._open:
            loop.call_later(DRAIN * random(), stream.end)

    def require(self, viewer: Viewer) -> None:
        """Raises as `hold`, where there is no place for one more."""
        limits, (account, organisation) = self._settings, _counted(viewer)
        if len(self._open) >= self._most:
            raise Overloaded("Trop de flux ouverts.")
        if self._held[account] >= limits.par_compte:
            raise QuotaReached(f"Trop de flux ouverts : {limits.par_compte} par compte.", RETRY_AFTER)
        if self._held[organisation] >= limits.par_organisation:
            raise QuotaReached(f"Trop de flux ouverts : {limits.par_organisation} par organisation.", RETRY_AFTER)


def _counted(viewer: Viewer) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What its places are counted under: the account, the organisation."""
    organisation = ("organisation", viewer.perimetre.profil.value, viewer.perimetre.organisation)
    return ("compte", viewer.client, viewer.account), organisation


async def subscription_of(gateway: Gateway, viewer: Viewer, request: GraphQLRequest) -> ValidatedOperation | None:
    """The operation of a request, where it is a subscription. Raises what `validate` raises."""
    validated = await validate(gateway, viewer, request)
    return validated if validated.is_subscription else None


class WakeUp(asyncio.Event):
    """Set by what is new; a beat interrupts the wait for it. One timer a beat: a timeout would cancel and raise, thousands of
    times."""

    is_news = False

    def set(self) -> None:
        self.is_news = True
        super().set()

    def clear(self) -> None:
        self.is_news = False
        super().clear()

    async def wait_for_news(self, seconds: float) -> bool:
        """Wait to be set; False when nothing came."""
        timer = asyncio.get_running_loop().call_later(seconds, super().set)
        try:
            await self.wait()
        finally:
            timer.cancel()
        if self.is_news:
            return True
        self.clear()
        return False


@dataclass(eq=False)
class SubscriptionStream:
    """One subscription. `since`: the place after which its client left, where the transport tells one."""

    gateway: Gateway
    viewer: Viewer
    validated: ValidatedOperation
    caller: Caller
    since: str | None = None
    _numero: int = 0  # up to which it is answered
    _ending: bool = False
    _woken: WakeUp = field(default_factory=WakeUp)

    @cached_property
    def perimeter(self) -> WatchedPerimeter:
        return WatchedPerimeter.of(self.viewer)

    @cached_property
    def key(self) -> str:
        return self.perimeter.key(self.gateway.opaque_ids)

    def end(self) -> None:
        """Have it end by itself, after what it is at."""
        self._ending = True
        self._woken.set()

    async def open(self) -> GraphQLResponse | None:
        """Charge it, decide it and find its place; what it is answered, and no more, where that refuses it.

        Raises QuotaReached, EventsUnavailable.
        """
        try:
            await self.gateway.accounting.charge(self.viewer, self.validated.cost)
            judgement = await judge(self.gateway, self.viewer, self.validated)
            if not judgement.decision.roots:
                return await serve(self.gateway, self.viewer, self.validated, judgement, EventResolver())
            await self.gateway.log.follow(self.key, self.perimeter)
            kept = await self.gateway.log.read(self.key)
            place = self.since or self._root[1]
            self._numero = kept.last if place is None else self.gateway.log.place(self.key, place)
        except (QuotaReached, EventsUnavailable):
            raise
        except CallerError as error:
            return refused_response(error)
        return None

    async def deliveries(self) -> AsyncGenerator[EventDelivery | None]:
        """What is to be sent, as it comes; None: nothing for BEAT seconds. The last has no place."""
        try:
            with self.gateway.log.listening(self.key, self._woken):
                while not self._ending:
                    self._woken.clear()
                    async for delivery in self._waiting():
                        yield delivery
                    while not await self._woken.wait_for_news(BEAT):
                        await self._beat()
                        yield None
        except CallerError as error:
            yield EventDelivery(refused_response(error))
        except Exception as error:  # the text could hold a value
            logger.error("flux %s : %s", self.validated.trace.request_id, type(error).__name__)
            yield EventDelivery(refused_response(error))

    async def _waiting(self) -> AsyncGenerator[EventDelivery]:
        """What there is to send now."""
        try:
            await self._known_again()
            await self.gateway.log.follow(self.key, self.perimeter)
            kept = await self.gateway.log.read(self.key)
            for event, skipped in self._events(kept):
                viewer = await self._known_again()
                told = self._told(kept, event, skipped)
                if delivery := await self._answer(viewer, told, event):
                    yield delivery
                if told.behind:
                    asyncio.get_running_loop().call_later(LOOK_AGAIN, self._woken.set)
                    return
                self._numero = event.numero
            self._numero = max(self._numero, kept.last)
        except PASSING:
            # A delay is all that it costs: the event is still there.
            asyncio.get_running_loop().call_later(AGAIN, self._woken.set)

    async def _beat(self) -> None:
        """Nothing came: whoever asks may still ask, and the perimeter is looked at. The log wakes us, and is not asked."""
        try:
            await self._known_again()
            await self.gateway.log.follow(self.key, self.perimeter)
        except PASSING:
            pass  # nothing is sent meanwhile, and the next beat asks again

    def _events(self, kept: KeptEvents) -> Iterator[tuple[LoggedEvent, tuple[LoggedEvent, ...]]]:
        """The events to send, each with those that it stands for: some that are forgotten, or too many."""
        now = self.gateway.now()
        if self._numero < kept.first - 1:
            yield LoggedEvent(kept.first - 1, TypeEvenement.LACUNE.value, now, About()), ()
        waiting = tuple(event for event in kept.events if event.numero > self._numero and self._concerns(event))
        if len(waiting) > WAITING_MAX:
            yield LoggedEvent(waiting[-1].numero, TypeEvenement.LACUNE.value, now, About()), waiting
        else:
            for event in waiting:
                yield event, ()

    def _told(self, kept: KeptEvents, event: LoggedEvent, skipped: tuple[LoggedEvent, ...]) -> EventResolver:
        """What may be shown of the log for an event."""
        told = self.gateway.log.shown(self.key, kept, event)
        told.skipped = skipped
        return told

    async def _answer(self, viewer: Viewer, told: EventResolver, event: LoggedEvent) -> EventDelivery | None:
        """The answer to the operation for an event; None where the caller may not know of it, did not ask, or may know later."""
        judgement = await judge(self.gateway, viewer, self.validated)
        response = await serve(self.gateway, viewer, self.validated, judgement, told)
        return EventDelivery(response, told.seal(event.numero)) if told.sent else None

    async def _known_again(self) -> Viewer:
        """Who asks, now. Raises Unauthenticated, and InvalidRequest where the perimeter or the purpose is another."""
        viewer = await self.caller()
        if WatchedPerimeter.of(viewer) != self.perimeter or viewer.account != self.viewer.account:
            raise InvalidRequest(CHANGED)
        return viewer

    def _concerns(self, event: LoggedEvent) -> bool:
        return self._root[0] == ALL or TypeEvenement(event.kind) in OF_RUPTURES

    @cached_property
    def _root(self) -> tuple[str, str | None]:
        """The field that is subscribed to, and the place that it names."""
        validated, type_ = self.validated, self.gateway.schema.subscription_type
        operation, variables = validated.document.operation, validated.variables
        assert type_ is not None  # noqa: S101 - the operation is valid
        selection = Selection(self.gateway.schema, validated.document.tree, operation, variables.coerced)
        (node, *_) = next(iter(selection.fields(type_, (operation.selection_set,)).values()))
        given = get_argument_values(type_.fields[node.name.value], node, variables)
        return node.name.value, given.get("depuis")
