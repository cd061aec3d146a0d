"""The harvested registry, sealed at rest. SQL and nothing of partners: rows come in as values, and go out as them.

At rest: a pseudonym of the contract, one of the person, the postal code and the CFA (which index and identify nobody), the
day, and the sealed row. No name, birth date, contact nor contract number can be read in the file.
"""

import json
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Column, Date, Index, Integer, LargeBinary, MetaData, String, Table, delete, event, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.domain.identity import cle_identite
from gateway.domain.sceau import Sceau
from gateway.stores.lignes import LigneRegistre

USAGE = "registre"
PAQUET = 500  # values of one IN: SQLite accepts many more, query plans stay simple

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
    Index("registre_par_personne", "personne"),
    Index("registre_par_code_postal", "code_postal"),
    Index("registre_par_cfa", "cfa"),
)
FENETRES = Table(
    "registre_fenetres",
    _tables,
    Column("debut", Date, primary_key=True),
    Column("fin", Date, nullable=False),
    Column("lignes", Integer, nullable=False),
    Column("importee_le", String(32), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Fenetre:
    """Days of processing, both included."""

    debut: date
    fin: date


@dataclass(frozen=True, slots=True)
class ContratStocke:
    """The rows of one contract, in order of day, and the pseudonym of its person."""

    contrat: str
    personne: str
    charges: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Avancee:
    """How far the harvest went. `version` changes at each window imported."""

    dernier_jour: date | None
    as_of: datetime | None
    lignes: int
    version: str


class Registre:
    """The store of the registry. One engine; close it, or its threads keep the process alive."""

    def __init__(self, url: str, sceau: Sceau) -> None:
        self._moteur: AsyncEngine = create_async_engine(url)
        self._sceau = sceau
        if self._moteur.dialect.name == "sqlite":
            event.listen(self._moteur.sync_engine, "connect", _regler_sqlite)

    async def ouvrir(self) -> None:
        """Create what is missing."""
        async with self._moteur.begin() as connexion:
            await connexion.run_sync(_tables.create_all)

    async def fermer(self) -> None:
        await self._moteur.dispose()

    async def importer(self, fenetre: Fenetre, lignes: Sequence[LigneRegistre], instant: datetime) -> None:
        """Replace a window: its rows and the mark of its import are written together, or not at all."""
        valeurs = [self._sceller(ligne, fenetre, rang) for rang, ligne in enumerate(lignes)]
        async with self._moteur.begin() as connexion:
            await connexion.execute(delete(LIGNES).where(LIGNES.c.fenetre == fenetre.fin))
            await connexion.execute(delete(FENETRES).where(FENETRES.c.debut == fenetre.debut))
            for paquet in _paquets(valeurs):
                await connexion.execute(LIGNES.insert(), paquet)
            marque = {"debut": fenetre.debut, "fin": fenetre.fin, "lignes": len(lignes)}
            await connexion.execute(FENETRES.insert().values(**marque, importee_le=_texte(instant)))

    async def avancee(self) -> Avancee:
        """Last day imported without a gap is the caller's to judge: windows are imported in order."""
        mesure = select(
            func.max(FENETRES.c.fin), func.max(FENETRES.c.importee_le), func.sum(FENETRES.c.lignes), func.count()
        )
        async with self._moteur.connect() as connexion:
            fin, importee_le, lignes, nombre = (await connexion.execute(mesure)).one()
        as_of = datetime.fromisoformat(importee_le) if importee_le else None
        return Avancee(fin, as_of, lignes or 0, f"{nombre}@{importee_le}")

    async def contrats(
        self, codes_postaux: Collection[str], cfas: Collection[str], identites: Collection[str]
    ) -> list[ContratStocke]:
        """All the contracts of every person with a row of such a postal code, such a CFA or such an identity key."""
        async with self._moteur.connect() as connexion:
            personnes = {self._personne(identite) for identite in identites}
            personnes |= await _personnes(connexion, LIGNES.c.code_postal, codes_postaux)
            personnes |= await _personnes(connexion, LIGNES.c.cfa, cfas)
            lues = [ligne for paquet in _paquets(sorted(personnes)) for ligne in await _lignes(connexion, paquet)]
        return self._grouper(lues)

    def _grouper(self, lues: Iterable[Any]) -> list[ContratStocke]:
        par_contrat: dict[str, list[Any]] = defaultdict(list)
        for lue in lues:
            par_contrat[lue.contrat].append(lue)
        return [self._contrat(contrat, par_contrat[contrat]) for contrat in sorted(par_contrat)]

    def _contrat(self, contrat: str, lues: list[Any]) -> ContratStocke:
        ordre = sorted(lues, key=lambda lue: (lue.fenetre, lue.vue, lue.rang))
        charges = tuple(charge for lue in ordre if (charge := self._ouvrir(lue)) is not None)
        return ContratStocke(contrat, ordre[-1].personne, charges)

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
            "scelle": self._sceau.sceller(USAGE, clair, contrat.encode()),
        }

    def _ouvrir(self, lue: Any) -> dict[str, Any] | None:
        clair = self._sceau.ouvrir(USAGE, lue.scelle, lue.contrat.encode())
        return None if clair is None else dict(json.loads(zlib.decompress(clair)))


async def _personnes(connexion: AsyncConnection, colonne: Any, valeurs: Collection[str]) -> set[str]:
    trouvees: set[str] = set()
    for paquet in _paquets(sorted(valeurs)):
        trouvees.update(await connexion.scalars(select(LIGNES.c.personne).where(colonne.in_(paquet)).distinct()))
    return trouvees


async def _lignes(connexion: AsyncConnection, personnes: Sequence[str]) -> Sequence[Any]:
    return (await connexion.execute(select(LIGNES).where(LIGNES.c.personne.in_(personnes)))).all()


def _paquets(valeurs: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (valeurs[debut : debut + PAQUET] for debut in range(0, len(valeurs), PAQUET))


def _texte(instant: datetime) -> str:
    """Sortable as text, on every database."""
    return instant.astimezone(UTC).isoformat(timespec="seconds")


def _regler_sqlite(connexion: Any, _: object) -> None:
    """Readers go on while the harvest writes."""
    curseur = connexion.cursor()
    curseur.execute("PRAGMA journal_mode=WAL")
    curseur.execute("PRAGMA synchronous=NORMAL")
    curseur.close()
