"""uvicorn's HTTP protocol, with what it lacks towards clients that are slow, abusive or merely particular (docs/security.md F9,
G16, G17, G21): bounds on headers, places by address, refusals in our own form, answers to who ended his side of the connection.

The body has its own deadline, in `graphql_http.py`. Knows no route.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.edge.connection_table import PROXY, ClientAddresses, ConnectionTable
from gateway.edge.half_closed import SIGN_OF_LIFE, DepartureWatch
from gateway.edge.socket_protocol import BoundedSocketProtocol, offers_socket

HEADERS_TIMEOUT = 10.0  # seconds for the headers of a request to arrive, the first byte of a connection included
READ_TIMEOUT = 30.0  # seconds for a client to read what is written for it
HEADERS_MAX = 100
HEADER_BYTES_MAX = 16_384
WAITING_BYTES_MAX = 65_536  # of the body of a request that waits behind another
WAITING_MAX = 16  # requests of a connection behind the one that is answered: a read may bring fourteen thousand
OFFERS = frozenset({b"upgrade", b"http2-settings"})  # another protocol than ours, which nobody has to accept
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
MALFORMED = "requête HTTP malformée, refusée"
PROXY_PREAMBLES = (b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n")  # of the versions 1 and 2 (docs/decisions/0061)
PROXY_PROTOCOL = (
    "protocole PROXY reçu, refusé : ôter send-proxy du mandataire, qui transmet l'adresse par X-Forwarded-For"
)

logger = logging.getLogger("gateway.http")


@dataclass(frozen=True, slots=True)
class Listener:
    """What the connections of one listener share. `malformed` is the whole answer to what is no request, and
    `count_malformed` is told of each. `sockets`: the path where WebSockets are served; None: nowhere."""

    table: ConnectionTable
    addresses: ClientAddresses
    malformed: bytes
    count_malformed: Callable[[], None]
    sockets: bytes | None = None


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes a connection whose headers do not come, are too many or name another server, or whose answer is not read."""

    _headers_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None
    _departure: DepartureWatch | None = None
    _bytes = 0
    _offered = False  # the request read is one that offers another protocol: it is read again without
    _refused = False
    _peer = _behind = PROXY  # the address that counts for the connection, and for the request under way

    def __init__(self, listener: Listener, **settings: Any) -> None:
        super().__init__(**settings)
        self._listener = listener

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # Whatever the system does not take at once is waited for: a stream of little would fill no buffer for hours.
        transport.set_write_buffer_limits(high=0)
        self._peer = self._behind = self._listener.addresses.of_peer(self.client[0] if self.client else "")
        self._listener.table.opened(self, self._peer)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.table.closed(self)
        self._headers_arrived()
        self._answer_read()
        if self._departure:
            self._departure.cancel()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self.cycle = None  # type: ignore[assignment] # it leads here, and here to it; a stream lived long

    def close_now(self) -> None:
        """Cut it: what is not written yet is for nobody."""
        self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._bytes, self._offered = 0, False
        if self._headers_timer is None:
            self._expect_headers()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._unset_keepalive_if_required()
        self._feed(data)
        self._bytes += len(data)
        if self._headers_timer and self._bytes > HEADER_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response(MALFORMED)

    def _feed(self, data: bytes) -> None:
        """Parse. The parser stops at an offer to speak another protocol, and would drop the body: what it read of that request is
        given to a new one, without the offer (RFC 9110 §7.8 lets a server ignore it), unless it is a WebSocket's."""
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as offer:
                rest = data[offer.args[0] :]
                if self._opens_socket():
                    self._become_socket(rest)
                    return
                data = self._head(offered=False) + rest
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
            except httptools.HttpParserError:
                self.send_400_response(PROXY_PROTOCOL if data.startswith(PROXY_PREAMBLES) else MALFORMED)
                return

    def _opens_socket(self) -> bool:
        here = self.url.partition(b"?")[0] == self._listener.sockets and self.url.isascii()
        waits = self.pipeline or (self.cycle is not None and not self.cycle.response_complete)
        method, version = self.parser.get_method(), self.parser.get_http_version()
        return here and not waits and offers_socket(method, version, self.headers)

    def _become_socket(self, rest: bytes) -> None:
        """Give the connection to a WebSocket, and leave nothing of it here."""
        table, address = self._listener.table, self._client_address()
        table.closed(self)
        self.connections.discard(self)
        shared: dict[str, Any] = {"config": self.config, "server_state": self.server_state}
        protocol = BoundedSocketProtocol(table, address, self.app_state, **shared)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(self._head(offered=True) + rest)
        del self.parser  # it leads here, and here to it

    def _client_address(self) -> str:
        """The address behind the request that was read."""
        if self._peer != PROXY:
            return self._peer
        return self._listener.addresses.forwarded(v for name, v in self.headers if name == b"x-forwarded-for")

    def _head(self, offered: bool) -> bytes:
        """The head of the request that was read, with what it offers or without."""
        first = b" ".join((self.parser.get_method(), self.url, b"HTTP/" + self.parser.get_http_version().encode()))
        lines = [first]
        for name, value in self.headers:
            if name == b"connection" and not offered:
                kept = b",".join(token for token in value.split(b",") if token.strip().lower() not in OFFERS)
                lines.append(b"connection: " + kept)
            elif offered or name not in OFFERS:
                lines.append(name + b": " + value)
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def on_headers_complete(self) -> None:
        self._headers_arrived()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        # A tunnel is offered by its method: read again without the offer, it would offer it again, for ever.
        here = self.url.startswith(b"/") and self.parser.get_method() != b"CONNECT"
        too_many = len(self.headers) > HEADERS_MAX or len(self.pipeline) >= WAITING_MAX
        if size > HEADER_BYTES_MAX or too_many or not here:
            raise ValueError("not a request for here")  # the parser makes a 400 of it
        self._offered = self.parser.should_upgrade()
        if self._offered:
            return
        super().on_headers_complete()
        if self._peer == PROXY:
            self._behind = self._client_address()
            self._listener.table.silent(self, self._behind)  # its body is waited for

    def on_body(self, body: bytes) -> None:
        if self.pipeline and len(self.cycle.body) + len(body) > WAITING_BYTES_MAX:
            raise ValueError("too long to wait")  # nobody reads it yet
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._offered:
            super().on_message_complete()
            self._listener.table.active(self)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._owes_an_answer():
            self._behind = self._peer
            self._listener.table.silent(self, self._peer)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client ended its side. One that asked and waits is answered, and may still be found to have left."""
        if not self._owes_an_answer():
            return False
        self.cycle.keep_alive = False
        self._headers_arrived()
        if not self.cycle.response_started and self.cycle.scope["http_version"] == "1.1":
            self.transport.write(CONTINUE)
        elif sign := self.cycle.scope["state"].get(SIGN_OF_LIFE):
            # An answer that waits to go on: what its client opens next needs its place.
            chunk = b"%x\r\n%b\r\n" % (len(sign), sign)
            self.transport.write(chunk if self.cycle.chunked_encoding else sign)
        self._departure = DepartureWatch(self.loop, self.transport, self.transport.abort)
        return True

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, as every other refusal; an answer that is due before it is sent, and ends the connection."""
        self._refused = True
        self._listener.count_malformed()
        logger.warning(msg)
        cycle = self.cycle
        if cycle and not cycle.response_complete and (self.pipeline or cycle.response_started or not cycle.more_body):
            cycle.keep_alive = False
            return
        self.transport.write(self._listener.malformed)
        self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._listener.table.silent(self, self._behind)
        self._read_timer = self._read_timer or self.loop.call_later(
            READ_TIMEOUT, self._listener.table.close_silent, self
        )

    def resume_writing(self) -> None:
        self._answer_read()
        super().resume_writing()
        if self._owes_an_answer():
            self._listener.table.active(self)

    def _owes_an_answer(self) -> bool:
        """True when the last request came whole, and its answer is not written yet."""
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def _expect_headers(self) -> None:
        self._headers_timer = self.loop.call_later(HEADERS_TIMEOUT, self.transport.abort)

    def _headers_arrived(self) -> None:
        if self._headers_timer:
            self._headers_timer.cancel()
            self._headers_timer = None

    def _answer_read(self) -> None:
        if self._read_timer:
            self._read_timer.cancel()
            self._read_timer = None
