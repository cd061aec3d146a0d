"""Which key signs which entries of the reading journal, and turning it. SQL, no rule of access.

One key signs at a time: whoever writes goes on with that of the end of the chain. Turning it signs the ends again, and notes from
which number on, beside the entries, whose signed columns never change.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from gateway.domain.seal import ChainKeys, Sealer
from gateway.stores.journal import Journal
from gateway.stores.journal_tables import (
    BOUNDS,
    CLOCK,
    END,
    KEYS,
    START,
    JournalTampered,
    SignedAnchor,
    is_number,
    put_anchor,
    take_anchor,
)


class Signatures:
    """The key of each entry, by its number."""

    def __init__(self, numbers: Sequence[int], signers: Sequence[Sealer | None]) -> None:
        self._numbers, self._signers = numbers, signers

    def at(self, number: int) -> Sealer:
        """Raises JournalTampered where the key is not one of ours."""
        rank = bisect_right(self._numbers, number) - 1
        if rank < 0 or (signer := self._signers[rank]) is None:
            raise JournalTampered(f"entrée {number} : signée par une clé que GATEWAY_CLES_JOURNAL ne donne pas")
        return signer


def read_signatures(connection: Connection, keys: ChainKeys, last: Sealer) -> Signatures:
    """`last`: the key of the end of the chain. Raises JournalTampered where the entries are said to end with another."""
    rows = connection.execute(select(KEYS).order_by(KEYS.c.depuis)).all()
    if not rows:
        return Signatures([0], [last])
    if rows[-1].cle != last.name or not all(is_number(row.depuis) for row in rows):
        raise JournalTampered("the end is not signed by the key of the last entries")
    return Signatures([row.depuis for row in rows], [keys.named(row.cle) for row in rows])


@dataclass(frozen=True, slots=True)
class RotatedKeys:
    """`needed`: the names of the keys that entries still kept are signed by."""

    turned: bool
    needed: frozenset[str]


async def rotate_keys(journal: Journal) -> RotatedKeys:
    """Have what follows be signed by the wanted key. Raises JournalTampered."""
    async with journal.engine.begin() as connection:
        return await connection.run_sync(_turn, journal.keys)


def _turn(connection: Connection, keys: ChainKeys) -> RotatedKeys:
    start, end = take_anchor(connection, keys, START), take_anchor(connection, keys, END)
    turned = end.signer is not keys.wanted
    if turned:
        _note(connection, keys, end)
        ends = {START: start, END: end}
        if connection.scalar(select(BOUNDS.c.nom).where(BOUNDS.c.nom == CLOCK)):
            ends[CLOCK] = take_anchor(connection, keys, CLOCK)
        for name, signed in ends.items():
            put_anchor(connection, keys.wanted, name, signed.anchor)
    return RotatedKeys(turned, _needed(connection, start, keys))


def _note(connection: Connection, keys: ChainKeys, end: SignedAnchor) -> None:
    if connection.scalar(select(KEYS.c.depuis).limit(1)) is None:
        connection.execute(KEYS.insert().values(depuis=0, cle=end.signer.name))
    following = end.anchor.numero + 1
    connection.execute(
        KEYS.delete().where(KEYS.c.depuis == following)
    )  # turned, and turned back, without an entry between
    connection.execute(KEYS.insert().values(depuis=following, cle=keys.wanted.name))


def _needed(connection: Connection, start: SignedAnchor, keys: ChainKeys) -> frozenset[str]:
    rows = connection.execute(select(KEYS).order_by(KEYS.c.depuis.desc())).all()
    needed = {keys.wanted.name}
    for row in rows:
        needed.add(row.cle)
        if row.depuis <= start.anchor.numero + 1:
            break
    return frozenset(needed)
