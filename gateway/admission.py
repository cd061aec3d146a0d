"""Whether a request may be served: this process is open and lacks nothing that answers need, and holds a place for it.

One number and its half bound how many requests are under way at once, in the process and for one plan. Knows no store: probes are
passed in.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from prometheus_client import Gauge
from starlette.types import Receive

from gateway.concurrency import RecentValue
from gateway.errors import GatewayError, Overloaded, QuotaReached

VALIDITY = 1.0  # seconds that what was found is believed: whoever asks, the parts are not tried more often
Probe = Callable[[], Awaitable[bool]]

SLOTS = 200  # requests of one process at a time
# What one plan may hold: those who ask the same list of a partner that hangs would hold every slot until its deadline.
HALF = SLOTS // 2
RETRY_AFTER = 1  # seconds after which who is turned away may come back
# Of one client: sixty-four of the longest bodies. A thousand that come slowly would hold a quarter of a gibibyte.
INCOMPLETE_MAX = 16 * 1024 * 1024


class ClientDisconnected(GatewayError):
    """The client left: nobody waits for the answer any more."""


class RequestSlots:
    """The slots of this process; `gauge` tells how many are taken."""

    def __init__(self, gauge: Gauge, slots: int = SLOTS) -> None:
        self._gauge = gauge
        self._free = slots

    @asynccontextmanager
    async def hold(self, receive: Receive) -> AsyncIterator[None]:
        """Hold a slot for a request whose body was read. Raises Overloaded when none is free, and ClientDisconnected as soon as
        `receive` tells that the client left."""
        if self._free <= 0:
            raise Overloaded("Trop de requêtes en cours.")
        self._free -= 1
        self._gauge.inc()
        try:
            async with while_connected(receive):
                yield
        finally:
            self._free += 1
            self._gauge.dec()


@asynccontextmanager
async def while_connected(receive: Receive) -> AsyncIterator[None]:
    """The block of an answer that lasts: ended, by ClientDisconnected, as soon as `receive` tells that its client left."""
    try:
        async with asyncio.timeout(None) as stay:
            watch = asyncio.create_task(_watch(receive, stay))
            try:
                yield
            finally:
                watch.cancel()
    except TimeoutError:
        if stay.expired():
            raise ClientDisconnected("Le client est parti.") from None
        raise


async def _watch(receive: Receive, stay: asyncio.Timeout) -> None:
    """End the stay when the client leaves: after a body, `receive` can tell nothing else."""
    if (await receive())["type"] == "http.disconnect":
        stay.reschedule(asyncio.get_running_loop().time())


class IncompleteBodies:
    """The bytes of bodies that have not come whole yet, by client."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    @contextmanager
    def of(self, client: str) -> Iterator[Callable[[int], None]]:
        """Counts the bytes of one body as they come, until it is read. Raises QuotaReached beyond INCOMPLETE_MAX of a client."""
        own = 0

        def count(size: int) -> None:
            nonlocal own
            own += size
            self._held[client] += size
            if self._held[client] > INCOMPLETE_MAX:
                raise QuotaReached("Trop de corps en cours d'envoi pour ce client.", RETRY_AFTER)

        try:
            yield count
        finally:
            self._held[client] -= own
            if not self._held[client]:
                del self._held[client]


class PlanSlots:
    """Bounds how many requests of this process wait for the same plan: its reading, then the view made of it."""

    def __init__(self) -> None:
        self._held: dict[Hashable, list[None]] = {}  # as many as are held: a plan takes long to hash, and is once

    @contextmanager
    def hold(self, plan: Hashable) -> Iterator[None]:
        """Hold a slot of a plan. Raises Overloaded at once when none is free."""
        held = self._held.setdefault(plan, [])
        if len(held) >= HALF:
            raise Overloaded("Trop de requêtes attendent la même lecture.")
        held.append(None)
        try:
            yield
        finally:
            held.pop()
            if not held:
                del self._held[plan]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The parts that fail: nothing can be answered without `missing`, answers go on without `degraded`."""

    missing: Sequence[str] = ()
    degraded: Sequence[str] = ()


class Health:
    """Not ready before it has opened, nor once it is told to stop, nor while a part that every answer needs fails.

    `necessary` and `useful` tell whether a part works now; `seconds` is a clock.
    """

    def __init__(
        self, necessary: Mapping[str, Probe], useful: Mapping[str, Probe], seconds: Callable[[], float]
    ) -> None:
        self._necessary, self._useful = necessary, useful
        self._probe = RecentValue(self._try, VALIDITY, seconds)
        self._to_open: Sequence[str] = ("ouverture",)
        self.stopping = False

    @property
    def is_open(self) -> bool:
        """True once everything was opened: requests may be served."""
        return not self._to_open

    def open(self, rest: Sequence[str]) -> None:
        """Tell what is still to be opened."""
        self._to_open = tuple(rest)

    async def readiness(self) -> Readiness:
        """What is lacking now. A process told to stop says so at once, and nothing else."""
        may_serve = self.is_open and not self.stopping
        found = await self._probe.get() if may_serve else Readiness(self._to_open)
        return Readiness(("arret",)) if self.stopping else found

    async def _try(self) -> Readiness:
        return Readiness(*await asyncio.gather(_failures(self._necessary), _failures(self._useful)))


async def _failures(attempts: Mapping[str, Probe]) -> list[str]:
    outcomes = await asyncio.gather(*(attempt() for attempt in attempts.values()), return_exceptions=True)
    return [name for name, outcome in zip(attempts, outcomes, strict=True) if outcome is not True]
