"""Harvests the registry: windows of processing days, in order, resumable at each. Knows windows, no SQL and no HTTP.

Backfill in windows of at most `fenetre_jours` from `depuis`, then day by day up to yesterday (ANSWERS 5). A window is
written whole with its mark, so that a harvest stopped anywhere goes on from the last window written.
"""

import logging
import time as chronometre
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol

from gateway.connectors.base import Compte, Lecture
from gateway.domain.temps import jour_paris
from gateway.errors import ErreurSource, SourceFermee
from gateway.sources.etat import ouverte
from gateway.stores.lignes import LigneRegistre
from gateway.stores.registre import Fenetre

RECUL_JOURS = 3  # a harvest that lags no more than this goes day by day
VEILLE = 900.0  # seconds between two looks at what is due
ATTENTE_MIN, ATTENTE_MAX = 60.0, 6 * 3600.0  # what is believed of a partner that tells when to come back

journal = logging.getLogger("gateway.moisson")

Recolte = tuple[list[LigneRegistre], Compte]
UN_JOUR = timedelta(days=1)


class Magasin(Protocol):
    """Where rows are kept."""

    async def importer(self, fenetre: Fenetre, lignes: Sequence[LigneRegistre], instant: datetime) -> None: ...
    async def fenetres(self) -> list[Fenetre]: ...


@dataclass(frozen=True, slots=True)
class Champ:
    """What is harvested: how to read a window, from when, and how long windows are. `ouverture`: Europe/Paris, a hint."""

    lire: Callable[[Lecture[Recolte]], Awaitable[Recolte]]
    lecture: Callable[[date, date], Lecture[Recolte]]
    depuis: date
    fenetre_jours: int
    ouverture: tuple[time, time] | None = None


@dataclass(frozen=True, slots=True)
class Avancement:
    """One window done, for whoever watches. `secondes` is what it took to ask for it and write it."""

    fenetre: Fenetre
    rang: int
    total: int
    lignes: int
    compte: Compte
    secondes: float


def fenetres_dues(faites: Sequence[Fenetre], depuis: date, hier: date, longueur: int) -> list[Fenetre]:
    """What is left to harvest, in order of day: gaps first, then on from the last window; single days near the present."""
    return [due for trou in _trous(faites, depuis, hier) for due in _decouper(trou, hier, longueur)]


def _trous(faites: Sequence[Fenetre], depuis: date, hier: date) -> Iterator[Fenetre]:
    jour = depuis
    for faite in sorted(faites, key=lambda fenetre: fenetre.debut):
        if jour < faite.debut:
            yield Fenetre(jour, min(faite.debut - UN_JOUR, hier))
        jour = max(jour, faite.fin + UN_JOUR)
    yield Fenetre(jour, hier)


def _decouper(trou: Fenetre, hier: date, longueur: int) -> Iterator[Fenetre]:
    debut = trou.debut
    while debut <= trou.fin:
        proche = (hier - debut).days < RECUL_JOURS
        fin = debut if proche else min(debut + timedelta(days=longueur - 1), trou.fin)
        yield Fenetre(debut, fin)
        debut = fin + UN_JOUR


async def moissonner(
    champ: Champ, magasin: Magasin, maintenant: Callable[[], datetime], suivre: Callable[[Avancement], None]
) -> int:
    """Harvest all that is due; returns the number of windows. Raises ErreurSource where the partner stops us.

    What is due is looked at again after each window: the day may have changed, and another process may harvest too.
    """
    faites = 0
    while dues := await _dues(champ, magasin, maintenant()):
        debut = chronometre.monotonic()
        lignes, compte = await champ.lire(champ.lecture(dues[0].debut, dues[0].fin))
        await magasin.importer(dues[0], lignes, maintenant())
        faites += 1
        secondes = chronometre.monotonic() - debut
        suivre(Avancement(dues[0], faites, faites + len(dues) - 1, len(lignes), compte, secondes))
    return faites


async def _dues(champ: Champ, magasin: Magasin, instant: datetime) -> list[Fenetre]:
    hier = jour_paris(instant) - UN_JOUR
    return fenetres_dues(await magasin.fenetres(), champ.depuis, hier, champ.fenetre_jours)


async def veiller(
    champ: Champ,
    magasin: Magasin,
    maintenant: Callable[[], datetime],
    dormir: Callable[[float], Awaitable[None]],
) -> None:
    """Harvest what falls due, for ever. Whatever fails only delays it; one line says what, without a value."""
    while True:
        attente = VEILLE
        if champ.ouverture is None or ouverte(champ.ouverture, maintenant()):
            attente = await _tenter(champ, magasin, maintenant)
        await dormir(attente)


async def _tenter(champ: Champ, magasin: Magasin, maintenant: Callable[[], datetime]) -> float:
    """One harvest; the seconds to wait before the next."""
    try:
        await moissonner(champ, magasin, maintenant, _journaliser)
    except SourceFermee as erreur:
        return min(max(erreur.reessayer_dans or VEILLE, ATTENTE_MIN), ATTENTE_MAX)
    except ErreurSource as erreur:
        journal.warning("moisson interrompue : %s %s", erreur.source, erreur.code.value)
    except Exception as erreur:  # a full disk must not end the service; the text could hold a value
        journal.error("moisson interrompue : %s", type(erreur).__name__)
    return VEILLE


def _journaliser(avancement: Avancement) -> None:
    fenetre = avancement.fenetre
    journal.info("moisson %s → %s : %d lignes", fenetre.debut, fenetre.fin, avancement.lignes)
