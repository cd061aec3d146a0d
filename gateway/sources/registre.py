"""Reads the registry in its store and makes persons of its contracts. Knows no SQL and no viewer.

The registry has no identifier of a person: contracts told of one exact identity are one person, unless they contradict
each other (ANSWERS 25): two employers at once, nothing in common but the name.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from cachetools import LRUCache

from gateway.concurrency import SingleFlight
from gateway.connectors.base import Dossier
from gateway.connectors.traits import traits_de
from gateway.domain.identity import Traits
from gateway.domain.ressemblance import bareme, comparer
from gateway.errors import RegistreIndisponible
from gateway.schema.nouns import Contrat, Jeune
from gateway.stores.registre import Avancee, ContratStocke

T = TypeVar("T")

CHEVAUCHEMENT_JOURS = 60  # nobody is an apprentice twice at once for longer
LECTURES_MAX = 16
PLIES_MAX = 50_000  # folded contracts kept: the reads of one operation, and the perimeters of many callers, share them
JOINTS = frozenset({"telephone", "courriel", "domicile"})
VERSION_SECONDES = 1.0  # a harvest, maybe of another process, is seen that late at most
SOUFFLE = 25  # contracts or persons between two breaths of the event loop: some ten milliseconds

Plier = Callable[[Sequence[Mapping[str, Any]]], tuple[Jeune, Contrat] | None]


class Magasin(Protocol):
    """Where the rows are kept."""

    async def avancee(self) -> Avancee: ...
    async def contrats(
        self, codes_postaux: Collection[str], cfas: Collection[str], identites: Collection[str]
    ) -> list[ContratStocke]: ...
    def charges(self, stocke: ContratStocke) -> tuple[Mapping[str, Any], ...]: ...
    def empreinte(self, *ensembles: Collection[str]) -> str: ...


@dataclass(frozen=True, slots=True)
class ResultatRegistre:
    """What the store holds of a set of persons. Shared and kept: read it only. `as_of` is None before the first harvest."""

    dossiers: tuple[Dossier, ...]
    as_of: datetime | None
    version: str


@dataclass(frozen=True, slots=True)
class _Plie:
    """A contract folded: its pseudonym, what its rows tell, and what that says of whose it is."""

    cle: str
    jeune: Jeune
    contrat: Contrat
    traits: Traits | None  # None when the name has no letters: it names nobody


class LecteurRegistre:
    """The registry as a source that answers at once, as fresh as its last harvest."""

    def __init__(self, magasin: Magasin, plier: Plier, secondes: Callable[[], float] = time.monotonic) -> None:
        self._magasin = magasin
        self._plier = plier
        self._secondes = secondes
        self._lus: LRUCache[tuple[str, str], ResultatRegistre] = LRUCache(LECTURES_MAX)
        self._flights: SingleFlight[tuple[str, str], ResultatRegistre] = SingleFlight()
        self._plies: LRUCache[bytes, _Plie | None] = LRUCache(PLIES_MAX)
        self._connue: Avancee | None = None
        self._relire = float("-inf")

    async def version(self) -> str:
        """Changes when a harvest brings rows. Empty when the store does not answer."""
        try:
            return (await self._avancee()).version
        except RegistreIndisponible:
            return ""

    async def _avancee(self) -> Avancee:
        """Read in the store once a second, by one for all who come meanwhile. Raises RegistreIndisponible."""
        instant = self._secondes()
        if self._connue is None or instant >= self._relire:
            self._relire = instant + VERSION_SECONDES
            try:
                self._connue = await self._magasin.avancee()
            except RegistreIndisponible:
                self._connue = None
                raise
        return self._connue

    async def dossiers(
        self, codes_postaux: Collection[str], cfas: Collection[str], identites: Collection[str]
    ) -> ResultatRegistre:
        """The persons with a contract of such a home or such a CFA (UAI or SIRET), or of such an identity.

        Raises RegistreIndisponible.
        """
        avancee = await self._avancee()
        cle = (avancee.version, self._magasin.empreinte(codes_postaux, cfas, identites))
        lu = self._lus.get(cle)
        if lu is not None:
            return lu
        return await self._flights.run(cle, partial(self._lire, cle, avancee, (codes_postaux, cfas, identites)))

    async def _lire(
        self, cle: tuple[str, str], avancee: Avancee, demande: tuple[Collection[str], Collection[str], Collection[str]]
    ) -> ResultatRegistre:
        """One reading for all who wait; whoever leaves does not stop it, and the next finds it done."""
        stockes = await self._magasin.contrats(*demande)
        lu = ResultatRegistre(await self._personnes(stockes), avancee.as_of, avancee.version)
        self._lus[cle] = lu
        return lu

    async def _personnes(self, stockes: Sequence[ContratStocke]) -> tuple[Dossier, ...]:
        par_personne: dict[str, list[_Plie]] = defaultdict(list)
        async for stocke in _souffler(stockes):
            plie = self._plie(stocke)
            if plie is not None:
                par_personne[stocke.personne].append(plie)
        return tuple([d async for cle in _souffler(sorted(par_personne)) for d in _dossiers(cle, par_personne[cle])])

    def _plie(self, stocke: ContratStocke) -> _Plie | None:
        """Unsealed and folded once, until a harvest brings a row of this contract."""
        if stocke.empreinte not in self._plies:
            plie = self._plier(self._magasin.charges(stocke))
            self._plies[stocke.empreinte] = _plie(stocke.contrat, *plie) if plie else None
        return self._plies[stocke.empreinte]


def _plie(cle: str, jeune: Jeune, contrat: Contrat) -> _Plie:
    return _Plie(cle, jeune, contrat, traits_de(replace(jeune, contrats=[contrat]), ("", ""), cle))


async def _souffler(elements: Sequence[T]) -> AsyncIterator[T]:
    """The elements, with a breath of the event loop now and then."""
    for rang, element in enumerate(elements, 1):
        yield element
        if rang % SOUFFLE == 0:
            await asyncio.sleep(0)


def _dossiers(personne: str, plies: list[_Plie]) -> list[Dossier]:
    """The persons behind the contracts of one exact identity: one, unless something says that they are homonyms."""
    groupes: list[list[_Plie]] = []
    for plie in sorted(plies, key=lambda plie: (plie.contrat.date_debut or date.min, plie.cle)):
        siens = [groupe for groupe in groupes if all(_une_personne(plie, autre) for autre in groupe)]
        if len(siens) == 1:
            siens[0].append(plie)
        else:
            groupes.append([plie])
    seul = len(groupes) == 1
    return [_dossier(personne if seul else groupe[0].cle, groupe) for groupe in groupes]


def _une_personne(un: _Plie, autre: _Plie) -> bool:
    """A shared CFA is no proof: homonyms born the same day may be in one. Of phone, e-mail and home one must agree, if told."""
    if un.traits is None or autre.traits is None or _simultanes(un.contrat, autre.contrat):
        return False
    lue = comparer(un.traits, autre.traits)
    dits = {accord for critere, accord in lue.accords if critere in JOINTS}
    return lue.score >= bareme().probable and (not dits or "identique" in dits)


def _dossier(cle: str, plies: list[_Plie]) -> Dossier:
    """One person: of each thing, what the latest contract that tells it says; every contract, every training."""
    formations = {(f.date_debut, f.date_fin): f for plie in plies for f in plie.jeune.formations or []}
    recents = [plie.jeune for plie in reversed(plies)]
    dits: dict[str, Any] = {
        champ: next((valeur for jeune in recents if (valeur := getattr(jeune, champ)) is not None), None)
        for champ in ("sexe", "rqth", "telephone", "courriel")
    }
    situes = [jeune.adresse for jeune in recents if jeune.adresse and jeune.adresse.code_postal]
    dits["adresse"] = situes[0] if situes else recents[0].adresse
    contrats = [plie.contrat for plie in plies]
    return Dossier(cle, replace(recents[0], contrats=contrats, formations=list(formations.values()), **dits))


def _simultanes(un: Contrat, autre: Contrat) -> bool:
    """Two contracts that ran together too long to be one person's; what has no dates, or is void, contradicts nothing."""
    if un.annule or autre.annule:
        return False
    (debut_un, fin_un), (debut_autre, fin_autre) = _bornes(un), _bornes(autre)
    if not (debut_un and fin_un and debut_autre and fin_autre):
        return False
    return min(fin_un, fin_autre) - max(debut_un, debut_autre) > timedelta(days=CHEVAUCHEMENT_JOURS)


def _bornes(contrat: Contrat) -> tuple[date | None, date | None]:
    rompu = contrat.rupture.date if contrat.rupture else None
    return contrat.date_debut, rompu or contrat.date_fin
