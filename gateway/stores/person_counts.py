"""Who read how many distinct persons, counted exactly, in the transaction that writes the journal. SQL, no rule.

One row a reader and a person, with the last day: a person read again in the window does not count again.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    or_,
    select,
)

from gateway.domain.quotas import MARGIN, CountUnder, Quota, QuotaCrossed, judge
from gateway.stores.sql import insertion

_tables = MetaData()
READ = Table(
    "quota_lues",
    _tables,
    Column("portee", String(16), primary_key=True),
    Column("qui", String(256), primary_key=True),
    Column("personne", BigInteger, primary_key=True, autoincrement=False),
    Column("jour", Date, nullable=False),  # of the last reading
    Index("quota_par_jour", "portee", "qui", "jour"),
    sqlite_with_rowid=False,
)
POPULATIONS = Table(  # how many persons a perimeter had, the most seen that day
    "quota_populations",
    _tables,
    Column("qui", String(256), primary_key=True),
    Column("jour", Date, primary_key=True),
    Column("nombre", Integer, nullable=False),
)
TABLES = tuple(_tables.sorted_tables)
COUNTED_MAX = 500_000
KEY = ["portee", "qui", "personne"]


class CountedToday:
    """Who is known here to be counted today: that never changes in a day, so it need not be read again. Bounded."""

    def __init__(self) -> None:
        self._by_reader: dict[tuple[str, str, date], set[int]] = {}

    def all_(self, count_under: CountUnder, persons: Sequence[int]) -> bool:
        return all(self._by_reader.get(_reader(p), set()).issuperset(persons) for p in count_under.caps)

    def limit_lookups(self, count_under: CountUnder, persons: Sequence[int]) -> None:
        """To be told once they are written for good."""
        if sum(map(len, self._by_reader.values())) > COUNTED_MAX:
            self._by_reader.clear()
        for cap in count_under.caps:
            self._by_reader.setdefault(_reader(cap), set()).update(persons)


def count(connection: Connection, count_under: CountUnder, persons: Sequence[int]) -> list[QuotaCrossed]:
    """Count persons as read today under every quota, unless one of them refuses: then nothing is counted."""
    crossings: list[QuotaCrossed] = []
    rows: list[dict[str, Any]] = []
    last_ones = _last_ones(connection, count_under.caps, persons)
    for cap in count_under.caps:
        known = last_ones[cap.scope]
        new = sum(known.get(person, date.min) < cap.depuis for person in persons)
        if new:
            anchor = _anchor(connection, cap, count_under)
            crossings += judge(cap, _already(connection, cap), new, anchor)
        rows += [_line(cap, person) for person in persons if known.get(person) != cap.jusqua]
    if rows and not any(crossed.arret for crossed in crossings):
        addition = insertion(connection, READ)
        maj = addition.on_conflict_do_update(index_elements=KEY, set_={"jour": addition.excluded.jour})
        connection.execute(maj, rows)
    return crossings


def forget_before(connection: Connection, day: date) -> None:
    """Forget readings and populations of before a day."""
    for table in TABLES:
        connection.execute(delete(table).where(table.c.jour < day))


def _last_ones(connection: Connection, caps: Sequence[Quota], persons: Sequence[int]) -> dict[str, dict[int, date]]:
    """The last day each of these persons was read, under each quota."""
    own = or_(*((READ.c.portee == cap.scope) & (READ.c.qui == cap.who) for cap in caps))
    partner_request = select(READ.c.portee, READ.c.personne, READ.c.jour).where(own & READ.c.personne.in_(persons))
    last_ones: dict[str, dict[int, date]] = {cap.scope: {} for cap in caps}
    for row_read in connection.execute(partner_request):
        last_ones[row_read.portee][row_read.personne] = row_read.jour
    return last_ones


def _already(connection: Connection, cap: Quota) -> int:
    """How many persons were read in the window."""
    own = (READ.c.portee == cap.scope) & (READ.c.qui == cap.who) & (READ.c.jour >= cap.depuis)
    return int(connection.scalar(select(func.count()).where(own)) or 0)


def _anchor(connection: Connection, cap: Quota, count_under: CountUnder) -> int:
    """The limit; without a number, it follows the largest population seen: a source that is down makes nobody fewer."""
    if cap.limit is not None:
        return cap.limit
    view = {"qui": count_under.perimetre, "jour": cap.jusqua, "nombre": count_under.population}
    addition = insertion(connection, POPULATIONS).values(**view)
    number = addition.excluded.nombre
    maj = addition.on_conflict_do_update(
        index_elements=["qui", "jour"], set_={"nombre": number}, where=number > POPULATIONS.c.nombre
    )
    connection.execute(maj)
    own = (POPULATIONS.c.qui == count_under.perimetre) & (POPULATIONS.c.jour >= cap.depuis)
    return int(MARGIN * (connection.scalar(select(func.max(POPULATIONS.c.nombre)).where(own)) or 0))


def _reader(cap: Quota) -> tuple[str, str, date]:
    return cap.scope, cap.who, cap.jusqua


def _line(cap: Quota, person: int) -> dict[str, Any]:
    return {"portee": cap.scope, "qui": cap.who, "personne": person, "jour": cap.jusqua}
