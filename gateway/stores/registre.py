"""The harvested registry, sealed at rest. SQL and nothing of partners: rows come in as values, and go out as them.

At rest: a pseudonym of the contract, one of the person, the postal code and the CFA (which index and identify nobody), the
day, and the sealed row. No name, birth date, contact nor contract number can be read in the file.
"""

import asyncio
import hashlib
import json
import logging
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from sqlalchemy import Column, Date, Index, Integer, LargeBinary, MetaData, String, Table, delete, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.identity import cle_identite
from gateway.domain.sceau import Sceau
from gateway.domain.temps import PARIS
from gateway.errors import ErreurConfiguration
from gateway.stores.lignes import LigneRegistre
from gateway.stores.sql import creer, insertion, ouvrir_moteur, paquets, parmi

T = TypeVar("T")

USAGE = "registre"
FORMAT = "2"  # of the rows at rest: another one is harvested again, the registry being the truth
PAQUET = 500  # values of one IN: SQLite accepts many more, query plans stay simple
SOUFFLE = 200  # rows sealed, or contracts put together, between two breaths of the event loop
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
    Column("scelle", LargeBinary, nullable=False),
    Index("registre_par_personne", "personne", "contrat"),
    Index("registre_par_code_postal", "code_postal", "contrat"),
    Index("registre_par_cfa", "cfa", "contrat"),
    Index("registre_par_fenetre", "fenetre"),
)
FENETRES = Table(
    "registre_fenetres",
    _tables,
    Column("debut", Date, primary_key=True),
    Column("fin", Date, nullable=False),
    Column("lignes", Integer, nullable=False),
    Column("importee_le", String(32), nullable=False),
)
ETAT = Table(  # one row
    "registre_etat",
    _tables,
    Column("temoin", String(32), primary_key=True),  # tells the key and the format that wrote the rest
    Column("imports", Integer, nullable=False),  # only grows
)


class FenetreRefusee(ValueError):
    """A window that overlaps another without being it: its rows would be told twice."""


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
        self._sceau = sceau

    async def ouvrir(self) -> None:
        """Create what is missing. Raises ErreurConfiguration when the store cannot be used, or another key or format wrote
        what is there."""
        try:
            async with self.moteur.begin() as connexion:
                await creer(connexion, _tables.sorted_tables)
                await self._reconnaitre(connexion)
        except (SQLAlchemyError, OSError) as erreur:
            raise ErreurConfiguration(f"registre : base inutilisable ({type(erreur).__name__})") from None

    async def _reconnaitre(self, connexion: AsyncConnection) -> None:
        """Sign an empty store; refuse one that another key signed."""
        temoin = self._sceau.pseudonyme(USAGE, f"temoin/{FORMAT}")
        lu = await connexion.scalar(select(ETAT.c.temoin))
        if lu is None and not await connexion.scalar(select(func.count()).select_from(FENETRES)):
            ajout = insertion(connexion, ETAT).values(temoin=temoin, imports=0)
            await connexion.execute(ajout.on_conflict_do_nothing())
        elif lu != temoin:
            raise ErreurConfiguration(
                "registre : copie scellée par une autre GATEWAY_CLE ou d'un autre format ; la supprimer et moissonner"
            )

    async def fermer(self) -> None:
        await self.moteur.dispose()

    async def importer(self, fenetre: Fenetre, lignes: Sequence[LigneRegistre], instant: datetime) -> None:
        """Replace a window: its rows and the mark of its import are written together, or not at all.

        Raises FenetreRefusee for a window that overlaps another one.
        """
        async with self.moteur.begin() as connexion:
            await connexion.execute(ETAT.update().values(imports=ETAT.c.imports + 1))  # first: writers queue here
            await connexion.execute(delete(FENETRES).where(_est(fenetre)))
            if await connexion.scalar(select(func.count()).where(_chevauche(fenetre))):
                raise FenetreRefusee(f"{fenetre.debut} → {fenetre.fin}")
            await connexion.execute(delete(LIGNES).where(LIGNES.c.fenetre == fenetre.fin))
            for paquet in paquets(list(enumerate(lignes)), SOUFFLE):
                await connexion.execute(
                    LIGNES.insert(), [self._sceller(ligne, fenetre, rang) for rang, ligne in paquet]
                )
            marque = {"debut": fenetre.debut, "fin": fenetre.fin, "lignes": len(lignes)}
            await connexion.execute(FENETRES.insert().values(**marque, importee_le=instant.astimezone(UTC).isoformat()))

    async def fenetres(self) -> list[Fenetre]:
        """The windows imported, in order of day."""
        async with self.moteur.connect() as connexion:
            lues = await connexion.execute(select(FENETRES.c.debut, FENETRES.c.fin).order_by(FENETRES.c.debut))
            return [Fenetre(lue.debut, lue.fin) for lue in lues]

    async def avancee(self) -> Avancee:
        """How far the harvest went.

        `as_of` is the instant the latest window was imported, but never after the day that follows it: a backfill
        still under way in 2022 is not fresh.
        """
        derniere = select(FENETRES.c.fin, FENETRES.c.importee_le).order_by(FENETRES.c.fin.desc()).limit(1)
        async with self.moteur.connect() as connexion:
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
        """
        async with self.moteur.connect() as connexion:
            touches = await _touches(connexion, codes_postaux, cfas, [self._personne(cle) for cle in identites])
            siens = await _par(connexion, LIGNES.c.contrat, touches)
            personnes = _titulaires(siens)
            voisins = {lue.contrat for lue in await _reperes(connexion, LIGNES.c.personne, personnes)} - touches
            lues = [*siens, *await _par(connexion, LIGNES.c.contrat, voisins)]
        return await _grouper(lues, personnes)

    def charges(self, stocke: ContratStocke) -> tuple[dict[str, Any], ...]:
        """The partner's objects of a contract, in order of day. A row tampered with is left out, and counted in the log."""
        lues = tuple(charge for ligne in stocke.lignes if (charge := self._ouvrir(ligne)) is not None)
        if len(lues) < len(stocke.lignes):
            journal.error("registre : %d ligne(s) altérée(s), mise(s) de côté", len(stocke.lignes) - len(lues))
        return lues

    def empreinte(self, *ensembles: Collection[str]) -> str:
        """A stand-in for sets of keys, that tells nothing of them: what a cache may be keyed by."""
        return self._sceau.pseudonyme("registre/lecture", json.dumps([sorted(ensemble) for ensemble in ensembles]))

    def _personne(self, identite: str) -> str:
        return self._sceau.pseudonyme("registre/personne", identite)

    def _sceller(self, ligne: LigneRegistre, fenetre: Fenetre, rang: int) -> dict[str, Any]:
        cle = f"{ligne.no_contrat.casefold()}|{ligne.date_naissance.isoformat()}"
        contrat = self._sceau.pseudonyme("registre/contrat", cle)
        clair = zlib.compress(json.dumps(ligne.charge, ensure_ascii=False).encode(), 1)
        return {
            "contrat": contrat,
            "vue": ligne.vue,
            "fenetre": fenetre.fin,
            "rang": rang,
            "personne": self._personne(cle_identite(ligne.nom, ligne.prenom, ligne.date_naissance)),
            "code_postal": ligne.code_postal,
            "cfa": ligne.uai or ligne.siret_formation,
            "scelle": self._sceau.sceller(USAGE, clair, _lien(contrat, ligne.vue, fenetre.fin, rang)),
        }

    def _ouvrir(self, lue: Any) -> dict[str, Any] | None:
        clair = self._sceau.ouvrir(USAGE, lue.scelle, _lien(lue.contrat, lue.vue, lue.fenetre, lue.rang))
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


def _lien(contrat: str, vue: str, fenetre: date, rang: int) -> bytes:
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


def _est(fenetre: Fenetre) -> Any:
    return (FENETRES.c.debut == fenetre.debut) & (FENETRES.c.fin == fenetre.fin)


def _chevauche(fenetre: Fenetre) -> Any:
    return (FENETRES.c.debut <= fenetre.fin) & (FENETRES.c.fin >= fenetre.debut)


async def _touches(
    connexion: AsyncConnection, codes_postaux: Collection[str], cfas: Collection[str], personnes: Collection[str]
) -> set[str]:
    """The contracts with a row under one of these keys."""
    colonnes = ((LIGNES.c.code_postal, codes_postaux), (LIGNES.c.cfa, cfas), (LIGNES.c.personne, personnes))
    return {lue.contrat for colonne, valeurs in colonnes for lue in await _reperes(connexion, colonne, valeurs)}


async def _reperes(connexion: AsyncConnection, colonne: Any, valeurs: Collection[str]) -> list[Any]:
    return await _lire(connexion, select(LIGNES.c.contrat).distinct(), colonne, valeurs)


async def _par(connexion: AsyncConnection, colonne: Any, valeurs: Collection[str]) -> list[Any]:
    return await _lire(connexion, select(LIGNES), colonne, valeurs)


async def _lire(connexion: AsyncConnection, requete: Any, colonne: Any, valeurs: Collection[str]) -> list[Any]:
    lues: list[Any] = []
    for paquet in paquets(sorted(valeurs), PAQUET):
        lues += await connexion.execute(requete.where(parmi(connexion, colonne, paquet)))
    return lues
