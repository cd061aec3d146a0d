"""uvicorn's HTTP protocol, with the bounds it lacks towards a client that is slow or abusive (docs/security.md F9, G16, G17).

The body has its own deadline, in `graphql_http.py`. Knows no route.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_TIMEOUT = 10.0  # seconds for the headers of a request to arrive, the first byte of a connection included
READ_TIMEOUT = 30.0  # seconds for a client to read what is written for it
HEADERS_MAX = 100
HEADER_BYTES_MAX = 16_384


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes a connection whose headers do not come, are too many or name another server, or whose answer is not read."""

    _headers_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None
    _bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_arrived()
        self._answer_read()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._bytes = 0
        if self._headers_timer is None:
            self._expect_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._bytes += len(data)
        if self._headers_timer and self._bytes > HEADER_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response("Request headers too long.")

    def on_headers_complete(self) -> None:
        self._headers_arrived()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > HEADER_BYTES_MAX or len(self.headers) > HEADERS_MAX or not self.url.startswith(b"/"):
            raise ValueError("not a request for here")  # the parser makes a 400 of it
        super().on_headers_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._read_timer = self._read_timer or self.loop.call_later(READ_TIMEOUT, self.transport.abort)

    def resume_writing(self) -> None:
        self._answer_read()
        super().resume_writing()

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
