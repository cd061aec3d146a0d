"""Consumes a partner's queue: what an event concerns is invalidated, and only then is the event acknowledged.

At least once, in no order: doing it twice costs a request. Knows no dialect. One process at a time reads a queue, by a lease
of the shared cache; over a cache of its own, each process reads for itself and the others hear nothing (docs/decisions/0021).
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from cachetools import LRUCache

from gateway.cache.cles import cle_canonique
from gateway.cache.seam import Cache, Cle
from gateway.concurrency import gather_or_fail
from gateway.connectors.base import Avis, File
from gateway.errors import ErreurSource, SourceInvalide
from gateway.sources.fetch import Sources
from gateway.sources.mesures import Mesures
from gateway.sources.partenaires import Partenaire
from gateway.sources.unites import Ressource, Unite

BAIL = 3.0  # seconds beyond the period: how long a queue is left alone by a process that died
RECUL_MAX = 30.0  # seconds between two looks at a queue that fails
ESSAIS_MAX = 5  # of what fails while others do not
SUIVIS_MAX = 4096
SIMULTANES = 2  # records looked for at once: callers wait in the same line

journal = logging.getLogger("gateway.evenements")


class CacheMuet(Exception):
    """The cache did not take an invalidation: nothing may be acknowledged."""


def unite_du_code(partenaire: Partenaire, code: str) -> Unite | None:
    """The unit of what a partner calls a tenant, None when we do not read it."""
    if partenaire.abonnes is None:
        return Unite(partenaire.nom, Ressource.STRUCTURE, code)
    uai = next((uai for uai, abonne in partenaire.abonnes.items() if abonne.locataire.code == code), None)
    return Unite(partenaire.nom, Ressource.CFA, uai) if uai else None


@dataclass
class Consommateur:
    """One queue, of the partner that `sources` knows by its name."""

    partenaire: Partenaire
    file: File
    periode: float
    sources: Sources
    cache: Cache  # the sources' own
    mesures: Mesures
    _essais: LRUCache[str, int] = field(default_factory=lambda: LRUCache(SUIVIS_MAX))
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIMULTANES))

    async def veiller(self, dormir: Callable[[float], Awaitable[None]]) -> None:
        """Consume for ever, every period, less often while the queue fails. The lease is kept between two looks, so that all
        processes together look as often as one."""
        cle = Cle(cle_canonique("evenements", self.partenaire.nom), self.partenaire.nom)
        attente = self.periode
        while True:
            bail = await self.cache.prendre(cle, self.periode + BAIL)
            if bail is None:
                await dormir(self.periode)
                continue
            try:
                attente = self.periode if await self._tenter() else min(2 * attente, RECUL_MAX)
                await dormir(attente)
            finally:
                await self.cache.rendre(cle, bail)

    async def _tenter(self) -> bool:
        """One look; False when nothing went forward. Whatever fails, the events wait in the queue."""
        try:
            return await self.consommer()
        except ErreurSource as erreur:
            journal.warning("événements %s : %s", self.partenaire.nom, erreur.code.value)
        except Exception as erreur:  # the text could hold a value
            journal.error("événements %s : %s", self.partenaire.nom, type(erreur).__name__)
        return False

    async def consommer(self) -> bool:
        """Deal with what the queue gives now. Raises ErreurSource when it gives nothing, CacheMuet."""
        avis: list[Avis] = await self.sources.executer(self.partenaire.nom, self.file.lire())
        par_dossier = _par_dossier(avis)
        await self._invalider(await self.sources.porteurs(self.partenaire.nom, par_dossier.keys() - {""}))
        echecs = await gather_or_fail(self._traiter(*paire) for paire in par_dossier.items())
        avance = None in echecs or not echecs
        for (dossier, cles), echec in zip(par_dossier.items(), echecs, strict=True):
            if echec and (avance or isinstance(echec, SourceInvalide)):  # it, and not the partner
                await self._rater(dossier, cles, echec)
        return avance

    async def _traiter(self, dossier: str, cles: Collection[str]) -> ErreurSource | None:
        """Invalidate where a record is now, then acknowledge all that was told of it."""
        try:
            async with self._places:
                if dossier:
                    await self._invalider(await self._situer(dossier))
                await self._acquitter(cles)
        except ErreurSource as erreur:
            return erreur
        self._essais.pop(dossier, None)
        self.mesures.evenement(self.partenaire.nom, "invalide" if dossier else "sans_objet", len(cles))
        return None

    async def _situer(self, dossier: str) -> list[Unite]:
        code = await self.sources.executer(self.partenaire.nom, self.file.situer(dossier))
        unite = unite_du_code(self.partenaire, code) if code else None
        return [unite] if unite else []

    async def _invalider(self, unites: Iterable[Unite]) -> None:
        for unite in unites:
            if not await self.sources.invalider(unite):
                raise CacheMuet

    async def _acquitter(self, cles: Collection[str]) -> None:
        for cle in cles:
            await self.sources.executer(self.partenaire.nom, self.file.acquitter(cle))

    async def _rater(self, dossier: str, cles: Collection[str], echec: ErreurSource) -> None:
        """Give up what cannot be dealt with, or it would fill the queue: its unit then lives its ordinary life."""
        self._essais[dossier] = self._essais.get(dossier, 0) + 1
        if self._essais[dossier] < ESSAIS_MAX:
            return
        journal.error("événements %s : abandon après %d essais (%s)", self.partenaire.nom, ESSAIS_MAX, echec.code.value)
        self.mesures.evenement(self.partenaire.nom, "abandonne", len(cles))
        del self._essais[dossier]
        try:
            await self._acquitter(cles)
        except ErreurSource as erreur:
            journal.warning("événements %s : %s", self.partenaire.nom, erreur.code.value)


def _par_dossier(avis: Iterable[Avis]) -> Mapping[str, set[str]]:
    """What acknowledges the events, by the record they tell of: it is looked for once."""
    cles: defaultdict[str, set[str]] = defaultdict(set)
    for un in avis:
        cles[un.dossier].add(un.cle)
    return cles
