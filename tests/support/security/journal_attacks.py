"""How the tests of the second look attack a journal: a gateway of this checkout or of another one (AUTRE_DEPOT), its database
held, filled or altered, and crowds that ask it. Only HTTP, the command line and what stands at rest."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import make_url

from fixtures import gateway_process
from fixtures.gateway_process import LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.world import World
from tests.support.pair import admin

CHECKOUT = Path(os.environ.get("AUTRE_DEPOT", str(gateway_process.ROOT)))
NOMINATIVE = "{ ruptures(first: 3) { edges { node { jeune { id nom telephone } } } } }"
ANONYMOUS = "{ moi { profil } }"


@contextmanager
def attacked(world: World, **env: str) -> Iterator[LaunchedGateway]:
    """A gateway of the checkout that is attacked, over this world."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway_process, "ROOT", CHECKOUT)
        with world.gateway(0, **env) as launched:
            yield launched


def ask(http: httpx.Client, token: str, query: str) -> httpx.Response:
    return http.post("/graphql", json={"query": query}, headers={"Authorization": f"Bearer {token}"})


def crowd(
    gateway: LaunchedGateway, token: str, query: str, clients: int, statuses: list[int] | None = None
) -> Counter[int]:
    """The statuses that so many clients get, who ask at once; each is added to `statuses` as it comes."""
    told = [] if statuses is None else statuses

    def one(_: int) -> None:
        with client_http(gateway.url) as http:
            told.append(ask(http, token, query).status_code)

    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(one, range(clients)))  # raises what one of them raised
    return Counter(told)


def health(gateway: LaunchedGateway) -> dict[str, Any]:
    with client_http(admin(gateway)) as http:
        told: dict[str, Any] = http.get("/health/ready").json()
        return told


def until(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """True as soon as it holds, False when it did not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


@contextmanager
def held(url: str) -> Iterator[None]:
    """Another process that holds what every entry must write, during the block: the journal hangs."""
    if url.startswith("sqlite"):
        file = make_url(url).database or ""
        code = (
            "import sqlite3, sys\n"
            "base = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
            "base.execute('PRAGMA busy_timeout=20000')\n"
            "base.execute('BEGIN IMMEDIATE')\n"
            "print('held', flush=True)\n"
            "sys.stdin.read()\n"
        )
        command = [sys.executable, "-c", code, file]
    else:
        code = (
            "import asyncio, asyncpg, sys\n"
            "async def hold():\n"
            "    base = await asyncpg.connect(sys.argv[1])\n"
            "    async with base.transaction():\n"
            "        await base.execute('SELECT * FROM journal_bornes FOR UPDATE')\n"
            "        print('held', flush=True)\n"
            "        await asyncio.to_thread(sys.stdin.read)\n"
            "asyncio.run(hold())\n"
        )
        command = [sys.executable, "-c", code, url.replace("+asyncpg", "")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.stdin.close()
            holder.wait(30)


@contextmanager
def small_disk(place: Path, size: str = "1m") -> Iterator[Path]:
    """A file system of its own, of so many bytes. Skips where it may not be mounted, except in CI."""
    place.mkdir()
    mounted = subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)], check=False)
    if mounted.returncode:
        reason = "no right to mount a small disk here"
        raise pytest.fail.Exception(reason) if os.environ.get("CI") else pytest.skip.Exception(reason)
    try:
        yield place
    finally:
        subprocess.run(["/bin/umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """A file that takes what is left of a disk."""
    file = place / "plein"
    with file.open("wb", buffering=0) as output:
        try:
            while True:
                output.write(bytes(4096))
        except OSError:
            return file


@contextmanager
def full(url: str) -> Iterator[None]:
    """A PostgreSQL that answers "disk full" to whoever adds to the journal, during the block."""
    raising = (
        "CREATE FUNCTION plein() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
    )
    _execute(url, raising, "CREATE TRIGGER plein BEFORE INSERT ON journal_entrees EXECUTE FUNCTION plein()")
    try:
        yield
    finally:
        _execute(url, "DROP TRIGGER plein ON journal_entrees", "DROP FUNCTION plein")


def _execute(url: str, *orders: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            for order in orders:
                await connection.execute(order)
        finally:
            await connection.close()

    asyncio.run(execute())
