"""uvicorn's HTTP protocol, with the bounds it lacks towards a client that is slow or abusive (docs/security.md F9, G16, G17).

The body has its own deadline, in `entry`. Knows no route.
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

    _waiters: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None
    _bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrive()
        self._read()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._bytes = 0
        if self._waiters is None:
            self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._bytes += len(data)
        if self._waiters and self._bytes > HEADER_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response("Request headers too long.")

    def on_headers_complete(self) -> None:
        self._arrive()
        bytes_ = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if bytes_ > HEADER_BYTES_MAX or len(self.headers) > HEADERS_MAX or not self.url.startswith(b"/"):
            raise ValueError("not a request for here")  # the parser makes a 400 of it
        super().on_headers_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading = self._reading or self.loop.call_later(READ_TIMEOUT, self.transport.abort)

    def resume_writing(self) -> None:
        self._read()
        super().resume_writing()

    def _wait(self) -> None:
        self._waiters = self.loop.call_later(HEADERS_TIMEOUT, self.transport.abort)

    def _arrive(self) -> None:
        if self._waiters:
            self._waiters.cancel()
            self._waiters = None

    def _read(self) -> None:
        if self._reading:
            self._reading.cancel()
            self._reading = None
