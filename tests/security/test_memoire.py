"""Generated queries of every profile, one after the other, against a real gateway: its memory stays bounded."""

import re
import time
from pathlib import Path
from random import Random

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from tests.access.operations import ecrire, tirer_operation
from tests.chiffres import noter
from tests.e2e.test_oracle_http import CLIENTS, INCONNUS

OCTETS_MAX = 512 * 1024 * 1024


def _residente(pid: int) -> int:
    """Resident memory of a process, in bytes."""
    trouve = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert trouve is not None
    return int(trouve[1]) * 1024


def _interroger(monde: Monde, passerelle: PasserelleLancee, graine: str, secondes: float) -> None:
    hasard, fin, demandes = Random(graine), time.monotonic() + secondes, 0
    jetons = [monde.jeton(client) for client in sorted(CLIENTS)]
    while time.monotonic() < fin:
        recue = passerelle.graphql(hasard.choice(jetons), ecrire(tirer_operation(hasard), hasard, INCONNUS))
        codes = {erreur["extensions"]["code"] for erreur in recue.get("errors", [])}
        assert "ERREUR_INTERNE" not in codes, graine
        demandes += 1
    octets = _residente(passerelle.pid)
    noter(f"mémoire : {octets / 2**20:.0f} Mio après {demandes} requêtes générées en {secondes:.0f} s")
    assert octets < OCTETS_MAX


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read in /proc")
def test_generated_queries_leave_memory_bounded(monde: Monde, passerelle: PasserelleLancee) -> None:
    _interroger(monde, passerelle, "courte", 8)


@pytest.mark.chaos
def test_two_minutes_of_generated_queries_leave_memory_bounded(monde: Monde, passerelle: PasserelleLancee) -> None:
    _interroger(monde, passerelle, str(time.time_ns()), 120)
