"""The tables of the reading journal, and the two signed ends of its chain. SQL over a connection passed in.

At rest: what was read in names of fields, by whom, for what, and pseudonyms of persons (64 bits of an HMAC). No value.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    CursorResult,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.chaine import GENESE, Borne, sceau_de_borne
from gateway.domain.sceau import Sceau
from gateway.stores.migrations import migrate
from gateway.stores.sql import insertion

DEBUT, FIN = "debut", "fin"

_tables = MetaData()
_numero = BigInteger().with_variant(Integer, "sqlite")
ENTREES = Table(
    "journal_entrees",
    _tables,
    Column("numero", _numero, primary_key=True, autoincrement=False),
    Column("contenu", LargeBinary, nullable=False),  # JSON
    Column("personnes", LargeBinary, nullable=False),  # pseudonyms, 8 bytes each
    Column("empreinte", LargeBinary, nullable=False),
    Column("ensemble", BigInteger, nullable=False),  # stands for these pseudonyms, whatever their order
    Index("journal_par_ensemble", "ensemble", "numero"),
)
PERSONNES = Table(  # the same pseudonyms, the other way round; a page read again brings no row
    "journal_personnes",
    _tables,
    Column("personne", BigInteger, primary_key=True, autoincrement=False),
    Column("ensemble", BigInteger, primary_key=True, autoincrement=False),
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


def lire_borne(connexion: Connection, sceau: Sceau, nom: str) -> Borne:
    """One end of the chain. Raises JournalAltere when it is missing or not signed by this gateway."""
    return _borne(connexion.execute(select(BORNES).where(BORNES.c.nom == nom)), sceau, nom)


# Written once: each batch of entries goes through both, and to put a statement together takes as long as to run it.
_LA_BORNE = BORNES.c.nom == bindparam("cette")
_PRENDRE = update(BORNES).where(_LA_BORNE).values(numero=BORNES.c.numero).returning(BORNES)
_MARQUEE = (BORNES.c.numero, BORNES.c.empreinte, BORNES.c.sceau)
_POSER = update(BORNES).where(_LA_BORNE).values({colonne: bindparam(colonne.name) for colonne in _MARQUEE})


def prendre_borne(connexion: Connection, sceau: Sceau, nom: str) -> Borne:
    """The same, held until the transaction ends: the writers of all processes queue here."""
    return _borne(connexion.execute(_PRENDRE, {"cette": nom}), sceau, nom)


def _borne(lues: CursorResult[Any], sceau: Sceau, nom: str) -> Borne:
    lue = lues.first()
    if lue is None:
        raise JournalAltere(f"no {nom}")
    borne = Borne(lue.numero, lue.empreinte)
    if lue.sceau != sceau_de_borne(sceau, nom, borne):
        raise JournalAltere(f"{nom} is not signed by this key")
    return borne


def poser_borne(connexion: Connection, sceau: Sceau, nom: str, borne: Borne) -> None:
    """Move one end of the chain, signed."""
    signee = {"numero": borne.numero, "empreinte": borne.empreinte, "sceau": sceau_de_borne(sceau, nom, borne)}
    connexion.execute(_POSER, {"cette": nom, **signee})


def pseudonyme(sceau: Sceau, cle: str) -> int:
    """Stands for a person in the journal, by her secret key: 64 bits, signed as SQL wants them."""
    return int.from_bytes(sceau.empreinte("journal/personne", cle.encode())[:8], "big", signed=True)


def ensemble_de(sceau: Sceau, personnes: Iterable[int]) -> int:
    """Stands for distinct persons together, as `pseudonyme` does for one."""
    return int.from_bytes(sceau.empreinte("journal/ensemble", empaqueter(sorted(personnes)))[:8], "big", signed=True)


def empaqueter(codes: Sequence[int]) -> bytes:
    return struct.pack(f">{len(codes)}q", *codes)


def deballer(personnes: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(personnes) // 8}q", personnes)


async def creer_le_journal(connexion: AsyncConnection, sceau: Sceau) -> None:
    """What is missing. The ends that are there are not named to be written: that would wait for whoever writes."""
    await connexion.run_sync(migrate, "journal")
    if (await connexion.execute(select(BORNES.c.nom))).first():
        return
    bornes = [
        {"nom": nom, "numero": 0, "empreinte": GENESE.empreinte, "sceau": sceau_de_borne(sceau, nom, GENESE)}
        for nom in (DEBUT, FIN)
    ]
    await connexion.execute(insertion(connexion, BORNES).on_conflict_do_nothing(), bornes)
