"""What opens the connections to partners: httpx over aiohttp, by the network of all or by that of one. Asks nobody."""

import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from gateway.sources.partners.network import OwnNetwork, verified

TransportFactory = Callable[[], httpx.AsyncBaseTransport]
HEADER_BYTES_MAX = 16_384  # one header, or the status line


def aiohttp_transport(
    proxy: str | None = None, authorities: Path | None = None, tls: ssl.SSLContext | None = None
) -> httpx.AsyncBaseTransport:
    """httpx over aiohttp (docs/decisions/0001): a cancelled request leaves its pool sound, at a quarter of the CPU.

    `proxy` is asked in place of each address; `authorities` is a PEM file of those believed, instead of the system's; `tls`, a
    context that says whom is believed, and what we show.
    """
    context = tls or verified(authorities)

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context),  # the partners' bulkheads bound the connections
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
        )

    return AiohttpTransport(client=session, proxy=httpx.Proxy(proxy) if proxy else None)


def network_factory(network: OwnNetwork | None) -> TransportFactory:
    """What opens the connections to a partner."""
    return partial(aiohttp_transport, network.proxy or None, tls=network.tls) if network else aiohttp_transport
