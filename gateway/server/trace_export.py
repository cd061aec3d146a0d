"""Sends spans to the collector of the operator, now and then, beside requests. One that does not answer costs them nothing: what
it does not take is lost, counted, and told once."""

import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial

import orjson
from prometheus_client import CollectorRegistry, Counter

from gateway.concurrency import Sleep
from gateway.config import TracesSettings
from gateway.edge.traces import Attributes, SpanBuffer, document
from gateway.errors import ConfigurationError, SourceError
from gateway.sources.http.transport import Transport
from gateway.sources.partners.file_format import base_url_of

PERIOD = 5.0  # seconds between two sendings; as many are lost when the process ends
TIMEOUT = 2.0  # seconds for the collector

Send = Callable[[bytes], Awaitable[int]]

logger = logging.getLogger("gateway.traces")


class TraceExport:
    """`send` gives bytes to the collector, and returns its status or raises SourceError; `resource` is told of every span."""

    def __init__(self, buffer: SpanBuffer, send: Send, resource: Attributes, registry: CollectorRegistry) -> None:
        self.buffer, self._send, self._resource = buffer, send, resource
        text = "Requêtes tracées, par sort : remises au collecteur, ou perdues."
        self._counted = Counter("passerelle_traces", text, ("sort",), registry=registry)
        self._failing = False

    async def run(self, sleep: Sleep) -> None:
        """Until cancelled."""
        while True:
            await sleep(PERIOD)
            await self.flush()

    async def flush(self) -> None:
        """Send what waits."""
        taken, lost = self.buffer.take(), self.buffer.lost
        self.buffer.lost = 0
        fault = await self._given(orjson.dumps(document(taken, self._resource))) if taken else None
        self._tell(fault, bool(taken))
        self._counted.labels("perdues").inc(lost + (len(taken) if fault else 0))
        self._counted.labels("remises").inc(0 if fault else len(taken))

    async def _given(self, body: bytes) -> str | None:
        """What went wrong."""
        try:
            status = await self._send(body)
        except SourceError as error:
            return str(error)
        return None if status < 300 else f"HTTP {status}"

    def _tell(self, fault: str | None, tried: bool) -> None:
        if fault and not self._failing:
            logger.warning("traces : le collecteur ne les prend pas (%s) ; elles sont perdues jusque-là", fault)
        elif tried and not fault and self._failing:
            logger.warning("traces : le collecteur les prend de nouveau")
        if tried:
            self._failing = bool(fault)


def build_traces(settings: TracesSettings, transport: Transport, registry: CollectorRegistry) -> TraceExport | None:
    """None where no collector is named. Raises ConfigurationError for an address that is none's."""
    if settings.adresse is None:
        return None
    try:
        address = base_url_of(str(settings.adresse))
    except ValueError as error:
        raise ConfigurationError(f"gateway.toml : traces.adresse : {error}") from None
    buffer = SpanBuffer(settings.part, random.random, time.time_ns)
    resource = {"service.name": "passerelle", "service.instance.id": secrets.token_hex(8)}
    return TraceExport(buffer, partial(transport.give, "traces", address, TIMEOUT), resource, registry)
