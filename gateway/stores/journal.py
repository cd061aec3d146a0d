"""The reading journal: one chain for all the processes of a database, written before answers leave. SQL, no rule of access.

At rest: what was read in names of fields, by whom, for what, and pseudonyms of persons (64 bits of an HMAC). No value.
"""

import asyncio
import logging
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table, event, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateTable

from gateway.domain.chaine import GENESE, Borne, sceau_de_borne, suivante
from gateway.domain.sceau import Sceau
from gateway.errors import ErreurConfiguration, JournalIndisponible

LOT_MAX = 256  # entries of one transaction
DELAI_ECRITURE = 5.0  # seconds; beyond, what waits is refused
ATTENTE_VERROU = 4  # seconds that a writer waits for another one, below the above
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
    """What is to be written: the entry, and the keys of the persons it speaks of, in order."""

    contenu: bytes
    personnes: tuple[str, ...] = ()


class Journal:
    """Appends by group: while one transaction is being written, the entries that come wait for the next one.

    `signaler` is told whether the store can be written, each time that changes.
    """

    def __init__(self, url: str, sceau: Sceau, signaler: Callable[[bool], None] = lambda _: None) -> None:
        self.moteur: AsyncEngine = create_async_engine(url)
        self.sceau = sceau
        self._signaler = signaler
        self._disponible = True
        self._attente: list[tuple[Inscription, asyncio.Future[None]]] = []
        self._ecrivain: asyncio.Task[None] | None = None
        self._vu = 0  # number of the last entry this process wrote
        if self.moteur.dialect.name == "sqlite":
            event.listen(self.moteur.sync_engine, "connect", _regler_sqlite)

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

    async def inscrire(self, inscription: Inscription) -> None:
        """Write an entry; it is on the disk when this returns. Raises JournalIndisponible."""
        faite: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._attente.append((inscription, faite))
        if self._ecrivain is None or self._ecrivain.done():
            self._ecrivain = asyncio.create_task(self._vider())
        await faite

    async def _vider(self) -> None:
        while self._attente:
            lot, self._attente = self._attente[:LOT_MAX], self._attente[LOT_MAX:]
            erreur = await self._tenter([inscription for inscription, _ in lot])
            for _, faite in lot:
                if faite.done():  # its caller left
                    continue
                if erreur is None:
                    faite.set_result(None)
                else:
                    faite.set_exception(JournalIndisponible("journal des lectures indisponible"))

    async def _tenter(self, inscriptions: Sequence[Inscription]) -> Exception | None:
        """Write a batch. Whatever fails, nothing of it may leave."""
        try:
            async with asyncio.timeout(DELAI_ECRITURE):
                await self._ecrire(inscriptions)
        except Exception as erreur:  # no failure of a store may let an answer go
            self._dire(False, type(erreur).__name__)
            return erreur
        self._dire(True)
        return None

    async def _ecrire(self, inscriptions: Sequence[Inscription]) -> None:
        async with self.moteur.begin() as connexion:
            borne = await self._prendre(connexion)
            entrees: list[dict[str, Any]] = []
            index: list[dict[str, Any]] = []
            for inscription in inscriptions:
                codes = [pseudonyme(self.sceau, cle) for cle in inscription.personnes]
                personnes = empaqueter(codes)
                borne = suivante(self.sceau, borne, inscription.contenu, personnes)
                entrees.append(_ligne(borne, inscription.contenu, personnes))
                index += [{"personne": code, "numero": borne.numero} for code in dict.fromkeys(codes)]
            await connexion.execute(ENTREES.insert(), entrees)
            if index:
                await connexion.execute(PERSONNES.insert(), index)
            await poser_borne(connexion, self.sceau, FIN, borne)
        self._vu = borne.numero

    async def _prendre(self, connexion: AsyncConnection) -> Borne:
        """The end of the chain, held until the transaction ends: writers of all processes queue here."""
        await connexion.execute(update(BORNES).where(BORNES.c.nom == FIN).values(numero=BORNES.c.numero))
        borne = await lire_borne(connexion, self.sceau, FIN)
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


async def lire_borne(connexion: AsyncConnection, sceau: Sceau, nom: str) -> Borne:
    """One end of the chain. Raises JournalAltere when it is missing or not signed by this gateway."""
    lue = (await connexion.execute(select(BORNES).where(BORNES.c.nom == nom))).first()
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


def insertion(connexion: AsyncConnection, table: Table) -> Any:
    """An INSERT that may say what to do with a row already there: both databases know how, each in its module."""
    return (postgresql if connexion.dialect.name == "postgresql" else sqlite).insert(table)


def _ligne(borne: Borne, contenu: bytes, personnes: bytes) -> dict[str, Any]:
    return {"numero": borne.numero, "contenu": contenu, "personnes": personnes, "empreinte": borne.empreinte}


async def _creer(connexion: AsyncConnection, sceau: Sceau) -> None:
    if connexion.dialect.name == "postgresql":
        await connexion.execute(text("SELECT pg_advisory_xact_lock(20211014)"))  # processes that start together
    for table in _tables.sorted_tables:
        await connexion.execute(CreateTable(table, if_not_exists=True))
    bornes = [
        {"nom": nom, "numero": 0, "empreinte": GENESE.empreinte, "sceau": sceau_de_borne(sceau, nom, GENESE)}
        for nom in (DEBUT, FIN)
    ]
    await connexion.execute(insertion(connexion, BORNES).on_conflict_do_nothing(), bornes)


def _regler_sqlite(connexion: Any, _: object) -> None:
    """Readers go on while entries are written; what is written survives a power cut."""
    curseur = connexion.cursor()
    curseur.execute(f"PRAGMA busy_timeout={ATTENTE_VERROU * 1000}")
    curseur.execute("PRAGMA journal_mode=WAL")
    curseur.execute("PRAGMA synchronous=FULL")
    curseur.close()
