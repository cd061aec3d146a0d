"""A client of graphql-transport-ws over a real connection, that says what a test has it say and nothing else."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

PROTOCOL = "graphql-transport-ws"
EVENTS = """subscription S($depuis: ID) { evenements(depuis: $depuis) { id type source nombre
 jeune { id nom telephone suivi { situation } } rupture { id date } } }"""
SECONDS = 30.0  # that a message may take on a busy machine


class SocketClient:
    """One open socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    @property
    def raw(self) -> socket.socket:
        return self.connection.socket

    def say(self, message: object) -> None:
        self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    def init(self, token: str, **payload: str) -> None:
        """Be known, and acknowledged."""
        self.say({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"} | payload})
        assert self.hear() == {"type": "connection_ack"}

    def subscribe(self, id_: str = "1", query: str = EVENTS, **variables: Any) -> None:
        self.say({"type": "subscribe", "id": id_, "payload": {"query": query, "variables": variables}})

    def hear(self, seconds: float = SECONDS) -> dict[str, Any]:
        """The next message."""
        message: dict[str, Any] = json.loads(self.connection.recv(timeout=seconds))
        return message

    def hear_end(self) -> tuple[int, str]:
        """The code and the reason of the close, whatever comes before."""
        with suppress(ConnectionClosed):
            while True:
                self.connection.recv(timeout=60)
        assert self.connection.close_code is not None
        return self.connection.close_code, self.connection.close_reason or ""

    def is_alive(self) -> bool:
        """Whether the other side still speaks the protocol."""
        self.say({"type": "ping", "payload": {"vu": 1}})
        return self.hear() == {"type": "pong", "payload": {"vu": 1}}


@contextmanager
def socket_client(url: str, protocol: str = PROTOCOL, path: str = "/graphql", **options: Any) -> Iterator[SocketClient]:
    """A socket at the graph of a gateway."""
    address = url.replace("http", "ws", 1) + path
    subprotocols: Any = [protocol] if protocol else None
    with connect(
        address, subprotocols=subprotocols, compression=None, open_timeout=SECONDS, close_timeout=2, **options
    ) as opened:
        yield SocketClient(opened)
