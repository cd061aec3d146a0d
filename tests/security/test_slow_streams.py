"""Streams whose client does not read, over real sockets: each is closed, gives its place back, and holds little meanwhile
(docs/security.md F13, G16)."""

import asyncio
import socket
import threading
import time
import tracemalloc
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from gateway.config import HttpSettings, StreamSettings
from gateway.edge import event_stream, http_protocol, socket_protocol
from gateway.edge.connection_table import ClientAddresses, ConnectionTable
from gateway.edge.event_stream import EventStream, StreamDeps
from gateway.edge.guard import malformed_answer
from gateway.edge.http_protocol import BoundedHttpProtocol, Listener
from gateway.response import GraphQLResponse
from gateway.subscription import EventDelivery, StreamPlaces
from tests.support.access.small_world import caller

TIMEOUT = 0.5  # seconds in the place of thirty
EVENT = EventDelivery(GraphQLResponse({"evenements": {"jeune": {"nom": "x" * 400}}}, []), "place")
REQUEST = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
BUFFER = 4096  # bytes, of each system
HELD_MAX = 2 * 2**20  # bytes of the process, while ten thousand events of five megabytes come


class Events:
    """In the place of a stream: so many events at once, then a beat each hundredth of a second."""

    viewer = caller("MISSION_LOCALE", "60001")

    def __init__(self, number: int) -> None:
        self.number, self.told, self.is_over = number, 0, threading.Event()

    async def deliveries(self) -> AsyncGenerator[EventDelivery | None]:
        try:
            while True:
                if self.told < self.number:
                    self.told += 1
                    await asyncio.sleep(0)  # who asks is known again
                    yield EVENT
                else:
                    await asyncio.sleep(0.01)
                    yield None
        finally:
            self.is_over.set()


class Server:
    """One process whose every request opens the same stream."""

    def __init__(self, events: Events) -> None:
        self.events, self.open, self.unread = events, [0], [0]
        places = StreamPlaces(StreamSettings(), partial(self.open.__setitem__, 0))
        deps = StreamDeps(None, places)  # type: ignore[arg-type] # nothing is asked of it
        table = ConnectionTable(1000, lambda: self.unread.__setitem__(0, self.unread[0] + 1))

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()  # what is asked
            await EventStream(deps, events, None, "requete")(scope, receive, send)  # type: ignore[arg-type] # in its place

        listener = Listener(table, ClientAddresses(()), malformed_answer(HttpSettings()), lambda: None)
        protocol: Any = partial(BoundedHttpProtocol, listener)
        settings = uvicorn.Config(
            app, http=protocol, ws="none", log_level="critical", lifespan="off", timeout_graceful_shutdown=1
        )
        self.taken = socket.create_server(("127.0.0.1", 0))
        self.taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)  # its connections inherit it
        self.server = uvicorn.Server(settings)
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.serve([self.taken])))
        self.thread.start()

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join()


@contextmanager
def frozen(events: Events) -> Iterator[Server]:
    """A server, and a client that has asked for its stream and reads nothing."""
    server = Server(events)
    try:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            client.connect(server.taken.getsockname())
            client.sendall(REQUEST)
            _wait(lambda: server.open == [1] or events.is_over.is_set())
            yield server
    finally:
        server.close()


def _wait(view: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not view():
        assert time.monotonic() < end, "it stays"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "READ_TIMEOUT", TIMEOUT)
    monkeypatch.setattr(socket_protocol, "READ_TIMEOUT", TIMEOUT)


def test_f13_a_reader_frozen_during_ten_thousand_events_is_closed_and_holds_little() -> None:
    events = Events(10_000)
    tracemalloc.start()
    try:
        with frozen(events) as server:
            _wait(events.is_over.is_set)
            _wait(lambda: server.open == [0])
            held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert events.told < 1000
    assert held < HELD_MAX
    assert server.unread == [1]


def test_f13_a_reader_frozen_during_a_few_events_is_closed_as_soon() -> None:
    """They filled what its system takes, and not the buffer of ours, which signs of life would have filled in hours."""
    events = Events(60)  # of 28 kibibytes
    with frozen(events) as server:
        _wait(events.is_over.is_set)
        _wait(lambda: server.open == [0])
    assert server.unread == [1]


def test_f13_a_reader_frozen_while_nothing_comes_has_its_place_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its system takes eight bytes each quarter of a minute for it: nothing tells it from one that reads. One that called with a
    key, which does not end, held it for ever."""
    monkeypatch.setattr(event_stream, "LIFE", TIMEOUT)
    events = Events(0)
    with frozen(events) as server:
        assert not events.is_over.wait(0.8 * TIMEOUT)
        _wait(events.is_over.is_set)
        _wait(lambda: server.open == [0])
    assert server.unread == [0]


def test_f13_a_stream_that_ends_by_its_age_says_so_to_who_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "LIFE", TIMEOUT)
    server = Server(Events(3))
    try:
        with socket.create_connection(server.taken.getsockname(), timeout=20) as client:
            client.sendall(REQUEST)
            read = b""
            while event_stream.COMPLETE not in read:
                part = client.recv(65_536)
                assert part
                read += part
    finally:
        server.close()
    assert read.count(b"id: place\n") == 3
