"""A demo of this checkout, or of the one named by AUTRE_DEPOT, in processes of its own, and clients that mean harm to it."""

import asyncio
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx

from fixtures.geography.load import load
from fixtures.population.generator import DEPARTEMENTS
from fixtures.remote_control import client_http
from fixtures.servers import HOST, NO_AUTHORITY, free_port

ROOT = Path(os.environ.get("AUTRE_DEPOT") or Path(__file__).resolve().parents[3])
READY = 600.0  # seconds that a demo may take to start
SECRET = "demo"
RENEWED = 300.0  # seconds a token is used, of the 600 that the demo's last


@dataclass
class Demo:
    """A running demo."""

    url: str
    admin_url: str
    identity: str
    processus: "subprocess.Popen[str]"
    tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        """Of the gateway itself, a child of the demo."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1]
                command = (stat.parent / "cmdline").read_bytes()
            except OSError:
                continue
            if int(parent) == self.processus.pid and b"serve" in command:
                return int(stat.parent.name)
        raise AssertionError("the gateway of the demo is not running")

    def token(self, client: str) -> str:
        """An access token of a client of the demo, asked again before it expires."""
        asked_at, token = self.tokens.get(client, (0.0, ""))
        if not token or time.monotonic() > asked_at + RENEWED:
            form = {"grant_type": "client_credentials", "client_id": client, "client_secret": SECRET}
            with client_http(self.identity) as http:
                token = http.post("/token", data=form).json()["access_token"]
            self.tokens[client] = time.monotonic(), token
        return token

    def post(self, client: str, text: str, variables: dict[str, Any] | None = None) -> httpx.Response:
        """The answer to one operation."""
        headers = {"Authorization": f"Bearer {self.token(client)}"}
        body = {"query": text, "variables": variables or {}}
        with client_http(self.url) as http:
            return http.post("/graphql", json=body, headers=headers, timeout=60)

    def graphql(self, client: str, text: str, variables: dict[str, Any] | None = None) -> Any:
        return self.post(client, text, variables).json()

    def resident(self) -> int:
        """Resident memory of the gateway, in bytes."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text(encoding="ascii"))
        assert found is not None
        return int(found[1]) * 1024


@contextmanager
def demo(folder: Path, jeunes: int = 5000, *options: str, **environment: str) -> Iterator[Demo]:
    """A demo over that many young people, ended with the block."""
    ports = [free_port() for _ in range(5)]
    command = [sys.executable, "-m", "fixtures", "demo", "--dossier", str(folder), "--jeunes", str(jeunes), *options]
    command += ["--port-simulateurs", str(ports[1]), "--port-identite", str(ports[2])]
    if "AUTRE_DEPOT" not in os.environ:  # an earlier checkout counts nothing at start, and does not know how not to
        command.append("--sans-statistiques")
    env = {**os.environ, "HOST": HOST, "PORT": str(ports[0]), "ADMIN_PORT": str(ports[3]), "FRONT_PORT": str(ports[4])}
    env |= environment
    log = (folder / "demo.log").open("w", encoding="utf-8")
    with log, subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, text=True) as processus:
        urls = [f"http://{HOST}:{port}" for port in ports]
        admin = urls[0] if os.environ.get("AUTRE_DEPOT") else urls[3]
        running = Demo(urls[0], admin, urls[2], processus)
        try:
            _wait(running)
            yield running
        finally:
            processus.terminate()
            processus.wait(30)


def _wait(running: Demo) -> None:
    limit = time.monotonic() + READY
    with client_http(running.url) as http:
        while time.monotonic() < limit and running.processus.poll() is None:
            try:
                if http.get("/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
    raise AssertionError("the demo is not ready")


CONTRAT = "id numero dateDebut dateFin type formation { intitule } employeur { denomination siret } cfa { nom uai }"
JEUNE = "id nom prenom age mineur telephone courriel dateNaissance commune { nom } statut { valeur depuis }"
RUPTURE = "id date sources etat prioritaire motifsPriorite"
ROWS = {
    "jeunes": f"contrats {{ {CONTRAT} rupture {{ {RUPTURE} }} jeune {{ {JEUNE} }} }}",
    "contrats": f"{CONTRAT} rupture {{ {RUPTURE} }} jeune {{ {JEUNE} }}",
    "ruptures": f"{RUPTURE} jeune {{ {JEUNE} ruptures {{ {RUPTURE} }} }} contrat {{ {CONTRAT} }}",
}


def wide_document(randomness: Random, first: int = 1) -> str:
    """A valid document like no other, of nearly six hundred fields."""
    mark = f"{randomness.getrandbits(64):x}"
    roots = []
    for rank, (root, row) in enumerate(ROWS.items()):
        aliases = " ".join(f"a{n}_{rank}_{mark}: id" for n in range(13))
        branches = " ".join([row] * 5)
        roots.append(f"r{rank}_{mark}: {root}(first: {first}) {{ edges {{ node {{ {aliases} {branches} }} }} }}")
    return f"query q{mark} {{ {' '.join(roots)} }}"


def codes_of_communes(randomness: Random, number: int) -> list[str]:
    """So many communes of the demo's territory, in an order like no other: others would be refused before any work."""
    return randomness.sample(sorted(load(DEPARTEMENTS).communes), number)


def communes(randomness: Random, number: int = 1900) -> str:
    """The same, as a literal."""
    return "[" + ",".join(f'"{code}"' for code in codes_of_communes(randomness, number)) + "]"


async def latencies(url: str, token: str, text: str, until: "asyncio.Event") -> list[float]:
    """Milliseconds of the same request, asked again and again by somebody who has done nothing wrong."""
    found: list[float] = []
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, verify=NO_AUTHORITY) as http:
        while not until.is_set():
            start = time.perf_counter()
            answer = await http.post("/graphql", json={"query": text}, timeout=60)
            assert answer.status_code == 200, answer.text
            found.append((time.perf_counter() - start) * 1000)
            await asyncio.sleep(0.02)
    return found


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else 0.0
