"""Brings the tables of a store to the version this code knows. Knows no table.

Tables have one history a store, each in a folder of `migrations/`, run by alembic. A store that is empty is made as it opens, in
one transaction; one that a former code wrote is refused until an operator migrates it, and one version ahead is accepted: that is
how versions of the gateway follow each other without a stop (docs/exploitation.md). Whatever processes start together, one of
them writes and the others wait; a database that is up to date is only asked its version.
"""

from enum import Enum
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from gateway.errors import ConfigurationError

HEADS = {
    "journal": "0003",
    "registre": "0002",
    "liens": "0002",
    "ecritures": "0001",
    "receptions": "0003",
    "statistiques": "0001",
    "evenements": "0001",
    "abonnements": "0001",
}  # the last version of each history
TABLE_WAIT = 2  # seconds
POSTGRESQL_LOCK = 20211014  # held by the process that migrates; releases without histories take it to create tables


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
