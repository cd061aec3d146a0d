"""The state of a partner, computed from its recent calls. Pure values over a clock passed in; asks nobody."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from gateway.domain.temps import PARIS
from gateway.errors import ErreurSource, SourceFermee
from gateway.schema.lieux import EtatSource, ModeSource, TypeSource

APPELS_RETENUS = 50
ECHECS_DE_SUITE = 3  # last calls, all failed: the partner is down
TAUX_DEGRADE = 0.1  # share of failed calls
REJETS_DEGRADE = 0.01  # share of records lost (SECURITY U09)
DERIVES_DEGRADE = 0.05  # values a record that the format does not foresee


@dataclass(frozen=True, slots=True)
class EtatPartenaire:
    """What the graph shows of a partner. `taux_erreur` from 0 to 1; what was never observed is None."""

    nom: str
    type: TypeSource
    mode: ModeSource
    etat: EtatSource
    derniere_reponse: datetime | None
    latence_ms: float | None
    taux_erreur: float | None


class Observations:
    """The recent calls to one partner, and the quality of its last answers."""

    def __init__(self, ouverture: tuple[time, time] | None = None) -> None:
        self._ouverture = ouverture
        self._reussites: deque[bool] = deque(maxlen=APPELS_RETENUS)
        self._pertes: deque[tuple[int, int, int]] = deque(maxlen=APPELS_RETENUS)
        self._qualite_degradee = False
        self._fermee_jusqua: datetime | None = None
        self.derniere_reponse: datetime | None = None
        self.latence_ms: float | None = None

    def noter(self, erreur: ErreurSource | None, secondes: float, instant: datetime) -> None:
        """One call has ended. A closed partner is not a failing one: its refusals do not count as errors."""
        if isinstance(erreur, SourceFermee):
            self._fermee_jusqua = instant + timedelta(seconds=erreur.reessayer_dans or 0.0)
            return
        self._reussites.append(erreur is None)
        if erreur is None:
            self._fermee_jusqua = None
            self.derniere_reponse, self.latence_ms = instant, secondes * 1000

    def noter_qualite(self, gardes: int, perdus: int, derives: int) -> None:
        """One answer was read: records kept, records lost, and what drifted from the format."""
        self._pertes.append((gardes, perdus, derives))
        gardes, perdus, derives = (sum(valeurs) for valeurs in zip(*self._pertes, strict=True))
        lus = gardes + perdus
        self._qualite_degradee = perdus > REJETS_DEGRADE * lus or derives > DERIVES_DEGRADE * lus

    @property
    def taux_erreur(self) -> float | None:
        """Share of the recent calls that failed, None when there was none."""
        return self._reussites.count(False) / len(self._reussites) if self._reussites else None

    def etat(self, instant: datetime) -> EtatSource:
        """The state at `instant`."""
        if self._fermee(instant):
            return EtatSource.FERMEE
        dernieres = list(self._reussites)[-ECHECS_DE_SUITE:]
        if dernieres and not any(dernieres):
            return EtatSource.INDISPONIBLE
        degradee = (self.taux_erreur or 0.0) >= TAUX_DEGRADE or self._qualite_degradee
        return EtatSource.DEGRADEE if degradee else EtatSource.DISPONIBLE

    def _fermee(self, instant: datetime) -> bool:
        if self._fermee_jusqua is not None and instant < self._fermee_jusqua:
            return True
        return self._ouverture is not None and not ouverte(self._ouverture, instant)


def ouverte(heures: tuple[time, time], instant: datetime) -> bool:
    """Whether `instant` falls in opening hours told in Paris time; hours may run past midnight, their end is excluded."""
    debut, fin = heures
    heure = instant.astimezone(PARIS).time()
    return debut <= heure < fin if debut <= fin else heure >= debut or heure < fin
