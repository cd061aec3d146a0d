"""Sends a signed message to an endpoint, once, and says what became of it. Knows no event, no order and no store.

By the one guarded client: to the configured address and nowhere else, no redirect followed, TLS verified, a deadline and a
bound on what is answered, of which nothing is read but its status.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.errors import SourceError, SourceInvalid, SourceTimedOut
from gateway.sources.http.decode import instant_http, told_wait
from gateway.sources.http.transport import Transport
from gateway.webhooks.endpoints import WebhookEndpoint
from gateway.webhooks.signing import WebhookMessage

DEADLINE = 15.0  # seconds, from the connection to the last byte of the answer
WAIT_MAX = 86_400.0  # seconds that an endpoint may ask us to stay away
GONE = 410


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """What became of a message: taken, or why not. `gone`: the endpoint wants nothing more; `wait`: seconds that it asks for."""

    taken: bool = False
    gone: bool = False
    motif: str = ""
    wait: float = 0.0


class WebhookSender:
    """The transports of the endpoints. `seconds`: since 1970, a receiver compares it with its own clock."""

    def __init__(
        self,
        transport: Transport,
        endpoints: Iterable[WebhookEndpoint],
        seconds: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._common, self._seconds, self._now = transport, seconds, now
        self._transports = {endpoint.nom: transport.through(endpoint.network) for endpoint in endpoints}

    async def send(self, endpoint: WebhookEndpoint, message: WebhookMessage) -> SendOutcome:
        name, headers = endpoint.nom, message.headers(endpoint.secrets, self._seconds())
        try:
            received = await self._transports[name].post(name, endpoint.adresse, DEADLINE, message.body, headers)
        except SourceTimedOut:
            return SendOutcome(motif=f"pas de réponse en {DEADLINE:.0f} s")
        except SourceInvalid:
            return SendOutcome(motif="réponse coupée, ou trop longue")
        except SourceError as error:
            return SendOutcome(motif="certificat non reconnu" if "certificat" in str(error) else "injoignable")
        if 200 <= received.statut < 300:
            return SendOutcome(taken=True)
        wait = _seconds_of(told_wait(received.headers, self._now()), self._now())
        return SendOutcome(gone=received.statut == GONE, motif=f"HTTP {received.statut}", wait=wait)

    async def aclose(self) -> None:
        """Close the connections of endpoints that are reached in a way of their own."""
        for transport in self._transports.values():
            if transport is not self._common:
                await transport.aclose()


def _seconds_of(told: str, now: datetime) -> float:
    """A Retry-After: seconds, or a date."""
    if told.isascii() and told.isdigit():
        return min(float(told[:9]), WAIT_MAX)
    instant = instant_http(told) if told else None
    return min(max(0.0, (instant - now).total_seconds()), WAIT_MAX) if instant else 0.0
