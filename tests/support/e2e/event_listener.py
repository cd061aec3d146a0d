"""A client that reads Server-Sent Events over a real connection, in a thread of its own, as a front-end would."""

import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

EVENTS = """subscription { evenements { id type source nombre jeune { id nom telephone suivi { situation } }
 rupture { id date } } }"""


@dataclass
class EventListener:
    """What came of one stream: `documents` by order, each with the instant and the place; `ended` once it is complete."""

    url: str
    headers: dict[str, str]
    query: str = EVENTS
    documents: list[dict[str, Any]] = field(default_factory=list)
    instants: list[float] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    opened: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    status: int = 0

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=90)

    def run(self) -> None:
        try:
            self._connection.request("POST", "/graphql", json.dumps({"query": self.query}), self.headers)
            with self._connection.getresponse() as answer:
                self.status = answer.status
                self._read(line.decode().rstrip("\n") for line in answer)
        except (OSError, http.client.HTTPException):
            pass
        finally:
            self._connection.close()
            self.opened.set()
            self.ended.set()

    def close(self) -> None:
        """Leave, wherever the stream is."""
        if self._connection.sock:
            with suppress(OSError):  # it ended meanwhile
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _read(self, lines: Iterator[str]) -> None:
        name = place = ""
        for line in lines:
            self.opened.set()
            key, _, value = line.partition(": ")
            if key == "event":
                name = value
            elif key == "id":
                place = value
            elif key == "data" and name == "next":
                self.documents.append(json.loads(value))
                self.instants.append(time.monotonic())
                self.places.append(place)

    def wait_for(self, number: int, seconds: float = 60.0) -> list[dict[str, Any]]:
        """So many documents at least."""
        end = time.monotonic() + seconds
        while len(self.documents) < number:
            assert time.monotonic() < end, f"{len(self.documents)} received, {number} expected"
            time.sleep(0.02)
        return self.documents

    def types(self) -> list[str]:
        events = [(document.get("data") or {}).get("evenements") for document in self.documents]
        return [event["type"] for event in events if event]


@contextmanager
def listening(url: str, token: str, place: str | None = None, query: str = EVENTS) -> Iterator[EventListener]:
    """A client whose stream is open."""
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream", "content-type": "application/json"}
    listener = EventListener(url, headers | ({"last-event-id": place} if place else {}), query)
    thread = threading.Thread(target=listener.run, daemon=True)
    thread.start()
    assert listener.opened.wait(60)
    yield listener
    listener.close()
    thread.join(10)


def raw_stream(url: str, token: str) -> socket.socket:
    """A connection that has asked for events, and has read the beginning of its stream."""
    host, port = url.removeprefix("http://").split(":")
    content = json.dumps({"query": EVENTS}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    opened = socket.create_connection((host, int(port)), timeout=60)
    opened.sendall(head.encode() + content)
    read = b""
    while b":\n\n" not in read:
        part = opened.recv(4096)
        assert part, read
        read += part
    assert read.startswith(b"HTTP/1.1 200"), read
    return opened


def reset(connection: socket.socket) -> None:
    """Leave without a word: the other side gets a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
