"""WebSocket clients that are slow or abusive, over real connections: each bound of the protocol, brought near (F13)."""

import asyncio
import gc
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from websockets.server import ServerProtocol

from gateway.config import HttpSettings
from gateway.edge import socket_protocol
from gateway.edge.connection_table import BUSY, ClientAddresses, ConnectionTable
from gateway.edge.guard import malformed_answer
from gateway.edge.http_protocol import BoundedHttpProtocol, Listener
from gateway.edge.socket_protocol import MESSAGE_MAX, PARTS_MAX, WAITING_MAX, BoundedSocketProtocol

TIMEOUT = 0.5
OFFER = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
ACCEPTED = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # of that key (RFC 6455 §1.3)
TEXT, CONTINUATION, PING, FINAL = 0x1, 0x0, 0x9, 0x80


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says back what it hears; `bavard` has it talk without end, `occupe` work, and `sourd` hear nothing."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 405, "headers": []})
        await send({"type": "http.response.body"})
        return
    await send({"type": "websocket.accept"})
    await receive()
    while (event := await receive())["type"] == "websocket.receive":
        text = event.get("text") or ""
        while text == "bavard":
            await send({"type": "websocket.send", "text": "x" * 60_000})
        if text == "occupe":
            scope["state"][BUSY](True)
        if text == "sourd":
            await asyncio.Event().wait()
        await send({"type": "websocket.send", "text": str(len(text))})


class Server:
    def __init__(self, places: int = 1000, pings: float | None = None) -> None:
        self.early: list[None] = []
        self.table = ConnectionTable(places, lambda: self.early.append(None))
        listener = Listener(
            self.table, ClientAddresses(()), malformed_answer(HttpSettings()), lambda: None, sockets=b"/graphql"
        )
        protocol: Any = partial(BoundedHttpProtocol, listener)
        settings = uvicorn.Config(
            _echo, http=protocol, ws="none", log_level="critical", lifespan="off", ws_max_size=MESSAGE_MAX,
            ws_ping_interval=pings, ws_ping_timeout=TIMEOUT, ws_per_message_deflate=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        self.taken = socket.create_server(("127.0.0.1", 0))
        self.server = uvicorn.Server(settings)
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.serve([self.taken])))
        self.thread.start()

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join()

    def wait_for(self, number: int) -> None:
        for _ in range(600):
            if len(self.table) == number:
                return
            threading.Event().wait(0.05)
        pytest.fail(f"{len(self.table)} connections, {number} expected")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as near:
        near.setattr(socket_protocol, "READ_TIMEOUT", TIMEOUT)
        opened = Server()
        yield opened
        opened.close()


@pytest.fixture
def client(server: Server) -> Iterator[socket.socket]:
    with opened(server) as one:
        yield one


def opened(server: Server, small: bool = False, extra: bytes = b"") -> socket.socket:
    """A connection that has gone on as a WebSocket; `small`: it takes little before it is read."""
    one = socket.socket()
    if small:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.settimeout(30)
    one.connect(server.taken.getsockname())
    one.sendall(OFFER + b"\r\n" + extra)
    read = b""
    while b"\r\n\r\n" not in read:
        read += one.recv(1)
    assert read.startswith(b"HTTP/1.1 101")
    assert ACCEPTED in read
    return one


def frame(kind: int, content: bytes = b"", final: int = FINAL) -> bytes:
    """A frame of a client, masked by zeros."""
    size = len(content)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size) if size < 65_536 else b""
    return bytes([final | kind]) + (length or b"\xff" + struct.pack("!Q", size)) + bytes(4) + content


def code_of_close(one: socket.socket) -> int:
    """Read to the end; the code of the last frame, which closes."""
    read = b""
    with suppress(ConnectionError):
        while part := one.recv(1 << 16):
            read += part
    place = read.rfind(b"\x88")
    return int(struct.unpack("!H", read[place + 2 : place + 4])[0]) if place >= 0 else 0


def test_f13_a_frame_that_comes_with_the_handshake_is_read(server: Server) -> None:
    with opened(server, extra=frame(TEXT, b"abc")) as one:
        assert one.recv(100) == b"\x81\x013"


def test_f13_a_message_that_is_too_long_is_closed_with_1009(client: socket.socket) -> None:
    client.sendall(frame(TEXT, b"x" * (MESSAGE_MAX + 1)))
    assert code_of_close(client) == 1009


def test_f13_a_message_in_parts_has_the_same_bound(client: socket.socket) -> None:
    client.sendall(frame(TEXT, b"x" * 40_000, final=0) + frame(CONTINUATION, b"x" * 40_000))
    assert code_of_close(client) == 1009


def test_f13_a_message_of_parts_without_end_is_closed_with_1009(client: socket.socket) -> None:
    """Empty parts cost six bytes to send, and would be kept for ever."""
    client.sendall(frame(TEXT, final=0) + frame(CONTINUATION, final=0) * (PARTS_MAX + 1))
    assert code_of_close(client) == 1009


def test_f13_messages_without_number_that_nobody_reads_are_closed_with_1008(client: socket.socket) -> None:
    client.sendall(frame(TEXT, b"sourd") + frame(TEXT) * (WAITING_MAX + 2))
    assert code_of_close(client) == 1008


def test_f13_who_does_not_read_what_is_sent_is_cut(server: Server) -> None:
    with opened(server, small=True) as frozen:
        frozen.sendall(frame(TEXT, b"bavard"))
        server.wait_for(0)
    assert server.early.pop() is None  # counted


def test_f13_pings_whose_pongs_are_not_read_are_read_no_more_and_cut(server: Server) -> None:
    with opened(server, small=True) as frozen:
        frozen.settimeout(5)
        with suppress(OSError):
            for _ in range(5_000):
                frozen.sendall(frame(PING, b"x" * 125) * 100)
        server.wait_for(0)


def test_f13_who_answers_no_ping_is_cut_without_being_waited_for() -> None:
    server = Server(pings=TIMEOUT)
    try:
        with opened(server):
            server.wait_for(1)
            server.wait_for(0)
    finally:
        server.close()


def test_f13_a_reset_is_seen(server: Server) -> None:
    one = opened(server)
    server.wait_for(1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()
    server.wait_for(0)


def test_g21_a_socket_that_works_is_not_closed_to_make_room_and_an_idle_one_is() -> None:
    server = Server(places=2)
    try:
        with opened(server) as busy, opened(server) as idle, socket.socket():
            busy.sendall(frame(TEXT, b"occupe"))
            assert busy.recv(100) == b"\x81\x016"
            with opened(server) as third:
                with suppress(ConnectionError):
                    while idle.recv(100):
                        pass  # a ping, then its end
                busy.sendall(frame(TEXT, b"ab"))
                assert busy.recv(3)[-1:] == b"2"
                assert third.fileno() >= 0
            assert len(server.table) <= 2
    finally:
        server.close()


@pytest.mark.parametrize(
    "offer",
    [
        OFFER.replace(b"13", b"12"),
        OFFER.replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""),
        OFFER.replace(b"/graphql", b"/ailleurs"),
        OFFER.replace(b"GET", b"DELETE"),
        OFFER.replace(b"websocket", b"h2c"),
        OFFER + b"X-Long: " + b"y" * 9_000 + b"\r\n",
        OFFER + b"Content-Length: 0\r\n",
    ],
)
def test_g19_an_offer_that_is_not_served_is_let_pass(server: Server, offer: bytes) -> None:
    with socket.create_connection(server.taken.getsockname(), timeout=30) as one:
        one.sendall(offer + b"\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 405")


@pytest.mark.parametrize("key", [b"", b"court", b"\xff" * 16, b"dGhlIHNhbXBsZSBub25jZQ== , x"])
def test_g19_a_wrong_key_is_refused_and_the_server_goes_on(server: Server, key: bytes) -> None:
    with socket.create_connection(server.taken.getsockname(), timeout=30) as one:
        one.sendall(OFFER.replace(b"dGhlIHNhbXBsZSBub25jZQ==", key) + b"\r\n")
        assert one.recv(100)[:12] in (b"HTTP/1.1 400", b"")
    server.wait_for(0)


def test_what_is_no_frame_ends_the_connection(server: Server) -> None:
    for _ in range(20):
        with opened(server) as one:
            one.sendall(b"\xf3" + os.urandom(40))
            assert code_of_close(one) in (0, 1002, 1007, 1009)
    server.wait_for(0)


def of_connections() -> list[object]:
    """Objects of connections that are still there."""
    kinds = (BoundedSocketProtocol, BoundedHttpProtocol, ServerProtocol, RequestResponseCycle)
    return [one for one in gc.get_objects() if isinstance(one, kinds)]


def test_i11_what_is_left_of_connections_does_not_wait_for_the_collector() -> None:
    """It passes seldom, once for a million objects (`tune_threads_and_gc`): streams that lived long would stay."""
    server = Server()
    gc.collect()
    gc.disable()
    before = of_connections()  # of other tests, held here so that none of their addresses is given again

    def kept() -> int:
        earlier = {id(one) for one in before}
        return sum(id(one) not in earlier for one in of_connections())

    try:
        for _ in range(20):
            with opened(server) as one:
                one.sendall(frame(TEXT, b"abc"))
                assert one.recv(100) == b"\x81\x013"
            with socket.create_connection(server.taken.getsockname(), timeout=30) as plain:
                plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert plain.recv(100).startswith(b"HTTP/1.1 405")
        server.wait_for(0)
        for _ in range(100):
            if kept() == 0:
                break
            threading.Event().wait(0.05)
        assert kept() == 0
    finally:
        gc.enable()
        server.close()
