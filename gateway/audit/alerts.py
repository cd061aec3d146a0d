"""Tells the operator of events to be seen within a minute: a log line, escaped and short, and a metric. Knows no person."""

import json
import logging

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.domain.quota_rules import QuotaCrossed

logger = logging.getLogger("gateway.alertes")

NAME_MAX = 80  # characters of an account in a line


class Alerts:
    """The events of reading: quotas crossed, guesses, and a journal that cannot be written."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._quotas = Counter(
            "passerelle_quota_franchi", "Quotas de personnes franchis.", ("portee", "niveau"), registry=registry
        )
        self._guesses = Counter(
            "passerelle_introuvables_refuses",
            "Comptes arrêtés pour avoir trop cherché sans trouver.",
            registry=registry,
        )
        self._journal = Gauge(
            "passerelle_journal_disponible", "1 si le journal des lectures peut être écrit.", registry=registry
        )
        self._journal.set(1)
        self._keeping = Counter(
            "passerelle_journal_tenue_echecs",
            "Tâches de la tenue du journal qui ont échoué.",
            ("tache",),
            registry=registry,
        )

    def quota(self, crossed: QuotaCrossed) -> None:
        """A quota was crossed: its alert, or its limit."""
        level = "ARRET" if crossed.arret else "ALERTE"
        self._quotas.labels(crossed.scope, level).inc()
        who = _quoted(crossed.who)
        logger.warning(
            "quota %s %s : %s, %d personnes sur %d", crossed.scope, level, who, crossed.persons, crossed.limit
        )

    def guessing(self, account: str) -> None:
        """An account looked too often for what does not exist."""
        self._guesses.inc()
        logger.warning("recherches sans résultat : compte %s arrêté", _quoted(account))

    def available(self, yes: bool) -> None:
        """Whether the journal can be written: while it cannot, nothing nominative leaves."""
        self._journal.set(yes)

    def keeping_failed(self, task: str) -> None:
        """A task that keeps the journal failed: nothing is forgotten, or its end is told no more."""
        self._keeping.labels(task).inc()


def _quoted(name: str) -> str:
    """A name that callers choose, on one line (docs/security.md L05)."""
    return json.dumps(name[:NAME_MAX])
