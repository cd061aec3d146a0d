"""Figures about connections and requests of any kind, for Prometheus. An address is nobody's business there."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

DURATIONS = (
    "http_server_request_duration_seconds"  # and its labels: names of OpenTelemetry, which boards of others know
)


class EdgeMetrics:
    """The figures of the listeners, in the registry passed in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        text = "Connexions silencieuses fermées : pour faire place à d'autres, ou parce que rien n'y est lu."
        self.closed_early = Counter("passerelle_connexions_fermees", text, registry=registry)
        self.malformed = Counter(
            "passerelle_requetes_malformees", "Requêtes HTTP malformées, refusées.", registry=registry
        )
        self.streams = Gauge("passerelle_flux_ouverts", "Flux d'événements ouverts.", registry=registry)
        text = "Durée d'une requête HTTP, jusqu'au début de sa réponse."
        self.durations = Histogram(DURATIONS, text, ("http_route", "http_response_status_code"), registry=registry)
