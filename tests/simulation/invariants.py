"""What must hold of every answer and of every run, whatever was drawn. Written from the promises, not from the machines."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.sources.fichier import CacheFichier
from gateway.sources.unites import Echec, EtatCache, Resultat
from tests.simulation.boucle import PAS
from tests.simulation.monde import LIGNES, Registre

EPSILON = 1e-6


class Violee(AssertionError):
    """A promise that this run broke."""


def exiger(tenue: bool, promesse: str, *faits: object) -> None:
    if not tenue:
        raise Violee(f"{promesse}: {' '.join(map(str, faits))}")


@dataclass(frozen=True)
class Demande:
    """One asker's reading: when it began and ended, how long it would wait, what the last event it had seen said."""

    uai: str
    debut: float
    fin: float
    delai: float
    change: int  # the change of the tenant that an invalidation had told before the reading began


@dataclass(frozen=True)
class Juge:
    """Judges the answers of the partner `vu`, kept by the rules of `cache`."""

    vu: Registre
    cache: CacheFichier
    tolerance: float  # seconds that the shared cache may hold an asker back

    def juger(self, demande: Demande, rendu: Resultat | Echec) -> None:
        exiger(rendu.unite.cle == demande.uai, "each key is answered for itself", demande, rendu.unite)
        attendu = demande.debut + demande.delai + self.tolerance
        exiger(demande.fin <= attendu, "no asker waits beyond its delay", demande)
        if isinstance(rendu, Echec):
            exiger(rendu.erreur.source == "erp", "what is withheld names its source", demande)
        self._juger_les_lignes(demande, rendu)

    def _juger_les_lignes(self, demande: Demande, rendu: Resultat | Echec) -> None:
        lu = rendu.secours if isinstance(rendu, Echec) else rendu
        if lu is None:
            return
        faits = [dossier.cle.split("/") for dossier in lu.dossiers]
        exiger({uai for uai, *_ in faits} <= {demande.uai}, "no row of another tenant", demande, faits)
        rangs = sorted(int(rang) for _, rang, *_ in faits)
        redits = len(set(rangs)) < len(rangs)  # its first page, another by now, given for the next: nothing tells
        if not isinstance(rendu, Echec) and not redits:
            exiger(rangs == list(range(LIGNES[demande.uai])), "an answer without error lacks no row", demande, faits)
        ne = min((self.vu.dites[dossier.cle] for dossier in lu.dossiers), default=demande.fin)
        self._juger_l_age(demande, rendu, lu, ne)
        if not isinstance(rendu, Echec):
            vu = min((int(fait[2]) for fait in faits), default=demande.change)
            exiger(vu >= demande.change, "what an event told is seen by whoever reads after it", demande, faits)

    def _juger_l_age(self, demande: Demande, rendu: Resultat | Echec, lu: Resultat, ne: float) -> None:
        """A value may be as much older than its bound as its own reading lasted, and as its asker waited for other units."""
        bornes = {
            EtatCache.TOUCHE: self.cache.duree_secondes,
            EtatCache.PERIME: self.cache.perime_secondes,
            EtatCache.MANQUE: 0.0,
        }
        borne = self.cache.secours_secondes if isinstance(rendu, Echec) else bornes[lu.cache]
        marge = self.vu.caractere.delai + PAS + (demande.fin - demande.debut) + self.tolerance + EPSILON
        age = demande.fin - ne
        exiger(age <= borne + marge, "nothing is stale beyond its bound", age, demande, lu.age, lu.cache)
        exiger(age <= lu.age + marge, "an answer tells its age", age, lu.age)


def juger_le_partenaire(vu: Registre, limites: Sequence[tuple[float, float]], simultanes: int) -> None:
    """What the partner saw. `limites`: (departures, seconds), for all tenants together then for each."""
    (tous, periode), (chacun, periode_propre) = limites
    _cadence([instant for instant, _ in vu.departs], tous, periode)
    for uai in LIGNES:
        _cadence([instant for instant, qui in vu.departs if qui == uai], chacun, periode_propre)
    exiger(vu.simultanes_max <= simultanes, "no process holds more places than it has", vu.simultanes_max)
    exiger(vu.en_vol.total() == 0, "no request outlives its run", dict(vu.en_vol))


def une_seule_lecture(vu: Registre, permises: int) -> None:
    exiger(
        max(vu.en_vol_max.values(), default=0) <= permises,
        "one flight a key: no page is asked twice at once",
        dict(vu.en_vol_max),
    )


def _cadence(instants: list[float], nombre: float, periode: float) -> None:
    """No window of that length holds more departures than the quota."""
    combien = max(1, int(nombre))
    for premier, apres in zip(instants, instants[combien:], strict=False):
        exiger(apres - premier >= periode - 1e-6, "no quota is exceeded in any window", premier, apres, nombre, periode)
