"""What an operator sees of the harvest: a log line a page, and figures for Prometheus. No value of a person, no SQL."""

import logging
import math
from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.sources.harvest.harvester import Progress
from gateway.stores.registry import HarvestState

logger = logging.getLogger("gateway.moisson")


class HarvestMetrics:
    """The figures, in the registry passed in. Before the first window the lag has no end."""

    def __init__(self, metrics: CollectorRegistry, now: Callable[[], datetime]) -> None:
        self._now = now
        self.as_of: datetime | None = None  # what the copy may claim, None before the first window
        self._windows = Counter(
            "passerelle_moisson_fenetres", "Fenêtres du registre moissonnées par ce processus.", registry=metrics
        )
        self._rows = Counter(
            "passerelle_moisson_lignes", "Lignes du registre, gardées ou rejetées.", ("sort",), registry=metrics
        )
        self._due = Gauge("passerelle_moisson_fenetres_dues", "Fenêtres qui restent à moissonner.", registry=metrics)
        # Computed when it is read: the lag grows while nothing happens.
        delay = Gauge(
            "passerelle_registre_retard_secondes", "Âge de ce que la copie du registre affirme.", registry=metrics
        )
        delay.set_function(self._delay)

    def advance(self, progress: Progress) -> None:
        """Note a page written."""
        logger.info("moisson %s", line(progress))
        self._rows.labels("rejetee").inc(progress.account.rejects)
        self._rows.labels("gardee").inc(progress.kept)
        if progress.step.completed:
            self._windows.inc()

    def place(self, harvest_state: HarvestState, dues: int) -> None:
        """Note how far the harvest went, whoever did it."""
        if harvest_state.as_of is None:
            logger.warning("registre jamais moissonné : rien de lui n'est connu, %d fenêtres dues", dues)
        self.as_of = harvest_state.as_of
        self._due.set(dues)

    def _delay(self) -> float:
        return max(0.0, (self._now() - self.as_of).total_seconds()) if self.as_of else math.inf


def line(progress: Progress) -> str:
    """One page written, as a line for the log."""
    window, step, rejects = progress.window, progress.step, progress.account.rejects
    place = "" if step.completed else f"{step.operation} page {step.page}/{step.pages}, "
    fact = f"[{progress.rank}/{progress.total}] {window.debut} → {window.fin} : {place}{step.rows} lignes"
    return f"{fact}{f', {rejects} rejetées' if rejects else ''} ({progress.seconds:.1f} s)"
