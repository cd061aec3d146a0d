"""The harvested registry, sealed at rest, as it is read (`grange` writes it). SQL, and nothing of partners.

At rest: a pseudonym of the contract, one of the person, the postal code, the CFA and the month of the planned end (which
index and identify nobody), the day, and the sealed row. No name, birth date, contact nor contract number can be read there.
"""

import asyncio
import hashlib
import json
import logging
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Column, Date, Float, Index, Integer, LargeBinary, MetaData, String, Table, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.sceau import Sceau
from gateway.domain.temps import PARIS
from gateway.errors import ErreurConfiguration, RegistreIndisponible
from gateway.stores.migrations import migrate
from gateway.stores.sql import insertion, ouvrir_moteur, read_in

USAGE = "registre"
FORMAT = "3"  # of the rows at rest: another one is harvested again, the registry being the truth
PAQUET = 500  # values of one IN: SQLite accepts many more, query plans stay simple
SOUFFLE = 200  # contracts put together between two breaths of the event loop
ATTENTE_VERROU = 30  # seconds: the service and a harvest by hand may write at the same time

journal = logging.getLogger("gateway.registre")

_tables = MetaData()
LIGNES = Table(
    "registre_lignes",
    _tables,
    Column("contrat", String(32), primary_key=True),
    Column("vue", String(8), primary_key=True),
    Column("fenetre", Date, primary_key=True),  # last day of the window it came from
    Column("rang", Integer, primary_key=True),  # order in the window
    Column("personne", String(32), nullable=False),
    Column("code_postal", String(5)),
    Column("cfa", String(14)),  # UAI, or SIRET where the registry lacks it
    Column(
        "fin", Date, nullable=False
    ),  # month of the planned end it tells, as its first day: what retention counts from
    Column("scelle", LargeBinary, nullable=False),
    Index("registre_par_personne", "personne", "contrat"),
    Index("registre_par_code_postal", "code_postal", "contrat"),
    Index("registre_par_cfa", "cfa", "contrat"),
    Index("registre_par_fenetre", "fenetre"),
    Index("registre_par_fin", "fin"),
)
FENETRES = Table(
    "registre_fenetres",
    _tables,
    Column("debut", Date, primary_key=True),
    Column("fin", Date, nullable=False),
    Column("lignes", Integer, nullable=False),
    Column("importee_le", String(32), nullable=False),
)
CHANTIER = Table(  # the window under way, if any: its rows are written, and not read yet
    "registre_chantier",
    _tables,
    Column("debut", Date, primary_key=True),
    Column("fin", Date, nullable=False),
    Column("vue", Integer, nullable=False),  # the next page to ask for: of which view,
    Column("page", Integer, nullable=False),  # which one,
    Column("total", Integer, nullable=False),  # of how many
    Column("lignes", Integer, nullable=False),  # written so far
)
ETAT = Table(  # one row
    "registre_etat",
    _tables,
    Column("temoin", String(32), primary_key=True),  # tells the key and the format that wrote the rest
    Column("imports", Integer, nullable=False),  # only grows
    Column("moissonneur", String(32)),  # the process that harvests
    Column("bail", Float, nullable=False),  # until when, in seconds since 1970, unless it says so again
)
VISIBLES = LIGNES.c.fenetre.not_in(select(CHANTIER.c.fin))


@dataclass(frozen=True, slots=True)
class Fenetre:
    """Days of processing, both included."""

    debut: date
    fin: date


@dataclass(frozen=True, slots=True)
class ContratStocke:
    """The sealed rows of one contract, in order of day, and the pseudonyms of the contract and of its person.

    `empreinte` changes with the rows: what was made of them may be kept under it.
    """

    contrat: str
    personne: str
    empreinte: bytes
    lignes: tuple[Any, ...] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Avancee:
    """How far the harvest went. `version` changes at each import; `as_of` is what the data may claim (see `avancee`)."""

    dernier_jour: date | None
    as_of: datetime | None
    lignes: int
    version: str


class Registre:
    """The store of the registry. One engine; close it, or its threads keep the process alive."""

    def __init__(self, url: str, sceau: Sceau) -> None:
        self.moteur = ouvrir_moteur(url, ATTENTE_VERROU)
        self.sceau = sceau

    async def ouvrir(self) -> None:
        """Create what is missing. Raises ErreurConfiguration when the store cannot be used, or another key or format wrote
        what is there."""
        try:
            async with self.moteur.begin() as connexion:
                await connexion.run_sync(migrate, "registre")
                await self._reconnaitre(connexion)
        except (SQLAlchemyError, OSError) as erreur:
            raise ErreurConfiguration(f"registre : base inutilisable ({type(erreur).__name__})") from None

    async def _reconnaitre(self, connexion: AsyncConnection) -> None:
        """Sign an empty store; refuse one that another key signed."""
        temoin = self.sceau.pseudonyme(USAGE, f"temoin/{FORMAT}")
        lu = await connexion.scalar(select(ETAT.c.temoin))
        if lu is None and not await connexion.scalar(select(func.count()).select_from(FENETRES)):
            ajout = insertion(connexion, ETAT).values(temoin=temoin, imports=0, bail=0.0)
            await connexion.execute(ajout.on_conflict_do_nothing())
        elif lu != temoin:
            raise ErreurConfiguration(
                "registre : copie scellée par une autre GATEWAY_CLE ou d'un autre format ; la supprimer et moissonner"
            )

    async def fermer(self) -> None:
        await self.moteur.dispose()

    async def avancee(self) -> Avancee:
        """How far the harvest went. Raises RegistreIndisponible.

        `as_of` is the instant the latest window was imported, but never after the day that follows it: a backfill
        still under way in 2022 is not fresh.
        """
        derniere = select(FENETRES.c.fin, FENETRES.c.importee_le).order_by(FENETRES.c.fin.desc()).limit(1)
        async with self._lecture() as connexion:
            lignes = await connexion.scalar(select(func.sum(FENETRES.c.lignes))) or 0
            version = str(await connexion.scalar(select(ETAT.c.imports)))
            lue = (await connexion.execute(derniere)).first()
        if lue is None:
            return Avancee(None, None, 0, version)
        horizon = datetime.combine(lue.fin + timedelta(days=2), time(), PARIS).astimezone(UTC)
        return Avancee(lue.fin, min(datetime.fromisoformat(lue.importee_le), horizon), lignes, version)

    async def contrats(
        self, codes_postaux: Collection[str], cfas: Collection[str], identites: Collection[str]
    ) -> list[ContratStocke]:
        """All the contracts of every person with a row of such a postal code, such a CFA or such an identity key.

        A contract belongs to whom its last row names: a name corrected since does not leave half a contract behind.
        Raises RegistreIndisponible.
        """
        async with self._lecture() as connexion:
            touches = await _touches(
                connexion, codes_postaux, cfas, [pseudonyme_personne(self.sceau, cle) for cle in identites]
            )
            siens = await _lignes(connexion, touches)
            personnes = _titulaires(siens)
            voisins = await _contrats(connexion, LIGNES.c.personne, personnes) - touches
            lues = [*siens, *await _lignes(connexion, voisins)]
        return await _grouper(lues, personnes)

    @asynccontextmanager
    async def _lecture(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self.moteur.connect() as connexion:
                yield connexion
        except (SQLAlchemyError, OSError) as erreur:
            raise RegistreIndisponible(type(erreur).__name__) from None

    def charges(self, stocke: ContratStocke) -> tuple[dict[str, Any], ...]:
        """The partner's objects of a contract, in order of day. A row tampered with is left out, and counted in the log."""
        lues = tuple(charge for ligne in stocke.lignes if (charge := self._ouvrir(ligne)) is not None)
        if len(lues) < len(stocke.lignes):
            journal.error("registre : %d ligne(s) altérée(s), mise(s) de côté", len(stocke.lignes) - len(lues))
        return lues

    def empreinte(self, *ensembles: Collection[str]) -> str:
        """A stand-in for sets of keys, that tells nothing of them: what a cache may be keyed by."""
        return self.sceau.pseudonyme("registre/lecture", json.dumps([sorted(ensemble) for ensemble in ensembles]))

    def _ouvrir(self, lue: Any) -> dict[str, Any] | None:
        clair = self.sceau.ouvrir(USAGE, lue.scelle, lien(lue.contrat, lue.vue, lue.fenetre, lue.rang))
        return None if clair is None else dict(json.loads(zlib.decompress(clair)))


async def _grouper(lues: Iterable[Any], personnes: Collection[str]) -> list[ContratStocke]:
    par_contrat: dict[str, list[Any]] = defaultdict(list)
    for lue in lues:
        par_contrat[lue.contrat].append(lue)
    stockes = []
    for numero, contrat in enumerate(sorted(par_contrat), 1):
        ordre = sorted(par_contrat[contrat], key=_ordre)
        if ordre[-1].personne in personnes:
            empreinte = hashlib.blake2b(b"".join(lue.scelle for lue in ordre), digest_size=16).digest()
            stockes.append(ContratStocke(contrat, ordre[-1].personne, empreinte, tuple(ordre)))
        if numero % SOUFFLE == 0:
            await asyncio.sleep(0)
    return stockes


def pseudonyme_personne(sceau: Sceau, identite: str) -> str:
    """Stands for a person, by her identity key."""
    return sceau.pseudonyme("registre/personne", identite)


def lien(contrat: str, vue: str, fenetre: date, rang: int) -> bytes:
    """What a sealed row is bound to: moved under another key, it does not open."""
    return f"{contrat}|{vue}|{fenetre.isoformat()}|{rang}".encode()


def _ordre(lue: Any) -> tuple[date, str, int]:
    return lue.fenetre, lue.vue, lue.rang


def _titulaires(lues: Iterable[Any]) -> set[str]:
    """The persons named by the last row of each contract."""
    dernieres: dict[str, Any] = {}
    for lue in lues:
        connue = dernieres.get(lue.contrat)
        if connue is None or _ordre(connue) < _ordre(lue):
            dernieres[lue.contrat] = lue
    return {lue.personne for lue in dernieres.values()}


async def _touches(
    connexion: AsyncConnection, codes_postaux: Collection[str], cfas: Collection[str], personnes: Collection[str]
) -> set[str]:
    """The contracts with a row under one of these keys."""
    colonnes = ((LIGNES.c.code_postal, codes_postaux), (LIGNES.c.cfa, cfas), (LIGNES.c.personne, personnes))
    return {contrat for colonne, valeurs in colonnes for contrat in await _contrats(connexion, colonne, valeurs)}


async def _contrats(connexion: AsyncConnection, colonne: Any, valeurs: Collection[str]) -> set[str]:
    requete = select(LIGNES.c.contrat).distinct().where(VISIBLES)
    return {lue.contrat for lue in await read_in(connexion, requete, [colonne], valeurs, PAQUET)}


async def _lignes(connexion: AsyncConnection, contrats: Collection[str]) -> list[Any]:
    return await read_in(connexion, select(LIGNES).where(VISIBLES), [LIGNES.c.contrat], contrats, PAQUET)
