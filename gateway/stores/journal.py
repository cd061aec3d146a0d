"""The reading journal: one chain for all the processes of a database, written before answers leave. SQL, no rule of access.

At rest: what was read in names of fields, by whom, for what, and pseudonyms of persons (64 bits of an HMAC). No value.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.domain.chaine import Borne
from gateway.domain.sceau import Sceau
from gateway.errors import ErreurConfiguration, JournalIndisponible
from gateway.stores.chaine import FIN, PERSONNES, JournalAltere, creer_le_journal, lire_borne, prendre_borne, pseudonyme
from gateway.stores.lot import Inscription, Lot, Sus, Verdict
from gateway.stores.sql import ecrivain, insertion, ouvrir_moteur

LOT_MAX, LOT_PERSONNES = 64, 6400  # entries and persons of one transaction: well within DELAI_ECRITURE
ATTENTE_VERROU = 4  # seconds that a process waits for another one's transaction
DELAI_ECRITURE = 5.0  # seconds, above ATTENTE_VERROU; beyond, what waits is refused
CODES_MAX = 65_536  # pseudonyms kept: the same persons are read again and again
ESSAI = Inscription(b"")  # what a probe writes and takes back

journal = logging.getLogger("gateway.journal")

Attente = tuple[Inscription, asyncio.Future[Verdict]]


class Journal:
    """Appends by group: while one transaction is being written, the entries that come wait for the next one.

    `signaler` is told whether the store can be written, each time that changes.
    """

    def __init__(self, url: str, sceau: Sceau, signaler: Callable[[bool], None] = lambda _: None) -> None:
        self.moteur = ouvrir_moteur(url, ATTENTE_VERROU, durable=True)
        self._ecrivain = ecrivain(self.moteur, ATTENTE_VERROU)
        self.sceau = sceau
        self._signaler = signaler
        self._disponible = True
        self._attente: deque[Attente] = deque()
        self._tache: asyncio.Task[None] | None = None
        self._sus = Sus()
        self._vu = 0  # number of the last entry this process wrote
        self._coder = lru_cache(CODES_MAX)(partial(pseudonyme, sceau))
        ajout = insertion(self.moteur, PERSONNES).on_conflict_do_nothing()
        self._indexer = str(ajout.compile(dialect=self.moteur.dialect))

    async def ouvrir(self) -> None:
        """Create what is missing. Raises ErreurConfiguration when the store cannot be used, or another key wrote it."""
        try:
            async with self.moteur.begin() as connexion:
                await creer_le_journal(connexion, self.sceau)
                await connexion.run_sync(lire_borne, self.sceau, FIN)
        except JournalAltere:
            raise ErreurConfiguration("journal : scellé par une autre GATEWAY_CLE, ou altéré") from None
        except (SQLAlchemyError, OSError) as erreur:
            raise ErreurConfiguration(f"journal : base inutilisable ({type(erreur).__name__})") from None

    async def fermer(self) -> None:
        if self._tache is not None:
            await self._tache
        await self._ecrivain.fermer()
        await self.moteur.dispose()

    async def sonder(self) -> bool:
        """Whether an entry could be written now: one is, as any other, and taken back."""
        try:
            async with asyncio.timeout(DELAI_ECRITURE), self.moteur.connect() as connexion:
                await connexion.run_sync(partial(self._poser, [ESSAI]))
        except Exception as erreur:
            self._dire(False, type(erreur).__name__)
            return False
        self._dire(True)
        return True

    async def inscrire(self, inscription: Inscription) -> Verdict:
        """Count and write an entry; it is on the disk when this returns. Raises JournalIndisponible.

        When a quota that the entry crosses refuses it (`arret`), nothing was counted nor written.
        """
        faite: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._attente.append((inscription, faite))
        if self._tache is None or self._tache.done():
            self._tache = asyncio.create_task(self._vider())
        return await faite

    async def _vider(self) -> None:
        while self._attente:
            lot = self._prendre_un_lot()
            verdicts = await self._tenter([inscription for inscription, _ in lot])
            if verdicts is None:  # those who wait would only wait longer
                _refuser([*lot, *self._attente])
                self._attente.clear()
            else:
                _rendre(lot, verdicts)

    def _prendre_un_lot(self) -> list[Attente]:
        lot: list[Attente] = []
        while self._attente and len(lot) < LOT_MAX and sum(len(une.personnes) for une, _ in lot) < LOT_PERSONNES:
            lot.append(self._attente.popleft())
        return lot

    async def _tenter(self, inscriptions: Sequence[Inscription]) -> list[Verdict] | None:
        """Write a batch; None when it could not be. Whatever fails, nothing of it may leave."""
        try:
            async with asyncio.timeout(DELAI_ECRITURE):
                verdicts = await self._ecrire(inscriptions)
        except Exception as erreur:  # no failure of a store may let an answer go
            self._dire(False, type(erreur).__name__)
            return None
        self._dire(True)
        return verdicts

    async def _ecrire(self, inscriptions: Sequence[Inscription]) -> list[Verdict]:
        verdicts, lot = await self._ecrivain.transaction(partial(self._poser, inscriptions))
        self._vu = lot.borne.numero
        lot.retenir()
        return verdicts

    def _poser(self, inscriptions: Sequence[Inscription], connexion: Connection) -> tuple[list[Verdict], Lot]:
        lot = Lot(self.sceau, self._prendre(connexion), self._sus)
        verdicts = [lot.ajouter(connexion, une, list(map(self._coder, une.personnes))) for une in inscriptions]
        lot.poser(connexion, self._indexer)
        return verdicts, lot

    def _prendre(self, connexion: Connection) -> Borne:
        borne = prendre_borne(connexion, self.sceau, FIN)
        if borne.numero < self._vu:
            raise JournalAltere("the chain is shorter than what was written")
        return borne

    def _dire(self, disponible: bool, cause: str = "") -> None:
        if disponible is self._disponible:
            return
        self._disponible = disponible
        self._signaler(disponible)
        if disponible:
            journal.warning("journal des lectures de nouveau disponible")
        else:
            journal.error("journal des lectures indisponible (%s) : réponses nominatives refusées", cause)


def _rendre(lot: list[Attente], verdicts: list[Verdict]) -> None:
    for (_, faite), verdict in zip(lot, verdicts, strict=True):
        if not faite.done():  # else its caller left
            faite.set_result(verdict)


def _refuser(attentes: list[Attente]) -> None:
    for _, faite in attentes:
        if not faite.done():
            faite.set_exception(JournalIndisponible("journal des lectures indisponible"))
