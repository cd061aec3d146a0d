"""A process that may open no more files goes on, and says so in one line and in its health (docs/exploitation.md)."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from fixtures.gateway_process import LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.world import World
from tests.support.security.edge_attacks import LIVE, crowd

REACHED, OVER = "fichiers : limite du système atteinte", "fichiers : de nouveau sous la limite"
LEFT = 20  # files that may still be opened when the crowd comes
CROWD = 60


@contextmanager
def few_files(pid: int) -> Iterator[None]:
    """Leave a running process few files, during the block."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    opened = {int(file.name) for file in Path(f"/proc/{pid}/fd").iterdir()}
    free = min(set(range(len(opened) + 1)) - opened)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free + LEFT, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


def degraded(admin: httpx.Client, lacking: bool) -> bool:
    """Whether the health comes to say so, before long."""
    limit = time.monotonic() + 30
    while (_says(admin) is lacking) is False and time.monotonic() < limit:
        time.sleep(0.1)
    return _says(admin)


def _says(admin: httpx.Client) -> bool:
    return "fichiers" in admin.get("/health/ready").json()["degrade"]


def lines(launched: LaunchedGateway, text: str) -> list[str]:
    return [line for line in launched.journal.read_text(encoding="utf-8").splitlines() if text in line]


def test_a_process_without_files_left_lives_and_tells_it_once(world: World) -> None:
    """Its connections are more than its files: those beyond are closed, and the others are answered."""
    with world.gateway() as launched, client_http(launched.admin_url) as admin, client_http(launched.url) as caller:
        told = len(lines(launched, REACHED))
        assert not degraded(admin, False)
        assert caller.get("/health/live").status_code == 200
        with few_files(launched.pid):
            with crowd(launched.url, CROWD, LIVE):
                assert degraded(admin, True)
                assert caller.get("/health/live").json() == {"etat": "vivant"}
            assert not degraded(admin, False)
        assert launched.processus.poll() is None
        assert caller.get("/health/ready").json() == {"etat": "prêt"}
        (line, *_), over = lines(launched, REACHED)[told:], lines(launched, OVER)
        assert "LimitNOFILE=8192 dans l'unité systemd, ou ulimit -n, puis redémarrer" in line
        assert len(lines(launched, REACHED)) == told + 1
        assert over
