"""How the stores open their database, and what SQLite and PostgreSQL do not say alike. Knows no table."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    String,
    Table,
    any_,
    create_engine,
    event,
    literal,
    make_url,
    or_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.errors import ErreurConfiguration

T = TypeVar("T")

SERVIES = ("sqlite+aiosqlite", "postgresql+asyncpg")


def url_de(environ: Mapping[str, str], variable: str, defaut: str) -> str:
    """The database that a variable names. Raises ErreurConfiguration, which holds nothing of a URL."""
    url = environ.get(variable, defaut)
    try:
        servie = make_url(url).drivername in SERVIES
    except (ArgumentError, ValueError):
        servie = False
    if not servie:
        raise ErreurConfiguration(f"variable d'environnement {variable} : {' ou '.join(SERVIES)} attendu")
    return url


def ouvrir_moteur(url: str, attente: int, *, durable: bool = False) -> AsyncEngine:
    """An engine; dispose of it, or its threads keep the process alive. On SQLite, readers go on while somebody writes.

    `attente`: seconds that a writer waits for another one there. `durable`: what is written survives a power cut.
    """
    # a connection that the server closed meanwhile is opened again, not told as a failure
    moteur = create_async_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if moteur.dialect.name == "sqlite":
        _regler(moteur.sync_engine, attente, durable)
    return moteur


def _regler(moteur: Engine, attente: int, durable: bool) -> None:
    def regler(connexion: Any, _: object) -> None:
        curseur = connexion.cursor()
        curseur.execute(f"PRAGMA busy_timeout={attente * 1000}")
        curseur.execute("PRAGMA journal_mode=WAL")
        curseur.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        curseur.close()

    event.listen(moteur, "connect", regler)


class Ecrivain(Protocol):
    """Runs transactions written for a connection that does not wait."""

    async def transaction(self, faire: Callable[[Connection], T]) -> T:
        """What `faire` returns, once it is committed."""
        ...

    async def fermer(self) -> None: ...


def ecrivain(moteur: AsyncEngine, attente: int) -> Ecrivain:
    """The writer of a durable store. On SQLite a transaction is one visit to a thread: sending it there statement by
    statement costs several times the statements."""
    return _EcrivainSqlite(moteur, attente) if moteur.dialect.name == "sqlite" else _EcrivainDistant(moteur)


class _EcrivainSqlite:
    def __init__(self, moteur: AsyncEngine, attente: int) -> None:
        self._moteur = create_engine(moteur.url.set(drivername="sqlite"))
        _regler(self._moteur, attente, durable=True)
        self._fil = ThreadPoolExecutor(1, "ecrivain")

    async def transaction(self, faire: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._fil, self._faire, faire)

    def _faire(self, faire: Callable[[Connection], T]) -> T:
        with self._moteur.begin() as connexion:
            return faire(connexion)

    async def fermer(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._fil, self._moteur.dispose)
        self._fil.shutdown()


class _EcrivainDistant:
    def __init__(self, moteur: AsyncEngine) -> None:
        self._moteur = moteur

    async def transaction(self, faire: Callable[[Connection], T]) -> T:
        async with self._moteur.begin() as connexion:
            return await connexion.run_sync(faire)

    async def fermer(self) -> None: ...


def insertion(connexion: AsyncConnection | Connection | AsyncEngine, table: Table) -> Any:
    """An INSERT that may say what to do with a row already there."""
    return (postgresql if connexion.dialect.name == "postgresql" else sqlite).insert(table)


def parmi(connexion: AsyncConnection, colonne: Any, valeurs: Sequence[str]) -> Any:
    """Texts of a column: one parameter where the database has arrays, for thousands are slow to send to a server."""
    if connexion.dialect.name == "postgresql":
        return colonne == any_(literal(list(valeurs), postgresql.ARRAY(String)))
    return colonne.in_(valeurs)


async def read_in(
    connexion: AsyncConnection, query: Any, columns: Sequence[Any], values: Iterable[str], size: int
) -> list[Any]:
    """The rows of a query with one of these values in one of the columns, asked for `size` values at a time."""
    rows: list[Any] = []
    for batch in paquets(sorted(values), size):
        rows += await connexion.execute(query.where(or_(*(parmi(connexion, column, batch) for column in columns))))
    return rows


def paquets(valeurs: Sequence[T], taille: int) -> Iterator[Sequence[T]]:
    """The values, `taille` at a time."""
    return (valeurs[debut : debut + taille] for debut in range(0, len(valeurs), taille))
