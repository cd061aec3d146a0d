"""The entries of one transaction of the reading journal: counted, chained, written. Knows no loop and no other process."""

from dataclasses import dataclass, field
from typing import Any

from cachetools import TTLCache
from sqlalchemy import Connection

from gateway.domain.chaine import Borne, suivante
from gateway.domain.quotas import Comptage, Franchissement
from gateway.domain.sceau import Sceau
from gateway.stores import quotas
from gateway.stores.chaine import ENTREES, FIN, empaqueter, ensemble_de, poser_borne

_ECRIRE = ENTREES.insert()
ENSEMBLES_MAX = 65_536
ENSEMBLES_DUREE = 3600.0  # seconds; nothing younger than a day is ever purged

Verdict = list[Franchissement]


@dataclass(frozen=True, slots=True)
class Inscription:
    """What is to be written: the entry, the keys of the persons it speaks of, in order, and how to count them."""

    contenu: bytes
    personnes: tuple[str, ...] = ()
    comptage: Comptage | None = None


@dataclass(slots=True)
class Sus:
    """What this process knows to be written already: who is counted today, and the sets of persons that an entry of the
    last hour shows, so that no purge forgot them."""

    comptees: quotas.Comptees = field(default_factory=quotas.Comptees)
    ensembles: TTLCache[int, None] = field(default_factory=lambda: TTLCache(ENSEMBLES_MAX, ENSEMBLES_DUREE))


class Lot:
    """The entries of one transaction, as they are chained."""

    def __init__(self, sceau: Sceau, borne: Borne, sus: Sus) -> None:
        self.borne = borne
        self._sus = sus
        self._nouvelles: list[tuple[Comptage, list[int]]] = []
        self._sceau = sceau
        self._entrees: list[dict[str, Any]] = []
        self._ensembles: dict[int, list[int]] = {}  # not known to be indexed

    def ajouter(self, connexion: Connection, inscription: Inscription, codes: list[int]) -> Verdict:
        distincts = list(dict.fromkeys(codes))
        verdict = self._compter(connexion, inscription.comptage, distincts)
        if not any(franchi.arret for franchi in verdict):
            personnes, ensemble = empaqueter(codes), ensemble_de(self._sceau, distincts)
            self.borne = suivante(self._sceau, self.borne, inscription.contenu, personnes)
            self._entrees.append(_ligne(self.borne, inscription.contenu, personnes, ensemble))
            if ensemble not in self._sus.ensembles:
                self._ensembles[ensemble] = distincts
        return verdict

    def _compter(self, connexion: Connection, comptage: Comptage | None, personnes: list[int]) -> Verdict:
        if comptage is None or self._sus.comptees.toutes(comptage, personnes):
            return []
        verdict = quotas.compter(connexion, comptage, personnes)
        if not any(franchi.arret for franchi in verdict):
            self._nouvelles.append((comptage, personnes))
        return verdict

    def retenir(self) -> None:
        """The transaction is committed: what was counted stays counted, what was indexed stays so."""
        for comptage, personnes in self._nouvelles:
            self._sus.comptees.retenir(comptage, personnes)
        for ensemble in self._ensembles:
            self._sus.ensembles[ensemble] = None

    def poser(self, connexion: Connection, indexer: str) -> None:
        """Write. `indexer`: an insertion in PERSONNES as the driver reads it, for rows by the hundred."""
        if self._entrees:
            connexion.execute(_ECRIRE, self._entrees)
            poser_borne(connexion, self._sceau, FIN, self.borne)
        index = [(code, ensemble) for ensemble, distincts in self._ensembles.items() for code in distincts]
        if index:
            connexion.exec_driver_sql(indexer, index)


def _ligne(borne: Borne, contenu: bytes, personnes: bytes, ensemble: int) -> dict[str, Any]:
    return {
        "numero": borne.numero,
        "contenu": contenu,
        "personnes": personnes,
        "empreinte": borne.empreinte,
        "ensemble": ensemble,
    }
