"""One partner, asked within what we allow ourselves: bulkhead, pacing, credentials, pages, and a note of every call.

Knows no noun and no cache; a connector's reading is driven here, document by document.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from aiolimiter import AsyncLimiter

from gateway.connectors.base import Documents, Lecture, Locataire, Requete
from gateway.errors import ErreurSource, SourceInvalide
from gateway.sources import pages
from gateway.sources.acces import Preuve, preuve
from gateway.sources.etat import Observations
from gateway.sources.mesures import REUSSITE, Mesures
from gateway.sources.partenaires import ACCES_DEFAUT, Partenaire
from gateway.sources.transport import Appel, Reponse, Transport

T = TypeVar("T")


class Guichet:
    """Where one partner is asked. One for the life of the process: its limits hold for all callers together."""

    def __init__(
        self, partenaire: Partenaire, transport: Transport, mesures: Mesures, horloge: Callable[[], datetime]
    ) -> None:
        self.partenaire = partenaire
        self.observations = Observations(partenaire.ouverture)
        self._transport, self._mesures, self._horloge = transport, mesures, horloge
        self._places = asyncio.Semaphore(partenaire.limites.simultanes)
        self._cadence = AsyncLimiter(partenaire.limites.par_seconde, 1)
        self._preuves: dict[tuple[str, str], Preuve] = {}

    async def derouler(self, lecture: Lecture[T], locataire: Locataire) -> T:
        """Drive a reading to its end: the requests of a batch run together, each with its pages. Raises ErreurSource."""
        documents: Documents | None = None
        while True:
            try:
                lot = next(lecture) if documents is None else lecture.send(documents)
            except StopIteration as fin:
                return fin.value  # type: ignore[no-any-return]
            except (KeyError, TypeError, ValueError, AttributeError, IndexError):
                raise SourceInvalide(self.partenaire.nom, "réponse du partenaire d'une forme inattendue") from None
            documents = await ensemble(self.documents(requete, locataire) for requete in lot)

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
            for reponse in reponses:
                suite.ajouter(reponse.empreinte)
                documents.append(reponse.document)
                total = max(total, pages.annoncees(requete, reponse.document))
        return documents

    async def _une(self, requete: Requete, locataire: Locataire) -> Reponse:
        appel = self._appel(requete, locataire)
        async with self._places, self._cadence:
            return await self._echanger(appel)

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
        self._mesures.appel(self.partenaire.nom, operation, erreur.code.value if erreur else REUSSITE, secondes)
        self.observations.noter(erreur, secondes, self._horloge())

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
        """Made once for each credential and tenant, so that an OAuth2 token is shared."""
        if not self.partenaire.acces:
            return None
        acces = self.partenaire.acces.get(nom)
        abonne = (self.partenaire.abonnes or {}).get(cle)
        secret = (acces and acces.secret) or (abonne and abonne.secret)
        if acces is None or secret is None:
            raise SourceInvalide(self.partenaire.nom, f"accès « {nom} » non configuré")
        if (nom, cle) not in self._preuves:
            self._preuves[nom, cle] = preuve(acces, secret)
        return self._preuves[nom, cle]


async def ensemble(appels: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Await all, in order. The first failure ends the others and is raised alone."""
    try:
        async with asyncio.TaskGroup() as groupe:
            taches = [groupe.create_task(appel) for appel in appels]
    except BaseExceptionGroup as echecs:
        raise echecs.exceptions[0] from None
    return [tache.result() for tache in taches]
