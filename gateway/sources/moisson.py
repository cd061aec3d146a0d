"""Harvests the registry: windows of processing days, in order, resumable at each. Knows windows, no SQL and no HTTP.

Backfill in windows of at most `fenetre_jours` from `depuis`, then day by day up to yesterday (ANSWERS 5). A window is
written whole with its mark, so that a harvest stopped anywhere goes on from the last window written.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from gateway.connectors.base import Compte, Lecture
from gateway.errors import ErreurSource, SourceFermee
from gateway.stores.lignes import LigneRegistre
from gateway.stores.registre import Avancee, Fenetre

RECUL_JOURS = 3  # a window that lags less than this is taken day by day
VEILLE = 900.0  # seconds between two looks at what is due
ATTENTE_MAX = 6 * 3600.0

journal = logging.getLogger("gateway.moisson")

Recolte = tuple[list[LigneRegistre], Compte]


class Magasin(Protocol):
    """Where rows are kept."""

    async def importer(self, fenetre: Fenetre, lignes: list[LigneRegistre], instant: datetime) -> None: ...
    async def avancee(self) -> Avancee: ...


@dataclass(frozen=True, slots=True)
class Champ:
    """What is harvested: how to read a window, from when, and how long windows are."""

    lire: Callable[[Lecture[Recolte]], Awaitable[Recolte]]
    lecture: Callable[[date, date], Lecture[Recolte]]
    depuis: date
    fenetre_jours: int


@dataclass(frozen=True, slots=True)
class Avancement:
    """One window done, for whoever watches."""

    fenetre: Fenetre
    rang: int
    total: int
    lignes: int
    compte: Compte


def fenetres(dernier: date | None, depuis: date, hier: date, longueur: int) -> list[Fenetre]:
    """What is left to harvest, in order: long windows, then single days near the present."""
    debut = dernier + timedelta(days=1) if dernier else depuis
    return list(_decouper(debut, hier, longueur))


def _decouper(debut: date, hier: date, longueur: int) -> Iterator[Fenetre]:
    while debut <= hier:
        proche = (hier - debut).days < RECUL_JOURS
        fin = debut if proche else min(debut + timedelta(days=longueur - 1), hier)
        yield Fenetre(debut, fin)
        debut = fin + timedelta(days=1)


async def moissonner(
    champ: Champ, magasin: Magasin, maintenant: Callable[[], datetime], suivre: Callable[[Avancement], None]
) -> int:
    """Harvest all that is due; returns the number of windows. Raises ErreurSource where the partner stops us."""
    avancee = await magasin.avancee()
    hier = maintenant().date() - timedelta(days=1)
    dues = fenetres(avancee.dernier_jour, champ.depuis, hier, champ.fenetre_jours)
    for rang, fenetre in enumerate(dues, 1):
        lignes, compte = await champ.lire(champ.lecture(fenetre.debut, fenetre.fin))
        await magasin.importer(fenetre, lignes, maintenant())
        suivre(Avancement(fenetre, rang, len(dues), len(lignes), compte))
    return len(dues)


async def veiller(
    champ: Champ,
    magasin: Magasin,
    maintenant: Callable[[], datetime],
    dormir: Callable[[float], Awaitable[None]],
) -> None:
    """Harvest what falls due, for ever: a partner that fails or is closed only delays it."""
    while True:
        attente = VEILLE
        try:
            await moissonner(champ, magasin, maintenant, _journaliser)
        except SourceFermee as erreur:
            attente = min(erreur.reessayer_dans or VEILLE, ATTENTE_MAX)
        except ErreurSource as erreur:
            journal.warning("moisson interrompue : %s %s", erreur.source, erreur.code.value)
        await dormir(attente)


def _journaliser(avancement: Avancement) -> None:
    fenetre = avancement.fenetre
    journal.info("moisson %s → %s : %d lignes", fenetre.debut, fenetre.fin, avancement.lignes)
