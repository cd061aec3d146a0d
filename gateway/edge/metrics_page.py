"""The text of GET /metrics, written at most once a second whoever asks, and never in one breath."""

import asyncio
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Metric, generate_latest

from gateway.concurrency import RecentValue

VALIDITY = 1.0  # seconds that a text serves


class MetricsPage:
    """The figures of a registry, as Prometheus reads them. `seconds` is a clock."""

    def __init__(self, registry: CollectorRegistry, seconds: Callable[[], float]) -> None:
        self.registry = registry
        self._text = RecentValue(self._render, VALIDITY, seconds)

    async def text(self) -> bytes:
        return await self._text.get()

    async def _render(self) -> bytes:
        """A family at a time, with a turn of the loop after each: all of them last longer than a request should wait."""
        parts = []
        for family in self.registry.collect():
            parts.append(generate_latest(_Single(family)))
            await asyncio.sleep(0)
        return b"".join(parts)


class _Single:
    """One family, as something that can be written."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)
