"""The entries of one transaction of the reading journal: counted, chained, written. Knows no loop and no other process."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from gateway.domain.chaine import Borne, suivante
from gateway.domain.quotas import Comptage, Franchissement
from gateway.domain.sceau import Sceau
from gateway.stores import quotas
from gateway.stores.chaine import ENTREES, FIN, empaqueter, poser_borne

Verdict = list[Franchissement]


@dataclass(frozen=True, slots=True)
class Inscription:
    """What is to be written: the entry, the keys of the persons it speaks of, in order, and how to count them."""

    contenu: bytes
    personnes: tuple[str, ...] = ()
    comptage: Comptage | None = None


class Lot:
    """The entries of one transaction, as they are chained."""

    def __init__(self, sceau: Sceau, borne: Borne, comptees: quotas.Comptees) -> None:
        self.borne = borne
        self._comptees = comptees
        self._nouvelles: list[tuple[Comptage, list[int]]] = []
        self._sceau = sceau
        self._entrees: list[dict[str, Any]] = []
        self._index: list[tuple[int, int]] = []

    def ajouter(self, connexion: Connection, inscription: Inscription, codes: list[int]) -> Verdict:
        distincts = list(dict.fromkeys(codes))
        verdict = self._compter(connexion, inscription.comptage, distincts)
        if not any(franchi.arret for franchi in verdict):
            personnes = empaqueter(codes)
            self.borne = suivante(self._sceau, self.borne, inscription.contenu, personnes)
            self._entrees.append(_ligne(self.borne, inscription.contenu, personnes))
            self._index += [(code, self.borne.numero) for code in distincts]
        return verdict

    def _compter(self, connexion: Connection, comptage: Comptage | None, personnes: list[int]) -> Verdict:
        if comptage is None or self._comptees.toutes(comptage, personnes):
            return []
        verdict = quotas.compter(connexion, comptage, personnes)
        if not any(franchi.arret for franchi in verdict):
            self._nouvelles.append((comptage, personnes))
        return verdict

    def retenir(self) -> None:
        """The transaction is committed: what was counted stays counted."""
        for comptage, personnes in self._nouvelles:
            self._comptees.retenir(comptage, personnes)

    def poser(self, connexion: Connection, indexer: str) -> None:
        """Write. `indexer`: an insertion in PERSONNES as the driver reads it, for rows by the hundred."""
        if self._entrees:
            connexion.execute(ENTREES.insert(), self._entrees)
            poser_borne(connexion, self._sceau, FIN, self.borne)
        if self._index:
            connexion.exec_driver_sql(indexer, self._index)


def _ligne(borne: Borne, contenu: bytes, personnes: bytes) -> dict[str, Any]:
    return {"numero": borne.numero, "contenu": contenu, "personnes": personnes, "empreinte": borne.empreinte}
