"""Gateways over the databases of a test: what they answer, what they log, and what an operator is told."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fixtures import gateway_process
from fixtures.gateway_process import ROOT, LaunchedGateway, environment
from fixtures.remote_control import client_http
from fixtures.servers import free_port
from fixtures.world import World
from tests.support.burst import Burst, Shot, draw_from
from tests.support.e2e.queries import until_complete

LIST = """{ ruptures(first: 20) { totalCount complet edges { node { date cause prioritaire
 jeune { nom prenom telephone ruptures { date } } contrat { numero dateDebut dateFin } } } } }"""
WRONG = re.compile(r"Traceback|Fatal error|WARNING|ERROR|CRITICAL|never retrieved|was destroyed")


def databases(url: str) -> dict[str, str]:
    """One base for all that is kept."""
    return {"GATEWAY_DATABASE_URL": url, "GATEWAY_JOURNAL_URL": url, "GATEWAY_PROCESSUS": "2"}


class Deployment:
    """`record`: the configuration of these gateways, beside which they log."""

    def __init__(self, world: World, record: Path) -> None:
        self._world, self._record = world, record
        self.token = world.token("ml")

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        return {**self._world.environment, "GATEWAY_CONFIG": str(self._record), **env}

    def harvest(self, url: str) -> None:
        """Have the registry harvested into a base."""
        with self._world.night():
            gateway_process.harvest(self.environment(databases(url)))

    @contextmanager
    def gateway(self, **env: str) -> Iterator[LaunchedGateway]:
        """A ready gateway."""
        log = self._record / f"passerelle-{free_port()}.log"
        with gateway_process.serve(self.environment(env), free_port(), log) as launched:
            yield launched

    def command(self, *words: str, **env: str) -> tuple[int, str]:
        """The exit code of a command of the gateway, and all that it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *words],
            cwd=ROOT, env=environment(self.environment(env)), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def answer(self, gateway: LaunchedGateway) -> Any:
        """A list that misses nothing."""
        response = until_complete(gateway, self.token, LIST)
        assert "errors" not in response, response["errors"]
        return response["data"]

    def load(self, gateway: LaunchedGateway, per_second: float, seconds: float) -> Burst:
        """What becomes of so many requests."""
        (burst,) = draw_from(gateway.url, Shot(self.token, LIST, {}, per_second, seconds))
        return burst

    def at_once(self, gateway: LaunchedGateway, number: int) -> Burst:
        (burst,) = draw_from(gateway.url, Shot(self.token, LIST, {}, number, 1.0, volley=True))
        return burst


def log(gateway: LaunchedGateway) -> str:
    return gateway.journal.read_text(encoding="utf-8")


def wrong_lines(gateway: LaunchedGateway) -> list[str]:
    """What its log has beside what goes well."""
    return [line for line in log(gateway).splitlines() if WRONG.search(line)]


def readiness(gateway: LaunchedGateway) -> tuple[int, list[str], list[str], float]:
    """Its status, what is missing, what is degraded, and the seconds that it took to say so."""
    start = time.monotonic()
    with client_http(gateway.admin_url) as http:
        response = http.get("/health/ready")
    told = response.json()
    return response.status_code, told["manque"], told["degrade"], time.monotonic() - start
