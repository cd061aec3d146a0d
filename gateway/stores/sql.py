"""Opens the databases of the stores, and says in one way what SQLite and PostgreSQL say in two. Knows no table."""

import asyncio
import hashlib
import logging
import re
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    Connection,
    Engine,
    FromClause,
    String,
    Table,
    any_,
    create_engine,
    event,
    func,
    literal,
    make_url,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.errors import ConfigurationError
from gateway.stores.database_errors import cause
from gateway.stores.postgresql import is_postgresql, open_postgresql, read_url

T = TypeVar("T")
_HALF = re.compile("[\ud800-\udfff]")  # of a character that UTF-16 writes in two

FORMS = "sqlite+aiosqlite:///fichier ou postgresql://compte:secret@hôte/base"
logger = logging.getLogger("gateway.stores")


def database_url(environ: Mapping[str, str], variable: str, default: str) -> str:
    """The URL of the database that a variable names. Raises ConfigurationError, which holds nothing of a URL."""
    url = environ.get(variable, default)
    try:
        if is_postgresql(url):
            read_url(url)
        elif not _is_sqlite(url):
            raise ValueError(f"{FORMS} attendu")
    except ValueError as error:  # the text is ours
        raise ConfigurationError(f"variable d'environnement {variable} : {error}") from None
    return url


def _is_sqlite(url: str) -> bool:
    try:
        return make_url(url).drivername == "sqlite+aiosqlite"
    except (ArgumentError, ValueError):
        return False


def open_engine(url: str, waiting: int, *, is_durable: bool = False) -> AsyncEngine:
    """An engine; dispose of it, or its threads keep the process alive. On SQLite, readers go on while somebody writes.

    `waiting`: seconds that a writer waits for another one there. `is_durable`: what is written survives a power cut.
    """
    if is_postgresql(url):
        return open_postgresql(read_url(url))
    engine = create_async_engine(url)
    _configure_sqlite(engine.sync_engine, waiting, is_durable)
    return engine


def _configure_sqlite(engine: Engine, waiting: int, is_durable: bool) -> None:
    """Set what each connection is to do. `waiting`: seconds. `is_durable`: what is written survives a power cut."""

    def set_pragmas(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={waiting * 1000}")
        _enter_wal(cursor, waiting)
        cursor.execute(f"PRAGMA synchronous={'FULL' if is_durable else 'NORMAL'}")
        cursor.close()

    event.listen(engine, "connect", set_pragmas)


def _enter_wal(cursor: Any, waiting: int) -> None:
    """Put a database in WAL mode, where readers and one writer go on together. Raises sqlite3.OperationalError."""
    deadline = time.monotonic() + waiting
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # Two connections that change the mode of a new file at once could wait for each other for ever, so SQLite
            # fails one of them without looking at busy_timeout. A write lock does wait: behind it, the mode is changed.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("COMMIT")
        else:
            return


@contextmanager
def told(name: str) -> Iterator[None]:
    """Whatever a database refuses in the block is a ConfigurationError: its cause, and what to do."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise ConfigurationError(f"{name} : base inutilisable ({cause(error)})") from None


def tell_unverified(name: str, url: str) -> None:
    """Say in the log that nothing proves which server answers, where it does so over a network."""
    address = read_url(url) if is_postgresql(url) else None
    if address and not address.verified and not address.is_near:
        logger.warning(
            "%s : rien ne prouve quel PostgreSQL répond (sslmode=%s) ; sslmode=verify-full et sslrootcert",
            name,
            address.mode,
        )


class Writer:
    """Runs transactions written for a connection that does not wait."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._remote = engine

    async def transaction(self, make: Callable[[Connection], T]) -> T:
        """The result of `make`, once it is committed."""
        async with self._remote.begin() as connection:
            return await connection.run_sync(make)

    async def close(self) -> None:
        """Let go of what the writer opened; the engine is its owner's."""


def writer(engine: AsyncEngine, waiting: int) -> Writer:
    """The writer of a durable store. On SQLite a transaction is one visit to a thread: sending it there statement by
    statement costs several times the statements."""
    return _SqliteWriter(engine, waiting) if engine.dialect.name == "sqlite" else Writer(engine)


class _SqliteWriter(Writer):
    def __init__(self, engine: AsyncEngine, waiting: int) -> None:
        super().__init__(engine)
        self._engine = create_engine(engine.url.set(drivername="sqlite"))
        _configure_sqlite(self._engine, waiting, is_durable=True)
        self._thread = ThreadPoolExecutor(1, "ecrivain")

    async def transaction(self, make: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._make, make)

    def _make(self, make: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            return make(connection)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown()


def storable(value: str, size: int) -> str:
    """A text that every database holds in a column of so many characters: as it is, or else escaped, cut, and told from any
    other by a digest. SQLite takes what PostgreSQL refuses: a null character, half a character, one too many."""
    if len(value) <= size and "\0" not in value and not _HALF.search(value):
        return value
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{value.encode('unicode_escape').decode()[: size - 34]}…#{digest}"


def insertion(connection: AsyncConnection | Connection | AsyncEngine, table: Table) -> Any:
    """An INSERT that may say what to do with a row already there."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def among(connection: AsyncConnection, column: Any, values: Sequence[str]) -> Any:
    """Texts of a column: one parameter where the database has arrays, for thousands are slow to send to a server."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), postgresql.ARRAY(String)))
    return column.in_(values)


def pairs_table(connection: AsyncConnection | Connection, pairs: Collection[tuple[str, str]]) -> FromClause:
    """Pairs of texts as a table of columns `nom` and `groupe`, to join: one parameter or two, however many there are."""
    if connection.dialect.name == "postgresql":
        names, groups = ([pair[rank] for pair in pairs] for rank in (0, 1))
        arrays = [literal(texts, postgresql.ARRAY(String)) for texts in (names, groups)]
        return func.unnest(*arrays).table_valued("nom", "groupe").render_derived()
    told = func.json_each(msgspec.json.encode(list(pairs)).decode()).table_valued("value")
    columns = [func.json_extract(told.c.value, f"$[{rank}]") for rank in (0, 1)]
    parsed = select(columns[0].label("nom"), columns[1].label("groupe"))
    # Read once: SQLite would parse the pairs again for each row that is joined.
    return parsed.cte("demande").prefix_with("MATERIALIZED")


async def read_in(
    connection: AsyncConnection, query: Any, columns: Sequence[Any], values: Iterable[str], size: int
) -> list[Any]:
    """The rows of a query with one of these values in one of the columns, asked for `size` values at a time."""
    rows: list[Any] = []
    for batch in batches(sorted(values), size):
        rows += await connection.execute(query.where(or_(*(among(connection, column, batch) for column in columns))))
    return rows


def hold_every(connection: Connection, column: Any) -> None:
    """Have whoever takes a row of this table wait until the transaction ends, and wait for who has one. On SQLite one writes."""
    connection.execute(select(column).order_by(column).with_for_update())


def batches(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values, `size` at a time."""
    return (values[start : start + size] for start in range(0, len(values), size))
