"""The harvest as operators run it, over HTTP, on PostgreSQL: one process is killed, another that waited goes on."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from fixtures.monde import Monde
from fixtures.passerelle import RACINE, environnement
from tests.bases import base
from tests.chiffres import noter

# The second harvest forgets the contracts that ended more than two years ago: they are left out.
GARDES = "SELECT contrat FROM registre_lignes GROUP BY contrat HAVING max(fin) >= '2024-10-01'"
LIGNES = (
    f"SELECT contrat, vue, rang, personne, cfa FROM registre_lignes WHERE contrat IN ({GARDES}) ORDER BY fenetre, rang"
)
LENTEUR = 300  # milliseconds a page


@contextmanager
def moissonneur(monde: Monde, url: str) -> Iterator["subprocess.Popen[str]"]:
    commande = [sys.executable, "-m", "gateway", "moisson"]
    env = environnement({**monde.environnement, "GATEWAY_DATABASE_URL": url})
    with subprocess.Popen(commande, cwd=RACINE, env=env, stdout=subprocess.PIPE, text=True) as processus:
        try:
            yield processus
        finally:
            processus.kill()


@contextmanager
def lent(monde: Monde) -> Iterator[None]:
    """A registry slow enough for the second process to find the first one at work."""
    monde.controle.panne("registre", "latency", LENTEUR)
    try:
        yield
    finally:
        monde.controle.lever_pannes()


def lire_une(processus: "subprocess.Popen[str]") -> str:
    assert processus.stdout is not None
    return processus.stdout.readline().rstrip()


async def stockees(url: str) -> list[tuple[object, ...]]:
    connexion = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return [tuple(lue.values()) for lue in await connexion.fetch(LIGNES)]
    finally:
        await connexion.close()


def attendues(monde: Monde) -> list[tuple[object, ...]]:
    """What the harvest of this world, never killed, wrote: pseudonyms are those of one key."""
    assert monde.dossier is not None
    with sqlite3.connect(monde.dossier / "donnees" / "registre.sqlite") as lue:
        return lue.execute(LIGNES).fetchall()


@pytest.mark.chaos
@pytest.mark.anyio
async def test_a_harvester_killed_is_replaced_by_the_one_that_waits(monde: Monde, tmp_path: Path) -> None:
    async with base("postgresql", tmp_path) as url:
        with monde.nuit(), lent(monde), moissonneur(monde, url) as premier:
            assert await asyncio.to_thread(lire_une, premier)
            with moissonneur(monde, url) as second:
                attente = await asyncio.to_thread(lire_une, second)
                derniere = await asyncio.to_thread(lire_une, premier)
                premier.kill()
                suite, _ = await asyncio.to_thread(second.communicate)
        assert second.returncode == 0, suite
        assert await stockees(url) == attendues(monde)
    assert attente == "un autre processus moissonne, ou s'est arrêté il y a moins de 60 s : en attente"
    assert derniere.startswith("[")
    assert suite.splitlines()[-1].startswith("registre à jour au 2026-10-14 : ")
    noter(f"moisson reprise par un autre processus après kill -9 : {len(attendues(monde))} lignes, les mêmes")
