"""Opens the databases of the stores, brings their tables to the version this code knows, and says in one way what SQLite and
PostgreSQL say in two. Knows no table.

Tables have one history a store, each in a folder of `migrations/`, run by alembic. A store that is empty is made as it opens, in
one transaction; one that a former code wrote is refused until an operator migrates it, and one version ahead is accepted: that is
how versions of the gateway follow each other without a stop (docs/exploitation.md). Whatever processes start together, one of
them writes and the others wait; a database that is up to date is only asked its version.
"""

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    FromClause,
    String,
    Table,
    any_,
    create_engine,
    func,
    inspect,
    literal,
    make_url,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.errors import ConfigurationError
from gateway.stores.causes import cause
from gateway.stores.postgresql import is_postgresql, open_postgresql, read_url
from gateway.stores.sqlite import configure_sqlite

T = TypeVar("T")
_HALF = re.compile("[\ud800-\udfff]")  # of a character that UTF-16 writes in two

HEADS = {
    "journal": "0003",
    "registre": "0001",
    "liens": "0002",
    "ecritures": "0001",
    "receptions": "0003",
    "statistiques": "0001",
    "evenements": "0001",
}  # the last version of each history
TABLE_WAIT = 2  # seconds
POSTGRESQL_LOCK = 20211014  # held by the process that migrates; releases without histories take it to create tables
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
    configure_sqlite(engine.sync_engine, waiting, is_durable)
    return engine


def version_table(store: str) -> str:
    """The table that tells the version of a store: several stores may share a database."""
    return f"{store}_version"


class StoreState(Enum):
    """What a code finds of its history in a database."""

    EMPTY = "vide"
    OLDER = "antérieure à cette passerelle"
    CURRENT = "à jour"
    NEXT = "de la version suivante"
    LATER = "plus récente que cette passerelle"


def prepare(connection: Connection, store: str) -> None:
    """Have a store ready to serve, in the transaction of the connection, which must have written nothing yet.

    Raises ConfigurationError for a database that must be migrated first, or that a much later code wrote.
    """
    state = state_of(connection, store)
    if state is StoreState.EMPTY:
        migrate(connection, store)
    elif state is StoreState.OLDER:
        raise ConfigurationError(f"{store} : base {state.value} ; la migrer : « python -m gateway base migrer »")
    elif state is StoreState.LATER:
        raise ConfigurationError(f"{store} : base d'une version {state.value}")


def state_of(connection: Connection, store: str) -> StoreState:
    """Tables of before histories have no version: a store's are named after it."""
    current = current_version(connection, store)
    if current is None:
        if not any(name.startswith(store) for name in inspect(connection).get_table_names()):
            return StoreState.EMPTY
        current = current_version(connection, store)  # made meanwhile, with their version
    if current is None:
        return StoreState.OLDER
    ahead = int(current) - int(HEADS[store]) if current.isdecimal() else 2
    if ahead > 1:
        return StoreState.LATER
    return StoreState.NEXT if ahead == 1 else StoreState.CURRENT if ahead == 0 else StoreState.OLDER


def migrate(connection: Connection, store: str) -> None:
    """Bring a store to its last version, in the transaction of the connection, which must have written nothing yet.

    Raises ConfigurationError when a later code wrote the database.
    """
    if current_version(connection, store) != HEADS[store]:
        _lock(connection)
        _upgrade(connection, store)


def current_version(connection: Connection, store: str) -> str | None:
    """The version written in the database; None where no history was ever run."""
    table = version_table(store)
    if not inspect(connection).has_table(table):
        return None
    return str(connection.scalar(text(f"SELECT version_num FROM {table}")))  # noqa: S608 - a name of ours


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({POSTGRESQL_LOCK})"))
        # A change of a table waits for whoever reads it, and whoever comes then waits behind: not for long.
        connection.execute(text(f"SET LOCAL lock_timeout = '{TABLE_WAIT}s'"))
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _upgrade(connection: Connection, store: str) -> None:
    """Run what is missing. The first revision creates only what is not there: tables of before histories are taken as such."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells its own plugins, one by one, as it is imported
    from alembic.migration import MigrationContext  # noqa: PLC0415 - an ordinary start does without alembic
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    folder = str(Path(__file__).parent / "migrations" / store)
    scripts = ScriptDirectory(folder, version_locations=[folder])
    revisions = list(reversed(list(scripts.walk_revisions())))
    known = [revision.revision for revision in revisions]
    current = current_version(connection, store)  # another process may have migrated meanwhile
    if current is not None and current not in known:
        raise ConfigurationError(f"{store} : base d'une version plus récente que cette passerelle")
    context = MigrationContext.configure(connection, opts={"version_table": version_table(store)})
    with Operations.context(context):
        for revision in revisions[known.index(current) + 1 if current else 0 :]:
            revision.module.upgrade()
    context.stamp(scripts, HEADS[store])


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
        configure_sqlite(self._engine, waiting, is_durable=True)
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


def pairs_table(connection: AsyncConnection, pairs: Collection[tuple[str, str]]) -> FromClause:
    """Pairs of texts as a table of columns `nom` and `groupe`, to join: one parameter or two, however many there are."""
    if connection.dialect.name == "postgresql":
        names, groups = ([pair[rank] for pair in pairs] for rank in (0, 1))
        arrays = [literal(texts, postgresql.ARRAY(String)) for texts in (names, groups)]
        return func.unnest(*arrays).table_valued("nom", "groupe").render_derived()
    told = func.json_each(json.dumps(list(pairs))).table_valued("value")
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


def batches(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values, `size` at a time."""
    return (values[start : start + size] for start in range(0, len(values), size))
