"""What an operator sees of the harvest: a log line a page, and figures for Prometheus. No value of a person, no SQL."""

import logging
import math
from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.sources.moisson import Avancement
from gateway.stores.registre import Avancee

journal = logging.getLogger("gateway.moisson")


class SuiviMoisson:
    """The figures, in the registry passed in. Before the first window the lag has no end."""

    def __init__(self, mesures: CollectorRegistry, maintenant: Callable[[], datetime]) -> None:
        self._maintenant = maintenant
        self._as_of: datetime | None = None
        self._fenetres = Counter(
            "passerelle_moisson_fenetres", "Fenêtres du registre moissonnées par ce processus.", registry=mesures
        )
        self._lignes = Counter(
            "passerelle_moisson_lignes", "Lignes du registre, gardées ou rejetées.", ("sort",), registry=mesures
        )
        self._dues = Gauge("passerelle_moisson_fenetres_dues", "Fenêtres qui restent à moissonner.", registry=mesures)
        retard = Gauge(
            "passerelle_registre_retard_secondes", "Âge de ce que la copie du registre affirme.", registry=mesures
        )
        retard.set_function(self._retard)

    def avancer(self, avancement: Avancement) -> None:
        """Note a page written."""
        journal.info("moisson %s", ligne(avancement))
        self._lignes.labels("rejetee").inc(avancement.compte.rejets)
        self._lignes.labels("gardee").inc(avancement.gardees)
        if avancement.etape.achevee:
            self._fenetres.inc()

    def situer(self, avancee: Avancee, dues: int) -> None:
        """Note how far the harvest went, whoever did it."""
        self._as_of = avancee.as_of
        self._dues.set(dues)

    def _retard(self) -> float:
        return (self._maintenant() - self._as_of).total_seconds() if self._as_of else math.inf


def ligne(avancement: Avancement) -> str:
    """One page written, in one line."""
    fenetre, etape, rejets = avancement.fenetre, avancement.etape, avancement.compte.rejets
    lieu = "" if etape.achevee else f"{etape.operation} page {etape.page}/{etape.pages}, "
    fait = f"[{avancement.rang}/{avancement.total}] {fenetre.debut} → {fenetre.fin} : {lieu}{etape.lignes} lignes"
    return f"{fait}{f', {rejets} rejetées' if rejets else ''} ({avancement.secondes:.1f} s)"
