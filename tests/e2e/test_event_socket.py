"""Told by a partner, received over a WebSocket: the log over real sockets, and all that ends one."""

import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.e2e.test_event_stream_life import followed_key, without
from tests.support.e2e.event_listener import reset
from tests.support.e2e.readings import entries, journal_de
from tests.support.e2e.socket_client import SocketClient, socket_client
from tests.support.e2e.told_streams import log, read_register_again, rupture, wait_until_none
from tests.support.figures import note
from tests.support.pair import counter


def subscribed(stack: ExitStack, gateway: LaunchedGateway, token: str) -> SocketClient:
    client = stack.enter_context(socket_client(gateway.url))
    client.init(token)
    client.subscribe()
    assert client.is_alive()
    return client


def wait_for_streams(gateway: LaunchedGateway, number: int) -> None:
    end = time.monotonic() + 60
    while (now := counter(gateway, "passerelle_flux_ouverts")) != number:
        assert time.monotonic() < end, f"{now} streams"
        time.sleep(0.1)


def test_a_rupture_told_by_a_partner_is_received_journaled_and_resumed(small: World, alone: LaunchedGateway) -> None:
    with ExitStack() as stack:
        client = subscribed(stack, alone, small.token("ml"))
        wait_for_streams(alone, 1)
        start = time.monotonic()
        rupture(small, alone)
        message = client.hear(60)
        note(f"appel Aimaira → WebSocket du conseiller : {time.monotonic() - start:.1f} s (promis ≤ 5 s)")
        event = message["payload"]["data"]["evenements"]
        assert (message["type"], message["id"], event["type"]) == ("next", "1", "RUPTURE_NOUVELLE")
        asked = (
            f'{{ node(id: "{event["jeune"]["id"]}") {{ ... on Jeune {{ id nom telephone suivi {{ situation }} }} }} }}'
        )
        assert alone.graphql(small.token("ml"), asked, {})["data"]["node"] == event["jeune"]
        sent = [entry for entry in entries(journal_de(small)).values() if "Rupture.date" in str(entry["coordonnees"])]
        assert [1] in [[group["personnes"] for group in entry["groupes"]] for entry in sent]
    rupture(small, alone)
    end = time.monotonic() + 30
    while not (whole := [one["id"] for one in log(small, alone, depuis=event["id"])]) and time.monotonic() < end:
        time.sleep(0.2)
    with socket_client(alone.url) as back:
        back.init(small.token("ml"))
        back.subscribe(depuis=event["id"])
        received = [back.hear(60)["payload"]["data"]["evenements"]["id"] for _ in whole]
    assert received == whole


def test_each_subscription_of_a_socket_counts_as_a_stream(small: World, alone: LaunchedGateway) -> None:
    token = small.token("ml", agent="quatre")
    with ExitStack() as stack:
        client = stack.enter_context(socket_client(alone.url))
        client.init(token)
        for n in range(4):
            client.subscribe(f"n{n}")
        wait_for_streams(alone, 4)
        client.subscribe("n4")
        message = client.hear()
        assert (message["type"], message["id"]) == ("error", "n4")
        assert message["payload"][0]["extensions"]["code"] == "QUOTA_ATTEINT"
        client.say({"type": "complete", "id": "n0"})
        wait_for_streams(alone, 3)
        client.subscribe("n4")
        wait_for_streams(alone, 4)
        assert client.is_alive()
    wait_until_none(alone)


def test_i9_a_client_removed_from_the_register_is_closed_with_4403_and_told_nothing_more(
    small: World, alone: LaunchedGateway
) -> None:
    register = Path(small.environment["GATEWAY_CONFIG"]) / "clients.toml"
    text = register.read_text()
    with ExitStack() as stack:
        client = subscribed(stack, alone, small.token("ml"))
        wait_for_streams(alone, 1)
        try:
            register.write_text(without(text, "ml"))
            read_register_again(alone)
            small.check.change("imilo", followed_key(small), "situation", "NOUVEAU_PROJET", times=3)
            client.connection.socket.settimeout(60)
            with pytest.raises(Exception, match="4403"):
                raise AssertionError(client.hear(60))
        finally:
            register.write_text(text)
            read_register_again(alone)


def test_i11_sockets_cut_three_ways_leave_nothing(small: World, alone: LaunchedGateway) -> None:
    wait_until_none(alone)
    open_files = len(os.listdir(f"/proc/{alone.pid}/fd"))
    with ExitStack() as stack:
        clients = [subscribed(stack, alone, small.token("ml", agent=f"agent{n}")) for n in range(10) for _ in range(3)]
        wait_for_streams(alone, 30)
        for rank, client in enumerate(clients):
            if rank % 3 == 0:
                client.connection.close()
            elif rank % 3 == 1:
                reset(client.raw)
            else:
                client.raw.shutdown(1)  # its side ends, and no close was said
        wait_until_none(alone)
        end = time.monotonic() + 30
        while len(os.listdir(f"/proc/{alone.pid}/fd")) > open_files + 2:
            assert time.monotonic() < end, "connections stay open"
            time.sleep(0.2)


def test_a_gateway_that_stops_closes_with_1012_which_clients_come_back_from(
    small: World, alone: LaunchedGateway
) -> None:
    with ExitStack() as stack:
        busy = subscribed(stack, alone, small.token("ml"))
        idle = stack.enter_context(socket_client(alone.url))
        idle.init(small.token("ml"))
        wait_for_streams(alone, 1)
        alone.processus.send_signal(signal.SIGTERM)
        assert idle.hear_end()[0] == 1012
        assert busy.hear_end()[0] == 1012
        assert alone.processus.wait(60) == 0
