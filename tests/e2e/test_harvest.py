"""The harvest as operators run it, over HTTP, on PostgreSQL: one process is killed, another that waited goes on."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg
import pytest

from fixtures.gateway_process import ROOT, environment
from fixtures.world import World
from tests.support.databases import base
from tests.support.figures import note

# The second harvest forgets the contracts that ended more than two years ago: they are left out.
KEPT = "SELECT contrat FROM registre_lignes GROUP BY contrat HAVING max(fin) >= '2024-10-01'"
ROWS = f"SELECT contrat, vue, rang, personne, cfa FROM registre_lignes WHERE contrat IN ({KEPT}) ORDER BY fenetre, rang"
SLOWNESS = 300  # milliseconds a page


@contextmanager
def harvester(world: World, url: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "gateway", "moisson"]
    env = environment({**world.environment, "GATEWAY_DATABASE_URL": url})
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as processes:
        try:
            yield processes
        finally:
            processes.kill()


@contextmanager
def slow(world: World) -> Iterator[None]:
    """A registry slow enough for the second process to find the first one at work."""
    world.check.fault("registre", "latency", SLOWNESS)
    try:
        yield
    finally:
        world.check.lift_faults()


def read_contrat(processus: "subprocess.Popen[str]") -> str:
    assert processus.stdout is not None
    return processus.stdout.readline().rstrip()


async def stored_rows(url: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return [tuple(result.values()) for result in await connection.fetch(ROWS)]
    finally:
        await connection.close()


def expected(world: World) -> list[tuple[object, ...]]:
    """What the harvest of this world, never killed, wrote: pseudonyms are those of one key."""
    assert world.record is not None
    with closing(sqlite3.connect(world.record / "donnees" / "registre.sqlite")) as result, result:
        return result.execute(ROWS).fetchall()


@pytest.mark.chaos
@pytest.mark.anyio
async def test_a_harvester_killed_is_replaced_by_the_one_that_waits(world: World, tmp_path: Path) -> None:
    async with base("postgresql", tmp_path) as url:
        with world.night(), slow(world), harvester(world, url) as first:
            assert await asyncio.to_thread(read_contrat, first)
            with harvester(world, url) as second:
                waiting = await asyncio.to_thread(read_contrat, second)
                last = await asyncio.to_thread(read_contrat, first)
                first.kill()
                following, _ = await asyncio.to_thread(second.communicate)
        assert second.returncode == 0, following
        assert await stored_rows(url) == expected(world)
    assert waiting == "un autre processus moissonne, ou s'est arrêté il y a moins de 60 s : en attente"
    assert last.startswith("[")
    assert following.splitlines()[-1].startswith("registre à jour au 2026-10-14 : ")
    note(f"moisson reprise par un autre processus après kill -9 : {len(expected(world))} lignes, les mêmes")
