"""What an operator sees of the harvest: a log line a page, and figures for Prometheus. No value of a person, no SQL."""

import collections
import logging
import math
from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.connectors.quality import Fault, defects
from gateway.schema.organisations import Qualite
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
        self._drifts = Counter(
            "passerelle_moisson_derives", "Écarts du registre au format convenu.", ("genre",), registry=metrics
        )
        self._faults, self._kept = collections.Counter[Fault](), 0
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
        for kind, number in progress.account.drifts.items():
            self._drifts.labels(kind).inc(number)
        self._faults.update(progress.account.faults)
        self._kept += progress.kept
        if progress.step.completed:
            self._windows.inc()

    def place(self, harvest_state: HarvestState, dues: int) -> None:
        """Note how far the harvest went, whoever did it."""
        if harvest_state.as_of is None:
            logger.warning("registre jamais moissonné : rien de lui n'est connu, %d fenêtres dues", dues)
        self.as_of = harvest_state.as_of
        self._due.set(dues)

    def quality(self) -> list[Qualite]:
        """What this process met in what it harvested; nothing before the first window."""
        if self.as_of is None or not self._kept:
            return []
        return [Qualite(lue_le=self.as_of, dossiers=self._kept, defauts=defects(self._faults))]

    def _delay(self) -> float:
        return max(0.0, (self._now() - self.as_of).total_seconds()) if self.as_of else math.inf


def line(progress: Progress) -> str:
    """One page written, as a line for the log."""
    window, step, rejects = progress.window, progress.step, progress.account.rejects
    place = "" if step.completed else f"{step.operation} page {step.page}/{step.pages}, "
    fact = f"[{progress.rank}/{progress.total}] {window.debut} → {window.fin} : {place}{step.rows} lignes"
    unknown = progress.account.drifts["code_inconnu"]
    lost = f"{f', {rejects} rejetées' if rejects else ''}{f', {unknown} codes inconnus' if unknown else ''}"
    return f"{fact}{lost} ({progress.seconds:.1f} s)"
