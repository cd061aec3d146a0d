"""Hazards of a stream over real HTTP, each by its name: a token that ends, a reader that freezes during 10,000 events, Redis
killed during fan-out. The others: `tests/unit/test_stream_hazards.py` says where."""

import asyncio
import socket
import time
from collections.abc import Iterator
from datetime import timedelta

import orjson
import pytest
import redis

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from gateway.auth.policy.rules import Finalite, Profil
from gateway.config import load
from gateway.domain.seal import OpaqueIds
from gateway.evenements.perimeter_logs import USAGE
from gateway.evenements.perimeters import WatchedPerimeter
from gateway.stores.event_log import EventRow, EventStore, PollRows
from tests.conftest import TODAY
from tests.e2e.test_event_properties import short_token
from tests.support.e2e.changes import enter_rupture, read, small_world
from tests.support.e2e.event_listener import listening, raw_stream
from tests.support.e2e.told_streams import log, open_log
from tests.support.figures import note
from tests.support.pair import Node, a_database, counter
from tests.support.redis_server import redis_server

ML = Profil.MISSION_LOCALE
EVENTS, BATCH = 10_000, 1_000
LIFE = 20  # seconds of a short token
GROWTH_MAX = 40 * 2**20  # bytes of the whole process, while it tells ten thousand events to who does not read


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(tmp_path_factory.mktemp("dangers")) as opened:
        opened.harvest()
        yield opened


def test_a_stream_that_outlives_its_token_is_sent_what_came_before_and_nothing_after(small: World) -> None:
    with small.gateway() as launched:
        small.check.subscribe("aimaira", f"{launched.url}/evenements/aimaira")
        open_log(small, launched)
        end, token = time.time() + LIFE + 1, short_token(small, "éphémère", LIFE)
        with listening(launched.url, token) as adviser:
            enter_rupture(small, TODAY - timedelta(days=3), launched)
            adviser.wait_for(1)
            time.sleep(max(0.0, end - time.time()))
            before = len(adviser.documents)
            enter_rupture(small, TODAY - timedelta(days=4), launched)
            assert adviser.ended.wait(60)
        small.check.subscribe("aimaira", "")
    assert adviser.types()[0] == "RUPTURE_NOUVELLE"
    (last,) = adviser.documents[before:]
    assert last["errors"][0]["extensions"]["code"] == "NON_AUTHENTIFIE"
    assert "data" not in last


def test_a_reader_frozen_during_ten_thousand_events_lags_costs_nothing_and_goes_on(small: World) -> None:
    """It reads nothing while they come, as many as a burst of imports would make; then one word says that it missed some."""
    with small.gateway() as launched:
        small.check.subscribe("aimaira", f"{launched.url}/evenements/aimaira")
        open_log(small, launched)
        frozen, token = raw_stream(launched.url, small.token("ml", agent="figé")), small.token("ml")
        before = _memory(launched)
        asyncio.run(_burst(small))
        grown = _memory(launched) - before
        assert counter(launched, "passerelle_flux_ouverts") == 1
        assert log(small, launched) is not None  # others are answered
        with listening(launched.url, token) as other:
            enter_rupture(small, TODAY - timedelta(days=5), launched)
            other.wait_for(1)
            read_late = _events(frozen)
        small.check.subscribe("aimaira", "")
    note(f"lecteur figé pendant {EVENTS} événements : {grown / 2**20:+.0f} Mio, {len(read_late)} messages à son retour")
    assert grown < GROWTH_MAX
    assert [one["type"] for one in read_late[:-1]] == ["LACUNE"] * (len(read_late) - 1)
    assert len(read_late) <= 2 + EVENTS // BATCH
    assert read_late[-1]["type"] == "RUPTURE_NOUVELLE"


async def _burst(world: World) -> None:
    """Ten thousand events in the log of the Mission locale, as another process would write them."""
    configuration = load(world.environment)
    url = f"sqlite+aiosqlite:///{configuration.donnees / 'evenements.sqlite'}"
    own = WatchedPerimeter(ML, Finalite.ACCOMPAGNEMENT, ML, world.clients["ml"].organisation)
    key, store = own.key(OpaqueIds(configuration.sealer)), EventStore(url)
    sealed = configuration.sealer.seal(USAGE, orjson.dumps([None, None, "aimaira", 1]), key.encode())
    now = configuration.now()
    await store.open()
    for _ in range(EVENTS // BATCH):
        await store.record(key, PollRows(now=now, told=[("", EventRow("SOURCE_AJOUTEE", now, sealed))] * BATCH))
        await asyncio.sleep(1.5)  # each process looks once a second
    assert len(await store.after(key, 0)) >= EVENTS
    await store.close()


def _memory(gateway: LaunchedGateway) -> float:
    return counter(gateway, "process_resident_memory_bytes")


def _events(stream: socket.socket) -> list[dict[str, object]]:
    """What a stream that is read again still receives, up to the rupture."""
    stream.settimeout(60)
    text = b""
    while b"RUPTURE_NOUVELLE" not in text:
        part = stream.recv(65_536)
        assert part
        text += part
    stream.close()
    whole = [line[6:] for line in text.split(b"\n") if line.startswith(b'data: {"data"')]
    return [orjson.loads(line)["data"]["evenements"] for line in whole if line.rstrip().endswith(b"}")]


def test_redis_killed_during_fan_out_loses_nothing(small: World) -> None:
    """Two processes; the partner calls one, the adviser listens to the other; Redis dies between the call and the sending."""
    with redis_server() as cache, a_database() as base:
        env = {"GATEWAY_CACHE_URL": cache, "GATEWAY_DATABASE_URL": base, "GATEWAY_PROCESSUS": "2"}
        small.environment |= {"GATEWAY_DATABASE_URL": base}
        nodes: list[Node] = []
        try:
            small.harvest()
            nodes = [Node(small, env)]
            first = nodes[0].start()
            small.check.subscribe("aimaira", f"{first.url}/evenements/aimaira")
            open_log(small, first)  # it is the one that looks
            nodes.append(Node(small, env))
            second = nodes[1].start()
            read(small, second)
            with listening(second.url, small.token("ml")) as adviser:
                enter_rupture(small, TODAY - timedelta(days=6), first)
                adviser.wait_for(1)
                start = time.monotonic()
                _stop_redis(cache)
                enter_rupture(small, TODAY - timedelta(days=7), first)
                adviser.wait_for(2)
            note(f"Redis tué pendant la diffusion → flux : {adviser.instants[1] - start:.1f} s, rien de perdu")
            assert adviser.places == [event["id"] for event in log(small, second)][-len(adviser.places) :]
            small.check.subscribe("aimaira", "")
        finally:
            for node in nodes:
                node.close()
            del small.environment["GATEWAY_DATABASE_URL"]


def _stop_redis(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.shutdown(nosave=True)
