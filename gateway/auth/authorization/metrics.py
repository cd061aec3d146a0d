"""Figures about access, for Prometheus. Labels are profiles and coordinates: never a value of a person."""

from prometheus_client import CollectorRegistry, Counter


class AccessMetrics:
    """The counters of access, in the registry passed in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._leaks = Counter(
            "passerelle_fuites_arretees",
            "Réponses non envoyées : elles allaient dire une donnée non accordée.",
            ("coordonnee",),
            registry=registry,
        )
        self._differences = Counter(
            "passerelle_politique_candidate",
            "Ce que la politique à l'essai changerait.",
            ("profil", "coordonnee", "ecart"),
            registry=registry,
        )

    def stopped(self, coordinate: str) -> None:
        """Count an answer that the sentinel stopped. Alert on the first one."""
        self._leaks.labels(coordinate).inc()

    def gap(self, profil: str, coordinate: str, nature: str) -> None:
        """Count what the candidate policy would refuse or open."""
        self._differences.labels(profil, coordinate, nature).inc()
