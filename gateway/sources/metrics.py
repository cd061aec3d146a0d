"""Figures about partners, for Prometheus. Labels are names of partners, operations and codes: never a value of a person."""

from collections import Counter as Counts
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.connectors.base import ReadingResult
from gateway.sources.units import Unit

SUCCESS = "OK"


class SourceMetrics:
    """The counters of the sources, in the registry passed in. Durations are in seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        call = ("partenaire", "operation")
        unit = ("partenaire", "ressource")
        self.calls = Counter(
            "passerelle_appels", "Appels aux partenaires, par issue.", (*call, "issue"), registry=registry
        )
        self.durations = Histogram("passerelle_appel_secondes", "Durée d'un appel.", call, registry=registry)
        self.readings_journal = Counter(
            "passerelle_lectures", "Unités lues, par état du cache.", (*unit, "cache"), registry=registry
        )
        self.rejects = Counter("passerelle_rejets", "Enregistrements perdus.", unit, registry=registry)
        self.ignored_fields = Counter("passerelle_champs_ignores", "Valeurs écartées.", unit, registry=registry)
        self.drifts = Counter(
            "passerelle_derives", "Écarts au format convenu, par genre.", (*unit, "genre"), registry=registry
        )
        self.revalidations = Counter(
            "passerelle_revalidations",
            "Unités redemandées page par page, par issue.",
            ("partenaire", "issue"),
            registry=registry,
        )
        self.out_of_tenant = Counter(
            "passerelle_hors_locataire", "Dossiers d'un autre établissement, écartés.", unit, registry=registry
        )

        self.differences = Gauge(
            "passerelle_ecart_horloge_secondes",
            "Avance de l'horloge du partenaire sur la nôtre.",
            ("partenaire",),
            registry=registry,
        )
        self.without_mission_locale = Counter(
            "passerelle_residences_ambigues",
            "Domiciles sans Mission locale certaine.",
            ("partenaire",),
            registry=registry,
        )

        self.links_unavailable = Counter(
            "passerelle_liens_indisponibles", "Vues faites sans le registre des liens.", registry=registry
        )

        self.evenements = Counter(
            "passerelle_evenements",
            "Événements des partenaires, par issue.",
            ("partenaire", "issue"),
            registry=registry,
        )

    def event(self, partner: str, outcome: str, number: int = 1) -> None:
        """Count what partners told of changes, by what became of it."""
        self.evenements.labels(partner, outcome).inc(number)

    def ambiguous(self, partner: str, number: int) -> None:
        """Count the homes of one answer that no Mission locale can be told for."""
        self.without_mission_locale.labels(partner).inc(number)

    def call(self, partner: str, operation: str, outcome: str, seconds: float) -> None:
        """Count one exchange; `outcome` is OK or the code of the error."""
        self.calls.labels(partner, operation, outcome).inc()
        self.durations.labels(partner, operation).observe(seconds)

    def wall_clock(self, partner: str, gap: float | None) -> None:
        """Note how far the partner's clock is from ours (docs/security.md U12), where it tells."""
        if gap is not None:
            self.differences.labels(partner).set(gap)

    def revalidation(self, partner: str, unchanged: bool) -> None:
        """Count a unit whose pages of last time were asked again."""
        self.revalidations.labels(partner, "inchangee" if unchanged else "changee").inc()

    def reading(self, unit: Unit, cache: str) -> None:
        """Count a unit read, by state of the cache."""
        self.readings_journal.labels(unit.source, unit.resource.value, cache).inc()

    def rereadings(self, units: Iterable[Unit]) -> None:
        """Count units found unchanged in the cache."""
        for (source, resource), number in Counts((unit.source, unit.resource.value) for unit in units).items():
            self.readings_journal.labels(source, resource, "touche").inc(number)

    def quality(self, unit: Unit, lu: ReadingResult, out_of_tenant: int) -> None:
        """Count what an answer lost."""
        labels = (unit.source, unit.resource.value)
        self.rejects.labels(*labels).inc(lu.rejects)
        self.ignored_fields.labels(*labels).inc(lu.ignored_fields)
        self.out_of_tenant.labels(*labels).inc(out_of_tenant)
        for genre, number in lu.drifts.items():
            self.drifts.labels(*labels, genre).inc(number)
