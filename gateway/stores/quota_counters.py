"""The store of what quotas and rates are counted in. Knows no rule.

Distinct persons read: exact, in the transaction that writes the journal. Rates (what a client spent this minute, what an
account guessed): counters that forget, in memory or in Redis.

One row a reader and a person, with the last day: a person read again in the window does not count again.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Date, Index, Integer, MetaData, String, Table, func, or_, select

from gateway.domain.quota_rules import MARGIN, CountUnder, Quota, QuotaCrossed
from gateway.stores.shared_counters import SharedCounters
from gateway.stores.sql import insertion, storable

NAME_MAX = 256  # characters of who reads
_tables = MetaData()
READ = Table(
    "quota_lues",
    _tables,
    Column("portee", String(16), primary_key=True),
    Column("qui", String(NAME_MAX), primary_key=True),
    Column("personne", BigInteger, primary_key=True, autoincrement=False),
    Column("jour", Date, nullable=False),  # of the last reading
    Column("entree", BigInteger),  # the entry of the journal that proves it; none of what 0.1.0 counted
    Index("quota_par_jour", "portee", "qui", "jour"),
    sqlite_with_rowid=False,
)
POPULATIONS = Table(  # how many persons a perimeter had, the most seen that day
    "quota_populations",
    _tables,
    Column("qui", String(NAME_MAX), primary_key=True),
    Column("jour", Date, primary_key=True),
    Column("nombre", Integer, nullable=False),
)
TABLES = tuple(_tables.sorted_tables)
COUNTED_MAX = 500_000
KEY, UPDATED = ["portee", "qui", "personne"], ("jour", "entree")
MINUTE = 60.0  # seconds
SWEPT_EVERY = 60.0  # seconds between two looks for windows that are over


class CountedToday:
    """The persons that this process counted today, by reader. They stay counted until tomorrow: no need to ask again."""

    def __init__(self) -> None:
        self._by_reader: dict[tuple[str, str, date], set[int]] = {}
        self._day = date.min

    def holds_all(self, count_under: CountUnder, persons: Sequence[int]) -> bool:
        if count_under.caps[0].jusqua != self._day:  # another day, the one before if the clock was set back
            self._by_reader.clear()
            self._day = count_under.caps[0].jusqua
        return all(self._by_reader.get(_reader(p), set()).issuperset(p.counted or persons) for p in count_under.caps)

    def remember(self, count_under: CountUnder, persons: Sequence[int]) -> None:
        """To be told once the transaction is committed."""
        if sum(map(len, self._by_reader.values())) > COUNTED_MAX:
            self._by_reader.clear()
        for cap in count_under.caps:
            self._by_reader.setdefault(_reader(cap), set()).update(cap.counted or persons)


def count(connection: Connection, count_under: CountUnder, persons: Sequence[int], entry: int) -> list[QuotaCrossed]:
    """Count persons as read today under every quota, unless one of them refuses: then nothing is counted. `entry`: the
    number of the entry of the journal that shows them."""
    count_under = _as_stored(count_under)
    crossings: list[QuotaCrossed] = []
    rows: list[dict[str, Any]] = []
    _bring_back(connection, count_under.caps)
    last_days = _last_days(connection, count_under.caps, persons)
    for cap in count_under.caps:
        known, counted = last_days[cap.scope], cap.counted or persons
        new = sum(known.get(person, date.min) < cap.depuis for person in counted)
        if new:
            limit = _limit(connection, cap, count_under)
            crossings += judge(cap, _read_in_window(connection, cap), new, limit)
        # A day later than ours was counted by another clock: it stays.
        rows += [_row(cap, person, entry) for person in counted if known.get(person, date.min) < cap.jusqua]
    if rows and not any(crossed.arret for crossed in crossings):
        insert = insertion(connection, READ)
        upsert = insert.on_conflict_do_update(
            index_elements=KEY, set_={name: insert.excluded[name] for name in UPDATED}
        )
        connection.execute(upsert, rows)
    return crossings


def _as_stored(count_under: CountUnder) -> CountUnder:
    """The same, under names that both databases hold."""
    caps = tuple(replace(cap, who=storable(cap.who, NAME_MAX)) for cap in count_under.caps)
    return replace(count_under, caps=caps, perimetre=storable(count_under.perimetre, NAME_MAX))


def _bring_back(connection: Connection, caps: Sequence[Quota]) -> None:
    """What was counted on a day still to come was so by a clock since set back, and is of today: left there, it would count
    twice, in a window of two days."""
    mine = or_(*((READ.c.portee == cap.scope) & (READ.c.qui == cap.who) for cap in caps))
    connection.execute(READ.update().where(mine & (READ.c.jour > caps[0].jusqua)).values(jour=caps[0].jusqua))


def forget_before(connection: Connection, day: date) -> None:
    """Forget readings and populations of before a day."""
    for table in TABLES:
        connection.execute(table.delete().where(table.c.jour < day))


def _last_days(connection: Connection, caps: Sequence[Quota], persons: Sequence[int]) -> dict[str, dict[int, date]]:
    """The last day each of these persons was read, under each quota."""
    mine = or_(*((READ.c.portee == cap.scope) & (READ.c.qui == cap.who) for cap in caps))
    counted = [*persons, *(code for cap in caps for code in cap.counted)]
    query = select(READ.c.portee, READ.c.personne, READ.c.jour).where(mine & READ.c.personne.in_(counted))
    last_days: dict[str, dict[int, date]] = {cap.scope: {} for cap in caps}
    for row in connection.execute(query):
        last_days[row.portee][row.personne] = row.jour
    return last_days


def _read_in_window(connection: Connection, cap: Quota) -> int:
    """The number of persons read in the window."""
    mine = (READ.c.portee == cap.scope) & (READ.c.qui == cap.who) & (READ.c.jour >= cap.depuis)
    return int(connection.scalar(select(func.count()).where(mine)) or 0)


def _limit(connection: Connection, cap: Quota, count_under: CountUnder) -> int:
    """The limit; without a number, it follows the largest population seen: a source that is down must not lower it."""
    if cap.limit is not None:
        return cap.limit
    seen = {"qui": count_under.perimetre, "jour": cap.jusqua, "nombre": count_under.population}
    insert = insertion(connection, POPULATIONS).values(**seen)
    population = insert.excluded.nombre
    upsert = insert.on_conflict_do_update(
        index_elements=["qui", "jour"], set_={"nombre": population}, where=population > POPULATIONS.c.nombre
    )
    connection.execute(upsert)
    mine = (POPULATIONS.c.qui == count_under.perimetre) & (POPULATIONS.c.jour >= cap.depuis)
    return int(MARGIN * (connection.scalar(select(func.max(POPULATIONS.c.nombre)).where(mine)) or 0))


def _reader(cap: Quota) -> tuple[str, str, date]:
    return cap.scope, cap.who, cap.jusqua


def _row(cap: Quota, person: int, entry: int) -> dict[str, Any]:
    return {"portee": cap.scope, "qui": cap.who, "personne": person, "jour": cap.jusqua, "entree": entry}


@dataclass(frozen=True, slots=True)
class Allowance:
    """An allowance: `limit` units by `minutes`."""

    name: str
    limit: int
    minutes: int = 1


@dataclass(frozen=True, slots=True)
class Balance:
    """The units left of an allowance, and the seconds until it is whole again."""

    limit: int
    left: int
    seconds: int


@dataclass(slots=True)
class _Window:
    ends: float
    spent: int = 0


class OwnCounters:
    """Fixed windows in the memory of this process, counted as Redis counts those of all."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}
        self._swept_at = time.monotonic()

    def add(self, name: str, length: float, units: int = 0) -> tuple[int, float]:
        """Count units in a window of so many seconds, which the first of them opens; what it counts now, and the seconds left."""
        now, window = time.time(), self._windows.get(name)
        # One that ends later than it may was opened before the clock was set back.
        if window is None or not now < window.ends <= now + length:
            if not units:
                return 0, 0.0
            self._sweep(now)
            window = self._windows[name] = _Window(now + length)
        window.spent += units
        return window.spent, window.ends - now

    def _sweep(self, now: float) -> None:
        """Forget those that are over: whoever comes once leaves nothing."""
        if time.monotonic() - self._swept_at >= SWEPT_EVERY:
            self._swept_at = time.monotonic()
            self._windows = {name: window for name, window in self._windows.items() if window.ends > now}


class RateLimits:
    """Fixed windows, of all processes by a Redis, or of this one: without a Redis, or while it fails. Quotas of persons are
    counted elsewhere, and exactly."""

    def __init__(self, shared: SharedCounters | None = None) -> None:
        self.shared, self._own = shared, OwnCounters()

    async def spend(self, allowance: Allowance, who: str, units: int) -> Balance | None:
        """Spend, even beyond the limit. None when the limit is not exceeded, else what is left and when to come back."""
        spent, seconds = await self._add(allowance, who, units)
        return None if spent <= allowance.limit else _balance(allowance, spent, seconds)

    async def balance(self, allowance: Allowance, who: str) -> Balance:
        """The balance of an allowance."""
        return _balance(allowance, *await self._add(allowance, who))

    async def _add(self, allowance: Allowance, who: str, units: int = 0) -> tuple[int, float]:
        """What is counted in a window now, and the seconds left."""
        name, length = _name(allowance, who), MINUTE * allowance.minutes
        together = await self.shared.add(name, length, units) if self.shared else None
        return self._own.add(name, length, units) if together is None else together


def _balance(allowance: Allowance, spent: int, seconds: float) -> Balance:
    return Balance(allowance.limit, max(0, allowance.limit - spent), max(0, math.ceil(seconds)))


def _name(allowance: Allowance, who: str) -> str:
    """The name of a window, which processes of any version share in Redis."""
    return f"LIMITER/{allowance.name}/{storable(who, NAME_MAX)}/{allowance.limit}/{allowance.minutes}/minute"


def judge(quota: Quota, before: int, new: int, limit: int) -> list[QuotaCrossed]:
    """What reading `new` more persons crosses, when `before` were read in the window: nothing, the alert, or the limit."""
    after = before + new
    if after > limit:
        return [QuotaCrossed(quota.scope, quota.name or quota.who, before, limit, arret=True)]
    if before < quota.alert_share * limit <= after:
        return [QuotaCrossed(quota.scope, quota.name or quota.who, after, limit, arret=False)]
    return []
