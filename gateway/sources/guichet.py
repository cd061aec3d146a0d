"""One partner, asked within what we allow ourselves: places, pacing, retries, credentials, pages, a note of every call.

Knows no noun and no cache; a connector's reading is driven here, document by document.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from gateway.connectors.base import Documents, Lecture, Locataire, Requete
from gateway.errors import ErreurSource, SourceDelaiDepasse, SourceInvalide
from gateway.sources import pages
from gateway.sources.acces import Preuve, preuve
from gateway.sources.allure import Allure
from gateway.sources.etat import Observations
from gateway.sources.mesures import REUSSITE, Mesures
from gateway.sources.partenaires import ACCES_DEFAUT, Partenaire
from gateway.sources.reperes import Repere, tous
from gateway.sources.resilience.affluence import Affluence
from gateway.sources.resilience.cloison import Cloison
from gateway.sources.resilience.reprises import GIGUE, Budget
from gateway.sources.resilience.rythme import Rythme
from gateway.sources.transport import Appel, Reponse, Transport

T = TypeVar("T")
Demander = Callable[[Appel], Awaitable[T]]
SANS_CONDITION: Mapping[str, str] = {}
TOUT_DE_SUITE = 16_384  # bytes of bodies mapped on the event loop: a millisecond or two

journal = logging.getLogger("gateway.sources")


class Guichet:
    """Where one partner is asked. One for the life of the process: its limits hold for all callers together."""

    def __init__(
        self,
        partenaire: Partenaire,
        transport: Transport,
        mesures: Mesures,
        horloge: Callable[[], datetime],
        rythme: Rythme,
    ) -> None:
        self.partenaire = partenaire
        self.observations = Observations(partenaire.ouverture)
        self.mesures, self.horloge = mesures, horloge
        self._transport = transport
        self.rythme = rythme
        self._budget = Budget()
        self.affluence = Affluence(
            partenaire.limites.par_seconde / rythme.processus,
            partenaire.limites.par_minute_locataire / rythme.processus,
        )
        self._cloison = Cloison(partenaire.limites.simultanes, partagee=len(partenaire.abonnes or ()) > 1)
        self._allure = Allure(partenaire.nom, partenaire.limites, rythme)
        self._preuves: dict[tuple[str, str], Preuve] = {}

    async def derouler(self, lecture: Lecture[T], locataire: Locataire) -> "Deroulee[T]":
        """Drive a reading to its end: the requests of a batch run together, each with its pages. Raises ErreurSource."""
        reperes: list[Repere | None] = []
        pas = await self._avancer(lecture, None, 0)
        while not isinstance(pas, _Fin):
            lues = await ensemble(self.reponses(requete, locataire) for requete in pas)
            reperes += [page.repere for pages in lues for page in pages]
            octets = sum(page.octets for pages in lues for page in pages)
            pas = await self._avancer(lecture, [_documents(pages) for pages in lues], octets)
        return Deroulee(pas.valeur, tous(reperes))

    async def inchange(self, reperes: Sequence[Repere], locataire: Locataire) -> bool:
        """Whether the partner says of each page of a reading that it is as it was. The last one is asked first, alone: people
        come last in what is read, so that a change costs one request more. Raises ErreurSource."""
        *autres, derniere = (self._appel(repere.requete, locataire, repere.conditions) for repere in reperes)
        inchange = await self._une(derniere, locataire, self._transport.inchangee)
        if inchange:
            inchange = all(await ensemble(self._une(a, locataire, self._transport.inchangee) for a in autres))
        self.mesures.revalidation(self.partenaire.nom, inchange)
        return inchange

    async def page(self, requete: Requete, rang: int, lire: Callable[[Any], T]) -> "Page[T]":
        """One page (from 1) of an answer too long to hold whole, read by `lire` in a thread. Raises ErreurSource."""
        reponse = await self._page(pages.numero(requete, rang), Locataire(""))
        try:
            total = pages.annoncees(requete, reponse.document)
            pages.Suite(self.partenaire.limites.pages_max).borner(total)
        except pages.PagesInvalides as erreur:
            raise SourceInvalide(self.partenaire.nom, f"pages du partenaire invalides : {erreur}") from None
        try:
            return Page(await asyncio.to_thread(lire, reponse.document), total, reponse.empreinte)
        except Exception as erreur:
            raise self._incomprise(erreur) from None

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
            raise self._incomprise(erreur) from None

    def _incomprise(self, erreur: Exception) -> SourceInvalide:
        """The connector met what it does not know. Where is logged, what is not: it may be a person's value."""
        pas = traceback.extract_tb(erreur.__traceback__)[-1]
        journal.error("source %s : %s (%s:%s)", self.partenaire.nom, type(erreur).__name__, pas.filename, pas.lineno)
        return SourceInvalide(self.partenaire.nom, "réponse du partenaire d'une forme inattendue")

    def depassement(self) -> SourceDelaiDepasse:
        """The error of a reading cut at the partner's delay, which the partner's state remembers."""
        erreur = SourceDelaiDepasse(self.partenaire.nom, "le partenaire n'a pas répondu à temps")
        self.observations.noter(erreur, self.partenaire.limites.delai_secondes, self.horloge())
        return erreur

    async def reponses(self, requete: Requete, locataire: Locataire) -> list[Reponse]:
        """All the pages of a request, in order; one without document is the last, or says that there is nothing."""
        try:
            tete = pages.premiere(requete)
            reponse = await self._page(tete, locataire)
            if reponse.document is None:
                return [reponse]
            if requete.pages in pages.ANNONCEES:
                return await self._annoncees(requete, reponse, locataire)
            return await self._enchainees(tete, reponse, locataire)
        except pages.PagesInvalides as erreur:
            raise SourceInvalide(self.partenaire.nom, f"pages du partenaire invalides : {erreur}") from None

    async def _enchainees(self, requete: Requete, reponse: Reponse, locataire: Locataire) -> list[Reponse]:
        """Each page tells the next one."""
        base = self.partenaire.adresse(locataire)
        suite = pages.Suite(self.partenaire.limites.pages_max)
        suite.ajouter(reponse.empreinte)
        reponses = [reponse]
        while (prochaine := pages.suivante(requete, base, reponse.lien, reponse.document, len(reponses))) is not None:
            reponse = await self._page(prochaine, locataire)
            reponses.append(reponse)
            if reponse.document is None:
                break
            suite.ajouter(reponse.empreinte)
            requete = prochaine
        return reponses

    async def _annoncees(self, requete: Requete, reponse: Reponse, locataire: Locataire) -> list[Reponse]:
        """The first page tells how many there are: the others are asked together, then those a grown total adds."""
        suite = pages.Suite(self.partenaire.limites.pages_max)
        suite.ajouter(reponse.empreinte)
        reponses, total = [reponse], pages.annoncees(requete, reponse.document)
        while len(reponses) < total:
            suite.borner(total)
            rangs = range(len(reponses) + 1, total + 1)
            for page in await ensemble(self._page(pages.numero(requete, rang), locataire) for rang in rangs):
                suite.ajouter(page.empreinte)
                reponses.append(page)
                total = max(total, pages.annoncees(requete, page.document))
        return reponses

    async def _page(self, requete: Requete, locataire: Locataire) -> Reponse:
        reponse = await self._une(self._appel(requete, locataire), locataire, self._transport.demander)
        self.mesures.horloge(self.partenaire.nom, reponse.ecart)
        return reponse

    async def _une(self, appel: Appel, locataire: Locataire, demander: Demander[T]) -> T:
        """One request, asked a second time where that may help and costs the partner little."""
        rythme = self.rythme
        self._budget.appel(rythme.secondes())
        with self.affluence.demande(locataire.cle, rythme.secondes()):
            try:
                return await self._passer(appel, locataire, demander)
            except ErreurSource as erreur:
                attente = self._budget.attente(appel.requete, erreur, rythme.secondes(), rythme.hasard())
                if attente is None:
                    raise
            await rythme.dormir(attente)
            return await self._passer(appel, locataire, demander)

    async def _passer(self, appel: Appel, locataire: Locataire, demander: Demander[T]) -> T:
        """One exchange, which leaves when the quotas allow. A tenant whose own is spent waits without holding a place."""
        while True:
            async with self._cloison.place(locataire.cle):
                attente = await self._allure.partir(locataire.cle)
                if not attente:
                    return await self._echanger(appel, demander)
            await self.rythme.dormir(attente + GIGUE * self.rythme.hasard())  # or all who wait would ask at once

    async def _echanger(self, appel: Appel, demander: Demander[T]) -> T:
        debut = time.perf_counter()
        try:
            reponse = await demander(appel)
        except ErreurSource as erreur:
            self._noter(appel.requete, erreur, time.perf_counter() - debut)
            raise
        self._noter(appel.requete, None, time.perf_counter() - debut)
        return reponse

    def _noter(self, requete: Requete, erreur: ErreurSource | None, secondes: float) -> None:
        issue = erreur.code.value if erreur else REUSSITE
        self.mesures.appel(self.partenaire.nom, requete.operation, issue, secondes)
        if requete.temoin:
            self.observations.noter(erreur, secondes, self.horloge())

    def _appel(self, requete: Requete, locataire: Locataire, conditions: Mapping[str, str] = SANS_CONDITION) -> Appel:
        limites = self.partenaire.limites
        chemin = quote(pages.chemin_sur(requete.chemin), safe="/")
        return Appel(
            source=self.partenaire.nom,
            url=self.partenaire.adresse(locataire) + chemin,
            requete=requete,
            preuve=self._preuve(requete.acces or ACCES_DEFAUT, locataire.cle),
            delai=limites.delai_secondes,
            octets_max=limites.octets_max,
            conditions=conditions,
        )

    def _preuve(self, nom: str, cle: str) -> Preuve | None:
        """Made once for each secret, so that an OAuth2 token is shared by all who may use it."""
        if not self.partenaire.acces:
            return None
        acces, abonne = self.partenaire.acces.get(nom), (self.partenaire.abonnes or {}).get(cle)
        propre = acces.secret if acces else None
        secret = propre or (abonne.secret if abonne else None)
        if acces is None or secret is None:
            raise SourceInvalide(self.partenaire.nom, f"accès « {nom} » non configuré")
        place = (nom, "" if propre else cle)
        if place not in self._preuves:
            self._preuves[place] = preuve(acces, secret)
        return self._preuves[place]


@dataclass(frozen=True, slots=True)
class Deroulee(Generic[T]):
    """What a reading gave, and what asks whether it would give the same; nothing, when that cannot be asked."""

    valeur: T
    reperes: tuple[Repere, ...]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page as read, how many the partner says there are, and a digest of its body."""

    lue: T
    total: int
    empreinte: bytes


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


async def ensemble(appels: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Await all, in order. The first failure ends the others and is raised alone."""
    try:
        async with asyncio.TaskGroup() as groupe:
            taches = [groupe.create_task(appel) for appel in appels]
    except BaseExceptionGroup as echecs:
        raise echecs.exceptions[0] from None
    return [tache.result() for tache in taches]
