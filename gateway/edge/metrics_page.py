"""The text of GET /metrics, written at most once a second whoever asks, and never in one breath."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from gateway.concurrency import RecentValue

VALIDITY = 1.0  # seconds that a text serves
OPENMETRICS = "application/openmetrics-text"  # the only form that has exemplars; Prometheus asks for it
END = b"# EOF\n"  # which ends a text of OpenMetrics, and not a family

Write = Callable[[Any], bytes]


class MetricsPage:
    """The figures of a registry, as Prometheus reads them. `seconds` is a clock."""

    def __init__(self, registry: CollectorRegistry, seconds: Callable[[], float]) -> None:
        self.registry = registry
        self._plain = RecentValue(partial(self._render, generate_latest), VALIDITY, seconds)
        self._open = RecentValue(partial(self._render, openmetrics.generate_latest), VALIDITY, seconds)

    async def text(self, accept: str = "") -> tuple[bytes, str]:
        """The text, and its media type, in the form that who asks prefers."""
        if OPENMETRICS in accept:
            return await self._open.get() + END, openmetrics.CONTENT_TYPE_LATEST
        return await self._plain.get(), CONTENT_TYPE_LATEST

    async def _render(self, write: Write) -> bytes:
        """A family at a time, with a turn of the loop after each: all of them last longer than a request should wait."""
        parts = []
        for family in self.registry.collect():
            parts.append(write(_Single(family)).removesuffix(END))
            await asyncio.sleep(0)
        return b"".join(parts)


class _Single:
    """One family, as something that can be written."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)
