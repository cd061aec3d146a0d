"""uvicorn's WebSocket protocol, with what it lacks towards clients that are slow, abusive or gone (docs/security.md F13): what is
not read bounds what is written and read, a message comes in few parts, few messages wait, and a dead peer is dropped at once.

Knows no message and no route.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from gateway.edge.connection_table import BUSY, ConnectionTable

MESSAGE_MAX = 65_536  # bytes of one message
PARTS_MAX = 64  # of one message: empty ones would cost nothing to send, and be kept
WAITING_MAX = 64  # messages of one client that wait to be looked at: a read may bring thirty thousand
PING_INTERVAL, PING_TIMEOUT = 25.0, 20.0  # seconds; proxies wait for thirty (deploy/), and each ping is work
READ_TIMEOUT = 30.0  # seconds for a client to read what is written for it
LINE_MAX = 8_000  # bytes of a header, name included, that the library reads
POLICY_VIOLATION, TOO_BIG = 1008, 1009  # RFC 6455 §7.4.1


class BoundedSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket. `address`: who it counts for among the connections of its listener."""

    _read_timer: asyncio.TimerHandle | None = None
    _busy = False

    def __init__(self, table: ConnectionTable, address: str, app_state: dict[str, Any], **settings: Any) -> None:
        super().__init__(app_state=app_state | {BUSY: self._tell_busy}, **settings)
        self._table, self._address = table, address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # Whatever the system does not take at once is waited for: nothing piles up here.
        self.transport.set_write_buffer_limits(high=0)
        self._table.opened(self, self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        self._table.closed(self)
        self._stop_read_timer()
        super().connection_lost(exc)
        self.app_state = {}
        if self.handshake_initiated:
            self.scope["state"].clear()  # it leads here, and here to it
        # A generator that waits for bytes holds what holds it: the collector passes too seldom over what lived long.
        self.conn.parser.close()

    def close_now(self) -> None:
        """Cut it: what is not written yet is for nobody."""
        self.transport.abort()

    def shutdown(self) -> None:
        """The process ends. Who receives events is told so when its turn comes (`subscription`)."""
        if not self._busy:
            super().shutdown()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.pause_reading()  # what it asks meanwhile (a pong, to begin with) would pile up
        self._read_timer = self._read_timer or self.loop.call_later(READ_TIMEOUT, self._table.close_silent, self)

    def resume_writing(self) -> None:
        self._stop_read_timer()
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    async def receive(self) -> Any:
        message = await super().receive()
        if not self.writable.is_set():
            self.transport.pause_reading()
        return message

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= PARTS_MAX:
            self._refuse(TOO_BIG)
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        if self.queue.qsize() >= WAITING_MAX:
            self._refuse(POLICY_VIOLATION)
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        if not self.transport.is_closing():
            super().handle_ping()

    def keepalive_timeout(self) -> None:
        """It answers no more: nothing that is written is waited for."""
        self.transport.abort()

    def handle_parser_exception(self) -> None:
        if self.conn.close_sent is None:  # of the handshake, which uvicorn does not expect to be wrong
            self.transport.abort()
        else:
            super().handle_parser_exception()

    def _refuse(self, code: int) -> None:
        if not self.close_sent:
            self.conn.fail(code)
            super().handle_parser_exception()

    def _tell_busy(self, busy: bool) -> None:
        """A socket that works is never closed to make room; one whose client is waited for may be."""
        self._busy = busy
        if busy:
            self._table.active(self)
        else:
            self._table.silent(self, self._address)

    def _stop_read_timer(self) -> None:
        if self._read_timer:
            self._read_timer.cancel()
            self._read_timer = None


def offers_socket(method: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request offers to go on as a WebSocket, in the one way that is served (RFC 6455 §4.1)."""
    told = dict(headers)
    return (
        (method, version) == (b"GET", "1.1")
        and told.get(b"upgrade", b"").strip().lower() == b"websocket"
        and told.get(b"sec-websocket-version") == b"13"
        and b"sec-websocket-key" in told
        and not {b"content-length", b"transfer-encoding"} & told.keys()
        and all(len(name) + len(value) < LINE_MAX for name, value in told.items())
    )
