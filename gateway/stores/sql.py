"""How the stores open their database, and what SQLite and PostgreSQL do not say alike. Knows no table."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

T = TypeVar("T")


def ouvrir_moteur(url: str, attente: int, *, durable: bool = False) -> AsyncEngine:
    """An engine; dispose of it, or its threads keep the process alive. On SQLite, readers go on while somebody writes.

    `attente`: seconds that a writer waits for another one there. `durable`: what is written survives a power cut.
    """
    moteur = create_async_engine(url)

    def regler(connexion: Any, _: object) -> None:
        curseur = connexion.cursor()
        curseur.execute(f"PRAGMA busy_timeout={attente * 1000}")
        curseur.execute("PRAGMA journal_mode=WAL")
        curseur.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        curseur.close()

    if moteur.dialect.name == "sqlite":
        event.listen(moteur.sync_engine, "connect", regler)
    return moteur


def insertion(connexion: AsyncConnection, table: Table) -> Any:
    """An INSERT that may say what to do with a row already there."""
    return (postgresql if connexion.dialect.name == "postgresql" else sqlite).insert(table)


def paquets(valeurs: Sequence[T], taille: int) -> Iterator[Sequence[T]]:
    """The values, `taille` at a time."""
    return (valeurs[debut : debut + taille] for debut in range(0, len(valeurs), taille))
