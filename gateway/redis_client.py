"""The one client of Redis, from its address: one pool and one TLS context for all who use it. Knows no key and shows no address.

What is written here is understood before the first use, so that a start tells it: an unknown option, a certificate that is not
there. Whether somebody answers there is for `redis_breaker` to tell.
"""

import asyncio
import re
import socket
import ssl
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import RedisSSLContext, SSLConnection, parse_url
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedSSLConnection,
)
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterError,
    MasterDownError,
    MaxConnectionsError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gateway.errors import ConfigurationError

NAME = "GATEWAY_CACHE_URL"
FORMS = "redis[s]://[compte:secret@]hôte:port/base, redis[s]+sentinel://[compte:secret@]hôte:port,hôte:port/nom/base"
ENCODED = "dans le compte et le secret, écrire @ : / ? # % en %40 %3A %2F %3F %23 %25"
SENTINEL_PORT = 26379
SENTINEL_TIMEOUT = 0.1  # seconds: two that are silent leave time for the third within the bound of a use
CLUSTER = (
    "Redis Cluster n'est pas pris en charge (les clés d'une lecture y seraient sur plusieurs nœuds) : "
    "nommer un Redis simple, ou des Sentinel"
)
POOL_MAX = 1000  # connections: more than requests under way, so that none is refused one
_SCHEME = re.compile(r"rediss?(\+sentinel)?|unix")
_NOT_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DATABASE = re.compile(r"/?|/\d{1,4}")
_CAUSES: tuple[
    tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...
] = (  # the first that holds, of the error or of what caused it
    (AuthenticationError, "compte ou secret refusé ; corriger l'adresse"),
    (
        NoPermissionError,
        "droit manquant (ACL) ; donner au compte les clés ~passerelle:* et les commandes de docs/redis.md",
    ),
    (
        (ReadOnlyError, MasterDownError),
        "réplica en lecture seule ; nommer le primaire, une adresse qui le suit, ou les Sentinel",
    ),
    (OutOfMemoryError, "mémoire pleine ; relever maxmemory, et maxmemory-policy allkeys-lru"),
    (MaxConnectionsError, "trop de connexions ; relever max_connections dans l'adresse"),
    (BusyLoadingError, "Redis charge ses données ; attendre"),
    (MasterNotFoundError, "aucun Sentinel ne nomme le primaire ; vérifier leurs adresses et son nom"),
    ((ClusterError, ClusterCrossSlotError, MovedError, AskError), CLUSTER),
    (ssl.SSLCertVerificationError, "certificat non reconnu ; vérifier ssl_ca_certs et le nom de l'hôte"),
    (ssl.SSLError, "TLS refusé ; vérifier rediss:// ou redis://, et le port"),
    (socket.gaierror, "nom d'hôte inconnu ; corriger l'adresse"),
    (ConnectionRefusedError, "connexion refusée ; démarrer Redis, ou corriger l'hôte et le port"),
    (FileNotFoundError, "socket absente ; démarrer Redis, ou corriger le chemin"),
    ((TimeoutError, RedisTimeoutError), "délai dépassé ; regarder sa charge et le réseau"),
    ((ConnectionError, RedisConnectionError), "connexion coupée ; regarder son journal"),
)
_SERVICE = re.compile(r"/([\w.-]+)(/\d{1,4})?")


class _OneContext:
    """A connection that is given its TLS context: redis-py makes one a connection, for 24 ms of the loop each."""

    def __init__(self, *, tls: RedisSSLContext, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context = tls


class _TlsConnection(_OneContext, SSLConnection):
    """To a Redis, or to a Sentinel."""


class _SentinelTlsConnection(_OneContext, SentinelManagedSSLConnection):
    """To the primary that Sentinels name."""


class _SentinelPool(SentinelConnectionPool):
    """Closed with its Sentinels."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


def open_redis(url: str) -> Redis:
    """A client, which has asked nothing yet; close it. Raises ConfigurationError: one line, the cause and what to do."""
    try:
        return _client(url.strip())
    except OSError:
        raise ConfigurationError(f"{NAME} : un certificat ou sa clé ne se lit pas ; vérifier ssl_ca_certs, ssl_certfile "
                                 "et ssl_keyfile, et les droits des fichiers") from None  # fmt: skip
    except (TypeError, RedisError):
        raise ConfigurationError(
            f"{NAME} : une option après « ? » est inconnue ou impossible ; l'ôter, ou voir docs/redis.md"
        ) from None
    except ValueError as error:
        raise ConfigurationError(f"{NAME} : {error}") from None


def cause(error: BaseException) -> str:
    """Why Redis fails and what to do; nothing of what it says, which may hold a name."""
    chain: list[BaseException] = []
    told: BaseException | None = error
    while told is not None and told not in chain:
        chain.append(told)
        told = told.__cause__ or told.__context__
    known = (text for kinds, text in _CAUSES if any(isinstance(one, kinds) for one in chain))
    return f"{type(error).__name__} : {next(known, 'voir le journal de Redis')}"


async def refuse_cluster(client: Redis) -> None:
    """Raises ConfigurationError for a node of a Cluster. One that does not tell is told by its first use."""
    try:
        async with asyncio.timeout(1.0):
            told = await client.info("cluster")
    except Exception:  # absent, or not allowed to us
        return
    if told.get("cluster_enabled"):
        raise ConfigurationError(f"{NAME} : {CLUSTER}")


def _client(url: str) -> Redis:
    """Raises ValueError with what to do, and what redis-py raises."""
    parts = _split(url)
    secure, _, sentinel = parts.scheme.partition("+")
    if sentinel:
        return _by_sentinel(parts, secure)
    if secure != "unix" and not (parts.hostname and _DATABASE.fullmatch(parts.path)):
        raise ValueError("un hôte attendu, puis un numéro de base (/0) ou rien")
    options = _parsed(url)
    if secure != "rediss" and any(name.startswith("ssl_") for name in options):
        raise ValueError("une option ssl_… sans TLS : écrire rediss:// au lieu de redis://")
    pool = ConnectionPool(**_with_tls(options, _TlsConnection), **_timeouts(None))
    pool.make_connection()  # type: ignore[no-untyped-call] # not opened: what it cannot be given is told now
    return Redis.from_pool(pool)


def _split(url: str) -> SplitResult:
    """Raises ValueError."""
    if not _SCHEME.fullmatch(url.partition("://")[0]):
        raise ValueError(f"memory://, {FORMS} attendu")
    try:
        parts = urlsplit(url)
        readable = "@" not in parts.path + parts.query and parts.netloc.count("@") < 2 and not parts.fragment
    except ValueError:
        readable = False
    if not readable or _NOT_ENCODED.search(url):
        raise ValueError(f"adresse illisible ; {ENCODED}")
    return parts


def _parsed(url: str) -> dict[str, Any]:
    try:
        return dict(parse_url(url))
    except ValueError as error:
        known = str(error).startswith("Invalid value for")
        raise ValueError(
            "une option après « ? » a une valeur impossible" if known else f"adresse illisible ; {ENCODED}"
        ) from None


def _timeouts(seconds: float | None) -> dict[str, Any]:
    """The client's own. None where `redis_breaker` bounds the use: under Python 3.11 they lose a cancellation that comes as a
    command is sent."""
    return {"socket_timeout": seconds, "socket_connect_timeout": seconds}


def _with_tls(options: dict[str, Any], secure: type[SSLConnection]) -> dict[str, Any]:
    """The options, TLS with a context made once. Raises TypeError, OSError and RedisError."""
    options = {"max_connections": POOL_MAX, **{k: value for k, value in options.items() if k not in _timeouts(None)}}
    if options.get("connection_class") is not SSLConnection:
        return options
    settings = {name: options.pop(name) for name in list(options) if name.startswith("ssl_")}
    tls = SSLConnection(**settings).ssl_context
    tls.get()
    return {**options, "connection_class": secure, "tls": tls}


def _by_sentinel(parts: SplitResult, secure: str) -> Redis:
    """The primary that Sentinels name, asked for again at each new connection."""
    service = _SERVICE.fullmatch(parts.path)
    if not service:
        raise ValueError("le nom que les Sentinel donnent au primaire attendu après les hôtes : …/nom, ou …/nom/base")
    account, _, hosts = parts.netloc.rpartition("@")
    options = _parsed(f"{secure}://{account}@h{service[2] or ''}?{parts.query}")
    own = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    del options["host"]
    managed = _with_tls(options, _SentinelTlsConnection)
    shared = {"connection_class": _TlsConnection, "tls": managed["tls"]} if "tls" in managed else {}
    manager = Sentinel([])  # type: ignore[no-untyped-call]
    for host, port in map(_host_and_port, hosts.split(",")):
        pool = ConnectionPool(host=host, port=port, **own, **shared, **_timeouts(SENTINEL_TIMEOUT))
        manager.sentinels.append(Redis.from_pool(pool))
    pool = _SentinelPool(service[1], manager, **managed, **_timeouts(None))  # type: ignore[no-untyped-call]
    pool.make_connection()  # type: ignore[no-untyped-call]
    return Redis.from_pool(pool)


def _host_and_port(text: str) -> tuple[str, int]:
    """Raises ValueError."""
    form = re.fullmatch(r"(\[[\da-fA-F:]+\]|[^:\[\]]+)(?::(\d{1,5}))?", text)
    if not form or not 0 < int(form[2] or SENTINEL_PORT) < 65536:
        raise ValueError(f"hôte ou port illisible ; {ENCODED}")
    return unquote(form[1]).strip("[]"), int(form[2] or SENTINEL_PORT)
