"""Events for minutes: two processes of which one dies, a queue that fails. Printed beside what is promised."""

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest

from fixtures.servers import HOST
from fixtures.world import World
from tests.conftest import TODAY
from tests.support.e2e.changes import (
    enter_rupture,
    followed,
    read,
    small_world,
    suivi,
    suivi_is,
    tell,
    wait,
    write_suivi,
)
from tests.support.figures import note

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(tmp_path_factory.mktemp("evenements")) as opened:
        yield opened


def test_two_processes_hear_an_event_and_one_may_die(small: World, redis_url: str) -> None:
    """One Redis: whoever hears of it, both show it; one is killed, and the other shows the next."""
    env = {"GATEWAY_CACHE_URL": redis_url, "GATEWAY_PROCESSUS": "2"}
    with small.gateway(0, HOST, **env) as one, small.gateway(0, HOST, **env) as other:
        small.check.subscribe("aimaira", f"{one.url}/evenements/aimaira")
        followed = [write_suivi(small, one, other) for _ in range(2)]
        days = [TODAY - timedelta(days=days) for days in (5, 7)]
        ruptures = [enter_rupture(small, day, one, other) for day in days]
        tell("événements i-milo, deux processus", [max(delays) for delays in followed])
        tell("appels Aimaira, deux processus", [max(delays) for delays in ruptures])
        one.processus.kill()
        tell("événement i-milo, l'autre processus tué", write_suivi(small, other))
        small.check.subscribe("aimaira", "")


def test_a_failing_queue_is_caught_up_with(small: World) -> None:
    """Half a minute of failures while records change: nothing is lost, and the last word is shown."""
    with small.gateway() as alone:
        account = followed(small, read(small, alone))
        small.check.fault("imilo", "error", 500, operation="events")
        for situation in ("CHERCHE_CONTRAT", "AUTRE", "RDV_PRIS"):
            small.check.change("imilo", account.key, "situation", situation)
            time.sleep(10)
        assert suivi(read(small, alone), account) != "RDV_PRIS"
        small.check.lift_faults()
        timeout = wait(partial(suivi_is, small, alone, account, "RDV_PRIS"))
    note(f"file i-milo en panne 30 s : rattrapée {timeout:.1f} s après son retour (recul ≤ 30 s)")
