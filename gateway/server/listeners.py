"""The two doors of the process: one for callers, one for who watches over it. How each is listened on, and what bounds it."""

import asyncio
import errno
import logging
import os
import resource
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import AppState, admin_application, application
from gateway.config import StreamSettings
from gateway.edge.connection_table import ClientAddresses, ConnectionTable
from gateway.edge.guard import malformed_answer
from gateway.edge.http_protocol import READ_TIMEOUT, BoundedHttpProtocol, Listener
from gateway.edge.socket_protocol import MESSAGE_MAX, PING_INTERVAL, PING_TIMEOUT
from gateway.errors import ConfigurationError
from gateway.server.services import Services
from gateway.system_reasons import reason_of

SHUTDOWN_TIMEOUT = 20  # seconds left to what is under way, once nothing new is taken (docs/fiabilite.md)
ADMIN_SHUTDOWN_TIMEOUT = 1
# Seconds that a silent connection is kept: longer than a proxy keeps its own, which would else find it closed.
IDLE_TIMEOUT = 65
# Beside streams. Beyond, whoever waits in silence makes room: a slow client costs a socket, not time.
CONNECTIONS_MAX = 1000
ADMIN_CONNECTIONS_MAX = 100
ADMIN_SPACING = 0.005  # seconds: two hundred a second take a tenth of the loop
OTHER_FILES = 256  # open beside connections: stores, partners
SOCKETS = b"/graphql"  # where a connection may go on as a WebSocket
UNIX = "unix:"  # before the path of a socket, in place of an address
UNIX_MODE = 0o660  # whoever may write there is the proxy: its user, by the group of the unit
EVERY_ADDRESS = "::"  # of both families, where the system has both

logger = logging.getLogger("gateway.vie")


class AdminServer(uvicorn.Server):
    """Serves beside the other, and is stopped by it: signals are not its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def public_settings(services: Services, state: AppState) -> uvicorn.Config:
    """Of the door for callers. Raises ConfigurationError."""
    flux = services.configuration.file.flux
    places = connections_max(flux)
    state.streams.places.limit_to(places * flux.par_processus // (CONNECTIONS_MAX + flux.par_processus))
    table = ConnectionTable(places, services.edge_metrics.closed_early.inc, CONNECTIONS_MAX)
    listener = replace(_listener(services, table, services.configuration.file.http.mandataires), sockets=SOCKETS)
    return _settings(application(state), listener, SHUTDOWN_TIMEOUT)


def admin_settings(services: Services, state: AppState) -> uvicorn.Config:
    """Of the door for who watches over the process."""
    table = ConnectionTable(ADMIN_CONNECTIONS_MAX, services.edge_metrics.closed_early.inc)
    return _settings(_spaced(admin_application(state)), _listener(services, table, ()), ADMIN_SHUTDOWN_TIMEOUT)


def _spaced(app: ASGIApp) -> ASGIApp:
    """An application whose requests begin ADMIN_SPACING apart, in their order: who asks without end waits for its own."""
    turn = asyncio.Lock()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            async with turn:
                await asyncio.sleep(ADMIN_SPACING)
        await app(scope, receive, send)

    return serve


def _listener(services: Services, table: ConnectionTable, proxies: Iterable[IPv4Network | IPv6Network]) -> Listener:
    malformed = malformed_answer(services.configuration.file.http)
    return Listener(table, ClientAddresses(proxies), malformed, services.edge_metrics.malformed.inc)


def connections_max(flux: StreamSettings) -> int:
    """How many connections the system lets this process hold, within ours: one that it refuses to open is refused to health
    as well. Asks for what the system grants without being told to. Raises ConfigurationError where it grants fewer than the
    streams that somebody wrote down."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    asked = CONNECTIONS_MAX + flux.par_processus
    wanted = asked + OTHER_FILES if hard == resource.RLIM_INFINITY else min(asked + OTHER_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    places = asked if soft == resource.RLIM_INFINITY else max(1, min(asked, soft - OTHER_FILES))
    if places == asked:
        return places
    if "par_processus" in flux.model_fields_set:
        raise ConfigurationError(
            f"gateway.toml : [flux] par_processus : {flux.par_processus} flux demandent {asked + OTHER_FILES} fichiers ouverts, "
            f"le système en permet {soft} ; LimitNOFILE dans l'unité systemd, ou ulimit -n"
        )
    remedy = "LimitNOFILE=8192 dans l'unité systemd, ou ulimit -n"
    logger.warning("fichiers : peu permis, %d connexions au lieu de %d ; %s", places, asked, remedy)
    return places


def listen(named: str, host: str, port: int) -> socket.socket:
    """A socket that is listened on, of the network or (`unix:/path`) of this machine. Raises ConfigurationError when it is taken,
    or is not ours."""
    try:
        return (
            _unix_socket(host.removeprefix(UNIX)) if host.startswith(UNIX) else _network_socket(host.strip("[]"), port)
        )
    except OSError as error:
        place = host if host.startswith(UNIX) else f"{host}:{port}"
        reason = reason_of(error) if error.errno else "chemin de socket trop long"
        raise ConfigurationError(f"{named} : {place} : {reason}") from None


def _network_socket(host: str, port: int) -> socket.socket:
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    both = host == EVERY_ADDRESS and socket.has_dualstack_ipv6()
    taken = socket.create_server(address[:2], family=family, dualstack_ipv6=both)
    # Of who vanished, the system would wait for a quarter of an hour; each connection has this of the socket that is listened on.
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * READ_TIMEOUT))
    return taken


def _unix_socket(path: str) -> socket.socket:
    """Takes the place of a socket that nobody listens on any more: a process that was killed leaves its own."""
    if Path(path).is_socket() and _is_left(path):
        os.unlink(path)
    taken = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        taken.bind(path)
        os.chmod(path, UNIX_MODE)
        taken.listen()
    except OSError:
        taken.close()
        raise
    return taken


def _is_left(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        return client.connect_ex(path) == errno.ECONNREFUSED


def address_of(taken: socket.socket) -> str:
    """Where a socket is listened on, as an operator writes it."""
    if taken.family == socket.AF_UNIX:
        return f"{UNIX}{taken.getsockname()}"
    host, port = taken.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _settings(app: ASGIApp, listener: Listener, shutdown_timeout: int) -> uvicorn.Config:
    """No access log (a URL may say too much), no server header, no header of a proxy believed but by the listener's table, one
    log for all. WebSockets have a protocol of our own (`edge.socket_protocol`), which is not chosen here."""
    return uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        log_config=None,
        server_header=False,
        http=cast("type[asyncio.Protocol]", partial(BoundedHttpProtocol, listener)),
        ws="none",
        ws_max_size=MESSAGE_MAX,
        ws_ping_interval=PING_INTERVAL,
        ws_ping_timeout=PING_TIMEOUT,
        ws_per_message_deflate=False,  # its windows would cost more memory than the stream
        proxy_headers=False,
        timeout_keep_alive=IDLE_TIMEOUT,
        timeout_graceful_shutdown=shutdown_timeout,
    )
