"""Gives their ids to the groups of a view: reads the ledger of links, decides, writes what is new. Knows no SQL, no noun.

The write is awaited: an id is shown once its links are kept. A ledger that fails or is late stops nobody: ids are then made
from the best record of each group, as they were the first time, and the view is built again later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from gateway.concurrency import offload
from gateway.domain.links import KnownLinks, LinkWrites
from gateway.errors import LinksUnavailable
from gateway.federation.ids.first_seen import Fact, FirstSeen
from gateway.federation.ids.resolve import Derive, IdDecision, RecordKeys, resolve, unknown

T = TypeVar("T")

TIMEOUT = 5.0  # seconds for each call of the ledger: a region reads or writes some 30,000 links in one
ROUNDS = 3  # after a write, what another process wrote first is read again, and decided again


class LinkLedger(Protocol):
    """Where links and first sightings are kept. Each call may raise LinksUnavailable."""

    async def read(self, keys: Collection[str]) -> KnownLinks: ...
    async def read_cousins(self, identities: Collection[str]) -> KnownLinks: ...
    async def write(self, writes: LinkWrites) -> None: ...
    async def first_seen(self, facts: Sequence[Fact], instant: datetime) -> FirstSeen: ...


@dataclass(frozen=True, slots=True)
class AssignedIds:
    """The ids of a view, by first key of each group; `provisional` when the ledger did not answer."""

    objects: Mapping[str, str]
    former_ids: Mapping[str, str]
    first_seen: FirstSeen
    provisional: bool

    def id_of(self, record_keys: RecordKeys) -> str:
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
        """The ids of these groups and the first sightings of these facts. Does not raise LinksUnavailable."""
        instant = self.now()
        decision: IdDecision | None = None
        first_seen: FirstSeen = {}
        provisional = True
        try:
            for _ in range(ROUNDS):
                decision = await self._resolve(key_sets, await self._known_links(key_sets), instant)
                if not decision.writes:
                    break
                await self._wait(self.store.write(decision.writes))
            first_seen = await self._wait(self.store.first_seen(facts, instant)) if facts else {}
            provisional = False
        except (LinksUnavailable, TimeoutError):
            self.failure()
        # A ledger that can be read and not written still gives the known ids.
        decision = decision or await self._resolve(key_sets, KnownLinks(), instant)
        return AssignedIds(decision.objects, decision.former_ids, first_seen, provisional)

    async def _known_links(self, key_sets: Sequence[RecordKeys]) -> KnownLinks:
        """The links of these records; for groups none of whose records is known, those of their identities too."""
        # One call for the records of all groups: the ledger is asked in one round, whatever the view holds.
        known = await self._wait(self.store.read([key.key for record_keys in key_sets for key in record_keys.keys]))
        similar = {identity for record_keys in unknown(key_sets, known) for identity in record_keys.similar}
        if not similar:
            return known
        near = await self._wait(self.store.read_cousins(similar))
        return KnownLinks(known.links, near.cousins, {**known.alias, **near.alias})

    async def _wait(self, call: Awaitable[T]) -> T:
        async with asyncio.timeout(self.timeout):
            return await call

    async def _resolve(self, key_sets: Sequence[RecordKeys], known: KnownLinks, instant: datetime) -> IdDecision:
        # Off the event loop: a region has tens of thousands of groups.
        return await offload(len(key_sets), resolve, key_sets, known, self.derive, instant)
