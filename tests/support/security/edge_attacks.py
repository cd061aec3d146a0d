"""How the tests of the second look attack the edge: over sockets, a gateway of this checkout or of another one (AUTRE_DEPOT)."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from fixtures import gateway_process
from fixtures.gateway_process import LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.servers import HOST
from fixtures.world import World

OTHER = os.environ.get("AUTRE_DEPOT")
ATTACKER = "127.0.0.2"  # an address of this machine that nobody else calls from
LIVE = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n"
ME = "{ moi { profil } }"


@contextmanager
def attacked(world: World, env: Mapping[str, str] | None = None) -> Iterator[LaunchedGateway]:
    """A gateway of the checkout that is attacked, over this world."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway_process, "ROOT", Path(OTHER or gateway_process.ROOT))
        with world.gateway(0, HOST, **(env or {})) as launched:
            yield launched


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came over a socket."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    rest: bytes  # what came after it


def connect(url: str, source: str = "") -> socket.socket:
    """A connection to a gateway, from an address of this machine."""
    address = urlsplit(url)
    where = (str(address.hostname), int(address.port or 0))
    return socket.create_connection(where, timeout=30, source_address=(source, 0) if source else None)


@contextmanager
def crowd(url: str, number: int, start: bytes, source: str = "") -> Iterator[list[socket.socket]]:
    """So many connections that say this, and then nothing. One that is closed at once is still one."""
    with ExitStack() as stack:
        connections = []
        for _ in range(number):
            connection = stack.enter_context(connect(url, source))
            with suppress(ConnectionError):
                connection.sendall(start)
            connections.append(connection)
        yield connections


def to_the_end(connection: socket.socket) -> bytes:
    received = bytearray()
    with suppress(ConnectionError):
        while chunk := connection.recv(1 << 16):
            received += chunk
    return bytes(received)


def talk(url: str, *chunks: bytes, source: str = "") -> bytes:
    """What is answered to these bytes, to the end of the connection."""
    with connect(url, source) as connection:
        with suppress(ConnectionError):
            for chunk in chunks:
                connection.sendall(chunk)
        return to_the_end(connection)


def first_answer(raw: bytes) -> Answer:
    """The first final answer of what came; interim ones are passed over."""
    while raw.startswith(b"HTTP/1.1 1"):
        raw = raw.partition(b"\r\n\r\n")[2]
    head, _, rest = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", len(rest)))
    return Answer(int(status.split(" ")[1]), headers, rest[:length], rest[length:])


def query(token: str, text: str = ME, *headers: str) -> bytes:
    """A POST of a query, whose connection stays open unless a header says otherwise."""
    body = json.dumps({"query": text}).encode()
    lines = [
        "POST /graphql HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def ask(http: httpx.Client, token: str, text: str = ME) -> httpx.Response:
    return http.post("/graphql", json={"query": text}, headers={"Authorization": f"Bearer {token}"})


def get(url: str, path: str) -> httpx.Response:
    with client_http(url) as http:
        return http.get(path)
