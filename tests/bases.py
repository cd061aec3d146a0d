"""The databases that stores are tested on: SQLite in a directory, PostgreSQL where the machine has one."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

SERVEUR = os.environ.get("TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432")
BASES = ("sqlite", "postgresql")


@asynccontextmanager
async def base(nature: str, dossier: Path) -> AsyncIterator[str]:
    """The URL of an empty database, gone with the block. Skips without PostgreSQL, except in CI."""
    if nature == "sqlite":
        yield f"sqlite+aiosqlite:///{dossier / 'base.sqlite'}"
        return
    nom = f"passerelle_{uuid.uuid4().hex}"
    await _dire(f"CREATE DATABASE {nom}")
    try:
        yield f"{SERVEUR.replace('postgresql://', 'postgresql+asyncpg://')}/{nom}"
    finally:
        await _dire(f"DROP DATABASE {nom} WITH (FORCE)")


async def vider(url: str) -> None:
    """Leave nothing in a PostgreSQL database: ten times faster than another database."""
    await _dire("DROP SCHEMA public CASCADE; CREATE SCHEMA public", url.replace("+asyncpg", ""))


async def au_repos(url: str) -> bytes:
    """All that a database holds: the bytes of its files, or what a dump of it would write."""
    fichier = make_url(url)
    if fichier.drivername.startswith("sqlite"):
        return b"".join(f.read_bytes() for f in sorted(Path(fichier.database or "").parent.iterdir()) if f.is_file())
    connexion = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        lues = await connexion.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [str(lue["tablename"]) for lue in lues]
        lignes = [ligne for table in tables for ligne in await connexion.fetch(f"SELECT * FROM {table}")]
    finally:
        await connexion.close()
    return b"\n".join([*(nom.encode() for nom in tables), *(_octets(v) for ligne in lignes for v in ligne.values())])


def lire(url: str, requete: str) -> list[tuple[Any, ...]]:
    """The rows of a query, on either kind."""
    return asyncio.run(_lire(url, requete))


def ecrire(url: str, ordre: str) -> None:
    """Have a statement done, on either kind."""
    asyncio.run(_ecrire(url, ordre))


async def _ecrire(url: str, ordre: str) -> None:
    moteur = create_async_engine(url)
    try:
        async with moteur.begin() as connexion:
            await connexion.execute(text(ordre))
    finally:
        await moteur.dispose()


async def _lire(url: str, requete: str) -> list[tuple[Any, ...]]:
    moteur = create_async_engine(url)
    try:
        async with moteur.connect() as connexion:
            return [tuple(ligne) for ligne in await connexion.execute(text(requete))]
    finally:
        await moteur.dispose()


def _octets(valeur: object) -> bytes:
    return valeur if isinstance(valeur, bytes) else str(valeur).encode()


async def _dire(ordre: str, url: str = f"{SERVEUR}/postgres") -> None:
    try:
        connexion = await asyncpg.connect(url, timeout=5)
    except (TimeoutError, OSError, asyncpg.PostgresError) as erreur:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL on {SERVEUR}: {type(erreur).__name__}")
    try:
        await connexion.execute(ordre)
    finally:
        await connexion.close()
