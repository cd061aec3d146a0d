"""Keeps young what callers use: units read lately are asked again before they expire, by what partners can spare.

Knows no noun, no caller and no HTTP. One unit at a time and a partner, in one process at a time; a partner in trouble is
left alone. What cannot be kept so is served stale and asked again behind, as anything else.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Protocol

from gateway.cache.cles import cle_canonique
from gateway.cache.seam import Cache, Cle, Garde
from gateway.concurrency import Sleep, every
from gateway.sources.fichier import CacheFichier
from gateway.sources.partenaires import Partenaire
from gateway.sources.unites import Unite

ACTIF = 900.0  # seconds a unit is kept young after it was last read
AVANCE = 0.8  # of its fresh lifetime: when it is asked again
PERIODE = 10.0  # seconds between two turns; what lives less than two of them is not worth keeping so
TOUR = 60.0  # seconds of a turn, after which another process may have its own
REPRISE = 60.0  # seconds before what was asked is asked again, whatever came of it
PATIENCE = 0.2  # seconds a partner that others are asking is left alone

journal = logging.getLogger("gateway.sources")


class Usages(Protocol):
    """What callers use, and how it is asked again."""

    @property
    def lues(self) -> dict[Unite, float]:
        """When each unit was last read (seconds since 1970)."""
        ...

    @property
    def laissees(self) -> Collection[Unite]:
        """What a query wanted and did not ask."""
        ...

    @property
    def partenaires(self) -> Mapping[str, Partenaire]: ...
    async def gardes(self, unites: Sequence[Unite]) -> list[Garde | None]: ...
    def accessible(self, source: str) -> bool: ...
    def permet(self, unite: Unite) -> bool: ...
    async def rafraichir(self, unite: Unite, garde: Garde | None) -> None: ...


def dues(lues: Mapping[Unite, float], revues: Mapping[Unite, float], source: str, instant: float) -> list[Unite]:
    """The units of a partner that are in use and to be looked at, the last read first. `revues`: not before when."""
    utiles = [u for u, lue_a in lues.items() if u.source == source and lue_a > instant - ACTIF]
    return sorted((u for u in utiles if revues.get(u, 0.0) <= instant), key=lambda u: (-lues[u], u.cle))


def a_redemander(garde: Garde, regles: CacheFichier) -> float:
    """When a kept answer is to be asked again: before it expires, by enough to fetch it meanwhile; at once if it is known to
    be out of date."""
    return garde.ne_a if garde.invalidee else garde.ne_a + AVANCE * regles.duree_secondes


class Entretien:
    """The upkeep of all partners. `dormir` waits; instants are the cache's."""

    def __init__(self, usages: Usages, cache: Cache, dormir: Sleep) -> None:
        self._usages, self._cache, self._dormir = usages, cache, dormir
        self._revues: dict[Unite, float] = {}

    async def veiller(self) -> None:
        """For ever: each partner at its own pace."""
        async with asyncio.TaskGroup() as groupe:
            for nom, partenaire in self._usages.partenaires.items():
                if partenaire.cache.duree_secondes >= 2 * PERIODE:
                    groupe.create_task(self._veiller(nom))

    async def _veiller(self, source: str) -> None:
        def failed(error: Exception) -> None:  # what it would have kept young is served stale
            journal.error("entretien de %s : %s", source, type(error).__name__)

        await every(PERIODE, partial(self.tour, source), failed, self._dormir, first=PERIODE)

    async def tour(self, source: str) -> None:
        """Once over what is used of a partner, unless another process is at it."""
        fin = self._cache.maintenant() + TOUR
        self._oublier()
        if not dues(self._usages.lues, self._revues, source, self._cache.maintenant()):
            return
        cle, duree = Cle(cle_canonique("entretien", source), source), TOUR + REPRISE
        bail = await self._cache.prendre(cle, duree)
        if bail is None:
            return
        try:
            for unite, garde in await self._vieillies(source):
                if self._cache.maintenant() >= fin or not self._usages.accessible(source):
                    return
                await self._rafraichir(unite, garde)
        finally:
            await self._cache.rendre(cle, bail)

    async def _vieillies(self, source: str) -> list[tuple[Unite, Garde | None]]:
        """What is due by now: another process may have brought it."""
        instant = self._cache.maintenant()
        unites = dues(self._usages.lues, self._revues, source, instant)
        gardes = await self._usages.gardes(unites)
        self._revues |= {u: self._prochaine(u, garde, instant) for u, garde in zip(unites, gardes, strict=True)}
        return [(u, garde) for u, garde in zip(unites, gardes, strict=True) if self._revues[u] <= instant]

    def _prochaine(self, unite: Unite, garde: Garde | None, instant: float) -> float:
        """When to ask; at once what a query left out; what holds nobody, or could not be read, is left to who reads it."""
        if garde is None:
            return instant if unite in self._usages.laissees else instant + REPRISE
        if not garde.valeur.dossiers:
            return instant + REPRISE
        return a_redemander(garde, self._usages.partenaires[unite.source].cache)

    async def _rafraichir(self, unite: Unite, garde: Garde | None) -> None:
        """Ask again, if the partner can spare it now; else leave it a moment, and that unit to the next turn."""
        if not self._usages.permet(unite):
            await self._dormir(PATIENCE)
            return
        self._revues[unite] = self._cache.maintenant() + REPRISE
        await self._usages.rafraichir(unite, garde)

    def _oublier(self) -> None:
        """What nobody reads any more."""
        lues, limite = self._usages.lues, self._cache.maintenant() - ACTIF
        for unite in [unite for unite, lue_a in lues.items() if lue_a <= limite]:
            del lues[unite]
            self._revues.pop(unite, None)
