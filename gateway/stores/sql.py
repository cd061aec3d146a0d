"""What SQLite and PostgreSQL do not say alike. Knows no table."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

ATTENTE_VERROU = 4  # seconds that a writer waits for another one


def insertion(connexion: AsyncConnection, table: Table) -> Any:
    """An INSERT that may say what to do with a row already there."""
    return (postgresql if connexion.dialect.name == "postgresql" else sqlite).insert(table)


def regler_sqlite(connexion: Any, _: object) -> None:
    """Readers go on while somebody writes; what is written survives a power cut."""
    curseur = connexion.cursor()
    curseur.execute(f"PRAGMA busy_timeout={ATTENTE_VERROU * 1000}")
    curseur.execute("PRAGMA journal_mode=WAL")
    curseur.execute("PRAGMA synchronous=FULL")
    curseur.close()
