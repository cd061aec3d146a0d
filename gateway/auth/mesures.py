"""Figures about access, for Prometheus. Labels are profiles and coordinates: never a value of a person."""

from prometheus_client import CollectorRegistry, Counter


class MesuresAcces:
    """The counters of access, in the registry passed in."""

    def __init__(self, registre: CollectorRegistry) -> None:
        self._fuites = Counter(
            "passerelle_fuites_arretees",
            "Réponses non envoyées : elles allaient dire une donnée non accordée.",
            ("coordonnee",),
            registry=registre,
        )
        self._ecarts = Counter(
            "passerelle_politique_candidate",
            "Ce que la politique à l'essai changerait.",
            ("profil", "coordonnee", "ecart"),
            registry=registre,
        )

    def arretee(self, coordonnee: str) -> None:
        """Count an answer that the sentinel stopped. Alert on the first one."""
        self._fuites.labels(coordonnee).inc()

    def ecart(self, profil: str, coordonnee: str, nature: str) -> None:
        """Count what the policy on trial would refuse or open."""
        self._ecarts.labels(profil, coordonnee, nature).inc()
