"""The databases that stores are tested on: SQLite in a directory, PostgreSQL where the machine has one."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

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


async def _dire(ordre: str) -> None:
    try:
        connexion = await asyncpg.connect(f"{SERVEUR}/postgres", timeout=5)
    except (TimeoutError, OSError, asyncpg.PostgresError) as erreur:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL on {SERVEUR}: {type(erreur).__name__}")
    try:
        await connexion.execute(ordre)
    finally:
        await connexion.close()
