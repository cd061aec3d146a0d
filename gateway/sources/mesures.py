"""Figures about partners, for Prometheus. Labels are names of partners, operations and codes: never a value of a person."""

from collections import Counter as Comptes
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.connectors.base import Lu
from gateway.sources.unites import Unite

REUSSITE = "OK"


class Mesures:
    """The counters of the sources, in the registry passed in. Durations are in seconds."""

    def __init__(self, registre: CollectorRegistry) -> None:
        appel = ("partenaire", "operation")
        unite = ("partenaire", "ressource")
        self.appels = Counter(
            "passerelle_appels", "Appels aux partenaires, par issue.", (*appel, "issue"), registry=registre
        )
        self.durees = Histogram("passerelle_appel_secondes", "Durée d'un appel.", appel, registry=registre)
        self.lectures = Counter(
            "passerelle_lectures", "Unités lues, par état du cache.", (*unite, "cache"), registry=registre
        )
        self.rejets = Counter("passerelle_rejets", "Enregistrements perdus.", unite, registry=registre)
        self.champs_ignores = Counter("passerelle_champs_ignores", "Valeurs écartées.", unite, registry=registre)
        self.derives = Counter(
            "passerelle_derives", "Écarts au format convenu, par genre.", (*unite, "genre"), registry=registre
        )
        self.revalidations = Counter(
            "passerelle_revalidations",
            "Unités redemandées page par page, par issue.",
            ("partenaire", "issue"),
            registry=registre,
        )
        self.hors_locataire = Counter(
            "passerelle_hors_locataire", "Dossiers d'un autre établissement, écartés.", unite, registry=registre
        )

        self.ecarts = Gauge(
            "passerelle_ecart_horloge_secondes",
            "Avance de l'horloge du partenaire sur la nôtre.",
            ("partenaire",),
            registry=registre,
        )
        self.sans_mission_locale = Counter(
            "passerelle_residences_ambigues",
            "Domiciles sans Mission locale certaine.",
            ("partenaire",),
            registry=registre,
        )

        self.liens_indisponibles = Counter(
            "passerelle_liens_indisponibles", "Vues faites sans le registre des liens.", registry=registre
        )

        self.evenements = Counter(
            "passerelle_evenements",
            "Événements des partenaires, par issue.",
            ("partenaire", "issue"),
            registry=registre,
        )

    def evenement(self, partenaire: str, issue: str, nombre: int = 1) -> None:
        """Count what partners told of changes, by what became of it."""
        self.evenements.labels(partenaire, issue).inc(nombre)

    def ambigues(self, partenaire: str, nombre: int) -> None:
        """Count the homes of one answer that no Mission locale can be told for."""
        self.sans_mission_locale.labels(partenaire).inc(nombre)

    def appel(self, partenaire: str, operation: str, issue: str, secondes: float) -> None:
        """Count one exchange; `issue` is OK or the code of the error."""
        self.appels.labels(partenaire, operation, issue).inc()
        self.durees.labels(partenaire, operation).observe(secondes)

    def horloge(self, partenaire: str, ecart: float | None) -> None:
        """Note how far the partner's clock is from ours (SECURITY U12), where it tells."""
        if ecart is not None:
            self.ecarts.labels(partenaire).set(ecart)

    def revalidation(self, partenaire: str, inchangee: bool) -> None:
        """Count a unit whose pages of last time were asked again."""
        self.revalidations.labels(partenaire, "inchangee" if inchangee else "changee").inc()

    def lecture(self, unite: Unite, cache: str) -> None:
        """Count a unit read, by state of the cache."""
        self.lectures.labels(unite.source, unite.ressource.value, cache).inc()

    def relectures(self, unites: Iterable[Unite]) -> None:
        """Count units found unchanged in the cache."""
        for (source, ressource), nombre in Comptes((unite.source, unite.ressource.value) for unite in unites).items():
            self.lectures.labels(source, ressource, "touche").inc(nombre)

    def qualite(self, unite: Unite, lu: Lu, hors_locataire: int) -> None:
        """Count what an answer lost."""
        etiquettes = (unite.source, unite.ressource.value)
        self.rejets.labels(*etiquettes).inc(lu.rejets)
        self.champs_ignores.labels(*etiquettes).inc(lu.champs_ignores)
        self.hors_locataire.labels(*etiquettes).inc(hors_locataire)
        for genre, nombre in lu.derives.items():
            self.derives.labels(*etiquettes, genre).inc(nombre)
