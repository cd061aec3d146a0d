"""Which CFAs are asked for a Mission locale, told by the command line: those, and no other, are asked by its queries."""

import subprocess
import sys

from fixtures.gateway_process import ROOT, environment
from fixtures.world import World
from tests.support.e2e.queries import until_complete
from tests.support.figures import note

QUERY = "{ ruptures(first: 1) { totalCount complet } }"


def test_the_cfas_of_a_mission_locale_are_explained_and_asked(world: World, patient: str) -> None:
    command = [sys.executable, "-m", "gateway", "expliquer", QUERY, "--client", "ml"]
    env = environment(world.environment | {"GATEWAY_CONFIG": patient})
    world.check.reset_all()
    finished = subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, text=True)
    assert {name for name, operations in world.check.counters().items() if sum(operations.values())} <= {"referentiel"}
    rows = [line for line in finished.stdout.splitlines() if line.startswith("  0")]
    assert f"CFA concernés : {len(rows)}\n" in finished.stdout
    for line in rows:
        assert "d'une région que touche son territoire" in line or "contrat(s) de résidents au registre" in line
    assert any("contrat(s) de résidents" in line for line in rows)
    with world.gateway(GATEWAY_CONFIG=patient) as launched:
        world.check.reset_all()
        until_complete(launched, world.token("ml"), QUERY)
        requests = world.check.counters()["ypareo"]
    assert requests["periodes"] == sum("(ypareo, 200 au plus par requête)" in line for line in rows)
    note(f"expliquer : {len(rows)} CFA concernent la Mission locale de la démonstration, chacun avec ses raisons")
