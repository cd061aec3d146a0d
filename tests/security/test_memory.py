"""Generated queries of every profile, one after the other, against a real gateway: its memory stays bounded."""

import re
import time
from pathlib import Path
from random import Random

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.e2e.test_oracle_http import CLIENTS, UNKNOWN
from tests.support.access.operations import draw_operation, write
from tests.support.figures import note

BYTES_MAX = 512 * 1024 * 1024


def _resident_memory(pid: int) -> int:
    """Resident memory of a process, in bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) * 1024


def _query(world: World, gateway: LaunchedGateway, seed: str, seconds: float) -> None:
    randomness, fin, requests = Random(seed), time.monotonic() + seconds, 0
    tokens = [world.token(client) for client in sorted(CLIENTS)]
    while time.monotonic() < fin:
        received = gateway.graphql(randomness.choice(tokens), write(draw_operation(randomness), randomness, UNKNOWN))
        codes = {error["extensions"]["code"] for error in received.get("errors", [])}
        assert "ERREUR_INTERNE" not in codes, seed
        requests += 1
    content = _resident_memory(gateway.pid)
    note(f"mémoire : {content / 2**20:.0f} Mio après {requests} requêtes générées en {seconds:.0f} s")
    assert content < BYTES_MAX


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read in /proc")
def test_generated_queries_leave_memory_bounded(default_world: World, default_gateway: LaunchedGateway) -> None:
    _query(default_world, default_gateway, "courte", 8)


@pytest.mark.chaos
def test_two_minutes_of_generated_queries_leave_memory_bounded(
    default_world: World, default_gateway: LaunchedGateway
) -> None:
    _query(default_world, default_gateway, str(time.time_ns()), 120)
