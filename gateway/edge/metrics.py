"""Figures about connections, for Prometheus. No label: an address is nobody's business there."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class EdgeMetrics:
    """The figures of the listeners, in the registry passed in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        text = "Connexions silencieuses fermées pour faire place à d'autres."
        self.closed_early = Counter("passerelle_connexions_fermees", text, registry=registry)
        self.malformed = Counter(
            "passerelle_requetes_malformees", "Requêtes HTTP malformées, refusées.", registry=registry
        )
        self.streams = Gauge("passerelle_flux_ouverts", "Flux d'événements ouverts.", registry=registry)
