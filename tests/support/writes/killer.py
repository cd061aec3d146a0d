"""A process that dies at labelled points: nothing after the point happens, and what was committed before it is on the disk."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any, TypeVar

from sqlalchemy import Connection

from gateway.domain.seal import Sealer
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.write_queue import WriteQueue
from gateway.stores.write_store import WriteStore

T = TypeVar("T")


class Killed(Exception):
    """The process is dead: who started it opens its stores again."""


class Killer:
    """Kills at some of the points, `deaths` times at most. `met`: how often each point was passed, `died`: killed at.

    `dead`: nothing of the process goes on beyond any point, be it done beside what was killed.
    """

    def __init__(self, randomness: Random, share: float, deaths: int) -> None:
        self._randomness, self._share, self._left = randomness, share, deaths
        self.met: Counter[str] = Counter()
        self.died: Counter[str] = Counter()
        self.dead = False

    def __call__(self, point: str) -> None:
        if self.dead:
            raise Killed(point)
        self.met[point] += 1
        if self._left and self._randomness.random() < self._share:
            self._left -= 1
            self.dead = True
            self.died[point] += 1
            raise Killed(point)


class MortalStore(WriteStore):
    """A store whose process may die before a transaction, within it, or once it is committed."""

    def __init__(self, url: str, killer: Killer) -> None:
        super().__init__(url)
        self.killer, self.armed = killer, False

    async def transaction(self, make: Callable[[Connection], T]) -> T:
        if not self.armed:
            return await super().transaction(make)

        def dying(connection: Connection) -> T:
            result = make(connection)
            self.killer("in a transaction")
            return result

        self.killer("before a transaction")
        result = await super().transaction(dying)
        self.killer("after a commit")
        return result


class MortalJournal(Journal):
    """A journal whose process may die before an entry, or once it is written."""

    def __init__(self, url: str, sealer: Sealer, killer: Killer) -> None:
        super().__init__(url, sealer)
        self.killer = killer

    async def append(self, entry: JournalEntry) -> Any:
        self.killer("before an entry")
        verdict = await super().append(entry)
        self.killer("after an entry")
        return verdict


class MortalQueue(WriteQueue):
    """A queue whose process may die around the beginning of a try and its end."""

    def __init__(self, store: WriteStore, seconds: Callable[[], float], killer: Killer) -> None:
        super().__init__(store, seconds)
        self.killer = killer

    async def begin(self, identifier: str, now: datetime) -> bool:
        self.killer("before a try")
        begun = await super().begin(identifier, now)
        self.killer("a try begun")
        return begun

    async def settle(self, identifier: str, result: Any, now: datetime) -> bool:
        self.killer("received, not settled")
        settled = await super().settle(identifier, result, now)
        self.killer("settled")
        return settled
