"""A gateway of this checkout, or of the one that AUTRE_DEPOT names, over a configuration of its own: asked over HTTP only.

An attack is shown to succeed on an earlier commit by running the same test there.
"""

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import IO
from unittest.mock import patch as patched

from fixtures import gateway_process
from fixtures.gateway_process import LaunchedGateway, environment
from fixtures.servers import HOST, free_port
from fixtures.world import World
from gateway.__main__ import main
from tests.conftest import TODAY

CHECKOUT = Path(os.environ.get("AUTRE_DEPOT", str(gateway_process.ROOT)))
BEFORE = "AUTRE_DEPOT" in os.environ  # the attacked checkout is another one
COMMAND = 120.0  # seconds that a command may take
# What is put before `serve`, as a file that the test wrote: a connector changed, and nothing else.
PATCHED = "import sys; exec(compile(open(sys.argv.pop(1)).read(), 'patch', 'exec')); from gateway.__main__ import main; main()"


@contextmanager
def few_people(record: Path) -> Iterator[World]:
    """A small world, its registry harvested: what is judged is what a gateway does, whoever is in it."""
    with World.generated(record, jeunes=400, departements=("02",), today=TODAY) as opened:
        opened.harvest()
        yield opened


def configuration(world: World, record: Path) -> Path:
    """A copy of the world's configuration over data of its own, harvested before."""
    assert world.record is not None
    shutil.copytree(
        world.record, record, ignore=shutil.ignore_patterns("*.log", "*.txt", "journal*"), dirs_exist_ok=True
    )
    if BEFORE:
        clients = record / "clients.toml"
        clients.write_text(re.sub(r"\n\[fin\][^\[]*", "", clients.read_text(encoding="utf-8")), encoding="utf-8")
    return record


def command(world: World, *arguments: str, **env: str) -> tuple[int, str, str]:
    """`python -m gateway …` of that checkout, ours in this process: exit code, standard output and error."""
    told, output, errors = environment({**world.environment, **env}), io.StringIO(), io.StringIO()
    if not BEFORE:
        with patched.dict(os.environ, told, clear=True), redirect_stdout(output), redirect_stderr(errors):
            return main(arguments), output.getvalue(), errors.getvalue()
    order = [sys.executable, "-m", "gateway", *arguments]
    finished = subprocess.run(
        order, cwd=CHECKOUT, env=told, capture_output=True, text=True, check=False, timeout=COMMAND
    )
    return finished.returncode, finished.stdout, finished.stderr


@contextmanager
def gateway(world: World, record: Path, patch: Path | None = None, **env: str) -> Iterator[LaunchedGateway]:
    """The gateway of that checkout, ended with the block. Its log is `passerelle.log` of the record."""
    port, admin_port, journal = free_port(), free_port(), record / "passerelle.log"
    told = {
        **world.environment,
        "GATEWAY_CONFIG": str(record),
        "HOST": HOST,
        "PORT": str(port),
        **env,
        "ADMIN_PORT": str(admin_port),
    }
    with journal.open("ab") as output, _started(environment(told), output, patch) as process:
        launched = LaunchedGateway(f"http://{HOST}:{port}", f"http://{HOST}:{admin_port}", journal, process)
        try:
            gateway_process.wait(launched)
            yield launched
        finally:
            gateway_process._stop(process)


def _started(env: dict[str, str], output: IO[bytes], patch: Path | None) -> "subprocess.Popen[str]":
    if patch is None:
        return gateway_process.start("serve", env, output, CHECKOUT)
    command = [sys.executable, "-c", PATCHED, str(patch), "serve"]
    return subprocess.Popen(command, cwd=CHECKOUT, env=env, stdout=output, stderr=subprocess.STDOUT, text=True)
