"""The connections of a listener, by the address behind them: when there are too many, who waits in silence leaves first.

Silent is a connection whose client is waited for: nothing asked yet, a request that does not come whole, an answer that it does
not read. The address that has most of them gives up its oldest; a connection that works is never closed (docs/security.md G21).
Knows no HTTP.
"""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Protocol

NETWORK_BITS = 64  # of an IPv6 address: who has one has the 2^64 beside it
TEXT_MAX = 40  # characters kept of what a proxy names in place of an address
BUSY = "busy"  # in the state of an ASGI scope: tells whether a connection works for its client, where it may not
PROXY = ""  # the address of a trusted proxy's connection, while nobody is known to be behind it


class Connection(Protocol):
    """What may be closed."""

    def close_now(self) -> None: ...


class ConnectionTable:
    """The open connections of one listener, `silent_max` of them silent at most; `closed_early` is told of each that is closed
    for its client's silence."""

    def __init__(self, maximum: int, closed_early: Callable[[], None], silent_max: int | None = None) -> None:
        self._maximum, self._silent_max = maximum, silent_max or maximum
        self._closed_early = closed_early
        self._open: set[Connection] = set()
        self._silent: dict[str, dict[Connection, None]] = {}  # by address; the oldest first
        self._address: dict[Connection, str] = {}  # of the silent ones

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, connection: Connection, address: str) -> None:
        """A connection that has said nothing yet. Where all places are taken by others that work, it has one more."""
        while self._is_full() and self._close_one():
            pass
        self._open.add(connection)
        self.silent(connection, address)

    def silent(self, connection: Connection, address: str) -> None:
        """Its client is waited for, from now on unless it was already for this address."""
        if connection not in self._open or self._address.get(connection) == address:
            return
        self.active(connection)
        self._silent.setdefault(address, {})[connection] = None
        self._address[connection] = address

    def active(self, connection: Connection) -> None:
        """Its client waits for us."""
        address = self._address.pop(connection, None)
        if address is not None:
            of_address = self._silent[address]
            del of_address[connection]
            if not of_address:
                del self._silent[address]

    def close_silent(self, connection: Connection) -> None:
        """Its client lets us wait, and has waited enough."""
        self.closed(connection)
        connection.close_now()
        self._closed_early()

    def closed(self, connection: Connection) -> None:
        self.active(connection)
        self._open.discard(connection)

    def _is_full(self) -> bool:
        return len(self._open) >= self._maximum or len(self._address) >= self._silent_max

    def _close_one(self) -> bool:
        """Close the oldest silent connection of the address that has most; a proxy is not one client, and comes last."""
        if not self._silent:
            return False
        addresses = [address for address in self._silent if address != PROXY] or [PROXY]
        busiest = max(addresses, key=lambda address: len(self._silent[address]))
        self.close_silent(next(iter(self._silent[busiest])))
        return True


class ClientAddresses:
    """Who is behind a connection: its peer, or who a trusted proxy (`[http] mandataires`) says that it forwards."""

    def __init__(self, proxies: Iterable[IPv4Network | IPv6Network]) -> None:
        self._proxies = tuple(proxies)

    def of_peer(self, peer: str) -> str:
        """The address that a new connection counts for."""
        return self._client(peer) or PROXY

    def forwarded(self, values: Iterable[bytes]) -> str:
        """The last address of X-Forwarded-For that is no proxy of ours: what stands before it, a client may have written."""
        hops = b",".join(values).decode("latin-1").split(",")
        return next((client for hop in reversed(hops) if (client := self._client(hop.strip())) is not None), PROXY)

    def _client(self, text: str) -> str | None:
        """The address, or for IPv6 its network; None for a proxy of ours. What is no address stands for itself, cut short."""
        host = text.rpartition(":")[0] if text.count(":") == 1 or "]:" in text else text
        try:
            address = ip_address(host.strip("[]").partition("%")[0])
        except ValueError:
            return text[:TEXT_MAX]
        address = getattr(address, "ipv4_mapped", None) or address
        if any(address in network for network in self._proxies):
            return None
        if isinstance(address, IPv4Address):
            return str(address)
        return str(IPv6Network((int(address), NETWORK_BITS), strict=False))
