"""Commands of an operator over the databases of the stores, all of them: what version each is of, to migrate them, to check them.

Knows no table: `server/store_list.py` says what there is.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.config import load
from gateway.domain.seal import Sealer
from gateway.environment import ENVIRONMENT
from gateway.server.store_list import STORES, KnownStore, StorePlace
from gateway.stores.schema_versions import HEADS, StoreState, current_version, migrate, state_of
from gateway.stores.sealed_columns import check_sealed
from gateway.stores.sql import Writer, open_engine, told, writer
from gateway.stores.table_check import damage, table_faults

LOCK_WAIT = 30  # seconds behind whoever writes
SERVED = (StoreState.EMPTY, StoreState.CURRENT, StoreState.NEXT)

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FoundStore:
    """A store that is there: where it is, the version that is written there, and what that is to this code."""

    store: KnownStore
    state: StoreState
    version: str | None

    @property
    def line(self) -> str:
        number = f"version {self.version}, " if self.version else ""
        wanted = f" ({HEADS[self.store.name]} attendue)" if self.state not in SERVED else ""
        return f"{self.store.name} : {number}{self.state.value}{wanted}"


async def tell_states(tell: Tell) -> int:
    """A line for each store; how many a gateway would refuse."""
    refused, place = 0, StorePlace(load().donnees, ENVIRONMENT)
    for store in STORES:
        if not store.is_there(place):
            tell(f"{store.name} : absente ; un départ la crée")
            continue
        async with opened(store, place) as database:
            found = await find(store, database)
        tell(found.line)
        refused += found.state not in SERVED
    return refused


async def migrate_all(tell: Tell) -> None:
    """Bring every store that is there to the version of this code. Raises ConfigurationError for one of a later code."""
    place = StorePlace(load().donnees, ENVIRONMENT)
    there = [store for store in STORES if store.is_there(place)]
    for store in there:
        async with opened(store, place) as database:
            await _migrate(store, database, tell)
    if not there:
        tell("aucune base encore : chacune se crée, à cette version, quand elle sert pour la première fois")


async def _migrate(store: KnownStore, database: Writer, tell: Tell) -> None:
    before = await find(store, database)
    if before.state is StoreState.NEXT:
        tell(before.line)
        return
    await database.transaction(lambda connection: migrate(connection, store.name))
    after = await find(store, database)
    moved = f", depuis {before.version or 'rien' if before.state is StoreState.OLDER else 'rien'}"
    tell(f"{after.line}{moved if before.version != after.version else ''}")


async def check_all(tell: Tell) -> int:
    """Read every store that is there, and change nothing; how many are faulty."""
    configuration, faulty = load(), 0
    place = StorePlace(configuration.donnees, ENVIRONMENT)
    for store in STORES:
        if store.is_there(place):
            faults = await faults_of(store, configuration.sealer, place)
            faulty += bool(faults)
            for line in faults or ["entière"]:
                tell(f"{store.name} : {line}")
    return faulty


async def faults_of(store: KnownStore, sealer: Sealer, place: StorePlace) -> list[str]:
    """What is wrong with a store: its version, its tables, its pages, the rows that no key of ours opens."""
    async with opened(store, place) as database:
        found = await find(store, database)
        if found.state in (StoreState.OLDER, StoreState.LATER):
            return [f"{found.line.partition(' : ')[2]}"]
        # Several stores share a server's database: one that no gateway made there yet lacks nothing.
        if found.state is StoreState.EMPTY and store.is_shared(place) and not store.needed:
            return []
        faults = await database.transaction(lambda connection: list(_faults(store, connection)))
        for column in () if faults else store.sealed:
            sealed = await check_sealed(database, column, sealer)
            if sealed.unreadable:
                faults.append(f"{sealed.unreadable} ligne(s) sur {sealed.rows} qu'aucune clé de GATEWAY_CLES n'ouvre")
        return faults


def _faults(store: KnownStore, connection: Connection) -> Iterator[str]:
    if wrong := damage(connection):
        yield wrong
    yield from table_faults(connection, store.tables)


async def find(store: KnownStore, database: Writer) -> FoundStore:
    """What stands in a database."""
    name = store.name
    return await database.transaction(
        lambda connection: FoundStore(store, state_of(connection, name), current_version(connection, name))
    )


@asynccontextmanager
async def opened(store: KnownStore, place: StorePlace) -> AsyncIterator[Writer]:
    """The database of a store, whose failures are ConfigurationErrors."""
    engine = open_engine(store.url(place), LOCK_WAIT, is_durable=True)
    database = writer(engine, LOCK_WAIT)
    try:
        with told(store.name):
            yield database
    finally:
        await database.close()
        await engine.dispose()
