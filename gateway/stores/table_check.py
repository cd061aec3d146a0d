"""Whether the tables of a database are those that the code names, and whether the database itself reads whole.

What is there beside them is not a fault: the version that comes next may have put it there.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, MetaData, Table, text

MISSING = {"add_table": "table absente", "add_column": "colonne absente", "add_index": "index absent"}


def table_faults(connection: Connection, expected: Iterable[MetaData]) -> list[str]:
    """A line for each table, column or index that is missing, or of another type."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - long to import: an operator's command alone needs it
    from alembic.migration import MigrationContext  # noqa: PLC0415

    ours = MetaData()
    for metadata in expected:
        for table in metadata.sorted_tables:
            table.to_metadata(ours)

    def is_ours(thing: Any, name: str | None, kind: str, *_: object) -> bool:
        return name in ours.tables if kind == "table" else getattr(thing, "table", thing).name in ours.tables

    context = MigrationContext.configure(connection, opts={"include_object": is_ours, "compare_type": True})
    return [line for difference in compare_metadata(context, ours) for line in _lines(difference)]


def _lines(difference: Any) -> Iterator[str]:
    for act, *about in difference if isinstance(difference, list) else [difference]:
        thing = about[-1]
        if act in MISSING:
            yield f"{_named(about)} : {MISSING[act]}"
        elif act.startswith("modify_"):
            yield f"{about[1]}.{about[2]} : n'est pas du type attendu"
        elif not act.startswith("remove_"):
            yield f"{getattr(thing, 'name', act)} : n'est pas comme attendu"


def _named(about: list[Any]) -> str:
    """A table by its name, a column or an index with its table's."""
    thing = about[-1]
    return str(thing.name) if isinstance(thing, Table) else f"{thing.table.name}.{thing.name}"


def damage(connection: Connection) -> str | None:
    """What the database says of its own pages, where it can."""
    if connection.dialect.name != "sqlite":
        return None
    told = connection.scalar(text("PRAGMA integrity_check"))
    return None if told == "ok" else "des pages de la base sont endommagées"
