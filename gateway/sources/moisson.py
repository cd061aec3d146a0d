"""Harvests the registry: windows of processing days, in order, page by page. Knows windows, no SQL and no HTTP.

Backfill in windows of at most `fenetre_jours` from `depuis`, then day by day up to yesterday (ANSWERS 5). Each page is
written with what comes next, so that a harvest stopped anywhere goes on from there, in this process or in another one.
"""

import asyncio
import logging
import time as chronometre
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Protocol

from gateway.concurrency import Sleep, every
from gateway.connectors.base import Compte, Moisson, Requete
from gateway.domain.temps import jour_paris
from gateway.errors import ErreurSource, SourceFermee, SourceInvalide
from gateway.sources.etat import ouverte
from gateway.sources.guichet import Page
from gateway.stores.grange import BAIL, Chantier, Grange, MoissonEnCours
from gateway.stores.lignes import LigneRegistre
from gateway.stores.registre import Avancee, Fenetre

RECUL_JOURS = 3  # a harvest that lags no more than this goes day by day
VEILLE = 900.0  # seconds between two looks at what is due
ATTENTE_MIN, ATTENTE_MAX = 60.0, 6 * 3600.0  # what is believed of a partner that tells when to come back
CONSERVATION_ANS = 2  # after its planned end, a contract is forgotten (DOMAIN §3.2)

journal = logging.getLogger("gateway.moisson")

ILLISIBLES = 20  # rows refused of a page, and none kept: the format changed. Fewer are a bad day, counted and set aside

Recolte = tuple[list[LigneRegistre], Compte]
UN_JOUR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Champ:
    """What is harvested: how a page is asked for and read, from when, and how long windows are. `ouverture`: Europe/Paris,
    a hint."""

    source: str
    lire: Callable[[Requete, int, Callable[[Any], Recolte]], Awaitable[Page[Recolte]]]
    moisson: Moisson
    depuis: date
    fenetre_jours: int
    ouverture: tuple[time, time] | None = None


@dataclass(frozen=True, slots=True)
class Etape:
    """Where a window is: the page just written, of how many, and the rows of the window so far."""

    operation: str
    page: int
    pages: int
    achevee: bool  # the window is
    lignes: int


@dataclass(frozen=True, slots=True)
class Avancement:
    """One page written, for whoever watches: of the window of that rank among `total`, and what reading it made of it.
    `secondes` is what the window took here."""

    fenetre: Fenetre
    rang: int
    total: int
    etape: Etape
    gardees: int
    compte: Compte
    secondes: float


class Suivi(Protocol):
    """Who watches a harvest."""

    def avancer(self, avancement: Avancement) -> None: ...
    def situer(self, avancee: Avancee, dues: int) -> None: ...


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
    champ: Champ, grange: Grange, maintenant: Callable[[], datetime], suivre: Callable[[Avancement], None]
) -> int:
    """Harvest all that is due; returns the number of windows. Raises MoissonEnCours when another process does it, and
    ErreurSource where the partner stops us.

    What is due is looked at again after each window: the day may have changed.
    """
    if not await _dues(champ, grange, maintenant()):
        return 0
    async with _mandat(grange):
        await grange.oublier(_echeance(jour_paris(maintenant())))
        faites = 0
        while dues := await _dues(champ, grange, maintenant()):
            passage = _Passage(champ, grange, maintenant, suivre, (faites + 1, faites + len(dues)))
            await passage.recolter(await grange.chantier() or Chantier(dues[0]))
            faites += 1
    return faites


@dataclass(frozen=True, slots=True)
class _Passage:
    """The harvest of one window."""

    champ: Champ
    grange: Grange
    maintenant: Callable[[], datetime]
    suivre: Callable[[Avancement], None]
    rangs: tuple[int, int]

    async def recolter(self, chantier: Chantier) -> None:
        """From where it was left to its last page."""
        requetes = self.champ.moisson.requetes(chantier.fenetre.debut, chantier.fenetre.fin)
        depart, derniere = chronometre.monotonic(), b""
        while chantier.vue < len(requetes):
            requete = requetes[chantier.vue]
            page = await self._page(requete, chantier, derniere)
            suite = chantier.apres(page.total, len(page.lue[0]))
            achevee = suite.vue == len(requetes)
            await self.grange.engranger(chantier, page.lue[0], suite, self.maintenant() if achevee else None)
            etape = Etape(requete.operation, chantier.page, page.total, achevee, suite.lignes)
            duree = chronometre.monotonic() - depart
            self.suivre(Avancement(chantier.fenetre, *self.rangs, etape, len(page.lue[0]), page.lue[1], duree))
            chantier, derniere = suite, page.empreinte

    async def _page(self, requete: Requete, chantier: Chantier, derniere: bytes) -> Page[Recolte]:
        """The next page. Pages that move under our feet would lose rows or tell them twice: the window begins again. One of
        which nothing can be read stops the harvest: done, its rows would be lost for good."""
        lire = partial(self.champ.moisson.lignes, requete, chantier.fenetre.fin)
        page = await self.champ.lire(requete, chantier.page, lire)
        if chantier.page > 1 and (page.total != chantier.total or page.empreinte == derniere):
            await self.grange.abandonner(chantier)
            raise SourceInvalide(self.champ.source, "les pages ont changé au cours de la fenêtre")
        gardees, compte = page.lue
        if not gardees and compte.rejets >= ILLISIBLES:
            raise SourceInvalide(self.champ.source, "aucune ligne de la page n'est lisible")
        return page


@asynccontextmanager
async def _mandat(grange: Grange) -> AsyncIterator[None]:
    """The place of the one who harvests, kept for the block. Raises MoissonEnCours."""
    if not await grange.elire():
        raise MoissonEnCours
    pouls = asyncio.create_task(_battre(grange))
    try:
        yield
    finally:
        pouls.cancel()
        await asyncio.gather(pouls, return_exceptions=True)
        await grange.liberer()


async def _battre(grange: Grange) -> None:
    """A page may take ten minutes: meanwhile, others know that we are alive."""
    while True:
        await asyncio.sleep(BAIL / 3)
        await grange.prolonger()


async def _dues(champ: Champ, grange: Grange, instant: datetime) -> list[Fenetre]:
    hier = jour_paris(instant) - UN_JOUR
    return fenetres_dues(await grange.fenetres(), champ.depuis, hier, champ.fenetre_jours)


def _echeance(jour: date) -> date:
    return jour.replace(year=jour.year - CONSERVATION_ANS, day=1)


async def veiller(
    champ: Champ,
    grange: Grange,
    maintenant: Callable[[], datetime],
    dormir: Sleep,
    suivi: Suivi,
) -> None:
    """Harvest what falls due, for ever. Whatever fails only delays it; one line says what, without a value."""

    async def harvest() -> float:
        try:
            return await _tenter(champ, grange, maintenant, suivi)
        finally:
            await _situer(champ, grange, maintenant(), suivi)

    await every(VEILLE, harvest, _failed, dormir)


def _failed(error: Exception) -> None:
    """A full disk must not end the service; the text could hold a value."""
    journal.error("moisson interrompue : %s", type(error).__name__)


async def _tenter(champ: Champ, grange: Grange, maintenant: Callable[[], datetime], suivi: Suivi) -> float:
    """One harvest, where the partner is open; the seconds to wait before the next."""
    try:
        if champ.ouverture is None or ouverte(champ.ouverture, maintenant()):
            await moissonner(champ, grange, maintenant, suivi.avancer)
    except MoissonEnCours:
        return BAIL
    except SourceFermee as erreur:
        return min(max(erreur.reessayer_dans or VEILLE, ATTENTE_MIN), ATTENTE_MAX)
    except ErreurSource as erreur:
        journal.warning("moisson interrompue : %s %s", erreur.source, erreur.code.value)
    return VEILLE


async def _situer(champ: Champ, grange: Grange, instant: datetime, suivi: Suivi) -> None:
    """How far the harvest is, whoever did it."""
    try:
        suivi.situer(await grange.registre.avancee(), len(await _dues(champ, grange, instant)))
    except Exception as erreur:
        journal.error("moisson : avancement inconnu (%s)", type(erreur).__name__)
