"""Loads one server from one core with wrk, and reads what its process spent from /proc. Knows nothing of what it answers."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 16
SCRIPT = Path(__file__).with_name("wrk_load.lua")
TIC = os.sysconf("SC_CLK_TCK")
REST = 0.2  # seconds without work: what was in flight when wrk left is done
PATIENCE = 10.0

Core = int | None


@dataclass(frozen=True, slots=True)
class Server:
    """A server under load. `token`: the token it is sent."""

    nom: str
    url: str
    pid: int
    token: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One run against one server. Times in microseconds, memory in MiB."""

    allowance: float  # requests a second
    cpu: float  # of the server's processes, a request
    p50: float
    p99: float
    memory: float


class LoadImpossible(Exception):
    """wrk is not there, or the server did not answer as it should. The message says which."""


def load(server: Server, body: bytes, seconds: int, core: Core, connections: int = CONNECTIONS) -> Reading | None:
    """Run wrk for some seconds, once the server rests; None when nothing was answered. Raises LoadImpossible."""
    _rest(server.pid)
    before = cpu(server.pid)
    output = _wrk(server, body, seconds, core, connections)
    spent = cpu(server.pid) - before
    partner_requests, failed, duration, p50, p99 = (int(word) for word in output.split("BILAN ", 1)[1].split()[:5])
    if failed:
        raise LoadImpossible(f"{server.nom}: {failed} errors for {partner_requests} answers")
    if not partner_requests:
        return None
    return Reading(partner_requests / duration * 1e6, spent / partner_requests * 1e6, p50, p99, memory(server.pid))


def _wrk(server: Server, body: bytes, seconds: int, core: Core, connections: int) -> str:
    wrk = shutil.which("wrk")
    if wrk is None:
        raise LoadImpossible("wrk is not installed: apt-get install wrk")
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT), server.url]
    env = {**os.environ, "CORPS": body.decode(), "JETON": server.token}
    finished = subprocess.run(  # noqa: S603
        [*pinned(core), *command], env=env, capture_output=True, text=True, check=False
    )
    if finished.returncode or "BILAN " not in finished.stdout:
        raise LoadImpossible(f"{server.nom}: wrk said {finished.stderr.strip() or finished.stdout[-300:]}")
    return finished.stdout


def pinned(core: Core) -> list[str]:
    """What goes before a command to keep it on one core, where the machine can."""
    return ["taskset", "-c", str(core)] if core is not None and shutil.which("taskset") else []


def cpu(pid: int) -> float:
    """Seconds of processor of a process and its descendants, their threads and ended children included."""
    return sum(sum(int(word) for word in _stat(one)[11:15]) for one in _lineage(pid)) / TIC


def memory(pid: int) -> float:
    """Resident MiB of a process and its descendants."""
    pages = sum(int(_read(f"/proc/{one}/statm").split()[1]) for one in _lineage(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _lineage(pid: int) -> list[int]:
    children = [int(word) for task in _tasks(pid) for word in _read(f"/proc/{pid}/task/{task}/children").split()]
    return [pid, *(one for child in children for one in _lineage(child))]


def _tasks(pid: int) -> list[str]:
    return os.listdir(f"/proc/{pid}/task")


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat after the name of the command, which may hold spaces."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def _rest(pid: int) -> None:
    fin, before = time.monotonic() + PATIENCE, -1.0
    while time.monotonic() < fin and (now := cpu(pid)) != before:
        before = now
        time.sleep(REST)
