"""A client that ended its side of a connection: it may still wait for its answer, or have left. Knows no HTTP.

Both look the same until something is written. What is written makes the system of who left answer that nobody is there, which
is seen in the state of the connection: the transport reads no more of it, and would tell at the next writing only.
"""

import asyncio
import socket
from collections.abc import Callable

SIGN_OF_LIFE = "sign_of_life"  # in the state of an ASGI scope: what its answer may hold at any place, and means nothing
TCP_CLOSE = 7  # of Linux: reset by the other side
FIRST_LOOK, LAST_LOOK = 0.01, 1.0  # seconds between looks, doubled from one to the other


class DepartureWatch:
    """Looks, until cancelled, whether the other side is gone; then calls `left`, once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, left: Callable[[], None]) -> None:
        self._loop, self._transport, self._left = loop, transport, left
        self._pause = FIRST_LOOK
        self._timer = loop.call_later(self._pause, self._look)

    def cancel(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        if _is_reset(self._transport):
            self._left()
            return
        self._pause = min(2 * self._pause, LAST_LOOK)
        self._timer = self._loop.call_later(self._pause, self._look)


def _is_reset(transport: asyncio.Transport) -> bool:
    """True once the other side refused what was written; never where the system does not tell."""
    connection = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_INFO", None)
    if option is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    try:
        return bool(connection.getsockopt(socket.IPPROTO_TCP, option, 1)[0] == TCP_CLOSE)
    except OSError:
        return True
