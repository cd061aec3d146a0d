"""Figures about partners, for Prometheus. Labels are names of partners, operations and codes: never a value of a person."""

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.connectors.base import ReadingResult
from gateway.schema.organisations import EtatSource, Source
from gateway.sources.units import Unit

SUCCESS = "OK"
CANCELLED = "ANNULE"  # cut by our own delay
FIELDS_MAX, OTHER_FIELD = 300, "autre"  # labels of the figures: the fields of all partners together


class SourceMetrics:
    """The counters of the sources, in the registry passed in. Durations are in seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, registry=registry)
        partner, call, unit = ("partenaire",), ("partenaire", "operation"), ("partenaire", "ressource")
        outcome = (*partner, "issue")
        self.calls = counter("passerelle_appels", "Appels aux partenaires, par issue.", (*call, "issue"))
        self.durations = Histogram("passerelle_appel_secondes", "Durée d'un appel.", call, registry=registry)
        self.readings = counter("passerelle_lectures", "Unités lues, par état du cache.", (*unit, "cache"))
        self.rejects = counter("passerelle_rejets", "Enregistrements perdus.", unit)
        self.ignored_fields = counter("passerelle_champs_ignores", "Valeurs écartées.", unit)
        self.repairs = counter("passerelle_reparations", "Valeurs réparées, par genre.", (*unit, "genre"))
        self.drifts = counter("passerelle_derives", "Écarts au format convenu, par genre.", (*unit, "genre"))
        self.faults = counter(
            "passerelle_defauts", "Défauts des données, par nature et par champ.", (*unit, "nature", "champ")
        )
        self._fields: set[tuple[str, str]] = set()
        text = "Unités redemandées page par page, par issue."
        self.revalidations = counter("passerelle_revalidations", text, outcome)
        self.out_of_tenant = counter("passerelle_hors_locataire", "Dossiers d'un autre établissement, écartés.", unit)
        text = "Avance de l'horloge du partenaire sur la nôtre."
        self.differences = Gauge("passerelle_ecart_horloge_secondes", text, partner, registry=registry)
        text = "Domiciles sans Mission locale certaine."
        self.without_mission_locale = counter("passerelle_residences_ambigues", text, partner)
        text = "Vues faites sans le registre des liens."
        self.links_unavailable = counter("passerelle_liens_indisponibles", text)
        self.events = counter("passerelle_evenements", "Événements des partenaires, par issue.", outcome)

    def event(self, partner: str, outcome: str, number: int = 1) -> None:
        """Count what partners told of changes, by what became of it."""
        self.events.labels(partner, outcome).inc(number)

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
        self.readings.labels(unit.source, unit.resource.value, cache).inc()

    def rereadings(self, units: Iterable[Unit]) -> None:
        """Count units found unchanged in the cache."""
        for (source, resource), number in Counts((unit.source, unit.resource.value) for unit in units).items():
            self.readings.labels(source, resource, "touche").inc(number)

    def quality(self, unit: Unit, result: ReadingResult, out_of_tenant: int) -> None:
        """Count what an answer lost."""
        labels = (unit.source, unit.resource.value)
        self.rejects.labels(*labels).inc(result.rejects)
        self.ignored_fields.labels(*labels).inc(result.ignored_fields)
        self.out_of_tenant.labels(*labels).inc(out_of_tenant)
        for kind, number in result.repairs.items():
            self.repairs.labels(*labels, kind).inc(number)
        for kind, number in result.drifts.items():
            self.drifts.labels(*labels, kind).inc(number)
        for (nature, _, name), number in result.faults.items():
            self.faults.labels(*labels, nature.value, self._field(unit.source, name)).inc(number)

    def _field(self, partner: str, name: str) -> str:
        """The field in the figures, of a bounded number."""
        if len(self._fields) < FIELDS_MAX:
            self._fields.add((partner, name))
        return name if (partner, name) in self._fields else OTHER_FIELD


class StateGauges(Collector):
    """The state of each partner and of its breakers, computed when they are read."""

    def __init__(
        self, states: Callable[[], Iterable[Source]], left_alone: Callable[[], Mapping[str, tuple[bool, int]]]
    ) -> None:
        self._states, self._left_alone = states, left_alone

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One series a partner and a state, 1 for the state it is in."""
        labels = ("partenaire", "etat")
        states = GaugeMetricFamily("passerelle_source_etat", "1 pour l'état où est le partenaire.", labels=labels)
        for source in self._states():
            for etat in EtatSource:
                states.add_metric((source.nom, etat.value), float(source.etat is etat))
        whole = GaugeMetricFamily(
            "passerelle_disjoncteur_ouvert", "1 quand le partenaire entier est laissé en paix.", labels=labels[:1]
        )
        tenants = GaugeMetricFamily(
            "passerelle_disjoncteur_locataires", "Locataires du partenaire laissés en paix.", labels=labels[:1]
        )
        for name, (opened, number) in self._left_alone().items():
            whole.add_metric((name,), float(opened))
            tenants.add_metric((name,), number)
        yield from (states, whole, tenants)
