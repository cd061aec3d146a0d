"""The breakers of one partner: one a tenant, and one for the whole, which only the failure of many tenants opens."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.errors import ErreurSource, SourceSuspendue
from gateway.sources.resilience.disjoncteur import Disjoncteur
from gateway.sources.resilience.issues import Issue, issue_de

Depart = tuple[bool, bool]  # whether the reading is a probe: of its tenant, of the whole


class Disjoncteurs:
    """A tenant that fails counts once for the whole until some tenant succeeds: alone, it closes no neighbour."""

    def __init__(self, source: str, secondes: Callable[[], float]) -> None:
        self._source, self._secondes = source, secondes
        self._commun = Disjoncteur()
        self._propres: defaultdict[str, Disjoncteur] = defaultdict(Disjoncteur)
        self._en_echec: set[str] = set()

    @property
    def ouvert(self) -> bool:
        """Whether the whole partner is left alone."""
        return not self._commun.ferme

    @property
    def entrouvert(self) -> bool:
        """Whether some tenant is."""
        return not all(propre.ferme for propre in self._propres.values())

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
        if issue is Issue.REUSSITE:
            self._en_echec.clear()
        if sonde_commune or cle not in self._en_echec:
            self._commun.noter(issue, instant, sonde_commune)
        if issue in (Issue.ECHEC, Issue.DELAI):
            self._en_echec.add(cle)
