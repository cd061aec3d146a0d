"""One partner, asked within what we allow ourselves: places, pacing, retries, credentials, a note of every call.

Knows no noun, no cache and no reading: a page at a time.
"""

import asyncio
import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from gateway.connectors.base import Locataire, Requete
from gateway.errors import ErreurSource, SourceDelaiDepasse, SourceInvalide
from gateway.sources import pages
from gateway.sources.acces import Preuve, preuve
from gateway.sources.allure import Allure
from gateway.sources.etat import Observations
from gateway.sources.mesures import REUSSITE, Mesures
from gateway.sources.partenaires import ACCES_DEFAUT, Partenaire
from gateway.sources.reperes import Repere
from gateway.sources.resilience.affluence import Affluence
from gateway.sources.resilience.cloison import Cloison
from gateway.sources.resilience.reprises import GIGUE, Budget
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
        self.affluence = Affluence(
            partenaire.limites.par_seconde / rythme.processus,
            partenaire.limites.par_minute_locataire / rythme.processus,
        )
        self._cloison = Cloison(partenaire.limites.simultanes, partagee=len(partenaire.abonnes or ()) > 1)
        self._allure = Allure(partenaire.nom, partenaire.limites, rythme)
        self._preuves: dict[tuple[str, str], Preuve] = {}

    async def demander(self, requete: Requete, locataire: Locataire, connue: Repere | None = None) -> Reponse:
        """One page; not decoded, when it is as it was known. Raises ErreurSource."""
        appel = self._appel(requete, locataire, connue)
        reponse = await self._une(appel, locataire)
        self.mesures.horloge(self.partenaire.nom, reponse.ecart)
        return reponse

    async def decoder(self, reponse: Reponse, requete: Requete) -> Reponse:
        """A page that was as it was known, after all. Raises ErreurSource."""
        return await self._transport.decoder(self.partenaire.nom, reponse, requete)

    def sans_secret(self, requete: Requete) -> Requete:
        """A page that the partner told, without the credential that its address may repeat: pages asked are kept."""
        secrets = {acces.nom for acces in (self.partenaire.acces or {}).values() if acces.type == "parametre"}
        return replace(requete, params={nom: dit for nom, dit in requete.params.items() if nom not in secrets})

    async def page(self, requete: Requete, rang: int, lire: Callable[[Any], T]) -> "Page[T]":
        """One page (from 1) of an answer too long to hold whole, read by `lire` in a thread. Raises ErreurSource."""
        reponse = await self.demander(pages.numero(requete, rang), Locataire(""))
        try:
            total = pages.annoncees(requete, reponse.document)
            pages.Suite(self.partenaire.limites.pages_max).borner(total)
        except pages.PagesInvalides as erreur:
            raise self.mal_paginee(erreur) from None
        try:
            return Page(await asyncio.to_thread(lire, reponse.document), total, reponse.empreinte)
        except Exception as erreur:
            raise self.incomprise(erreur) from None

    def incomprise(self, erreur: Exception) -> SourceInvalide:
        """The connector met what it does not know. Where is logged, what is not: it may be a person's value."""
        pas = traceback.extract_tb(erreur.__traceback__)[-1]
        journal.error("source %s : %s (%s:%s)", self.partenaire.nom, type(erreur).__name__, pas.filename, pas.lineno)
        return SourceInvalide(self.partenaire.nom, "réponse du partenaire d'une forme inattendue")

    def mal_paginee(self, erreur: pages.PagesInvalides) -> SourceInvalide:
        """The partner's paging cannot be followed."""
        return SourceInvalide(self.partenaire.nom, f"pages du partenaire invalides : {erreur}")

    def depassement(self) -> SourceDelaiDepasse:
        """The error of a reading cut at the partner's delay, which the partner's state remembers."""
        erreur = SourceDelaiDepasse(self.partenaire.nom, "le partenaire n'a pas répondu à temps")
        self.observations.noter(erreur, self.partenaire.limites.delai_secondes, self.horloge())
        return erreur

    async def _une(self, appel: Appel, locataire: Locataire) -> Reponse:
        """One request, asked a second time where that may help and costs the partner little."""
        rythme = self.rythme
        self._budget.appel(rythme.secondes())
        with self.affluence.demande(locataire.cle, rythme.secondes()):
            try:
                return await self._passer(appel, locataire)
            except ErreurSource as erreur:
                attente = self._budget.attente(appel.requete, erreur, rythme.secondes(), rythme.hasard())
                if attente is None:
                    raise
            await rythme.dormir(attente)
            return await self._passer(appel, locataire)

    async def _passer(self, appel: Appel, locataire: Locataire) -> Reponse:
        """One exchange, which leaves when the quotas allow. A tenant whose own is spent waits without holding a place."""
        while True:
            async with self._cloison.place(locataire.cle):
                attente = await self._allure.partir(locataire.cle)
                if not attente:
                    return await self._echanger(appel)
            await self.rythme.dormir(attente + GIGUE * self.rythme.hasard())  # or all who wait would ask at once

    async def _echanger(self, appel: Appel) -> Reponse:
        debut = time.perf_counter()
        try:
            reponse = await self._transport.demander(appel)
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

    def _appel(self, requete: Requete, locataire: Locataire, connue: Repere | None) -> Appel:
        limites = self.partenaire.limites
        return Appel(
            source=self.partenaire.nom,
            url=self.partenaire.adresse(locataire) + pages.chemin_cite(requete.chemin),
            requete=requete,
            preuve=self._preuve(requete.acces or ACCES_DEFAUT, locataire.cle),
            delai=limites.delai_secondes,
            octets_max=limites.octets_max,
            connue=connue,
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
class Page(Generic[T]):
    """One page as read, how many the partner says there are, and a digest of its body."""

    lue: T
    total: int
    empreinte: bytes
