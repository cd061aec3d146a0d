"""Calls by which a partner says that a tenant's data changed: verified, then believed of nothing but what to ask again.

Knows no HTTP. A signature is the HMAC-SHA256 of `<seconds>.<body>`; within the window, a call shown again invalidates again,
which costs the partner a request at most every `freshness.REST`.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from pydantic import SecretStr

from gateway.connectors.base import ChangeNotice
from gateway.errors import SourceInvalid
from gateway.sources.events.queue import unit_of_code
from gateway.sources.fetch import Sources
from gateway.sources.http.decode import InvalidDocument, decode_json
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partners.load import Partner

WINDOW = 300  # seconds, of clocks that differ and of networks that wait
UNKNOWN = "inconnu"  # a partner that nobody configured, in the figures


class WebhookOutcome(Enum):
    """What became of a call; the value is its name in the figures."""

    INVALID = "invalide"
    IRRELEVANT = "sans_objet"  # of a tenant we do not read
    REFUSED = "refuse"
    UNREADABLE = "illisible"  # signed, and not understood
    SILENT = "muet"  # the cache does not answer: to be sent again


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """A call as it came."""

    timestamp: str
    signature: str
    body: bytes


def is_authentic(secret: bytes, call: WebhookCall, seconds: float) -> bool:
    """Whether who knows the secret signed these bytes, no longer ago than the window."""
    signed = hmac.new(secret, f"{call.timestamp}.".encode() + call.body, hashlib.sha256).hexdigest()
    valid = hmac.compare_digest(f"v1={signed}".encode(), call.signature.encode(errors="replace"))
    readable = call.timestamp.isascii() and call.timestamp.isdecimal() and len(call.timestamp) <= 12
    return valid and readable and abs(seconds - int(call.timestamp)) <= WINDOW


@dataclass(frozen=True, slots=True)
class Subscription:
    """A partner that calls, and how its calls are read."""

    partner: Partner
    notices: Callable[[Any], ChangeNotice]
    secret: SecretStr


@dataclass(frozen=True, slots=True)
class WebhookReceiver:
    """The partners that call, by name. `seconds`: since 1970."""

    _subscriptions: Mapping[str, Subscription]
    _sources: Sources
    _metrics: SourceMetrics
    _seconds: Callable[[], float]
    # An unknown partner takes the time of a known one.
    _decoy: SecretStr = field(default_factory=lambda: SecretStr(secrets.token_hex(32)))

    async def receive(self, name: str, call: WebhookCall) -> WebhookOutcome:
        """Invalidate what a call names. Asks nothing of anybody."""
        subscription = self._subscriptions.get(name)
        secret = (subscription.secret if subscription else self._decoy).get_secret_value().encode()
        outcome = WebhookOutcome.REFUSED
        if is_authentic(secret, call, self._seconds()) and subscription:
            outcome = await self._invalidate(subscription, call.body)
        self._metrics.event(name if subscription else UNKNOWN, outcome.value)
        return outcome

    async def _invalidate(self, subscription: Subscription, body: bytes) -> WebhookOutcome:
        partner = subscription.partner
        try:
            document = decode_json(body)
            unit = await self._sources.apart(
                partner.nom, lambda: unit_of_code(partner, subscription.notices(document).tenant)
            )
        except (InvalidDocument, SourceInvalid):
            return WebhookOutcome.UNREADABLE
        if unit is None:
            return WebhookOutcome.IRRELEVANT
        return WebhookOutcome.INVALID if await self._sources.invalidate(unit) else WebhookOutcome.SILENT
