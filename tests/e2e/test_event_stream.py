"""Told by a partner, received by an adviser: the log and its streams over real HTTP, with simulators that tell their changes."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.conftest import TODAY
from tests.support.e2e.changes import enter_rupture, read, small_world, write_suivi
from tests.support.e2e.event_listener import EVENTS, listening, raw_stream, reset
from tests.support.e2e.readings import entries, journal_de
from tests.support.figures import note
from tests.support.pair import counter

LOG = """query L($depuis: ID) { evenements(depuis: $depuis, first: 500) { totalCount nodes { id type
 jeune { id nom } } } }"""
DAYS = iter(range(3, 60))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(tmp_path_factory.mktemp("flux")) as opened:
        opened.harvest()
        yield opened


@pytest.fixture(scope="module")
def alone(small: World) -> Iterator[LaunchedGateway]:
    with small.gateway() as launched:
        small.check.subscribe("aimaira", f"{launched.url}/evenements/aimaira")
        open_log(small, launched)
        yield launched
        small.check.subscribe("aimaira", "")


def open_log(world: World, gateway: LaunchedGateway) -> None:
    """The first look at the perimeter is taken: what it finds is known, and not announced."""
    read(world, gateway)
    log(world, gateway)
    time.sleep(3)
    world.check.reset_all()


def log(world: World, gateway: LaunchedGateway, **variables: Any) -> list[dict[str, Any]]:
    response = gateway.graphql(world.token("ml"), LOG, variables)
    nodes: list[dict[str, Any]] = response["data"]["evenements"]["nodes"]
    return nodes


def rupture(world: World, *gateways: LaunchedGateway) -> list[float]:
    return enter_rupture(world, TODAY - timedelta(days=next(DAYS)), *gateways)


def test_a_rupture_told_by_a_partner_is_received_within_five_seconds(small: World, alone: LaunchedGateway) -> None:
    with listening(alone.url, small.token("ml")) as adviser:
        start = time.monotonic()
        rupture(small, alone)
        (document,) = adviser.wait_for(1)
    sent = [entry for entry in entries(journal_de(small)).values() if "Rupture.date" in str(entry["coordonnees"])]
    note(f"appel Aimaira → flux du conseiller : {adviser.instants[0] - start:.1f} s (promis ≤ 5 s)")
    event = document["data"]["evenements"]
    assert (event["type"], event["source"]) == ("RUPTURE_NOUVELLE", "aimaira")
    asked = f'{{ node(id: "{event["jeune"]["id"]}") {{ ... on Jeune {{ id nom telephone suivi {{ situation }} }} }} }}'
    assert alone.graphql(small.token("ml"), asked, {})["data"]["node"] == event["jeune"]
    assert adviser.places == [event["id"]] == [log(small, alone)[-1]["id"]]
    assert [group["personnes"] for group in sent[-1]["groupes"]] == [1]


def test_a_follow_up_written_at_i_milo_is_received(small: World, alone: LaunchedGateway) -> None:
    with listening(alone.url, small.token("ml")) as adviser:
        start = time.monotonic()
        write_suivi(small, alone)
        (document,) = adviser.wait_for(1)
    note(f"événement i-milo → flux du conseiller : {adviser.instants[0] - start:.1f} s (promis ≤ 5 s)")
    event = document["data"]["evenements"]
    assert event["type"] == "SUIVI_MODIFIE"
    assert event["jeune"]["suivi"]["situation"] in ("REORIENTATION", "AUTRE")


def test_who_comes_back_receives_what_came_meanwhile(small: World, alone: LaunchedGateway) -> None:
    with listening(alone.url, small.token("ml")) as before:
        rupture(small, alone)
        before.wait_for(1)
    place = before.places[-1]
    rupture(small, alone)
    end = time.monotonic() + 30
    while not log(small, alone, depuis=place) and time.monotonic() < end:
        time.sleep(0.2)
    whole = [event["id"] for event in log(small, alone, depuis=place)]
    assert whole
    with listening(alone.url, small.token("ml"), place) as after:
        after.wait_for(len(whole))
    assert after.places[: len(whole)] == whole


def test_a_partner_that_is_down_stops_no_event_of_another(small: World, alone: LaunchedGateway) -> None:
    small.check.fault("gestibase", "refuse")
    try:
        with listening(alone.url, small.token("ml")) as adviser:
            rupture(small, alone)
            adviser.wait_for(1)
        assert adviser.types()[0] == "RUPTURE_NOUVELLE"
    finally:
        small.check.lift_faults()


def test_the_operation_decides_whether_it_is_streamed(small: World, alone: LaunchedGateway) -> None:
    def asked(accept: str, query: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {small.token('ml')}", "accept": accept}
        return httpx.post(f"{alone.url}/graphql", json={"query": query}, headers=headers, timeout=30)

    assert asked("text/event-stream", "{ moi { profil } }").status_code == 406
    both = asked("application/json, text/event-stream", "{ moi { profil } }")
    assert (both.status_code, both.json()["data"]) == (200, {"moi": {"profil": "MISSION_LOCALE"}})
    plain = asked("application/json", EVENTS)
    assert plain.json()["errors"][0]["extensions"]["code"] == "REQUETE_INVALIDE"
    wrong = asked("text/event-stream", "subscription { nulle }")
    assert wrong.headers["content-type"].startswith("text/event-stream")
    assert wrong.text.startswith('event: next\ndata: {"errors":[{"message":"Champ inconnu : nulle sur Subscription.')
    assert wrong.text.endswith("event: complete\ndata:\n\n")


def test_without_a_token_it_is_refused_by_http(alone: LaunchedGateway) -> None:
    answer = httpx.post(f"{alone.url}/graphql", json={"query": EVENTS}, headers={"accept": "text/event-stream"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "NON_AUTHENTIFIE")


def test_a_fifth_stream_of_an_account_is_refused(small: World, alone: LaunchedGateway) -> None:
    token = small.token("ml", agent="quatre")
    streams = [raw_stream(alone.url, token) for _ in range(4)]
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    answer = httpx.post(f"{alone.url}/graphql", json={"query": EVENTS}, headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    for stream in streams:
        stream.close()
    wait_until_none(alone)


def wait_until_none(gateway: LaunchedGateway) -> None:
    end = time.monotonic() + 60
    while counter(gateway, "passerelle_flux_ouverts"):
        assert time.monotonic() < end, "streams stay"
        time.sleep(0.2)


def test_i11_streams_cut_three_ways_leave_nothing(small: World, alone: LaunchedGateway) -> None:
    wait_until_none(alone)
    open_files = len(os.listdir(f"/proc/{alone.pid}/fd"))
    tokens = [small.token("ml", agent=f"agent{n}") for n in range(10)]
    streams = [raw_stream(alone.url, token) for token in tokens for _ in range(3)]
    assert counter(alone, "passerelle_flux_ouverts") == 30
    for rank, stream in enumerate(streams):
        if rank % 3 == 0:
            stream.close()
        elif rank % 3 == 1:
            reset(stream)
        else:
            stream.shutdown(1)  # its side ends, and it reads on: nothing is owed to who left
            stream.close()
    wait_until_none(alone)
    end = time.monotonic() + 30
    while len(os.listdir(f"/proc/{alone.pid}/fd")) > open_files + 2:
        assert time.monotonic() < end, "connections stay open"
        time.sleep(0.2)
