"""Brings the tables of a store to the version this code knows: one history a store, each in a folder here, run by alembic.

A store opens in its own transaction: its tables and the version written beside them change together, or not at all. Whatever
processes start together, one of them migrates and the others wait; a database that is up to date is only asked its version.
"""

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from gateway.errors import ConfigurationError

HEADS = {"journal": "0002", "registre": "0001", "liens": "0002"}  # the last version of each history
POSTGRESQL_LOCK = 20211014  # held by the process that migrates; releases without histories take it to create tables


def version_table(store: str) -> str:
    """The table that tells the version of a store: several stores may share a database."""
    return f"{store}_version"


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
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _upgrade(connection: Connection, store: str) -> None:
    """Run what is missing. The first revision creates only what is not there: tables of before histories are taken as such."""
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells its own plugins, one by one, as it is imported
    from alembic.migration import MigrationContext  # noqa: PLC0415 - an ordinary start does without alembic
    from alembic.operations import Operations  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    folder = str(Path(__file__).parent / store)
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
