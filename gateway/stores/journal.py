"""The reading journal: one chain for all the processes of a database, written before answers leave. SQL, no rule of access.

At rest: what was read in names of fields, by whom, for what, and pseudonyms of persons (64 bits of an HMAC). No value.
"""

import asyncio
import logging
import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    CursorResult,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.chaine import GENESE, Borne, sceau_de_borne, suivante
from gateway.domain.quotas import Comptage, Franchissement
from gateway.domain.sceau import Sceau
from gateway.errors import ErreurConfiguration, JournalIndisponible
from gateway.stores import quotas
from gateway.stores.sql import creer, insertion, ouvrir_moteur

LOT_MAX, LOT_PERSONNES = 64, 6400  # entries and persons of one transaction: well within DELAI_ECRITURE
ATTENTE_VERROU = 4  # seconds that a process waits for another one's transaction
DELAI_ECRITURE = 5.0  # seconds, above ATTENTE_VERROU; beyond, what waits is refused
CODES_MAX = 65_536  # pseudonyms kept: the same persons are read again and again
DEBUT, FIN = "debut", "fin"

journal = logging.getLogger("gateway.journal")

_tables = MetaData()
_numero = BigInteger().with_variant(Integer, "sqlite")
ENTREES = Table(
    "journal_entrees",
    _tables,
    Column("numero", _numero, primary_key=True, autoincrement=False),
    Column("contenu", LargeBinary, nullable=False),  # JSON
    Column("personnes", LargeBinary, nullable=False),  # pseudonyms, 8 bytes each
    Column("empreinte", LargeBinary, nullable=False),
)
PERSONNES = Table(  # the same pseudonyms, the other way round: who read this person
    "journal_personnes",
    _tables,
    Column("personne", BigInteger, primary_key=True, autoincrement=False),
    Column("numero", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
BORNES = Table(  # "debut", moved by a purge, and "fin"
    "journal_bornes",
    _tables,
    Column("nom", String(8), primary_key=True),
    Column("numero", BigInteger, nullable=False),
    Column("empreinte", LargeBinary, nullable=False),
    Column("sceau", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


class JournalAltere(Exception):
    """The store is not what this gateway wrote: nothing may be added to it."""


@dataclass(frozen=True, slots=True)
class Inscription:
    """What is to be written: the entry, the keys of the persons it speaks of, in order, and how to count them."""

    contenu: bytes
    personnes: tuple[str, ...] = ()
    comptage: Comptage | None = None


Verdict = list[Franchissement]
Attente = tuple[Inscription, asyncio.Future[Verdict]]


class Journal:
    """Appends by group: while one transaction is being written, the entries that come wait for the next one.

    `signaler` is told whether the store can be written, each time that changes.
    """

    def __init__(self, url: str, sceau: Sceau, signaler: Callable[[bool], None] = lambda _: None) -> None:
        self.moteur = ouvrir_moteur(url, ATTENTE_VERROU, durable=True)
        self.sceau = sceau
        self._signaler = signaler
        self._disponible = True
        self._attente: deque[Attente] = deque()
        self._ecrivain: asyncio.Task[None] | None = None
        self._comptees = quotas.Comptees()
        self._vu = 0  # number of the last entry this process wrote
        self._coder = lru_cache(CODES_MAX)(partial(pseudonyme, sceau))
        self._indexer = str(PERSONNES.insert().compile(dialect=self.moteur.dialect))

    async def ouvrir(self) -> None:
        """Create what is missing. Raises ErreurConfiguration when the store cannot be used, or another key wrote it."""
        try:
            async with self.moteur.begin() as connexion:
                await _creer(connexion, self.sceau)
                await lire_borne(connexion, self.sceau, FIN)
        except JournalAltere:
            raise ErreurConfiguration("journal : scellé par une autre GATEWAY_CLE, ou altéré") from None
        except (SQLAlchemyError, OSError) as erreur:
            raise ErreurConfiguration(f"journal : base inutilisable ({type(erreur).__name__})") from None

    async def fermer(self) -> None:
        if self._ecrivain is not None:
            await self._ecrivain
        await self.moteur.dispose()

    async def sonder(self) -> bool:
        """Whether an entry could be written now: the end of the chain is taken as a writing takes it, and given back."""
        try:
            async with asyncio.timeout(DELAI_ECRITURE), self.moteur.connect() as connexion:
                await self._prendre(connexion)
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
        if self._ecrivain is None or self._ecrivain.done():
            self._ecrivain = asyncio.create_task(self._vider())
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
        async with self.moteur.begin() as connexion:
            borne = await self._prendre(connexion)
            lot = _Lot(self.sceau, borne, self._comptees)
            verdicts = [await lot.ajouter(connexion, une, self._codes(une)) for une in inscriptions]
            await lot.poser(connexion, self._indexer)
        self._vu = lot.borne.numero
        lot.retenir()
        return verdicts

    def _codes(self, inscription: Inscription) -> list[int]:
        return [self._coder(cle) for cle in inscription.personnes]

    async def _prendre(self, connexion: AsyncConnection) -> Borne:
        borne = await prendre_borne(connexion, self.sceau, FIN)
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


class _Lot:
    """The entries of one transaction, as they are chained."""

    def __init__(self, sceau: Sceau, borne: Borne, comptees: quotas.Comptees) -> None:
        self.borne = borne
        self._comptees = comptees
        self._nouvelles: list[tuple[Comptage, list[int]]] = []
        self._sceau = sceau
        self._entrees: list[dict[str, Any]] = []
        self._index: list[tuple[int, int]] = []

    async def ajouter(self, connexion: AsyncConnection, inscription: Inscription, codes: list[int]) -> Verdict:
        distincts = list(dict.fromkeys(codes))
        verdict = await self._compter(connexion, inscription.comptage, distincts)
        if not any(franchi.arret for franchi in verdict):
            personnes = empaqueter(codes)
            self.borne = suivante(self._sceau, self.borne, inscription.contenu, personnes)
            self._entrees.append(_ligne(self.borne, inscription.contenu, personnes))
            self._index += [(code, self.borne.numero) for code in distincts]
        return verdict

    async def _compter(self, connexion: AsyncConnection, comptage: Comptage | None, personnes: list[int]) -> Verdict:
        if comptage is None or self._comptees.toutes(comptage, personnes):
            return []
        verdict = await quotas.compter(connexion, comptage, personnes)
        if not any(franchi.arret for franchi in verdict):
            self._nouvelles.append((comptage, personnes))
        return verdict

    def retenir(self) -> None:
        """The transaction is committed: what was counted stays counted."""
        for comptage, personnes in self._nouvelles:
            self._comptees.retenir(comptage, personnes)

    async def poser(self, connexion: AsyncConnection, indexer: str) -> None:
        """Write. `indexer`: an insertion in PERSONNES as the driver reads it, for rows by the hundred."""
        if self._entrees:
            await connexion.execute(ENTREES.insert(), self._entrees)
            await poser_borne(connexion, self._sceau, FIN, self.borne)
        if self._index:
            await connexion.exec_driver_sql(indexer, self._index)


async def lire_borne(connexion: AsyncConnection, sceau: Sceau, nom: str) -> Borne:
    """One end of the chain. Raises JournalAltere when it is missing or not signed by this gateway."""
    return _borne(await connexion.execute(select(BORNES).where(BORNES.c.nom == nom)), sceau, nom)


async def prendre_borne(connexion: AsyncConnection, sceau: Sceau, nom: str) -> Borne:
    """The same, held until the transaction ends: the writers of all processes queue here."""
    prise = update(BORNES).where(BORNES.c.nom == nom).values(numero=BORNES.c.numero).returning(BORNES)
    return _borne(await connexion.execute(prise), sceau, nom)


def _borne(lues: CursorResult[Any], sceau: Sceau, nom: str) -> Borne:
    lue = lues.first()
    if lue is None:
        raise JournalAltere(f"no {nom}")
    borne = Borne(lue.numero, lue.empreinte)
    if lue.sceau != sceau_de_borne(sceau, nom, borne):
        raise JournalAltere(f"{nom} is not signed by this key")
    return borne


async def poser_borne(connexion: AsyncConnection, sceau: Sceau, nom: str, borne: Borne) -> None:
    """Move one end of the chain, signed."""
    signee = {"numero": borne.numero, "empreinte": borne.empreinte, "sceau": sceau_de_borne(sceau, nom, borne)}
    await connexion.execute(update(BORNES).where(BORNES.c.nom == nom).values(**signee))


def pseudonyme(sceau: Sceau, cle: str) -> int:
    """Stands for a person in the journal, by her secret key: 64 bits, signed as SQL wants them."""
    return int.from_bytes(sceau.empreinte("journal/personne", cle.encode())[:8], "big", signed=True)


def empaqueter(codes: Sequence[int]) -> bytes:
    return struct.pack(f">{len(codes)}q", *codes)


def deballer(personnes: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(personnes) // 8}q", personnes)


def _ligne(borne: Borne, contenu: bytes, personnes: bytes) -> dict[str, Any]:
    return {"numero": borne.numero, "contenu": contenu, "personnes": personnes, "empreinte": borne.empreinte}


async def _creer(connexion: AsyncConnection, sceau: Sceau) -> None:
    await creer(connexion, (*_tables.sorted_tables, *quotas.TABLES))
    bornes = [
        {"nom": nom, "numero": 0, "empreinte": GENESE.empreinte, "sceau": sceau_de_borne(sceau, nom, GENESE)}
        for nom in (DEBUT, FIN)
    ]
    await connexion.execute(insertion(connexion, BORNES).on_conflict_do_nothing(), bornes)
