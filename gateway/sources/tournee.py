"""One reading of one tenant: the requests of a connector, batch after batch, each with its pages.

What was read before tells what to ask, all at once; what came back another serves the reading. Knows no noun and no cache.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway.concurrency import gather_or_fail
from gateway.connectors.base import Documents, Lecture, Locataire, Requete
from gateway.errors import SourceInvalide
from gateway.sources import pages
from gateway.sources.guichet import Guichet
from gateway.sources.reperes import PageDemandee, Repere, chaines, enchainer, page_demandee, tous
from gateway.sources.transport import Reponse

T = TypeVar("T")
TOUT_DE_SUITE = 16_384  # bytes of bodies mapped on the event loop: a millisecond or two


class Tournee:
    """A reading to make at a partner, for a tenant."""

    def __init__(self, guichet: Guichet, locataire: Locataire) -> None:
        self._guichet, self._locataire = guichet, locataire
        self._venues: dict[
            PageDemandee, Reponse | SourceInvalide
        ] = {}  # asked again already: not to be asked by the reading

    async def inchangee(self, reperes: Sequence[Repere]) -> bool:
        """Whether each page of a reading is as it was.

        They are asked together, but for those that follow each other: a long list must not take the places of who waits for
        another. Where the partner gives validators the last one is asked first, alone: people come last in what is read, and
        the pages that a partner only says unchanged would be asked a second time. Raises ErreurSource.
        """
        *autres, derniere = reperes
        etapes = ([derniere], autres) if derniere.conditions else (reperes,)
        meme = True
        for etape in etapes:
            meme = meme and all(await gather_or_fail(self._est_la_meme(chaine) for chaine in chaines(etape)))
        self._guichet.mesures.revalidation(self._guichet.partenaire.nom, meme)
        return meme

    async def _est_la_meme(self, chaine: Iterable[Repere]) -> bool:
        for repere in chaine:
            if not await self._page_inchangee(repere):
                return False
        return True

    async def _page_inchangee(self, repere: Repere) -> bool:
        page = page_demandee(repere.requete)
        try:
            reponse = await self._guichet.demander(repere.requete, self._locataire, repere)
        except SourceInvalide as erreur:  # it may be no more: the reading tells what there is
            self._venues[page] = erreur
            return False
        if not reponse.inchangee or reponse.corps is not None:
            self._venues[page] = reponse
        return reponse.inchangee

    async def derouler(self, lecture: Lecture[T]) -> "Deroulee[T]":
        """Drive a reading to its end: the requests of a batch run together, each with its pages. Raises ErreurSource."""
        reperes: list[Repere | None] = []
        pas = await self._avancer(lecture, None, 0)
        while not isinstance(pas, _Fin):
            lues = await gather_or_fail(self._reponses(requete) for requete in pas)
            for requete, siennes in zip(pas, lues, strict=True):
                reperes += enchainer(requete, [page.repere for page in siennes])
            octets = sum(page.octets for pages in lues for page in pages)
            pas = await self._avancer(lecture, [_documents(pages) for pages in lues], octets)
        return Deroulee(pas.valeur, tous(reperes))

    async def _avancer(
        self, lecture: Lecture[T], documents: Documents | None, octets: int
    ) -> "Sequence[Requete] | _Fin[T]":
        """One step of the connector; in a thread when it has much to map: a whole CFA would hold the event loop for a tenth
        of a second. A small answer is mapped in less time than a thread takes to be woken under load."""
        try:
            if octets <= TOUT_DE_SUITE:
                return _pas(lecture, documents)
            return await asyncio.to_thread(_pas, lecture, documents)
        except Exception as erreur:
            raise self._guichet.incomprise(erreur) from None

    async def _reponses(self, requete: Requete) -> list[Reponse]:
        """All the pages of a request, in order; one without document is the last, or says that there is nothing."""
        try:
            tete = pages.premiere(requete)
            reponse = await self._page(tete)
            if reponse.document is None:
                return [reponse]
            if requete.pages in pages.ANNONCEES:
                return await self._annoncees(requete, reponse)
            return await self._enchainees(tete, reponse)
        except pages.PagesInvalides as erreur:
            raise self._guichet.mal_paginee(erreur) from None

    async def _enchainees(self, requete: Requete, reponse: Reponse) -> list[Reponse]:
        """Each page tells the next one."""
        base = self._guichet.partenaire.adresse(self._locataire)
        suite = self._suite(reponse)
        reponses = [reponse]
        while (suivante := pages.suivante(requete, base, reponse.lien, reponse.document, len(reponses))) is not None:
            requete = self._guichet.sans_secret(suivante)
            reponse = await self._page(requete)
            reponses.append(reponse)
            if reponse.document is None:
                break
            suite.ajouter(reponse.empreinte)
        return reponses

    async def _annoncees(self, requete: Requete, reponse: Reponse) -> list[Reponse]:
        """The first page tells how many there are: the others are asked together, then those a grown total adds."""
        suite = self._suite(reponse)
        reponses, total = [reponse], pages.annoncees(requete, reponse.document)
        while len(reponses) < total:
            suite.borner(total)
            rangs = range(len(reponses) + 1, total + 1)
            for page in await gather_or_fail(self._page(pages.numero(requete, rang)) for rang in rangs):
                suite.ajouter(page.empreinte)
                reponses.append(page)
                total = max(total, pages.annoncees(requete, page.document))
        return reponses

    def _suite(self, reponse: Reponse) -> pages.Suite:
        suite = pages.Suite(self._guichet.partenaire.limites.pages_max)
        suite.ajouter(reponse.empreinte)
        return suite

    async def _page(self, requete: Requete) -> Reponse:
        venue = self._venues.pop(page_demandee(requete), None)
        if venue is None:
            return await self._guichet.demander(requete, self._locataire)
        if isinstance(venue, SourceInvalide):
            raise venue
        return await self._guichet.decoder(venue, requete) if venue.inchangee else venue


@dataclass(frozen=True, slots=True)
class Deroulee(Generic[T]):
    """What a reading gave, and what tells whether it would give the same; nothing, when that cannot be told."""

    valeur: T
    reperes: tuple[Repere, ...]


@dataclass(frozen=True, slots=True)
class _Fin(Generic[T]):
    """What a reading returned."""

    valeur: T


def _pas(lecture: Lecture[T], documents: Documents | None) -> Sequence[Requete] | _Fin[T]:
    try:
        return next(lecture) if documents is None else lecture.send(documents)
    except StopIteration as fin:
        return _Fin(fin.value)


def _documents(reponses: Sequence[Reponse]) -> list[Any]:
    return [reponse.document for reponse in reponses if reponse.document is not None]
