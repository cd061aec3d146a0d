"""A change at a partner, told by an event, seen in the graph: the delay is printed beside the five seconds promised."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.simulators import aimaira
from fixtures.simulators.events import signature
from fixtures.world import World
from tests.conftest import TODAY
from tests.support.e2e.changes import enter_rupture, followed, read, small_world, suivi, tell, write_suivi
from tests.support.e2e.without_asking import without_asking
from tests.support.figures import note


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(tmp_path_factory.mktemp("evenements")) as opened:
        yield opened


@pytest.fixture(scope="module")
def alone(small: World) -> Iterator[LaunchedGateway]:
    with small.gateway() as launched:
        small.check.subscribe("aimaira", f"{launched.url}/evenements/aimaira")
        yield launched
        small.check.subscribe("aimaira", "")


def test_a_suivi_written_at_i_milo_is_seen(small: World, alone: LaunchedGateway) -> None:
    tell("événement i-milo", write_suivi(small, alone))


def test_a_rupture_entered_at_aimaira_is_seen(small: World, alone: LaunchedGateway) -> None:
    tell("appel Aimaira", enter_rupture(small, TODAY - timedelta(days=3), alone))


def test_a_false_truncated_replayed_or_too_long_call_has_nothing_asked(small: World, alone: LaunchedGateway) -> None:
    """Over real HTTP, through everything that stands before the route."""
    uai = next(iter(small.population.accounts["aimaira"]))
    body = json.dumps({"CustomerName": uai.lower(), "ObjectType": "Apprenant"}).encode()
    secret, instant = aimaira.events_secret(small.population), int(time.time())
    right = signature(secret, body, instant)
    read(small, alone)
    small.check.reset_all()
    calls = [
        ("aimaira", body, {}, 401),
        ("aimaira", body, signature("autre", body, instant), 401),
        ("aimaira", body[:-1], right, 401),
        ("aimaira", body, signature(secret, body, instant - 301), 401),
        ("imilo", body, right, 401),
        ("personne", body, right, 401),
        ("aimaira", b"x" * 8193, signature(secret, b"x" * 8193, instant), 413),
    ]
    with client_http(alone.url) as http:

        def refused() -> None:
            for name, content, headers, statut in calls:
                assert http.post(f"/evenements/{name}", content=content, headers=headers).status_code == statut
            read(small, alone)

        without_asking(small, refused)
        small.check.reset_all()
        for _ in range(100):
            assert http.post("/evenements/aimaira", content=body, headers=right).status_code == 202
    time.sleep(2.1)  # what was read a moment ago serves two seconds
    read(small, alone)
    read(small, alone)
    batches = small.check.counters()["aimaira"]
    note(f"100 appels rejoués d'un établissement : {max(batches.values())} lecture")
    assert set(batches.values()) == {1}


def test_without_an_event_a_change_waits_for_the_duration_of_the_source(small: World, alone: LaunchedGateway) -> None:
    """What proves that the events did it: the same change, told to nobody, is not seen."""
    account = followed(small, read(small, alone))

    def changed() -> str | None:
        other = next(one for one in ("NOUVEAU_PROJET", "RDV_PRIS") if one != suivi(read(small, alone), account))
        small.check.change("imilo", account.key, "situation", other, times=0)
        time.sleep(2)
        return None if (shown := suivi(read(small, alone), account)) == other else shown

    assert without_asking(small, changed)
