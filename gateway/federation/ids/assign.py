"""Gives their ids to what a view shows: reads the ledger of links, decides, writes what is new. Knows no SQL, no noun.

The write is awaited: an id is shown once its links are kept. A ledger that does not answer in time stops nobody: ids are
then made from the best record of each group, as they were the first time, and the view is built again later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from gateway.domain.links import KnownLinks, LinkWrites
from gateway.errors import LinksUnavailable
from gateway.federation.ids.first_seen import Fact, ViewCache
from gateway.federation.ids.resolve import Derive, IdDecision, RecordKeys, resolve, unknown
from gateway.federation.offload import offload

T = TypeVar("T")

TIMEOUT = 5.0  # seconds for each call of the ledger: a region reads or writes some 30,000 links in one
ROUNDS = 3  # after a write, what another process wrote first is read again, and decided again


class LinkLedger(Protocol):
    """Where links and first sightings are kept. Each call may raise LinksUnavailable."""

    async def read(self, keys: Collection[str]) -> KnownLinks: ...
    async def read_cousins(self, identities: Collection[str]) -> KnownLinks: ...
    async def write(self, writes: LinkWrites) -> None: ...
    async def first_seen(self, facts: Sequence[Fact], instant: datetime) -> ViewCache: ...


@dataclass(frozen=True, slots=True)
class AssignedIds:
    """The ids of a view, by first key of each group; `provisional` when the ledger did not answer."""

    objects: Mapping[str, str]
    former_ids: Mapping[str, str]
    views: ViewCache
    provisional: bool

    def object_(self, record_keys: RecordKeys) -> str:
        return self.objects[record_keys.first]


@dataclass(frozen=True, slots=True)
class IdAssigner:
    """The ledger, and what an id is made with."""

    store: LinkLedger
    derive: Derive
    now: Callable[[], datetime]
    failure: Callable[[], None]  # counts the views built without the ledger
    timeout: float = TIMEOUT

    async def assign(self, key_sets: Sequence[RecordKeys], facts: Sequence[Fact]) -> AssignedIds:
        """The ids of these groups and the first sightings of these facts. Never raises for the ledger's sake."""
        instant = self.now()
        decision: IdDecision | None = None
        views: ViewCache = {}
        provisional = True
        try:
            for _ in range(ROUNDS):
                decision = await self._resolve(key_sets, await self._known_ones(key_sets), instant)
                if not decision.writes:
                    break
                await self._wait(self.store.write(decision.writes))
            views = await self._wait(self.store.first_seen(facts, instant)) if facts else {}
            provisional = False
        except (LinksUnavailable, TimeoutError):
            self.failure()
        decision = decision or await self._resolve(key_sets, KnownLinks(), instant)
        return AssignedIds(decision.objects, decision.former_ids, views, provisional)

    async def _known_ones(self, key_sets: Sequence[RecordKeys]) -> KnownLinks:
        """Everything known of the records; of their identities too, for groups that no record designates."""
        known_ones = await self._wait(
            self.store.read([key.key for record_keys in key_sets for key in record_keys.keys])
        )
        similar = {identity for record_keys in unknown(key_sets, known_ones) for identity in record_keys.similar}
        if not similar:
            return known_ones
        near_ones = await self._wait(self.store.read_cousins(similar))
        return KnownLinks(known_ones.links, near_ones.cousins, {**known_ones.alias, **near_ones.alias})

    async def _wait(self, call: Awaitable[T]) -> T:
        async with asyncio.timeout(self.timeout):
            return await call

    async def _resolve(self, key_sets: Sequence[RecordKeys], known_ones: KnownLinks, instant: datetime) -> IdDecision:
        """A region has tens of thousands of groups."""
        return await offload(len(key_sets), resolve, key_sets, known_ones, self.derive, instant)
