"""Forgetting what is too old of the journal, and the clock that may be believed for that. SQL, no rule of access.

A clock that jumps ahead would forget everything at once, for good. So what was last seen is kept in the journal, signed, and an
instant far beyond it is not believed before an operator says so; meanwhile nothing is forgotten.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.domain.seal import GENESIS, Anchor, ChainKeys, Sealer, anchor_mac
from gateway.errors import ClockNotBelieved
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.journal_keys import read_signatures
from gateway.stores.journal_queries import ChainWalk
from gateway.stores.journal_tables import (
    BOUNDS,
    CLOCK,
    END,
    ENTRIES,
    PERSONS,
    START,
    JournalTampered,
    as_written,
    forget_shown,
    put_anchor,
    read_anchor,
    take_anchor,
    unpack,
)
from gateway.stores.quota_counters import forget_before
from gateway.stores.sql import insertion

BATCH_TIMEOUT = 30.0  # seconds for one transaction: a database that hangs is told, not waited for
PURGE_BATCH = 500  # entries forgotten in one transaction: short, so that answers do not wait
JUMP = timedelta(days=7)  # longer than a service is stopped; beyond, a clock is not believed by itself


async def believe(
    journal: Journal, now: datetime, written_at: Callable[[bytes], datetime], *, confirmed: bool = False
) -> None:
    """Note the instant as the last one seen. Raises ClockNotBelieved when it is far beyond the one before, unless an operator
    confirms it. `written_at`: the instant of an entry, which tells where nothing was noted yet."""
    async with journal.engine.begin() as connection:
        last = None if confirmed else await connection.run_sync(_last_seen, journal.keys, written_at)
        if last is not None and now - last > JUMP:
            raise ClockNotBelieved(last, now)
        await connection.run_sync(_note, journal.keys, now)


def _last_seen(connection: Connection, keys: ChainKeys, written_at: Callable[[bytes], datetime]) -> datetime | None:
    if connection.scalar(select(BOUNDS.c.nom).where(BOUNDS.c.nom == CLOCK)):
        return datetime.fromtimestamp(read_anchor(connection, keys, CLOCK).anchor.numero, UTC)
    end = take_anchor(connection, keys, END).anchor  # held, so that the last entry is this one's
    last = as_written(connection, *ENTRIES.c).order_by(ENTRIES.c.numero.desc()).limit(1)
    row = connection.execute(last).first()
    if row is None:
        return None
    if row.empreinte != end.digest or not isinstance(row.contenu, bytes):
        raise JournalTampered(f"entrée {row.numero} : ce n'est pas la dernière")
    return written_at(row.contenu)


def _note(connection: Connection, keys: ChainKeys, now: datetime) -> None:
    seen = Anchor(int(now.timestamp()), GENESIS.digest)
    sealer = read_anchor(connection, keys, END).signer
    signed = {"numero": seen.numero, "empreinte": seen.digest, "sceau": anchor_mac(sealer, CLOCK, seen)}
    row = insertion(connection, BOUNDS).values(nom=CLOCK, **signed)
    connection.execute(row.on_conflict_do_update(index_elements=["nom"], set_=signed))


async def forget_counts(journal: Journal, day: date) -> None:
    """Forget what quotas counted before a day, which no window reaches any more."""
    async with journal.engine.begin() as connection:
        await connection.run_sync(forget_before, day)


async def purge_entries(journal: Journal, stale: Callable[[bytes], bool], record: Callable[[int], bytes]) -> int:
    """Forget the oldest entries, as long as `stale` says so of their content; return how many.

    The signed beginning of the chain moves with them, so that what stays can still be verified. If anything was
    forgotten, `record` makes the entry that tells how many. Raises JournalTampered: a proof of tampering is not forgotten.
    """
    total = 0
    while forgotten := await asyncio.wait_for(_forget(journal, stale), BATCH_TIMEOUT):
        total += forgotten
    if total:
        await journal.append(JournalEntry(record(total)))
    return total


async def _forget(journal: Journal, stale: Callable[[bytes], bool]) -> int:
    async with journal.engine.begin() as connection:
        start = await connection.run_sync(take_anchor, journal.keys, START)
        end = await connection.run_sync(take_anchor, journal.keys, END)  # nobody adds to a set while it is forgotten
        signatures = await connection.run_sync(read_signatures, journal.keys, end.signer)
        walk = ChainWalk(journal.sealer, signatures, start.anchor, None)
        old: list[Any] = []
        for row in await connection.execute(
            as_written(connection, *ENTRIES.c).order_by(ENTRIES.c.numero).limit(PURGE_BATCH)
        ):
            # Verified before it is read: what somebody else wrote says nothing of its age.
            if (fault := walk.advance(row)) is not None:
                raise JournalTampered(fault)
            if not stale(row.contenu):
                break
            old.append(row)
        if old:
            await _erase(connection, end.signer, old)
    return len(old)


async def _erase(connection: AsyncConnection, signer: Sealer, old: list[Any]) -> None:
    last = old[-1]
    await connection.execute(ENTRIES.delete().where(ENTRIES.c.numero <= last.numero))
    sets = {row.ensemble: row for row in old}
    remaining = await connection.scalars(select(ENTRIES.c.ensemble).where(ENTRIES.c.ensemble.in_(sets)).distinct())
    for set_code in sets.keys() - set(remaining):
        its_index = PERSONS.c.personne.in_(unpack(sets[set_code].personnes)) & (PERSONS.c.ensemble == set_code)
        await connection.execute(PERSONS.delete().where(its_index))
        await forget_shown(connection, set(unpack(sets[set_code].personnes)))
    await connection.run_sync(put_anchor, signer, START, Anchor(last.numero, last.empreinte))
