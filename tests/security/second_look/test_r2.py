"""R2: without credentials nobody slows others down, shuts them out, fills the log, or sees more than that the process lives."""

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock
from urllib.parse import urlsplit

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send
from uvicorn.server import ServerState

from fixtures.gateway_process import LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.world import World
from gateway.edge.connection_table import ClientAddresses, ConnectionTable
from gateway.edge.http_protocol import BoundedHttpProtocol, Listener
from gateway.server import listeners
from tests.support.figures import note
from tests.support.pair import admin
from tests.support.security.edge_attacks import (
    ATTACKER,
    LIVE,
    OTHER,
    ask,
    attacked,
    connect,
    crowd,
    first_answer,
    get,
    query,
    talk,
    to_the_end,
)

PROXY = "127.0.0.4"
THOUSAND = 1100  # connections of one address: more than there are places
FLOOD = 700
HALF = 90  # requests for one list: a hundred may wait for it
PROFILE = {"moi": {"profil": "MISSION_LOCALE"}}
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
SLOW_BODY = (
    b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
)
SILENCES = {"nothing": b"", "half a line": b"GE", "half of the headers": LIVE, "half of a body": SLOW_BODY}
MALFORMED = {
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "absolute": b"GET http://ailleurs.invalid/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "two lengths": b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "tunnel": b"CONNECT ailleurs.invalid:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "tunnel to here": b"CONNECT /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "endless header": b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000,
    "not ASCII": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
}
OFFERS = {
    "h2c": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
    "WebSocket": "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13",
    "unknown": "Upgrade: quelconque/7\r\nConnection: upgrade",
}


def test_r2_anybody_is_told_that_it_lives_and_nothing_else(launched: LaunchedGateway) -> None:
    assert get(launched.url, "/metrics").status_code == 404
    assert get(launched.url, "/health/ready").json() == {"etat": "prêt"}
    assert get(launched.url, "/health/live").json() == {"etat": "vivant"}


def test_r2_the_operator_has_a_door_of_his_own(launched: LaunchedGateway) -> None:
    told = get(admin(launched), "/health/ready").json()
    assert (told.keys(), told["etat"], told["manque"]) == ({"etat", "manque", "degrade"}, "prêt", [])
    figures = get(admin(launched), "/metrics")
    assert figures.headers["content-type"].startswith("text/plain; version=")
    assert "passerelle_boucle_retard_secondes_count" in figures.text
    assert "python_info" not in get(admin(launched), "/graphql").text
    assert get(admin(launched), "/graphql").status_code == 404
    assert SECURITY_HEADERS.items() <= dict(figures.headers).items()


def test_r2_figures_are_written_once_a_second_whoever_asks(launched: LaunchedGateway) -> None:
    """The loop's lateness is measured fifty times a second: two texts that were written apart differ."""
    begun = time.monotonic()
    with client_http(admin(launched)) as http:
        texts = [http.get("/metrics").text for _ in range(300)]
    assert len(set(texts)) <= time.monotonic() - begun + 2


def test_r2_others_are_served_beside_a_flood_of_figures(launched: LaunchedGateway, world: World) -> None:
    alone = _median(launched, world)
    code = "import http.client, sys\nh = http.client.HTTPConnection(sys.argv[1], timeout=60)\n"
    code += "while True:\n    h.request('GET', '/metrics')\n    h.getresponse().read()\n"
    command = [sys.executable, "-c", code, urlsplit(admin(launched)).netloc]
    with ExitStack() as stack:
        for _ in range(4):
            flood = stack.enter_context(subprocess.Popen(command))
            stack.callback(flood.kill)
        beside = _median(launched, world)
    note(f"R2, /metrics demandé sans fin par 4 clients : p50 des autres {alone:.1f} → {beside:.1f} ms")


async def _some_turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.anyio
async def test_r2_requests_of_the_admin_listener_begin_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood takes a part of the loop only, and a request that is long to answer holds up nobody."""
    turns: list[asyncio.Future[None]] = []
    begun: list[int] = []

    async def wait(_seconds: float) -> None:
        turns.append(asyncio.get_running_loop().create_future())
        await turns[-1]

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        begun.append(scope["rank"])
        await asyncio.Event().wait()

    async def receive() -> Message:
        return {}

    async def send(_message: Message) -> None: ...

    async def ask(rank: int) -> None:
        await spaced({"type": "http", "rank": rank}, receive, send)

    monkeypatch.setattr(listeners, "asyncio", SimpleNamespace(Lock=asyncio.Lock, sleep=wait))
    spaced = listeners._spaced(app)
    tasks = [asyncio.create_task(ask(rank)) for rank in range(3)]
    for rank in range(3):
        await _some_turns()
        assert (len(turns), begun) == (rank + 1, list(range(rank)))
        turns[-1].set_result(None)
    for task in tasks:
        task.cancel()


@pytest.mark.parametrize("source", ["", ATTACKER], ids=["same address", "another address"])
@pytest.mark.parametrize("silence", SILENCES)
def test_r2_a_thousand_silent_connections_shut_nobody_out(
    launched: LaunchedGateway, world: World, silence: str, source: str
) -> None:
    token = world.token("ml")
    with connect(launched.url) as kept, crowd(launched.url, THOUSAND, SILENCES[silence], source):
        assert get(launched.url, "/health/live").status_code == 200
        assert get(admin(launched), "/health/ready").status_code == 200
        with client_http(launched.url) as http:
            statuses = {ask(http, token).status_code for _ in range(20)}
        assert statuses == {200}
        if source:  # who has one connection keeps it: it is not of the busiest address
            kept.sendall(query(token, "{ moi { profil } }", "Connection: close"))
            assert first_answer(to_the_end(kept)).status == 200


def test_r2_the_oldest_silent_connection_of_the_busiest_address_makes_room(launched: LaunchedGateway) -> None:
    with connect(launched.url, "127.0.0.3") as quiet, crowd(launched.url, THOUSAND, b"", ATTACKER) as silent:
        silent[0].settimeout(10)
        assert to_the_end(silent[0]) == b""
        for connection in (silent[-1], quiet):
            connection.sendall(LIVE + b"Connection: close\r\n\r\n")
            assert first_answer(to_the_end(connection)).status == 200


def test_r2_one_address_may_have_as_many_requests_as_there_are_places(launched: LaunchedGateway, world: World) -> None:
    """A connection that works is not closed for another one of the same address."""
    request = query(world.token("ml"), "{ ruptures(first: 1) { totalCount } }", "Connection: close")
    with crowd(launched.url, HALF, request, ATTACKER) as working, crowd(launched.url, THOUSAND, b"", ATTACKER):
        statuses = [first_answer(to_the_end(each)).status for each in working]
    assert statuses == [200] * HALF


def test_r2_others_wait_no_longer_beside_a_thousand_slow_ones(launched: LaunchedGateway, world: World) -> None:
    alone = _median(launched, world)
    with crowd(launched.url, THOUSAND // 2, SLOW_BODY, ATTACKER), crowd(launched.url, THOUSAND // 2, LIVE, ATTACKER):
        beside = _median(launched, world)
    note(f"R2, {THOUSAND} connexions lentes d'une adresse : p50 des autres {alone:.1f} → {beside:.1f} ms (≤ 2 ×)")


@pytest.mark.parametrize("case", MALFORMED)
def test_r2_what_is_no_request_is_refused_as_everything_else(launched: LaunchedGateway, case: str) -> None:
    answer = first_answer(talk(launched.url, MALFORMED[case]))
    assert (answer.status, answer.headers["content-type"], answer.rest) == (400, "application/json", b"")
    assert SECURITY_HEADERS.items() <= answer.headers.items()
    assert answer.headers["connection"] == "close"
    assert json.loads(answer.body)["errors"][0]["extensions"] == {"code": "REQUETE_INVALIDE"}


def test_r2_an_answer_under_way_is_not_cut_by_what_follows_it(launched: LaunchedGateway, world: World) -> None:
    answer = first_answer(talk(launched.url, query(world.token("ml")) + b"\x00\x00 no request\r\n\r\n"))
    assert (answer.status, answer.rest) == (200, b"")
    assert json.loads(answer.body)["data"] == PROFILE


@pytest.mark.parametrize("offer", ["", "Connection: upgrade\r\nUpgrade: h2c\r\n"], ids=["plain", "offering"])
def test_r2_one_read_of_a_connection_is_not_thousands_of_requests(launched: LaunchedGateway, offer: str) -> None:
    """One is answered and sixteen wait; what comes behind is not read, and the last answer ends the connection."""
    request = f"GET /health/live HTTP/1.1\r\n{offer}\r\n".encode()
    assert talk(launched.url, 17 * request + LIVE + b"Connection: close\r\n\r\n").count(b"HTTP/1.1 200 OK") == 17
    assert talk(launched.url, 1000 * request).count(b"HTTP/1.1 ") == 17


@pytest.mark.skipif(bool(OTHER), reason="of the protocol, in this process")
@pytest.mark.anyio
@pytest.mark.parametrize(("size", "refused"), [(65_536, False), (65_537, True)])
async def test_r2_a_request_that_waits_behind_another_holds_no_long_body(size: int, refused: bool) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None: ...

    config = uvicorn.Config(app, ws="none", lifespan="off")
    config.load()
    listener = Listener(ConnectionTable(1, lambda: None), ClientAddresses(()), b"HTTP/1.1 400 \r\n\r\n", lambda: None)
    protocol = BoundedHttpProtocol(listener, config=config, server_state=ServerState(), app_state={})
    protocol.connection_made(MagicMock(asyncio.Transport))
    behind = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (size, b"x" * size)
    protocol.data_received(LIVE + b"\r\n" + behind)
    assert (protocol._refused, len(protocol.cycle.body)) == (refused, 0 if refused else size)
    protocol.connection_lost(None)


def test_r2_a_flood_of_malformed_requests_is_no_flood_of_lines(launched: LaunchedGateway) -> None:
    before = _lines(launched.journal)
    for case in MALFORMED.values():
        for _ in range(FLOOD // len(MALFORMED)):
            talk(launched.url, case, source=ATTACKER)
    for _ in range(150):
        get(launched.url, "/graphql?cle=pa_secret")
    assert _lines(launched.journal) - before <= 100


@pytest.mark.parametrize("offer", OFFERS)
def test_r2_an_offer_to_speak_another_protocol_is_ignored_and_the_body_read(
    launched: LaunchedGateway, world: World, offer: str
) -> None:
    request, last = query(world.token("ml"), "{ moi { profil } }", OFFERS[offer]), LIVE + b"Connection: close\r\n\r\n"
    for chunks in ([request + last], [request[:-5], request[-5:], last]):
        with connect(launched.url) as connection:
            for chunk in chunks:
                connection.sendall(chunk)
                time.sleep(0.05)
            answer = first_answer(to_the_end(connection))
        assert (answer.status, json.loads(answer.body)["data"]) == (200, PROFILE)
        assert first_answer(answer.rest).body == b'{"etat":"vivant"}'


@pytest.mark.parametrize("offer", OFFERS)
def test_r2_a_body_beside_an_offer_is_not_read_as_a_request(launched: LaunchedGateway, offer: str) -> None:
    smuggled = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    lengths = (
        (f"Content-Length: {len(smuggled)}", smuggled),
        ("Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(smuggled), smuggled)),
    )
    for length, body in lengths:
        head = f"POST /inconnu HTTP/1.1\r\nHost: 127.0.0.1\r\n{OFFERS[offer]}\r\n{length}\r\n\r\n".encode()
        last = b"GET /aussi HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        first = first_answer(talk(launched.url, head + body + last))
        second = first_answer(first.rest)
        assert (first.status, second.status, second.rest) == (404, 404, b"")
        assert SECURITY_HEADERS.items() <= first.headers.items()


def _median(launched: LaunchedGateway, world: World) -> float:
    """Milliseconds of a small request of somebody else."""
    token, durations = world.token("ml"), []
    with client_http(launched.url) as http:
        for _ in range(100):
            begun = time.perf_counter()
            assert ask(http, token).status_code == 200
            durations.append(1000 * (time.perf_counter() - begun))
    return statistics.median(durations)


def _lines(journal: Path) -> int:
    return len(journal.read_text(encoding="utf-8", errors="replace").splitlines())


@pytest.mark.skipif(bool(OTHER), reason="no other checkout has the key")
def test_r2_a_trusted_proxy_is_not_one_client_and_nobody_else_names_his_own_address(
    world: World, tmp_path: Path
) -> None:
    assert world.record is not None
    record = shutil.copytree(world.record, tmp_path / "monde", ignore=shutil.ignore_patterns("*.log"))
    text = (record / "gateway.toml").read_text(encoding="utf-8")
    text = text.replace("[http]\n", f'[http]\nmandataires = ["{PROXY}/32"]\n')
    (record / "gateway.toml").write_text(text, encoding="utf-8")
    with attacked(world, {"GATEWAY_CONFIG": str(record)}) as launched, ExitStack() as stack:
        idle = stack.enter_context(crowd(launched.url, 600, LIVE + b"X-Forwarded-For: 203.0.113.1\r\n\r\n", PROXY))
        for last in range(250):  # a stranger who tells another address at each connection
            stranger = SLOW_BODY.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.%d\r\n\r\n" % last)
            stack.enter_context(crowd(launched.url, 2, stranger, ATTACKER))
        half = query(world.token("ml"), "{ moi { profil } }", "X-Forwarded-For: 198.51.100.7, 203.0.113.9")[:-5]
        slow = stack.enter_context(crowd(launched.url, 500, half, PROXY))  # one client of the proxy
        slow[0].settimeout(5)
        closed = to_the_end(slow[0])
        assert closed == b""
        for connection in idle:
            assert b"vivant" in connection.recv(4096)
            connection.sendall(LIVE + b"Connection: close\r\n\r\n")
            assert first_answer(to_the_end(connection)).body == b'{"etat":"vivant"}'
