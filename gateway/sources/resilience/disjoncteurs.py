"""The breakers of one partner: one a tenant, and one for the whole, which only the failure of many tenants opens."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.errors import ErreurSource, SourceSuspendue
from gateway.sources.resilience.disjoncteur import FENETRE, Disjoncteur
from gateway.sources.resilience.issues import Issue, issue_de

Depart = tuple[bool, bool]  # whether the reading is a probe: of its tenant, of the whole


class Disjoncteurs:
    """A tenant that fails counts for the whole once in its window: alone, however often it is read, it closes no neighbour."""

    def __init__(self, source: str, secondes: Callable[[], float]) -> None:
        self._source, self._secondes = source, secondes
        self._commun = Disjoncteur()
        self._propres: defaultdict[str, Disjoncteur] = defaultdict(Disjoncteur)
        self._compte: dict[str, float] = {}  # when each tenant that fails last counted for the whole
        self._ouverts: set[str] = set()  # tenants: each answer asks, and there are thousands of them

    @property
    def ouvert(self) -> bool:
        """Whether the whole partner is left alone."""
        return not self._commun.ferme

    @property
    def entrouvert(self) -> bool:
        """Whether some tenant is."""
        return bool(self._ouverts)

    def ferme(self, cle: str) -> bool:
        """Whether a tenant is asked as any other: a reading that is a probe, or none, is not worth waiting for."""
        return self._commun.ferme and self._propres[cle].ferme

    @contextmanager
    def passage(self, cle: str) -> Iterator[None]:
        """Around one reading of a tenant. Raises SourceSuspendue when it may not go."""
        depart, issue = self._partir(cle), None
        try:
            yield
            issue = Issue.REUSSITE
        except ErreurSource as erreur:
            issue = issue_de(erreur)
            raise
        finally:
            self._noter(cle, depart, issue)

    def _partir(self, cle: str) -> Depart:
        propre, instant = self._propres[cle], self._secondes()
        attente = max(propre.attente(instant), self._commun.attente(instant))
        if attente > 0:
            raise SourceSuspendue(self._source, "le partenaire ne répond plus, il est laissé en paix", attente)
        return propre.partir(), self._commun.partir()

    def _noter(self, cle: str, depart: Depart, issue: Issue | None) -> None:
        instant, (sonde, sonde_commune) = self._secondes(), depart
        self._propres[cle].noter(issue, instant, sonde)
        (self._ouverts.discard if self._propres[cle].ferme else self._ouverts.add)(cle)
        if sonde_commune or issue not in (Issue.ECHEC, Issue.DELAI) or self._compter(cle, instant):
            self._commun.noter(issue, instant, sonde_commune)

    def _compter(self, cle: str, instant: float) -> bool:
        """Whether the failure of a tenant is one more for the whole."""
        neuf = instant - self._compte.get(cle, -FENETRE) >= FENETRE
        if neuf:
            self._compte[cle] = instant
        return neuf
