"""Starts the servers of this bench, each its own process on one core, each with its own copy of the gateway's stores."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from bench.http.wrk_load import Core, LoadImpossible, Server, pinned
from fixtures.gateway_process import environment
from fixtures.remote_control import client_http
from fixtures.servers import HOST, free_port
from fixtures.world import World

ROOT = Path(__file__).resolve().parent.parent.parent
READY = 300.0  # seconds to listen
SHUTDOWN = 10.0  # seconds to stop when asked
SHORT, LONG_ONE = "duree_secondes = 300\n", "duree_secondes = 900\n"
WORDS = 2000  # bytes told of what a server said before it failed


def in_house(world: World, record: Path) -> dict[str, str]:
    """The environment of a Python server: its own copy of the world's configuration and stores, so that none waits for
    another's. What a source said stays fresh while the bench lasts: only the gateway refreshes what it keeps."""
    shutil.copytree(world.environment["GATEWAY_CONFIG"], record)
    for file in (record / "partenaires").glob("*.toml"):
        text = file.read_text(encoding="utf-8")
        without = text if SHORT in text else f"{text}\n[cache]\n{SHORT}"
        file.write_text(without.replace(SHORT, LONG_ONE), encoding="utf-8")
    return {**world.environment, "GATEWAY_CONFIG": str(record)}


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


@contextmanager
def launch(
    nom: str, command: Sequence[str], env: Mapping[str, str], core: Core, record: Path = ROOT
) -> Iterator[Server]:
    """A server that listens on PORT, ended with the block."""
    port = free_port()
    own = environment({**env, "HOST": HOST, "PORT": str(port), "ADMIN_PORT": "0"})
    with (
        TemporaryFile() as journal,
        subprocess.Popen(  # noqa: S603
            [*pinned(core), *command],
            cwd=record,
            env=own,
            stdout=journal,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as processes,
    ):
        try:
            if not _listening(port, processes):
                journal.seek(0)
                raise LoadImpossible(f"{nom} did not start: {journal.read()[-WORDS:].decode(errors='replace')}")
            yield Server(nom, f"http://{HOST}:{port}/graphql", processes.pid)
        finally:
            _stop(processes)


def _listening(port: int, processus: "subprocess.Popen[bytes]") -> bool:
    limit = time.monotonic() + READY
    while time.monotonic() < limit and processus.poll() is None:
        try:
            socket.create_connection((HOST, port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def _stop(processus: "subprocess.Popen[bytes]") -> None:
    processus.terminate()
    try:
        processus.wait(SHUTDOWN)
    except subprocess.TimeoutExpired:
        processus.kill()


def request(server: Server, body: bytes) -> dict[str, Any]:
    """The JSON that a server answers."""
    headers = {"content-type": "application/json"}
    if server.token:
        headers["authorization"] = f"Bearer {server.token}"
    with client_http("") as http:
        result: dict[str, Any] = http.post(server.url, content=body, headers=headers).json()
    return result


def ready(server: Server) -> None:
    """Wait until a gateway has opened what it needs. Raises LoadImpossible."""
    limit = time.monotonic() + READY
    with client_http(server.url.removesuffix("/graphql")) as http:
        while time.monotonic() < limit:
            if http.get("/health/ready").is_success:
                return
            time.sleep(0.05)
    raise LoadImpossible(f"{server.nom} is not ready")
