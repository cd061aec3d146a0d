"""The programs that a production has beside the gateway, each started for a test in a directory of its own, on a port of its own.

Nothing is installed: a test whose program is missing is skipped, and says which package has it.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fixtures.certificates import Authority

STARTUP = 30.0  # seconds
PACKAGES = {"pgbouncer": "pgbouncer", "redis-server": "redis-server", "initdb": "postgresql"}


def program(name: str) -> str:
    """Its path, wherever packages put it. Skips when it is not installed."""
    elsewhere = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") or next(map(str, elsewhere), None)
    if found is None:
        pytest.skip(f"{name} is missing: apt-get install {PACKAGES.get(name, name)}")
    return found


def as_postgres() -> dict[str, Any]:
    """The account under which PostgreSQL and PgBouncer accept to run: never root's. For `subprocess`, which asks no other
    program for it: what is ended is what was started."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


@contextmanager
def directory() -> Iterator[Path]:
    """A directory that the programs may write, gone with the block."""
    path = Path(tempfile.mkdtemp(prefix="passerelle-"))
    if os.geteuid() == 0:
        shutil.chown(path, "postgres", "postgres")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running(
    command: Sequence[str], ready: Callable[[], bool], log: Path, **account: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is ready, ended with the block: only that one, by its number."""
    with log.open("ab") as output, subprocess.Popen(command, stdout=output, stderr=output, **account) as process:
        try:
            limit = time.monotonic() + STARTUP
            while not ready():
                if process.poll() is not None or time.monotonic() > limit:
                    raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.05)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()


def eventually(tell: Callable[[], object], expected: object, seconds: float = STARTUP) -> float:
    """The seconds after which that was told. Raises AssertionError."""
    start = time.monotonic()
    while (told := tell()) != expected:
        assert time.monotonic() - start < seconds, told
        time.sleep(0.1)
    return time.monotonic() - start


def certificates(record: Path) -> tuple[Path, Path]:
    """An authority, and the key and certificate that it signed for this machine."""
    authority = Authority(record)
    authority.context()
    pair = record / "serveur.pem"
    if os.geteuid() == 0:
        shutil.chown(pair, "postgres", "postgres")
    pair.chmod(0o600)
    return authority.file, pair
