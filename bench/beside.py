"""Compares the processor time of warm lists here with that of another checkout, which may be of another commit.

    python -m bench.beside CHECKOUT [--pairs 11] [--requests 400] [--jeunes 5000]

Each checkout plays its own demo (the same seed, its own ports and folder) with its own environment (`make .venv/dev.txt`
there first). After a warm-up, turns alternate: the same requests, and the processor time that the gateway's process spent
meanwhile, all threads counted. Prints, for each list, both medians and the mean ratio with its 95 % interval over the pairs.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from fixtures.gateway_process import ROOT, environment
from fixtures.servers import HOST, free_port
from fixtures.simulators.clock import PARIS

CONNECTIONS = 8
READY = 600.0  # seconds for a demo to be drawn, harvested and ready
SETTLED = 90.0  # seconds that follow a start: the demo's history, the registry's first check
T95 = {7: 2.447, 9: 2.306, 11: 2.228, 15: 2.145, 21: 2.086}  # Student's, two-sided, by number of pairs

README = """{ ruptures(first: 2, tri: PRIORITE) { totalCount complet edges { node {
  date sources jeune { prenom age suivi { situation } } contrat { employeur { denomination } cfa { nom } } } } } }"""
ROWS = """query ($n: Int!, $depuis: Date) { ruptures(first: $n, filtre: {depuis: $depuis}) { totalCount edges { node {
  date etat prioritaire sources jeune { nom prenom age telephone commune { nom } statut { valeur depuis } suivi { situation } }
  contrat { dateDebut employeur { denomination } formation { intitule } cfa { nom } } } } } }"""


@dataclass(frozen=True, slots=True)
class Side:
    """The gateway of one checkout: where it is asked, its process, and a client that holds a token."""

    url: str
    pid: int
    http: httpx.Client

    def spend(self, body: Mapping[str, Any], requests: int) -> float:
        """Microseconds of processor by request."""
        before = _processor(self.pid)
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            answers = list(threads.map(lambda _: self.http.post(self.url, json=body), range(requests)))
        spent = _processor(self.pid) - before
        if any(answer.status_code != httpx.codes.OK or "errors" in answer.json() for answer in answers):
            raise SystemExit(f"{self.url} did not answer everything: {answers[-1].text[:300]}")
        return spent / requests / 1_000


def main(arguments: argparse.Namespace) -> None:
    """Print the table."""
    sizes = {"README": (README, {}), "32 rows": (ROWS, {"n": 32}), "100 rows": (ROWS, {"n": 100})}
    since = (datetime.now(PARIS).date() - timedelta(days=300)).isoformat()
    bodies = sizes | {"100 rows of a window": (ROWS, {"n": 100, "depuis": since})}
    with ExitStack() as stack:
        there, here = (
            stack.enter_context(_side(checkout, arguments.jeunes)) for checkout in (arguments.checkout, ROOT)
        )
        print(f"{arguments.pairs} pairs of {arguments.requests} requests; µs of processor: there, here; here / there")
        time.sleep(SETTLED)
        for name, (query, variables) in bodies.items():
            body = {"query": query, "variables": variables}
            print(f"{name:22} {interval(pairs_of(there, here, body, arguments))[0]}", flush=True)


def pairs_of(
    there: Side, here: Side, body: Mapping[str, Any], arguments: argparse.Namespace
) -> list[tuple[float, float]]:
    def turn(side: Side) -> float:
        return side.spend(body, arguments.requests)

    turn(there), turn(here)  # warm
    pairs = []
    for number in range(arguments.pairs):  # who goes first alternates too
        first, second = (there, here) if number % 2 else (here, there)
        spent = {id(side): turn(side) for side in (first, second)}
        pairs.append((spent[id(there)], spent[id(here)]))
    return pairs


def interval(pairs: list[tuple[float, float]]) -> tuple[str, float]:
    """Both medians and the mean ratio with its interval, as a line; and where that begins."""
    ratios = [here / there for there, here in pairs]
    mean, half = statistics.mean(ratios), T95[len(pairs)] * statistics.stdev(ratios) / len(pairs) ** 0.5
    medians = [statistics.median(side) for side in zip(*pairs, strict=True)]
    low, high = mean - half, mean + half
    return f"{medians[0]:8.0f} {medians[1]:8.0f}   {mean:.3f} [{low:.3f}, {high:.3f}]", low


@contextmanager
def _side(checkout: Path, jeunes: int) -> Iterator[Side]:
    """The demo of a checkout, ended with the block."""
    port, partners, identity = free_port(), free_port(), free_port()
    env = {"HOST": HOST, "PORT": str(port), "ADMIN_PORT": str(free_port())}
    with tempfile.TemporaryDirectory() as folder, Path(folder, "demo.log").open("wb") as output:
        command = [
            str(checkout / ".venv/bin/python"),
            "-m",
            "fixtures",
            "demo",
            "--dossier",
            folder,
            "--jeunes",
            str(jeunes),
        ]
        command += ["--port-simulateurs", str(partners), "--port-identite", str(identity)]
        with subprocess.Popen(  # noqa: S603
            command, cwd=checkout, env=environment(env), stdout=output, stderr=subprocess.STDOUT
        ) as demo:
            try:
                _until(lambda: _is_ready(f"http://{HOST}:{port}/health/ready"), demo)
                token = _token(f"http://{HOST}:{identity}/token")
                with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False) as http:
                    yield Side(f"http://{HOST}:{port}/graphql", _serving(demo.pid), http)
            finally:
                demo.terminate()


def _until(ready: Callable[[], bool], demo: "subprocess.Popen[bytes]") -> None:
    limit = time.monotonic() + READY
    while not ready():
        if demo.poll() is not None or time.monotonic() > limit:
            raise SystemExit("a demo did not start: try `python -m fixtures demo` there")
        time.sleep(0.5)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _token(url: str) -> str:
    """Of a Mission locale, lasting longer than the bench."""
    form = {"grant_type": "client_credentials", "client_id": "ml", "client_secret": "demo", "agent": "banc"}
    return str(httpx.post(url, data=form, trust_env=False).raise_for_status().json()["access_token"])


def _serving(parent: int) -> int:
    """The process of the gateway among the descendants of a demo."""
    children = {parent}
    for stat in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda path: int(path.parent.name)):
        pid, above = int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])
        if above in children:
            children.add(pid)
            if b"gateway\0serve" in (stat.parent / "cmdline").read_bytes():
                return pid
    raise SystemExit("no gateway among the processes of the demo")


def _processor(pid: int) -> int:
    """Nanoseconds that all threads of a process have run; Linux counts those that ended in its ticks only."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((tasks / task / "schedstat").read_text().split()[0]) for task in os.listdir(tasks))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.beside", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--pairs", type=int, default=11, choices=sorted(T95))
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--jeunes", type=int, default=5000)
    return parser.parse_args()


if __name__ == "__main__":
    main(_arguments())
