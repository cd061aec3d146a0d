"""Guards every route: whether this process may serve, a place for each request, names answered to, headers given once, headers
added, the pages that may open a WebSocket, clean refusals.

Decides on the ASGI scope, never on a rebuilt URL (docs/security.md F14). Knows no token, no graph and no store: probes are passed
in.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from prometheus_client import Gauge, Histogram
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.concurrency import RETRY_AFTER, SLOTS, RecentValue
from gateway.config import HttpSettings
from gateway.edge.cross_origin import is_admitted
from gateway.edge.refusals import refusal, retry_after
from gateway.errors import GatewayError, Overloaded, QuotaReached
from gateway.stores.quota_counters import Balance

# Two of any of these would let a proxy and the gateway read two different requests.
UNIQUE = frozenset(
    {b"host", b"authorization", b"x-cle-api", b"x-finalite", b"content-type", b"content-length", b"content-encoding"}
)
# An answer that says otherwise for itself is left alone: the page of GraphiQL has a policy of its own.
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
CLOSE = {"connection": "close"}  # the next request of this client goes elsewhere
HEALTH_PREFIX = "/health/"  # asked by address, by whatever watches over the process
METRICS = "/metrics"  # likewise; it is told that they are not here, and not that its Host is wrong
VALIDITY = 1.0  # seconds that what was found is believed: whoever asks, the parts are not tried more often
# Of one client: sixty-four of the longest bodies. A thousand that come slowly would hold a quarter of a gibibyte.
INCOMPLETE_MAX = 16 * 1024 * 1024
Probe = Callable[[], Awaitable[bool]]


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
            async with asyncio.timeout(None) as stay:
                watch = asyncio.create_task(end_when_left(receive, stay))
                try:
                    yield
                finally:
                    watch.cancel()
        except TimeoutError:
            if stay.expired():
                raise ClientDisconnected("Le client est parti.") from None
            raise
        finally:
            self._free += 1
            self._gauge.dec()


async def end_when_left(receive: Receive, stay: asyncio.Timeout) -> None:
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


class Guard:
    """The outermost ASGI application: of requests and of WebSockets."""

    def __init__(self, app: ASGIApp, http: HttpSettings, host: str, health: Health) -> None:
        self._app = app
        self._health = health
        self._hosts, self._origins = http.hotes | {_as_host(host)}, http.origines
        self._headers, self._close = _raw(_headers(http)), _raw(_headers(http) | CLOSE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        send_response = _with(self._close if self._health.stopping else self._headers, send)
        try:
            await (self._reject(scope) or self._app)(scope, receive, send_response)
        except asyncio.CancelledError:  # the process ends, and this lasted too long
            if scope["type"] == "websocket":
                return  # its connection is closed then
            await refusal(503, "La passerelle s'arrête.", retry_after())(scope, receive, send_response)

    def _reject(self, scope: Scope) -> Response | None:
        """The refusal of a request that no route may see, or None."""
        unique = [name for name, _ in scope["headers"] if name in UNIQUE]
        if len(set(unique)) < len(unique):
            return refusal(400, "Un en-tête est donné deux fois.")
        if scope["path"].startswith(HEALTH_PREFIX):
            return None
        if not self._health.is_open:
            return refusal(503, "La passerelle n'est pas encore ouverte.", retry_after())
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        if scope["path"] != METRICS and _without_port(host) not in self._hosts:
            return refusal(400, "L'en-tête Host ne nomme pas cette passerelle.")
        return self._reject_socket(scope, host) if scope["type"] == "websocket" else None

    def _reject_socket(self, scope: Scope, host: str) -> Response | None:
        """The same for a WebSocket, which no preflight goes before, and which would outlive a process that is to end."""
        if self._health.stopping:
            return refusal(503, "La passerelle s'arrête.", retry_after())
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        return None if is_admitted(origins, host, self._origins) else refusal(403, "Cette origine n'est pas admise.")


def with_headers(app: ASGIApp, http: HttpSettings) -> ASGIApp:
    """An application whose answers have the headers of every other, and which answers to any name: what is asked by address."""
    headers = _raw(_headers(http))

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, _with(headers, send) if scope["type"] == "http" else send)

    return serve


def timed(app: ASGIApp, routes: Iterable[BaseRoute], durations: Histogram) -> ASGIApp:
    """An application whose requests are timed to the beginning of their answers, by the route that answered, "" for none, and by
    status: a stream begins at once, and lasts as long as somebody reads."""
    paths = {_endpoint(route): str(route.path) for route in reversed(list(routes)) if hasattr(route, "path")}
    series: dict[tuple[str, int], Histogram] = {}

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()

        async def send_timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                labels = paths.get(scope.get("endpoint"), ""), message["status"]
                if labels not in series:
                    series[labels] = durations.labels(*labels)
                series[labels].observe(time.monotonic() - began)
            await send(message)

        await app(scope, receive, send_timed)

    return serve


def _endpoint(route: BaseRoute) -> object:
    """What a request that the route matches has as `endpoint`."""
    return route.app if isinstance(route, Mount) else getattr(route, "endpoint", None)


def malformed_answer(http: HttpSettings) -> bytes:
    """The whole answer to bytes that are no request, which no application sees."""
    response = refusal(400, "Requête HTTP malformée, ou trop longue.", _headers(http) | CLOSE)
    head = [b"HTTP/1.1 400 Bad Request", *(name + b": " + value for name, value in response.raw_headers)]
    return b"\r\n".join(head) + b"\r\n\r\n" + bytes(response.body)


def _headers(http: HttpSettings) -> dict[str, str]:
    hsts = {"strict-transport-security": f"max-age={http.hsts_secondes}"} if http.hsts_secondes else {}
    return HEADERS | hsts


def _as_host(address: str) -> str:
    """An address that is listened on, as the header Host names it."""
    return f"[{address}]" if ":" in address and not address.startswith("[") else address.lower()


def _without_port(host: str) -> str:
    """The name alone; the root that a full name may end with is the same name."""
    name, colon, port = host.lower().rpartition(":")
    return (name if colon and port.isdecimal() else host.lower()).removesuffix(".")


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _with(headers: list[tuple[bytes, bytes]], send: Send) -> Send:
    """`send`, adding the headers that an answer has not set itself."""

    async def send_response(message: Message) -> None:
        if message["type"].endswith("http.response.start"):  # of a WebSocket that is refused, too
            present = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(header for header in headers if header[0] not in present)]
        await send(message)

    return send_response


def allowance(balance: Balance) -> dict[str, str]:
    """The headers by which a client paces itself, in units of cost a minute."""
    told = {"limit": balance.limit, "remaining": balance.left, "reset": balance.seconds}
    return {f"ratelimit-{name}": str(value) for name, value in told.items()}
