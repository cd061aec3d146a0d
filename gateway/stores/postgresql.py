"""PostgreSQL as operators name it: a libpq URL, read into what the driver is given. Knows no table, and shows no URL."""

import itertools
import os
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

SCHEME = re.compile(r"(postgres|postgresql|postgresql\+asyncpg)://")  # the last is SQLAlchemy's
ENCODED = "dans le compte et le secret, écrire @ : / ? # % en %40 %3A %2F %3F %23 %25"
CONNECT_TIMEOUT = 2.0  # seconds for each host; `connect_timeout` says another
PING_TIMEOUT = 1.0  # seconds for a connection of before to say that it lives
REST = 1.0  # seconds during which a server that did not answer is not called
APPLICATION = "passerelle"  # as pg_stat_activity shows us
OFFERED = ("disable", "allow", "prefer")  # sslmode: TLS is not required, and whoever answers is believed
MODES = (*OFFERED, "require", "verify-ca", "verify-full")
SESSIONS = ("any", "read-write", "primary", "read-only", "standby", "prefer-standby")
GIVEN = ("user", "password", "dbname", "passfile", "target_session_attrs")  # to the driver as they are
KNOWN = (
    *GIVEN,
    *("host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "application_name", "options", "connect_timeout"),
)
# Ways of libpq that the driver does not have, asked for in words that do not require them.
WITHOUT = {
    ("channel_binding", "prefer"),
    ("channel_binding", "disable"),
    ("gssencmode", "prefer"),
    ("gssencmode", "disable"),
}
_NOT_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"(\[[\da-fA-F:.%]+\]|[^:\[\]]*)(?::(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Address:
    """Servers in the order in which they are tried, and what each is given. `mode`: libpq's sslmode."""

    hosts: tuple[tuple[str, int], ...]
    mode: str
    verified: bool  # a certificate proves who answers
    timeout: float
    arguments: Mapping[str, Any] = field(repr=False)

    @property
    def is_near(self) -> bool:
        """Whether nothing of it passes on a network."""
        return all(host.startswith("/") or host in ("localhost", "127.0.0.1", "::1") for host, _ in self.hosts)


def is_postgresql(url: str) -> bool:
    return SCHEME.match(url) is not None


def read_url(url: str) -> Address:
    """What a URL says. Raises ValueError: the cause and what to do, nothing of the URL."""
    try:
        parts = urlsplit(SCHEME.sub("postgresql://", url.strip()))
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ValueError(f"adresse illisible ; {ENCODED}") from None
    account, _, hosts = parts.netloc.rpartition("@")
    if "@" in account + parts.path + parts.query or parts.fragment or _NOT_ENCODED.search(url):
        raise ValueError(f"adresse illisible ; {ENCODED}")
    asked = _asked(query)
    if asked.get("target_session_attrs", "any") not in SESSIONS:
        raise ValueError(f"target_session_attrs : {', '.join(SESSIONS)} attendu")
    user, _, password = account.partition(":")
    told = {"user": unquote(user), "password": unquote(password), "dbname": unquote(parts.path.removeprefix("/"))}
    given = {**{name: value for name, value in told.items() if value}, **{k: asked[k] for k in GIVEN if k in asked}}
    if "dbname" in given:
        given["database"] = given.pop("dbname")
    mode, tls = _tls(asked)
    settings = {"application_name": APPLICATION, **{k: asked[k] for k in ("application_name", "options") if k in asked}}
    return Address(
        hosts=_hosts(hosts, asked),
        mode=mode,
        verified=isinstance(tls, ssl.SSLContext) and tls.verify_mode is ssl.CERT_REQUIRED,
        timeout=_seconds(asked.get("connect_timeout", "")),
        arguments={**given, "ssl": tls, "server_settings": settings},
    )


def _asked(query: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The parameters, by libpq's names; several hosts joined, as SQLAlchemy repeats them. Raises ValueError."""
    asked: dict[str, str] = {}
    for written, value in query:
        name = {"ssl": "sslmode", "database": "dbname"}.get(written, written)
        if name in KNOWN:
            asked[name] = f"{asked[name]},{value}" if name == "host" and name in asked else value
        elif (name, value) not in WITHOUT:
            raise ValueError(f"paramètre {_word(name)} inconnu, ou que le pilote n'a pas ; l'ôter (docs/postgresql.md)")
    return asked


def _word(name: str) -> str:
    """The name of a parameter, if it has the form of one."""
    return f"« {name} »" if re.fullmatch(r"[a-z_]{2,40}", name) else "illisible ou"


def _hosts(authority: str, asked: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """Raises ValueError."""
    forms = [_HOST.fullmatch(host) for host in (asked.get("host") or authority).split(",")]
    ports = asked.get("port", "5432").split(",")
    ports = ports * len(forms) if len(ports) == 1 else ports
    if not all(form and form[1] for form in forms) or len(ports) != len(forms) or not all(map(str.isdecimal, ports)):
        raise ValueError(f"hôtes ou ports illisibles : hôte:port,hôte:port attendu ; {ENCODED}")
    found = tuple((_name(form[1]), int(form[2] or port)) for form, port in zip(forms, ports, strict=True) if form)
    if not all(0 < port < 65536 for _, port in found):
        raise ValueError("port de 1 à 65535 attendu")
    return found


def _name(text: str) -> str:
    """A host as it is looked for. Raises ValueError."""
    name = unquote(text).strip("[]")
    try:
        name.encode("idna")
    except UnicodeError:
        raise ValueError("nom d'hôte impossible ; corriger l'adresse") from None
    return name


def _seconds(text: str) -> float:
    if text and not text.isdecimal():
        raise ValueError("connect_timeout : un nombre de secondes attendu")
    return float(text or 0) or CONNECT_TIMEOUT


def _tls(asked: Mapping[str, str]) -> tuple[str, ssl.SSLContext | str]:
    """The mode, and the one context of all connections, or the mode where TLS is not required. Raises ValueError."""
    root = asked.get("sslrootcert") or os.environ.get("PGSSLROOTCERT")
    mode = asked.get("sslmode") or os.environ.get("PGSSLMODE") or ("verify-full" if root == "system" else "prefer")
    if mode not in MODES:
        raise ValueError(f"sslmode : {', '.join(MODES)} attendu")
    if mode in OFFERED:
        return mode, mode
    if root == "system" and mode != "verify-full":
        raise ValueError("sslrootcert=system demande sslmode=verify-full")
    if mode.startswith("verify") and not root:
        raise ValueError(f"sslmode={mode} demande sslrootcert=/chemin/autorité.pem, ou sslrootcert=system")
    try:
        return mode, _context(mode, root, asked)
    except OSError:
        raise ValueError(
            "un certificat ou sa clé ne se lit pas ; vérifier sslrootcert, sslcert, sslkey, et les droits des fichiers"
        ) from None


def _context(mode: str, root: str | None, asked: Mapping[str, str]) -> ssl.SSLContext:
    """As libpq has it: `require` with an authority verifies the certificate, and not the name. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = mode == "verify-full"
    if root == "system":
        context.load_default_certs()
    elif root:
        context.load_verify_locations(root)
    else:
        context.verify_mode = ssl.CERT_NONE
    if certificate := asked.get("sslcert"):
        context.load_cert_chain(certificate, asked.get("sslkey"), password="")
    return context


def open_postgresql(address: Address) -> AsyncEngine:
    """An engine over an address. A connection that the server closed, or that says nothing, is opened again with all others."""
    engine = create_async_engine(
        "postgresql+asyncpg://", connect_args={"async_creator_fn": partial(_connect, address, [*address.hosts])}
    )
    event.listen(engine.sync_engine, "do_connect", _Dialler())
    event.listen(engine.sync_engine, "checkout", _ensure_alive)
    return engine


def _ensure_alive(connection: Any, _: object, __: object) -> None:
    """Raises InvalidatePoolError: no other connection of before is tried, which a frozen server would hold as long."""
    try:
        connection.run_async(partial(_ping, PING_TIMEOUT))
    except BaseException as error:
        connection.driver_connection.terminate()
        if isinstance(error, Exception):
            raise InvalidatePoolError from error
        raise


async def _ping(seconds: float, connection: Any) -> None:
    await connection.execute("SELECT 1", timeout=seconds)


async def _connect(address: Address, hosts: list[tuple[str, int]], **options: Any) -> Any:
    """A connection to the first server that takes it, the last that did before the others. Each is given its time: one that
    is frozen must not take the others'."""
    import asyncpg  # noqa: PLC0415 - a gateway on SQLite does without

    failure: Exception = OSError("no host")
    for place in tuple(hosts):
        hosts.remove(place)
        hosts.append(place)  # called last next time, unless it answers: whoever calls may be given less than its time
        to = {"host": place[0], "port": place[1], "timeout": address.timeout}
        try:
            connection = await asyncpg.connect(**to, **address.arguments, **options)
            hosts.remove(place)
            hosts.insert(0, place)
            return connection
        except (OSError, TimeoutError, asyncpg.TargetServerAttributeNotMatched, asyncpg.CannotConnectNowError) as error:
            failure = error
    raise failure


class _Dialler:
    """Opens connections whose statements are kept by name; where a pooler gives each transaction another server (PgBouncer), they
    have none: what one server prepared, the next does not know. A pooler is known by the process number it invents."""

    def __init__(self) -> None:
        # unique over the engine: `statement_cache_size` 0 would otherwise leave them without a name
        names = map("passerelle_{}".format, itertools.count())
        self._options: dict[str, Any] = {"prepared_statement_name_func": lambda: next(names)}
        self._hung_until = float("-inf")

    def __call__(self, dialect: Any, _: Any, args: Sequence[Any], parameters: Mapping[str, Any]) -> Any:
        if time.monotonic() < self._hung_until:  # whoever waits behind a server that hangs is told at once
            raise TimeoutError
        connection = self._open(dialect, args, parameters)
        if "prepared_statement_name_func" in self._options and self._is_pooled(dialect, connection):
            connection.terminate()
            self._options = {"prepared_statement_cache_size": 0}
            connection = self._open(dialect, args, parameters)
        return connection

    def _open(self, dialect: Any, args: Sequence[Any], parameters: Mapping[str, Any]) -> Any:
        try:
            return dialect.connect(*args, **parameters, **self._options, statement_cache_size=0)
        except TimeoutError:
            self._hung_until = time.monotonic() + REST
            raise

    def _is_pooled(self, dialect: Any, connection: Any) -> bool:
        try:
            return bool(connection.run_async(_is_pooled))
        except BaseException as error:
            connection.terminate()
            if not isinstance(error, Exception):  # given up
                raise
            # the driver's own, in the words that SQLAlchemy knows
            raise dialect.loaded_dbapi.Error("not questioned", error) from error


async def _is_pooled(connection: Any) -> bool:
    async with connection.transaction():  # so that both halves of the question reach the same server
        return bool(await connection.fetchval("SELECT pg_backend_pid()") != connection.get_server_pid())
