"""Clients that are slow on purpose, over real sockets: each bound of the protocol, brought near (docs/security.md G16, G17)."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fixtures.remote_control import client_http
from gateway.config import HttpSettings
from gateway.edge import graphql_http, http_protocol
from gateway.edge.connection_table import ClientAddresses, ConnectionTable
from gateway.edge.graphql_http import read_request
from gateway.edge.guard import malformed_answer
from gateway.edge.http_protocol import BoundedHttpProtocol, Listener
from gateway.errors import GatewayError

TIMEOUT = 0.3
LONG = 50_000_000
GOOD = b"POST /lire HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
Adresse = tuple[str, int]


async def _read(request: Request) -> Response:
    try:
        await read_request(request)
    except GatewayError as refusal:
        return PlainTextResponse("refusé", getattr(refusal, "status", 400))
    return PlainTextResponse("read")


async def _long(request: Request) -> Response:
    return Response(b"x" * LONG)


@pytest.fixture(scope="module")
def server() -> Iterator[Adresse]:
    """A server of the gateway's protocol, in a thread, whose deadlines are short."""
    app = Starlette(routes=[Route("/lire", _read, methods=["POST"]), Route("/long", _long)])
    taken = socket.create_server(("127.0.0.1", 0))
    listener = Listener(
        ConnectionTable(1000, lambda: None), ClientAddresses(()), malformed_answer(HttpSettings()), lambda: None
    )
    protocol: Any = partial(BoundedHttpProtocol, listener)
    settings = uvicorn.Config(app, http=protocol, ws="none", log_level="critical", loop="asyncio", lifespan="off")
    server = uvicorn.Server(settings)
    with pytest.MonkeyPatch.context() as near:
        near.setattr(http_protocol, "HEADERS_TIMEOUT", TIMEOUT)
        near.setattr(http_protocol, "READ_TIMEOUT", TIMEOUT)
        near.setattr(graphql_http, "BODY_TIMEOUT", TIMEOUT)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([taken])))
        thread.start()
        try:
            yield taken.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def _talk(adresse: Adresse, *chunks: bytes) -> bytes:
    """What is answered before the connection ends; a server that never ends it makes the read time out."""
    with socket.create_connection(adresse, timeout=20) as taken:
        with suppress(ConnectionError):
            for chunk in chunks:
                taken.sendall(chunk)
        return _to_the_end(taken)


def _to_the_end(taken: socket.socket) -> bytes:
    received = bytearray()
    with suppress(ConnectionError):
        while result := taken.recv(1 << 20):
            received += result
    return bytes(received)


@pytest.mark.parametrize("debut", [b"", b"G", b"GET /long HTTP/1.1\r\nHost: x\r\nX-Lent: a", GOOD[:-2]])
def test_g16_headers_that_do_not_come_close_the_connection(server: Adresse, debut: bytes) -> None:
    assert _talk(server, debut) == b""


def test_g16_a_second_request_has_the_same_time_as_the_first(server: Adresse) -> None:
    with socket.create_connection(server, timeout=20) as taken:
        taken.sendall(GOOD.replace(b"100", b"2") + b"\r\n{}")
        assert taken.recv(65_536).startswith(b"HTTP/1.1 400")
        taken.sendall(b"POST /lire HTTP/1.1\r\nHost")
        assert b"HTTP/1.1" not in _to_the_end(taken)


def test_g16_a_body_that_does_not_come_is_told_so(server: Adresse) -> None:
    assert _talk(server, GOOD + b"Connection: close\r\n\r\n{").startswith(b"HTTP/1.1 408")


def test_g16_an_answer_that_is_not_read_frees_its_connection(server: Adresse) -> None:
    with socket.create_connection(server, timeout=20) as taken:
        taken.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        threading.Event().wait(3 * TIMEOUT)
        assert len(_to_the_end(taken)) < LONG


def test_g16_a_client_at_its_pace_is_served_beside_two_hundred_slow_ones(server: Adresse) -> None:
    slow_clients = [socket.create_connection(server) for _ in range(200)]
    try:
        for slow in slow_clients:
            slow.sendall(b"POST /lire HTTP/1.1\r\nX: ")
        with client_http(f"http://127.0.0.1:{server[1]}") as client:
            statuts = [client.post("/lire", json={"query": "{a}"}).status_code for _ in range(50)]
        assert statuts == [200] * 50
    finally:
        for slow in slow_clients:
            slow.close()


@pytest.mark.parametrize(
    "raw_request",
    [
        GOOD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        GOOD + b"Content-Length: 4\r\n\r\n{}",
        b"POST http://ailleurs.invalid/lire HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        b"POST /lire HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /lire HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /lire HTTP/1.1\r\nHost : x\r\nContent-Length: 0\r\n\r\n",
        b"POST /lire HTTP/1.1\r\n" + b"X-A: b\r\n" * 101 + b"\r\n",
        b"POST /lire HTTP/1.1\r\nX-A: " + b"a" * 17_000 + b"\r\n\r\n",
        b"POST /lire HTTP/1.1\r\nX-A: " + b"a" * 17_000,
        b"POST /" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["CL+TE", "two CL", "absolute", "negative CL", "chunk", "space", "many", "long", "endless", "long URL"],
)
def test_g17_a_request_that_two_servers_would_read_differently_is_refused(server: Adresse, raw_request: bytes) -> None:
    assert _talk(server, raw_request).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "preamble",
    [
        b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\n",
        b"PROXY UNKNOWN\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x9c\x40\x01\xbb",
    ],
    ids=["version 1", "unknown", "version 2"],
)
def test_g17_the_proxy_protocol_is_refused_and_named(
    server: Adresse, preamble: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """By its specification (HAProxy's), each version begins as here (docs/decisions/0061)."""
    assert _talk(server, preamble + b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 400")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "gateway.http"]
    assert (
        line
        == "protocole PROXY reçu, refusé : ôter send-proxy du mandataire, qui transmet l'adresse par X-Forwarded-For"
    )
