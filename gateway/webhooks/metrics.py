"""What is told of webhooks: each try, what waits, and which endpoints are sent to. Labels are names of endpoints."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.stores.webhook_store import EndpointState

ISSUES = ("remis", "ecarte", "echec", "abandonne", "desactive")


class WebhookMetrics:
    """The figures of webhooks; without a line where no endpoint is registered."""

    def __init__(self, registry: CollectorRegistry) -> None:
        text = "Événements envoyés aux abonnés, par issue."
        self._tries = Counter("passerelle_webhooks", text, ("abonnement", "issue"), registry=registry)
        text = "Événements qu'un abonné n'a pas encore reçus."
        self._waiting = Gauge("passerelle_webhooks_en_attente", text, ("abonnement",), registry=registry)
        text = "1 si l'abonné est servi, 0 s'il a été désactivé."
        self._active = Gauge("passerelle_webhooks_actif", text, ("abonnement",), registry=registry)

    def tried(self, endpoint: str, issue: str) -> None:
        self._tries.labels(endpoint, issue).inc()

    def tell(self, states: Mapping[str, EndpointState], last_numbers: Mapping[str, int]) -> None:
        """Tell where endpoints are. `last_numbers`: of the last event of each perimeter."""
        for name, state in states.items():
            late = sum(one.following is not None for one in state.late)
            behind = max(0, last_numbers.get(state.perimetre, 0) - state.numero)
            self._waiting.labels(name).set(behind + late)
            self._active.labels(name).set(float(state.active))
