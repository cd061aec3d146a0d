"""SQLite as the stores need it: readers go on while one writes, and writers wait for each other. Knows no table."""

import sqlite3
import time
from typing import Any

from sqlalchemy import Engine, event


def configure_sqlite(engine: Engine, waiting: int, is_durable: bool) -> None:
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
