"""Everything heard for one operation, as one value. Knows neither how it is asked nor what is made of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from gateway.errors import ErreurSource, SourceSuspendue
from gateway.federation.fraicheurs import Fraicheur, relues
from gateway.federation.temoignages import Temoignage
from gateway.sources.unites import Echec, Resultat, Unite

RECOLTES_TEMOIGNAGES = 400_000  # of the readings kept, which mostly share those of the last answers
RECOLTE_MIN = 80  # what a reading counts for at least: no more of them than of views


@dataclass(slots=True)
class Recolte:
    """Everything heard for one operation. Errors are by source: nothing to show of it, or what it had said before."""

    temoignages: list[Temoignage] = field(default_factory=list)
    erreurs: dict[str, ErreurSource] = field(default_factory=dict)
    secourues: dict[str, ErreurSource] = field(default_factory=dict)
    fraicheurs: dict[str, Fraicheur] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)
    unites: dict[Unite, str] = field(default_factory=dict)  # the version of each
    registre: str = ""  # the version of the registry's store
    suivi_entendu: frozenset[str] = frozenset()  # Missions locales whose system answered
    entendue: float = 0.0  # when, in the collector's seconds
    verifiee: float = 0.0  # when it was last seen to hold

    @property
    def complete(self) -> bool:
        """Every source answered: what an earlier answer stands in for may lack what happened since."""
        return not self.erreurs and not self.secourues

    @property
    def durable(self) -> bool:
        """Whether asking again at once would bring nothing: every source answered, or is left alone."""
        erreurs = (*self.erreurs.values(), *self.secourues.values())
        return all(isinstance(erreur, SourceSuspendue) for erreur in erreurs)

    def redite(self, lus: Sequence[Resultat | Echec]) -> Self | None:
        """The same, heard again: every unit at the version that was heard. None: something else is said."""
        resultats = [lu for lu in lus if isinstance(lu, Resultat)]
        if {resultat.unite: resultat.version for resultat in resultats} != self.unites:
            return None
        return replace(self, fraicheurs=relues(self.fraicheurs, resultats))

    @property
    def muette(self) -> bool:
        """Nobody answered: there is nothing to show, which is not the same as an empty list."""
        return bool(self.erreurs) and not self.fraicheurs


def volume(recolte: Recolte) -> int:
    """What a reading weighs among those kept. One that alone passes what is kept is kept, alone."""
    return min(max(RECOLTE_MIN, len(recolte.temoignages)), RECOLTES_TEMOIGNAGES)
