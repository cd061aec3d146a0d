"""One partner, asked within what we allow ourselves: places, pacing, retries, credentials, pages, a note of every call.

Knows no noun and no cache; a connector's reading is driven here, document by document.
"""

import asyncio
import logging
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from gateway.connectors.base import Documents, Lecture, Locataire, Requete
from gateway.errors import ErreurSource, SourceDelaiDepasse, SourceInvalide
from gateway.sources import pages
from gateway.sources.acces import Preuve, preuve
from gateway.sources.etat import Observations
from gateway.sources.mesures import REUSSITE, Mesures
from gateway.sources.partenaires import ACCES_DEFAUT, Partenaire
from gateway.sources.resilience.cadence import Cadence
from gateway.sources.resilience.cloison import Cloison
from gateway.sources.resilience.reprises import Budget
from gateway.sources.resilience.rythme import Rythme
from gateway.sources.transport import Appel, Reponse, Transport

T = TypeVar("T")

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
        self._cloison = Cloison(partenaire.limites.simultanes, partagee=len(partenaire.abonnes or ()) > 1)
        self._cadence = Cadence(partenaire.limites.par_seconde / rythme.processus)
        self._propres: defaultdict[str, Cadence] = defaultdict(self._cadence_propre)
        self._preuves: dict[tuple[str, str], Preuve] = {}

    async def derouler(self, lecture: Lecture[T], locataire: Locataire) -> T:
        """Drive a reading to its end: the requests of a batch run together, each with its pages. Raises ErreurSource."""
        pas = await self._avancer(lecture, None)
        while not isinstance(pas, _Fin):
            documents = await ensemble(self.documents(requete, locataire) for requete in pas)
            pas = await self._avancer(lecture, documents)
        return pas.valeur

    async def _avancer(self, lecture: Lecture[T], documents: Documents | None) -> "Sequence[Requete] | _Fin[T]":
        """One step of the connector, in a thread: mapping a whole CFA would hold the event loop for a tenth of a second."""
        try:
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

    async def documents(self, requete: Requete, locataire: Locataire) -> list[Any]:
        """The documents of all the pages of a request, in order; none when the partner says there is nothing."""
        try:
            tete = pages.premiere(requete)
            reponse = await self._une(tete, locataire)
            if reponse.document is None:
                return []
            if requete.pages in pages.ANNONCEES:
                return await self._annoncees(requete, reponse, locataire)
            return await self._enchainees(tete, reponse, locataire)
        except pages.PagesInvalides as erreur:
            raise SourceInvalide(self.partenaire.nom, f"pages du partenaire invalides : {erreur}") from None

    async def _enchainees(self, requete: Requete, reponse: Reponse, locataire: Locataire) -> list[Any]:
        """Each page tells the next one."""
        base = self.partenaire.adresse(locataire)
        suite = pages.Suite(self.partenaire.limites.pages_max)
        suite.ajouter(reponse.empreinte)
        documents = [reponse.document]
        while (prochaine := pages.suivante(requete, base, reponse.lien, reponse.document, len(documents))) is not None:
            reponse = await self._une(prochaine, locataire)
            if reponse.document is None:
                break
            suite.ajouter(reponse.empreinte)
            documents.append(reponse.document)
            requete = prochaine
        return documents

    async def _annoncees(self, requete: Requete, reponse: Reponse, locataire: Locataire) -> list[Any]:
        """The first page tells how many there are: the others are asked together, then those a grown total adds."""
        suite = pages.Suite(self.partenaire.limites.pages_max)
        suite.ajouter(reponse.empreinte)
        documents, total = [reponse.document], pages.annoncees(requete, reponse.document)
        while len(documents) < total:
            suite.borner(total)
            rangs = range(len(documents) + 1, total + 1)
            reponses = await ensemble(self._une(pages.numero(requete, rang), locataire) for rang in rangs)
            for page in reponses:
                suite.ajouter(page.empreinte)
                documents.append(page.document)
                total = max(total, pages.annoncees(requete, page.document))
        return documents

    async def _une(self, requete: Requete, locataire: Locataire) -> Reponse:
        """One request, asked a second time where that may help and costs the partner little."""
        appel, rythme = self._appel(requete, locataire), self.rythme
        self._budget.appel(rythme.secondes())
        try:
            return await self._passer(appel, locataire)
        except ErreurSource as erreur:
            attente = self._budget.attente(requete, erreur, rythme.secondes(), rythme.hasard())
            if attente is None:
                raise
        await rythme.dormir(attente)
        return await self._passer(appel, locataire)

    async def _passer(self, appel: Appel, locataire: Locataire) -> Reponse:
        await self._attendre(self._propres[locataire.cle])
        async with self._cloison.place(locataire.cle):
            await self._attendre(self._cadence)
            return await self._echanger(appel)

    async def _attendre(self, cadence: Cadence) -> None:
        attente = cadence.reserver(self.rythme.secondes())
        if attente > 0:
            await self.rythme.dormir(attente)

    def _cadence_propre(self) -> Cadence:
        return Cadence(self.partenaire.limites.par_minute_locataire / self.rythme.processus, 60.0)

    async def _echanger(self, appel: Appel) -> Reponse:
        debut = time.perf_counter()
        try:
            reponse = await self._transport.demander(appel)
        except ErreurSource as erreur:
            self._noter(appel.requete.operation, erreur, time.perf_counter() - debut)
            raise
        self._noter(appel.requete.operation, None, time.perf_counter() - debut)
        return reponse

    def _noter(self, operation: str, erreur: ErreurSource | None, secondes: float) -> None:
        self.mesures.appel(self.partenaire.nom, operation, erreur.code.value if erreur else REUSSITE, secondes)
        self.observations.noter(erreur, secondes, self.horloge())

    def _appel(self, requete: Requete, locataire: Locataire) -> Appel:
        limites = self.partenaire.limites
        chemin = quote(pages.chemin_sur(requete.chemin), safe="/")
        return Appel(
            source=self.partenaire.nom,
            url=self.partenaire.adresse(locataire) + chemin,
            requete=requete,
            preuve=self._preuve(requete.acces or ACCES_DEFAUT, locataire.cle),
            delai=limites.delai_secondes,
            octets_max=limites.octets_max,
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
class _Fin(Generic[T]):
    """What a reading returned."""

    valeur: T


def _pas(lecture: Lecture[T], documents: Documents | None) -> Sequence[Requete] | _Fin[T]:
    try:
        return next(lecture) if documents is None else lecture.send(documents)
    except StopIteration as fin:
        return _Fin(fin.value)


async def ensemble(appels: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Await all, in order. The first failure ends the others and is raised alone."""
    try:
        async with asyncio.TaskGroup() as groupe:
            taches = [groupe.create_task(appel) for appel in appels]
    except BaseExceptionGroup as echecs:
        raise echecs.exceptions[0] from None
    return [tache.result() for tache in taches]
