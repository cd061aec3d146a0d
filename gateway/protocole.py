"""uvicorn's HTTP protocol, with the bounds it lacks towards a client that is slow or abusive (SECURITY F9, G16, G17).

The body has its own deadline, in `entree`. Knows no route.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

DELAI_ENTETES = 10.0  # seconds for the headers of a request to arrive, the first byte of a connection included
DELAI_LECTURE = 30.0  # seconds for a client to read what is written for it
ENTETES_MAX = 100
OCTETS_ENTETES_MAX = 16_384


class Protocole(HttpToolsProtocol):
    """Closes a connection whose headers do not come, are too many or name another server, or whose answer is not read."""

    _attente: asyncio.TimerHandle | None = None
    _lecture: asyncio.TimerHandle | None = None
    _octets = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._attendre()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arriver()
        self._lire()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._octets = 0
        if self._attente is None:
            self._attendre()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._octets += len(data)
        if self._attente and self._octets > OCTETS_ENTETES_MAX and not self.transport.is_closing():
            self.send_400_response("Request headers too long.")

    def on_headers_complete(self) -> None:
        self._arriver()
        octets = len(self.url) + sum(len(nom) + len(valeur) for nom, valeur in self.headers)
        if octets > OCTETS_ENTETES_MAX or len(self.headers) > ENTETES_MAX or not self.url.startswith(b"/"):
            raise ValueError("not a request for here")  # the parser makes a 400 of it
        super().on_headers_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._lecture = self._lecture or self.loop.call_later(DELAI_LECTURE, self.transport.abort)

    def resume_writing(self) -> None:
        self._lire()
        super().resume_writing()

    def _attendre(self) -> None:
        self._attente = self.loop.call_later(DELAI_ENTETES, self.transport.abort)

    def _arriver(self) -> None:
        if self._attente:
            self._attente.cancel()
            self._attente = None

    def _lire(self) -> None:
        if self._lecture:
            self._lecture.cancel()
            self._lecture = None
