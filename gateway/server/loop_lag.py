"""Measures how late the event loop is: what holds it holds every caller. Knows nothing of what runs on it."""

import time
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, Histogram

STEP = 0.02  # seconds between two wake-ups
THRESHOLDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class LoopLag:
    """Two histograms, in seconds: how late each wake-up came, and what the loop's own thread computed before it.

    Where `computations` is less than `delays`, the machine or another thread had the rest.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        text = "Retard de la boucle d'événements sur un réveil."
        self.delays = Histogram("passerelle_boucle_retard_secondes", text, registry=registry, buckets=THRESHOLDS)
        text = "Temps de calcul de la boucle d'événements entre deux réveils."
        self.computations = Histogram("passerelle_boucle_calcul_secondes", text, registry=registry, buckets=THRESHOLDS)

    async def run(
        self,
        sleep: Callable[[float], Awaitable[None]],
        seconds: Callable[[], float] = time.monotonic,
        computation: Callable[[], float] = time.thread_time,
    ) -> None:
        """Measure until cancelled."""
        while True:
            start, computed = seconds(), computation()
            await sleep(STEP)
            self.delays.observe(max(0.0, seconds() - start - STEP))
            self.computations.observe(computation() - computed)
