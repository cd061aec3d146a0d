"""The ledger of links and of first sightings. SQL, pseudonyms and instants; knows no source, no person, no rule.

At rest: stand-ins (HMAC) of records, identities, installations and objects, the name of a source, and when each was seen.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Index, MetaData, String, Table, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.links import Alias, KnownLinks, Link, LinkWrites, RecordKey, Tie
from gateway.errors import LinksUnavailable
from gateway.stores.database_errors import cause
from gateway.stores.journal_availability import Outage
from gateway.stores.schema_versions import prepare
from gateway.stores.sql import batches, insertion, open_engine, read_in

BATCH = 5_000  # values of one IN, rows of one transaction: both databases accept 32,000
LATE = 1.5  # seconds; a call that fails after as long hangs
REST = 5.0  # seconds that a ledger that hangs is left alone: one call of each such time tries it
LOCK_WAIT = 2  # seconds: a writer waits for another process's, which writes for some tens of milliseconds

_tables = MetaData()
LINKS = Table(
    "liens",
    _tables,
    Column("cle", String(32), primary_key=True),
    Column("objet", String(32), nullable=False),
    Column("depuis", String(32), nullable=False),
    Column("vu_le", String(32), nullable=False),
    Column("identite", String(32), nullable=False),
    Column("origine", String(32), nullable=False),
    Index("liens_par_objet", "objet"),
    Index("liens_par_identite", "identite"),
    Index("liens_par_vue", "vu_le"),
)
ALIAS = Table(
    "liens_alias",
    _tables,
    Column("ancien", String(32), primary_key=True),
    Column("survivant", String(32), nullable=False),
    Column("depuis", String(32), nullable=False),
    Column("rompu", Boolean, nullable=False),
    Index("liens_alias_par_survivant", "survivant"),
)
TIES = Table(  # objects last seen as one, where an alias that was broken cannot say so
    "liens_suites",
    _tables,
    Column("ancien", String(32), primary_key=True),
    Column("survivant", String(32), primary_key=True),
    Index("liens_suites_par_survivant", "survivant"),
)
FACTS = Table(
    "liens_faits",
    _tables,
    Column("cle", String(32), primary_key=True),  # of the record
    Column("fait", String(32), primary_key=True),  # of the fact it tells
    Column("source", String(64), nullable=False),
    Column("vu_le", String(32), nullable=False),
)

Fact = tuple[str, str, str]  # record, fact, name of the source


class LedgerCalls:
    """The calls of one kind. Where they hang, they are refused at once, but for one of them now and then, which tries."""

    def __init__(self) -> None:
        self.failed = False  # the last one
        self._hang = False
        self._rest_until = float("-inf")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A call. Raises LinksUnavailable for one that is refused."""
        start = time.monotonic()
        if start < self._rest_until:
            raise LinksUnavailable("left alone")
        if self._hang:
            self._rest_until = start + REST
        try:
            yield
        except (LinksUnavailable, asyncio.CancelledError) as error:
            self.failed = self.failed or isinstance(error, LinksUnavailable)
            if time.monotonic() - start >= LATE:
                self._hang, self._rest_until = True, time.monotonic() + REST
            raise
        self.failed = self._hang = False
        self._rest_until = float("-inf")


class LinkStore:
    """The ledger. Its calls raise LinksUnavailable. One engine; close it, or its threads keep the process alive."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url, LOCK_WAIT)
        self._ready, self._outage = False, Outage("liens")
        self._reads, self._writes = LedgerCalls(), LedgerCalls()  # a full disk can be read, a locked one too

    async def open(self) -> None:
        """Create what is missing. Raises ConfigurationError for a database of another version, LinksUnavailable where it is away:
        the first call that succeeds opens it then."""
        async with self._transaction():
            pass

    async def close(self) -> None:
        await self._engine.dispose()

    async def read(self, keys: Collection[str]) -> KnownLinks:
        """The links of these records, and the aliases of their objects."""
        async with self._reading() as connection:
            links = await _links(connection, LINKS.c.cle, keys)
            alias = await _alias(connection, {link.object_ for link in links})
            ties = await _ties(connection, alias)
        return KnownLinks({link.key.key: link for link in links}, (), alias, ties)

    async def read_cousins(self, identities: Collection[str]) -> KnownLinks:
        """The links of the objects that have a record of one of these identities, and the aliases of these objects."""
        async with self._reading() as connection:
            objects = {link.object_ for link in await _links(connection, LINKS.c.identite, identities)}
            alias = await _alias(connection, objects)
            objects |= {name for pair in alias.values() for name in (pair.former, pair.survivor)}
            cousins = await _links(connection, LINKS.c.objet, objects)
            return KnownLinks({}, cousins, alias, await _ties(connection, alias))

    async def person(self, object_: str) -> tuple[frozenset[str], frozenset[str]]:
        """The ids under which a person goes on or went on, and the keys of her records."""
        async with self._transaction() as connection:
            same, before = frozenset({object_}), frozenset[str]()
            while same != before:  # what is tied may have aliases, and these be tied
                known = KnownLinks({}, (), await _alias(connection, same), await _tied(connection, same))
                before, same = same, known.same(object_)
            links = await _links(connection, LINKS.c.objet, same)
        return same, frozenset(link.key.key for link in links)

    async def keys(self) -> AsyncGenerator[tuple[str, str]]:
        """The keys of all records, each with its object."""
        async with self._transaction() as connection:
            async for part in (await connection.stream(select(LINKS.c.cle, LINKS.c.objet))).partitions(BATCH):
                for key, object_ in part:
                    yield key, object_

    async def write(self, writes: LinkWrites) -> None:
        """Write new links, changed ones and aliases, by transactions: what one wrote stays, whatever the next one meets.

        A link or an alias that another process wrote first stays as it is: read again to know.
        """
        for batch in batches(writes.new, BATCH):
            async with self._writing() as connection:
                await _insert(connection, LINKS, [_link_row(link) for link in batch])
        async with self._writing() as connection:
            for former, link in writes.changes:
                own = (LINKS.c.cle == link.key.key) & (LINKS.c.objet == former)
                await connection.execute(LINKS.update().where(own).values(**_link_row(link)))
            await _insert(connection, ALIAS, [_alias_row(alias) for alias in writes.alias])
            for broken in batches(writes.rompus, BATCH):
                await connection.execute(ALIAS.update().where(ALIAS.c.ancien.in_(broken)).values(rompu=True))
            await _insert(connection, TIES, [{"ancien": one, "survivant": other} for one, other in writes.ties])
            for one, other in writes.untied:
                await connection.execute(delete(TIES).where(TIES.c.ancien == one, TIES.c.survivant == other))

    async def first_seen(self, facts: Sequence[Fact], instant: datetime) -> dict[tuple[str, str], datetime]:
        """When each fact (record, fact) was first seen; `instant` for one that nobody had seen, which is noted."""
        async with self._reading() as connection:
            known = await _first_seen(connection, {key for key, _, _ in facts})
        absent = [
            {"cle": key, "fait": fact, "source": source, "vu_le": _text(instant)}
            for key, fact, source in facts
            if (key, fact) not in known
        ]
        if absent:
            async with self._writing() as connection:
                await _insert(connection, FACTS, absent)
                known = await _first_seen(connection, {key for key, _, _ in facts})
        return known

    async def purge(self, before: datetime) -> None:
        """Forget the records that no reading has met since, their facts, and the aliases that lead nowhere any more."""
        async with self._writing() as connection:
            await connection.execute(delete(LINKS).where(LINKS.c.vu_le < _text(before)))
            anonymous = FACTS.c.cle.not_in(select(LINKS.c.cle))
            await connection.execute(delete(FACTS).where(anonymous, FACTS.c.vu_le < _text(before)))
            for table in (ALIAS, TIES):
                await connection.execute(delete(table).where(table.c.survivant.not_in(select(LINKS.c.objet))))

    async def erase(self, objects: Collection[str]) -> int:
        """Forget the links of these objects, and what leads to or from them; how many links there were."""
        async with self._writing() as connection:
            for table in (ALIAS, TIES):
                leads = table.c.ancien.in_(objects) | table.c.survivant.in_(objects)
                await connection.execute(delete(table).where(leads))
            return (await connection.execute(delete(LINKS).where(LINKS.c.objet.in_(objects)))).rowcount

    async def is_well(self) -> bool:
        """True when the ledger can be read, and written if the last writing failed. Raises LinksUnavailable."""
        await self.read(("",))
        if self._writes.failed:
            async with self._writing() as connection:
                trace = insertion(connection, FACTS).values(cle="essai", fait="essai", source="", vu_le="")
                changed = {"source": trace.excluded.source}
                await connection.execute(trace.on_conflict_do_update(index_elements=["cle", "fait"], set_=changed))
        return True

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        """A writing kept whole."""
        with self._writes.attempt():
            async with self._transaction() as connection:
                yield connection

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        with self._reads.attempt():
            async with self._transaction() as connection:
                yield connection

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        """The first one creates what is missing."""
        try:
            async with self._engine.begin() as connection:
                if not self._ready:
                    await connection.run_sync(prepare, "liens")
                yield connection
                self._ready = True
            self._outage.end()
        except (SQLAlchemyError, OSError) as error:
            self._outage.begin(cause(error))
            raise LinksUnavailable(cause(error)) from None


async def _insert(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        await connection.execute(insertion(connection, table).on_conflict_do_nothing(), rows)


async def _links(connection: AsyncConnection, column: Any, values: Collection[str]) -> list[Link]:
    rows = await read_in(connection, select(LINKS), [column], values, BATCH)
    return [
        Link(RecordKey(key, identity, origin), object_, datetime.fromisoformat(depuis), datetime.fromisoformat(seen_at))
        for key, object_, depuis, seen_at, identity, origin in rows
    ]


async def _alias(connection: AsyncConnection, objects: Collection[str]) -> dict[str, Alias]:
    """The aliases that lead to or from these objects, however many steps away."""
    found: dict[str, Alias] = {}
    known, remaining = set(objects), set(objects)
    while remaining:
        rows = await read_in(connection, select(ALIAS), [ALIAS.c.ancien, ALIAS.c.survivant], remaining, BATCH)
        for former, survivor, depuis, broken in rows:
            found[former] = Alias(former, survivor, datetime.fromisoformat(depuis), broken)
        remaining = {name for alias in found.values() for name in (alias.former, alias.survivor)} - known
        known |= remaining
    return found


async def _ties(connection: AsyncConnection, alias: Mapping[str, Alias]) -> frozenset[Tie]:
    """The ties of the objects of these aliases. There is none but where an alias was broken, which is seldom."""
    if not any(one.broken for one in alias.values()):
        return frozenset()
    return await _tied(connection, {name for one in alias.values() for name in (one.former, one.survivor)})


async def _tied(connection: AsyncConnection, objects: Collection[str]) -> frozenset[Tie]:
    rows = await read_in(connection, select(TIES), [TIES.c.ancien, TIES.c.survivant], objects, BATCH)
    return frozenset((former, survivor) for former, survivor in rows)


async def _first_seen(connection: AsyncConnection, keys: Collection[str]) -> dict[tuple[str, str], datetime]:
    rows = await read_in(connection, select(FACTS), [FACTS.c.cle], keys, BATCH)
    return {(key, fact): datetime.fromisoformat(seen_at) for key, fact, _, seen_at in rows}


def _link_row(link: Link) -> dict[str, str]:
    key = {"cle": link.key.key, "identite": link.key.identity, "origine": link.key.origin}
    return {**key, "objet": link.object_, "depuis": _text(link.depuis), "vu_le": _text(link.seen_at)}


def _alias_row(alias: Alias) -> dict[str, Any]:
    depuis = _text(alias.depuis)
    return {"ancien": alias.former, "survivant": alias.survivor, "depuis": depuis, "rompu": alias.broken}


def _text(instant: datetime) -> str:
    """Of one length and one offset, so that texts sort as instants do."""
    return instant.astimezone(UTC).isoformat(timespec="seconds")
