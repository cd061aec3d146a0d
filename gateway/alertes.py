"""What an operator must see within a minute: one log line, escaped and short, and one metric an event. Knows no person."""

import json
import logging

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.domain.quotas import Franchissement

journal = logging.getLogger("gateway.alertes")

NOM_MAX = 80  # characters of an account in a line


class Alertes:
    """The events of reading: quotas crossed, guesses, and a journal that cannot be written."""

    def __init__(self, registre: CollectorRegistry) -> None:
        self._quotas = Counter(
            "passerelle_quota_franchi", "Quotas de personnes franchis.", ("portee", "niveau"), registry=registre
        )
        self._devinettes = Counter(
            "passerelle_introuvables_refuses",
            "Comptes arrêtés pour avoir trop cherché sans trouver.",
            registry=registre,
        )
        self._journal = Gauge(
            "passerelle_journal_disponible", "1 si le journal des lectures peut être écrit.", registry=registre
        )
        self._journal.set(1)

    def quota(self, franchi: Franchissement) -> None:
        """A quota was crossed: its alert, or its limit."""
        niveau = "ARRET" if franchi.arret else "ALERTE"
        self._quotas.labels(franchi.portee, niveau).inc()
        qui = _cite(franchi.qui)
        journal.warning(
            "quota %s %s : %s, %d personnes sur %d", franchi.portee, niveau, qui, franchi.lues, franchi.limite
        )

    def devinettes(self, compte: str) -> None:
        """An account looked too often for what does not exist."""
        self._devinettes.inc()
        journal.warning("recherches sans résultat : compte %s arrêté", _cite(compte))

    def disponible(self, oui: bool) -> None:
        """Whether the journal can be written: while it cannot, nothing nominative leaves."""
        self._journal.set(oui)


def _cite(nom: str) -> str:
    """A name that callers choose, on one line (SECURITY L05)."""
    return json.dumps(nom[:NOM_MAX])
