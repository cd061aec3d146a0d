"""A process that may open no more files goes on, and says so in one line and in its health (docs/exploitation.md)."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.world import World
from tests.support.security.edge_attacks import LIVE, ask, crowd

REACHED, OVER = "fichiers : limite du système atteinte", "fichiers : de nouveau sous la limite"
ASKED_AGAIN = 20  # times: a machine that does much else answers late
LEFT = 20  # files that may still be opened when the crowd comes
CROWD = 60
SOURCES = "{ sources { nom etat } }"
LIST = "{ ruptures(first: 1) { complet edges { node { jeune { nom } } } } }"


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
    while _says(admin) is not lacking and time.monotonic() < limit:
        time.sleep(0.1)
    return _says(admin)


def _says(admin: httpx.Client) -> bool:
    return "fichiers" in admin.get("/health/ready").json()["degrade"]


def lines(launched: LaunchedGateway, text: str) -> list[str]:
    return [line for line in launched.journal.read_text(encoding="utf-8").splitlines() if text in line]


@pytest.fixture(scope="module")
def launched(world: World) -> Iterator[LaunchedGateway]:
    """Not the gateway of other tests: it has asked no partner yet."""
    with world.gateway() as launched:
        yield launched


def test_a_process_without_files_left_lives_tells_it_once_and_blames_no_partner(
    world: World, launched: LaunchedGateway
) -> None:
    """It has more connections than files: those beyond are closed, the others answered, by what can be asked."""
    with client_http(launched.admin_url) as admin, client_http(launched.url) as caller:
        told, over = len(lines(launched, REACHED)), len(lines(launched, OVER))
        assert not degraded(admin, False)
        assert ask(caller, world.token("ml")).status_code == 200
        with few_files(launched.pid):
            with crowd(launched.url, CROWD, LIVE):
                assert degraded(admin, True)
                assert caller.get("/health/live").json() == {"etat": "vivant"}
                errors = ask(caller, world.token("ml"), LIST).json()["errors"]
            assert not degraded(admin, False)
        after = ask(caller, world.token("admin"), SOURCES).json()["data"]["sources"]
        whole = ask(caller, world.token("ml"), LIST).json()
    assert {error["message"] for error in errors} == {"la passerelle ne peut plus ouvrir de connexion"}
    blamed = {error["extensions"]["source"] for error in errors}
    assert {source["etat"] for source in after if source["nom"] in blamed} == {"DISPONIBLE"}
    assert whole
    (line,) = lines(launched, REACHED)[told:]
    assert line.endswith("LimitNOFILE=8192 dans l'unité systemd, ou ulimit -n, puis redémarrer")
    assert len(lines(launched, OVER)[over:]) == 1
