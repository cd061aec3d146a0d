"""A cache that several processes share. What this one has opened stays in its memory; the shared one says whether it holds.

Under four names a key: a head (the version kept, to know without reading it whether ours is the one), a sealed body, a mark
(once invalidated) and a lease. The shared cache is left alone a second after it failed: meanwhile each process has its own.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from aiocache.base import BaseCache

from gateway.cache.coffre import Coffre
from gateway.cache.seam import CacheLocal, Cle, Garde, journal, jugee, nouvelle_generation

T = TypeVar("T")

REPOS = 1.0  # seconds
ESSAIS = 3  # of what no caller waits for
GENERATION = 7 * 24 * 3600.0  # seconds a generation or a mark is remembered; forgotten, it is another
PREFIXE = "passerelle"


class CachePartage:
    """`distant` keeps bytes by name; `local` what this process has opened, and the clock."""

    def __init__(self, distant: BaseCache, coffre: Coffre, local: CacheLocal) -> None:
        self._distant, self._coffre, self._local = distant, coffre, local
        self.maintenant = local.maintenant
        self._repos_jusqua = 0.0

    async def lire(self, cles: Sequence[Cle]) -> list[Garde | None]:
        if not cles:
            return []
        locales = await self._local.brutes(cles)
        etiquettes = sorted({cle.etiquette for cle in cles})
        noms = [cle.nom for cle in cles]
        lus = await self._lus([*self._noms("g", etiquettes), *self._noms("t", noms), *self._noms("i", noms)])
        if lus is None:
            return await self._local.lire(cles)
        generations, lus = self._generations(etiquettes, lus), lus[len(etiquettes) :]
        tetes = lus[: len(cles)]
        marques = self._marquer(cles, lus[len(cles) :])
        neufs = [cle for cle, g, tete in zip(cles, locales, tetes, strict=True) if tete and not _est(g, tete)]
        ouverts = await self._ouvrir(neufs)
        gardes = [ouverts.get(cle.nom, locale) for cle, locale in zip(cles, locales, strict=True)]
        return [
            jugee(g, generations[cle.etiquette], marque) for g, cle, marque in zip(gardes, cles, marques, strict=True)
        ]

    async def generation(self, etiquette: str) -> str:
        (nom,) = self._noms("g", [etiquette])
        neuve = nouvelle_generation()
        if await self._ajouter(nom, neuve, GENERATION):
            self._local.apprendre(etiquette, neuve)
        else:
            self._generations([etiquette], await self._lus([nom], ESSAIS) or [None])
        return self._local.connue(etiquette)

    async def garder(self, cle: Cle, garde: Garde) -> None:
        await self._local.garder(cle, garde)
        tete, corps = self._noms("t", [cle.nom]) + self._noms("v", [cle.nom])
        scelle = await asyncio.to_thread(self._coffre.fermer, corps, garde)
        reste = garde.expire_a - self.maintenant()
        if reste > 0:
            await self._ecrire([(corps, scelle), (tete, garde.version.encode())], reste)

    async def purger(self, etiquette: str) -> bool:
        (nom,) = self._noms("g", [etiquette])
        return await self._ecrire([(nom, nouvelle_generation().encode())], GENERATION)

    async def marque(self, cle: Cle) -> str:
        self._marquer([cle], await self._lus(self._noms("i", [cle.nom]), ESSAIS) or [])
        return self._local.marque_connue(cle)

    async def invalider(self, cle: Cle) -> bool:
        (nom,), neuve = self._noms("i", [cle.nom]), nouvelle_generation()
        self._local.apprendre_marque(cle, neuve)
        return await self._ecrire([(nom, neuve.encode())], GENERATION)

    async def prendre(self, cle: Cle, duree: float) -> str | None:
        (nom,), bail = self._noms("b", [cle.nom]), secrets.token_hex(8)
        return None if await self._ajouter(nom, bail, duree) is False else bail

    async def rendre(self, cle: Cle, bail: str) -> None:
        (nom,) = self._noms("b", [cle.nom])
        await self._tenter(lambda: self._distant._redlock_release(nom, bail.encode()))  # only while it is ours

    async def aclose(self) -> None:
        await self._distant.close()

    def _noms(self, sorte: str, cles: Sequence[str]) -> list[str]:
        return [f"{PREFIXE}:{sorte}:{self._coffre.nom(cle)}" for cle in cles]

    def _generations(self, etiquettes: Sequence[str], lues: Sequence[bytes | None]) -> dict[str, str]:
        """The generations read, learned; of a tag that has none, one that no value has."""
        for etiquette, lue in zip(etiquettes, lues, strict=False):
            if lue:
                self._local.apprendre(etiquette, lue.decode())
        return {tag: lue.decode() if lue else "" for tag, lue in zip(etiquettes, lues, strict=False)}

    def _marquer(self, cles: Sequence[Cle], lues: Sequence[bytes | None]) -> list[str]:
        """What the shared cache says of marks is what holds, an absent one included: two processes must not differ on it."""
        marques = [lue.decode() if lue else "" for lue in lues]
        for cle, marque in zip(cles, marques, strict=False):
            self._local.apprendre_marque(cle, marque)
        return marques

    async def _ouvrir(self, cles: Sequence[Cle]) -> dict[str, Garde]:
        """The bodies that this process has not opened yet: opened beside the loop, and kept so."""
        noms = self._noms("v", [cle.nom for cle in cles])
        scelles = (await self._lus(noms) if noms else None) or [None] * len(noms)
        gardes = await asyncio.to_thread(lambda: list(map(self._ouvert, noms, scelles)))
        trouves = [(c, g) for c, g in zip(cles, gardes, strict=True) if g and g.expire_a > self.maintenant()]
        for cle, garde in trouves:
            await self._local.garder(cle, garde)
        return {cle.nom: garde for cle, garde in trouves}

    def _ouvert(self, nom: str, scelle: bytes | None) -> Garde | None:
        garde = self._coffre.ouvrir(nom, scelle) if scelle else None
        if scelle and garde is None:
            journal.warning("cache partagé : une valeur illisible est écartée")
        return garde

    async def _lus(self, noms: Sequence[str], essais: int = 1) -> list[bytes | None] | None:
        lus = await self._tenter(lambda: self._distant.multi_get(noms), essais)
        return lus if lus is not None and len(lus) == len(noms) else None  # AIOCACHE_DISABLE answers nothing

    async def _ecrire(self, paires: list[tuple[str, bytes]], duree: float) -> bool:
        return bool(await self._tenter(lambda: self._distant.multi_set(paires, ttl=duree), ESSAIS))

    async def _ajouter(self, nom: str, texte: str, duree: float) -> bool | None:
        """Whether it was written, False when somebody had before; None: the cache does not answer."""

        async def ajouter() -> bool:
            try:
                return bool(await self._distant.add(nom, texte.encode(), ttl=float(duree)))
            except ValueError:  # somebody, or ourselves the time before, whose answer was late
                return bool(await self._distant.get(nom) == texte.encode())

        return await self._tenter(ajouter, ESSAIS)

    async def _tenter(self, demander: Callable[[], Awaitable[T]], essais: int = 1) -> T | None:
        """None when the cache does not answer. A busy loop may see a late answer as none: flights can afford to insist."""
        if self.maintenant() < self._repos_jusqua:
            return None
        try:
            return await demander()
        except TimeoutError as erreur:
            if essais > 1:
                return await self._tenter(demander, essais - 1)
            self._reposer(erreur)
        except Exception as erreur:  # a cache is never worth an answer
            self._reposer(erreur)
        return None

    def _reposer(self, erreur: Exception) -> None:
        """Leave it alone for a while. The text of the error may hold a key: its name is enough."""
        self._repos_jusqua = self.maintenant() + REPOS
        journal.warning("cache partagé sans réponse : %s", type(erreur).__name__)


def _est(garde: Garde | None, tete: bytes) -> bool:
    return garde is not None and garde.version.encode() == tete
