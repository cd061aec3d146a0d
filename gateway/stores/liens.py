"""The ledger of links and of first sightings. SQL, pseudonyms and instants; knows no source, no person, no rule.

At rest: stand-ins (HMAC) of records, identities, installations and objects, the name of a source, and when each was seen.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, MetaData, String, Table, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.liens import Alias, Cle, Connus, Ecritures, Lien
from gateway.errors import LiensIndisponibles
from gateway.stores.migrations import migrate
from gateway.stores.sql import insertion, ouvrir_moteur, paquets, read_in

PAQUET = 5_000  # values of one IN, rows of one transaction: both databases accept 32,000
ATTENTE_VERROU = 2  # seconds: a writer waits for another process's, which writes for some tens of milliseconds

_tables = MetaData()
LIENS = Table(
    "liens",
    _tables,
    Column("cle", String(32), primary_key=True),
    Column("objet", String(32), nullable=False),
    Column("depuis", String(32), nullable=False),
    Column("vu_le", String(32), nullable=False),
    Column("identite", String(32), nullable=False),
    Column("origine", String(32), nullable=False),
    Index("liens_par_objet", "objet"),
    Index("liens_par_identite", "identite"),
    Index("liens_par_vue", "vu_le"),
)
ALIAS = Table(
    "liens_alias",
    _tables,
    Column("ancien", String(32), primary_key=True),
    Column("survivant", String(32), nullable=False),
    Column("depuis", String(32), nullable=False),
    Column("rompu", Boolean, nullable=False),
    Index("liens_alias_par_survivant", "survivant"),
)
FAITS = Table(
    "liens_faits",
    _tables,
    Column("cle", String(32), primary_key=True),  # of the record
    Column("fait", String(32), primary_key=True),  # of the fact it tells
    Column("source", String(64), nullable=False),
    Column("vu_le", String(32), nullable=False),
)

Fait = tuple[str, str, str]  # record, fact, name of the source


class Liens:
    """The ledger. Its calls raise LiensIndisponibles. One engine; close it, or its threads keep the process alive."""

    def __init__(self, url: str) -> None:
        self._moteur = ouvrir_moteur(url, ATTENTE_VERROU)
        self._pret = False

    async def fermer(self) -> None:
        await self._moteur.dispose()

    async def lire(self, cles: Collection[str]) -> Connus:
        """The links of these records, and the aliases of their objects."""
        async with self._transaction() as connexion:
            lus = await _liens(connexion, LIENS.c.cle, cles)
            alias = await _alias(connexion, {lien.objet for lien in lus})
        return Connus({lien.cle.cle: lien for lien in lus}, alias=alias)

    async def lire_cousins(self, identites: Collection[str]) -> Connus:
        """The links of the objects that have a record of one of these identities, and the aliases of these objects."""
        async with self._transaction() as connexion:
            objets = {lien.objet for lien in await _liens(connexion, LIENS.c.identite, identites)}
            alias = await _alias(connexion, objets)
            objets |= {nom for un in alias.values() for nom in (un.ancien, un.survivant)}
            return Connus(cousins=await _liens(connexion, LIENS.c.objet, objets), alias=alias)

    async def ecrire(self, ecritures: Ecritures) -> None:
        """Write it, packet by packet: each stays, whatever comes next. What another process wrote first stays too: read
        again to know."""
        for paquet in paquets(ecritures.nouveaux, PAQUET):
            async with self._transaction() as connexion:
                await _inserer(connexion, LIENS, [_ligne(lien) for lien in paquet])
        async with self._transaction() as connexion:
            for ancien, lien in ecritures.changes:
                siens = (LIENS.c.cle == lien.cle.cle) & (LIENS.c.objet == ancien)
                await connexion.execute(LIENS.update().where(siens).values(**_ligne(lien)))
            await _inserer(connexion, ALIAS, [_ligne_alias(alias) for alias in ecritures.alias])
            for rompus in paquets(ecritures.rompus, PAQUET):
                await connexion.execute(ALIAS.update().where(ALIAS.c.ancien.in_(rompus)).values(rompu=True))

    async def premieres_vues(self, faits: Sequence[Fait], instant: datetime) -> dict[tuple[str, str], datetime]:
        """When each fact (record, fact) was first seen; `instant` for one that nobody had seen, which is noted."""
        async with self._transaction() as connexion:
            connues = await _vues(connexion, {cle for cle, _, _ in faits})
        absents = [
            {"cle": cle, "fait": fait, "source": source, "vu_le": _texte(instant)}
            for cle, fait, source in faits
            if (cle, fait) not in connues
        ]
        if absents:
            async with self._transaction() as connexion:
                await _inserer(connexion, FAITS, absents)
                connues = await _vues(connexion, {cle for cle, _, _ in faits})
        return connues

    async def purger(self, avant: datetime) -> None:
        """Forget the records that no reading has met since, their facts, and the aliases that lead nowhere any more."""
        async with self._transaction() as connexion:
            await connexion.execute(delete(LIENS).where(LIENS.c.vu_le < _texte(avant)))
            anonymes = FAITS.c.cle.not_in(select(LIENS.c.cle))
            await connexion.execute(delete(FAITS).where(anonymes, FAITS.c.vu_le < _texte(avant)))
            await connexion.execute(delete(ALIAS).where(ALIAS.c.survivant.not_in(select(LIENS.c.objet))))

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        """A reading, or a writing kept whole. The first one creates what is missing."""
        try:
            async with self._moteur.begin() as connexion:
                if not self._pret:
                    await connexion.run_sync(migrate, "liens")
                yield connexion
                self._pret = True
        except (SQLAlchemyError, OSError) as erreur:
            raise LiensIndisponibles(type(erreur).__name__) from None


async def _inserer(connexion: AsyncConnection, table: Table, lignes: Sequence[Mapping[str, Any]]) -> None:
    if lignes:
        await connexion.execute(insertion(connexion, table).on_conflict_do_nothing(), lignes)


async def _liens(connexion: AsyncConnection, colonne: Any, valeurs: Collection[str]) -> list[Lien]:
    return [
        Lien(Cle(cle, identite, origine), objet, _instant(depuis), _instant(vu_le))
        for cle, objet, depuis, vu_le, identite, origine in await read_in(
            connexion, select(LIENS), [colonne], valeurs, PAQUET
        )
    ]


async def _alias(connexion: AsyncConnection, objets: Collection[str]) -> dict[str, Alias]:
    """The aliases that lead to or from these objects, however many steps away."""
    trouves: dict[str, Alias] = {}
    connus, restants = set(objets), set(objets)
    while restants:
        for ancien, survivant, depuis, rompu in await read_in(
            connexion, select(ALIAS), [ALIAS.c.ancien, ALIAS.c.survivant], restants, PAQUET
        ):
            trouves[ancien] = Alias(ancien, survivant, _instant(depuis), rompu)
        restants = {nom for alias in trouves.values() for nom in (alias.ancien, alias.survivant)} - connus
        connus |= restants
    return trouves


async def _vues(connexion: AsyncConnection, cles: Collection[str]) -> dict[tuple[str, str], datetime]:
    lues = await read_in(connexion, select(FAITS), [FAITS.c.cle], cles, PAQUET)
    return {(cle, fait): _instant(vu_le) for cle, fait, _, vu_le in lues}


def _ligne(lien: Lien) -> dict[str, str]:
    cle = {"cle": lien.cle.cle, "identite": lien.cle.identite, "origine": lien.cle.origine}
    return {**cle, "objet": lien.objet, "depuis": _texte(lien.depuis), "vu_le": _texte(lien.vu_le)}


def _ligne_alias(alias: Alias) -> dict[str, Any]:
    survivant = {"survivant": alias.survivant, "depuis": _texte(alias.depuis)}
    return {"ancien": alias.ancien, **survivant, "rompu": alias.rompu}


def _texte(instant: datetime) -> str:
    """Of one length and one offset, so that texts sort as instants do."""
    return instant.astimezone(UTC).isoformat(timespec="seconds")


def _instant(texte: str) -> datetime:
    return datetime.fromisoformat(texte)
