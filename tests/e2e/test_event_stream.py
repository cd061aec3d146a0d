"""Told by a partner, received by an adviser: the log and its streams over real HTTP, with simulators that tell their changes."""

import os
import time

import httpx
import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.changes import write_suivi
from tests.support.e2e.event_listener import EVENTS, listening, raw_stream, reset
from tests.support.e2e.readings import entries, journal_de
from tests.support.e2e.told_streams import log, rupture, wait_until_none
from tests.support.figures import note
from tests.support.pair import counter


def test_a_rupture_told_by_a_partner_is_received_within_five_seconds(small: World, alone: LaunchedGateway) -> None:
    with listening(alone.url, small.token("ml")) as adviser:
        start = time.monotonic()
        rupture(small, alone)
        (document,) = adviser.wait_for(1)
    sent = [entry for entry in entries(journal_de(small)).values() if "Rupture.date" in str(entry["coordonnees"])]
    note(f"appel Aimaira → flux du conseiller : {adviser.instants[0] - start:.1f} s (promis ≤ 5 s)")
    event = document["data"]["evenements"]
    # Named where it alone tells it, as the schema has it: the registry may know a breach of that day, or nearly.
    told = f'{{ node(id: "{event["rupture"]["id"]}") {{ ... on Rupture {{ sources }} }} }}'
    sources = alone.graphql(small.token("ml"), told, {})["data"]["node"]["sources"]
    assert "aimaira" in sources
    assert (event["type"], event["source"]) == ("RUPTURE_NOUVELLE", "aimaira" if sources == ["aimaira"] else None)
    asked = f'{{ node(id: "{event["jeune"]["id"]}") {{ ... on Jeune {{ id nom telephone suivi {{ situation }} }} }} }}'
    assert alone.graphql(small.token("ml"), asked, {})["data"]["node"] == event["jeune"]
    assert adviser.places == [event["id"]] == [log(small, alone)[-1]["id"]]
    # Of the list that `rupture` reads until it shows it, and of the event, in the order in which they came.
    assert [1] in [[group["personnes"] for group in entry["groupes"]] for entry in sent]


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


def test_a_client_that_leaves_gives_its_place_back_before_the_next_sign_of_life(
    small: World, alone: LaunchedGateway
) -> None:
    """The defect: a page that is reloaded five times was refused for fifteen seconds, its former streams holding its places."""
    wait_until_none(alone)
    token = small.token("ml", agent="recharge")
    first = raw_stream(alone.url, token)
    for _ in range(6):
        raw_stream(alone.url, token).close()
        end = time.monotonic() + 60
        while counter(alone, "passerelle_flux_ouverts") > 1:
            assert time.monotonic() < end, "a stream of nobody stays"
            time.sleep(0.02)
    first.setblocking(False)
    with pytest.raises(BlockingIOError):
        first.recv(1)  # opened before the others, it was sent none yet
    first.close()
    wait_until_none(alone)


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
