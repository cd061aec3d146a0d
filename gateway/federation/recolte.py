"""Everything heard for one operation, as one value, and the readings kept. Knows neither how it is asked nor its use."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from cachetools import LRUCache

from gateway.concurrency import SingleFlight
from gateway.errors import ErreurSource, SourceSuspendue
from gateway.federation.annuaire import Annuaire
from gateway.federation.plan import Plan
from gateway.federation.temoignages import Temoignage
from gateway.sources.unites import Echec, EtatCache, Resultat, Unite

RECOLTES_TEMOIGNAGES = 400_000  # of the readings kept, which mostly share those of the last answers
RECOLTE_MIN = 80  # what a reading counts for at least: no more of them than of views
ENTENDUS_MAX = 120_000  # testimonies kept, of the last answer of each unit: as many records as the cache holds

# A source that tells something stale is stale; else it was asked if any of its units was.
_PRIORITE = [EtatCache.TOUCHE.value, EtatCache.MANQUE.value, EtatCache.PERIME.value]

_Heard = tuple[str, list[Temoignage]]  # a version, and what it tells
Subject = tuple[Plan, Annuaire]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh the oldest thing used of a source is: the status of the cache, and when the source said it.

    `said_at` is in the collector's seconds; `as_of`, of a harvest, until when it holds what the source told.
    """

    status: str
    said_at: float
    as_of: datetime | None = None

    def oldest(self, other: Self | None) -> Self:
        """The older of two, at the worse of their statuses."""
        if other is None:
            return self
        status = max(other.status, self.status, key=_PRIORITE.index)
        return replace(min(other, self, key=lambda one: one.said_at), status=status)

    def served_again(self) -> Self:
        """As whoever comes next finds it: nothing is asked anew."""
        return replace(self, status=EtatCache.TOUCHE.value) if self.status == EtatCache.MANQUE.value else self

    def line(self, seconds: float, now: datetime) -> dict[str, Any]:
        """Its age in seconds, as an answer tells it; `seconds` and `now` are the collector's and the gateway's."""
        if self.as_of is None:
            return {"ageSecondes": int(round(seconds - self.said_at, 6)), "cache": self.status}
        age = int((now - self.as_of).total_seconds())
        return {"ageSecondes": age, "cache": self.status, "asOf": self.as_of.isoformat()}


@dataclass(slots=True)
class Recolte:
    """Everything heard for one operation. Errors are by source: nothing to show of it, or what it had said before."""

    temoignages: list[Temoignage] = field(default_factory=list)
    erreurs: dict[str, ErreurSource] = field(default_factory=dict)
    secourues: dict[str, ErreurSource] = field(default_factory=dict)
    fraicheurs: dict[str, Freshness] = field(default_factory=dict)
    unites: dict[Unite, str] = field(default_factory=dict)  # the version of each
    registre: str = ""  # the version of the registry's store
    suivi_entendu: frozenset[str] = frozenset()  # Missions locales whose system answered
    verifiee: float = 0.0  # when it was last seen to hold, in the collector's seconds

    @property
    def versions(self) -> Hashable:
        """Changes with anything that was heard."""
        return frozenset(self.unites.items()), self.registre

    @property
    def complete(self) -> bool:
        """Every source answered: what an earlier answer stands in for may lack what happened since."""
        return not self.erreurs and not self.secourues

    @property
    def durable(self) -> bool:
        """Whether asking again at once would bring nothing: every source answered, or is left alone."""
        erreurs = (*self.erreurs.values(), *self.secourues.values())
        return all(isinstance(erreur, SourceSuspendue) for erreur in erreurs)

    @property
    def muette(self) -> bool:
        """Nobody answered: there is nothing to show, which is not the same as an empty list."""
        return bool(self.erreurs) and not self.fraicheurs

    def date(self, resultats: Sequence[Resultat], instant: float) -> None:
        """Note how fresh the sources of these results are: each as its oldest result."""
        for lu in resultats:
            source = lu.unite.source
            self.fraicheurs[source] = Freshness(lu.cache.value, instant - lu.age).oldest(self.fraicheurs.get(source))

    def again(self, lus: Sequence[Resultat | Echec | None], instant: float) -> Self | None:
        """The same, heard again at `instant`: every unit at the version that was heard. None: something else is said."""
        resultats = [lu for lu in lus if isinstance(lu, Resultat)]
        if {resultat.unite: resultat.version for resultat in resultats} != self.unites:
            return None
        sources = {unite.source for unite in self.unites}
        others = {nom: freshness for nom, freshness in self.fraicheurs.items() if nom not in sources}
        heard = replace(self, fraicheurs=others, verifiee=instant)
        heard.date(resultats, instant)
        return heard


def volume(recolte: Recolte) -> int:
    """What a reading weighs among those kept. One that alone passes what is kept is kept, alone."""
    return min(max(RECOLTE_MIN, len(recolte.temoignages)), RECOLTES_TEMOIGNAGES)


class ReadingsCache:
    """The last reading of each plan, the records of the last answer of each unit, which readings share, and the readings
    under way (`flights`), by plan and by the age that is asked for."""

    def __init__(self) -> None:
        self.flights: SingleFlight[tuple[Subject, float | None], Recolte] = SingleFlight()
        self._readings: LRUCache[Subject, Recolte] = LRUCache(RECOLTES_TEMOIGNAGES, getsizeof=volume)
        self._heard: LRUCache[Unite, _Heard] = LRUCache(ENTENDUS_MAX, getsizeof=lambda heard: 1 + len(heard[1]))

    def last(self, subject: Subject) -> Recolte | None:
        """The last reading of a plan."""
        return self._readings.get(subject)

    def keep(self, subject: Subject, recolte: Recolte) -> None:
        """For whoever asks next, who asks nothing of the sources."""
        fraicheurs = {nom: freshness.served_again() for nom, freshness in recolte.fraicheurs.items()}
        self._readings[subject] = replace(recolte, fraicheurs=fraicheurs)

    def records(self, unite: Unite, version: str) -> list[Temoignage] | None:
        """What that version of a unit tells: made once, for what it was read to mean is kept with it."""
        heard = self._heard.get(unite)
        return heard[1] if heard is not None and heard[0] == version else None

    def keep_records(self, unite: Unite, version: str, records: list[Temoignage]) -> None:
        """Instead of those of its earlier versions."""
        if len(records) < ENTENDUS_MAX:
            self._heard[unite] = version, records
