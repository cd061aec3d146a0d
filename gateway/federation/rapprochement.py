"""Which testimonies speak of the same person. This is the one place where records are joined.

Today: one exact normalised identity and birth date, between different installations only (ANSWERS 25). Scoring will
replace `rapprocher` without its callers knowing. Knows no merge rule, no viewer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.federation.temoignages import Temoignage


@dataclass(frozen=True, slots=True)
class Groupe:
    """The testimonies of one person, best source first. `cle` is stable text, secret: it is never shown as it is."""

    cle: str
    temoignages: tuple[Temoignage, ...]


def rapprocher(temoignages: Iterable[Temoignage]) -> list[Groupe]:
    """Group testimonies by person, whatever the order they come in. Ambiguous ones stay apart."""
    par_identite: dict[str, dict[tuple[str, str, str], Temoignage]] = defaultdict(dict)
    for temoignage in temoignages:
        cle = (*temoignage.origine, temoignage.dossier.cle)
        par_identite[temoignage.identite][cle] = temoignage
    groupes = [groupe for cle, membres in par_identite.items() for groupe in _separer(cle, list(membres.values()))]
    return sorted(groupes, key=lambda groupe: groupe.cle)


def _separer(cle: str, membres: list[Temoignage]) -> list[Groupe]:
    if _ambigu(membres):
        return [Groupe(membre.cle_propre, (membre,)) for membre in membres]
    return [Groupe(cle, tuple(sorted(membres, key=lambda membre: membre.rang)))]


def _ambigu(membres: list[Temoignage]) -> bool:
    """Two records of one installation are never one person; nor are records that disagree on the sex."""
    plusieurs = max(Counter(membre.origine for membre in membres).values()) > 1
    return plusieurs or len({membre.jeune.sexe for membre in membres if membre.jeune.sexe}) > 1
