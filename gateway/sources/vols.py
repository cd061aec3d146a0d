"""Flights: one a key in this process, and one among all the processes of a shared cache. Knows no caller and no partner.

A flight belongs to nobody: it runs to its own end, whoever stops waiting for it, and its answer is kept (ANSWERS 8). Its
error is not kept as an answer, only remembered until the next flight for its key.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from cachetools import LRUCache

from gateway.cache.seam import Cache, Cle, Garde
from gateway.concurrency import SingleFlight
from gateway.errors import ErreurSource
from gateway.sources.unites import Echec, EtatCache, Resultat, Unite

ATTENTE = 0.05  # seconds between two looks at what another process is bringing
ECHECS_MAX = 4096
RANGEMENT = 2.0  # seconds beyond its reading that a flight may take: what it must not be overtaken in
OCTETS_PAR_DOSSIER = 4_608  # measured over the default population: a young person as nouns


@dataclass(frozen=True, slots=True)
class Trajet:
    """One fetch to make: how to read the unit, within `delai` seconds, how long its answer may be kept, what is known, and
    what another process may have brought: `fraiche` says whether it serves as an answer of now."""

    unite: Unite
    cle: Cle
    lire: Callable[[Unite, Resultat | None], Awaitable[Resultat | Echec]]
    delai: float
    duree: float
    fraiche: Callable[[Garde], bool]
    garde: Garde | None = None

    def connue(self, generation: str, marque: str) -> Resultat | None:
        """What the partner may confirm; nothing of what was purged since, even if we still hold it, nor of what changed."""
        garde = self.garde
        connue: Resultat | None = (
            garde.valeur if garde and (garde.generation, garde.marque) == (generation, marque) else None
        )
        return connue


class Vols:
    """The flights under way, over one cache."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._flights: SingleFlight[Cle, Resultat | Echec] = SingleFlight()
        self._echecs: LRUCache[Cle, ErreurSource] = LRUCache(ECHECS_MAX)

    def echec(self, cle: Cle) -> ErreurSource | None:
        """Why the last flight for a key brought nothing, None when it did."""
        return self._echecs.get(cle)

    def en_vol(self, cle: Cle) -> bool:
        """Whether a flight is under way for a key."""
        return cle in self._flights

    def vol(self, trajet: Trajet) -> asyncio.Task[Resultat | Echec]:
        """The flight under way for this key, else a new one, in a context that holds nothing of its first asker.

        What was said after what is known is news, whoever brought it. One that has just landed is not: it may have left
        before an event, and whoever it woke may ask again before it is forgotten here.
        """
        return self._flights.start(trajet.cle, partial(self._voler, trajet))

    async def aclose(self) -> None:
        """End them all."""
        await self._flights.aclose()

    async def _voler(self, trajet: Trajet) -> Resultat | Echec:
        """Fetch, or wait for the process that does: its answer comes by the cache; when it fails, it is our turn."""
        depart = self._cache.maintenant()
        while (bail := await self._cache.prendre(trajet.cle, trajet.delai + RANGEMENT)) is None:
            if (apporte := await self._nouvelle(trajet, depart)) is not None:
                return apporte
            await asyncio.sleep(ATTENTE)
        try:
            nouvelle = await self._nouvelle(trajet, depart) if bail else None  # else nobody could bring any
            return nouvelle or await self._demander(trajet)
        finally:
            await self._cache.rendre(trajet.cle, bail)

    async def _nouvelle(self, trajet: Trajet, depart: float) -> Resultat | None:
        """What was kept since what is known; before this flight left, it was there for an asker whom the cache did not answer:
        nobody asked the partner for him."""
        (garde,) = await self._cache.lire([trajet.cle])
        if garde is None or garde.invalidee or not trajet.fraiche(garde):
            return None
        if trajet.garde and garde.ne_a <= trajet.garde.ne_a:
            return None
        cache = EtatCache.MANQUE if garde.ne_a >= depart else EtatCache.TOUCHE
        apporte: Resultat = replace(garde.valeur, cache=cache, age=self._cache.maintenant() - garde.ne_a)
        return apporte

    async def _demander(self, trajet: Trajet) -> Resultat | Echec:
        generation, marque = await self._cache.generation(trajet.cle.etiquette), await self._cache.marque(trajet.cle)
        lu = await trajet.lire(trajet.unite, trajet.connue(generation, marque))
        if isinstance(lu, Echec):
            self._echecs[trajet.cle] = lu.erreur
            return lu
        self._echecs.pop(trajet.cle, None)
        ne_a = self._cache.maintenant()
        octets = OCTETS_PAR_DOSSIER * (1 + len(lu.dossiers))
        version = f"{lu.version}@{ne_a}"  # an answer that is confirmed is another one to keep: it has another age
        garde = Garde(lu, version, ne_a, ne_a + trajet.duree, generation, octets, marque)
        await self._cache.garder(trajet.cle, garde)
        return lu
