"""Links between records and the objects they tell of, as pseudonyms: what is decided by federation and kept by a store.

An object is a person or a contract. No name, no date of anybody, no contact: only stand-ins, and when they were seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RecordKey:
    """What designates one record. `identity` and `origin` (its installation) help to know it again under another key;
    empty where that must not be tried."""

    key: str
    identity: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A record and its object. `depuis`: when the object was first seen; `seen_at`: when the record last was, to the month."""

    key: RecordKey
    object_: str
    depuis: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Alias:
    """An id that goes on under an older one; `broken`, once both were seen apart, which is for good."""

    former: str
    survivor: str
    depuis: datetime  # when the survivor was first seen
    broken: bool = False


Tie = tuple[str, str]  # the ids of two objects that were last seen as one, where no alias says so


@dataclass(frozen=True, slots=True)
class KnownLinks:
    """What the ledger says of some records: their links, those of their cousins (records of the same identity or object),
    the aliases of all these objects, and their ties."""

    links: Mapping[str, Link] = field(default_factory=dict)  # by key
    cousins: Sequence[Link] = ()
    alias: Mapping[str, Alias] = field(default_factory=dict)  # by old id
    ties: frozenset[Tie] = frozenset()

    def following(self, object_: str) -> list[Alias]:
        """The aliases under which an object goes on, one after the other; none while it has its own id."""
        followed: dict[str, Alias] = {}
        while (alias := self.alias.get(object_)) is not None and not alias.broken and object_ not in followed:
            followed[object_] = alias
            object_ = alias.survivor
        return list(followed.values())

    def same(self, object_: str) -> frozenset[str]:
        """The ids of an object: those it goes on under, those that go on under it, and theirs."""
        found, remaining = {object_}, {object_}
        pairs = {(alias.former, alias.survivor) for alias in self.alias.values() if not alias.broken} | self.ties
        while remaining:
            remaining = {name for pair in pairs if found.intersection(pair) for name in pair} - found
            found |= remaining
        return frozenset(found)

    def survivor(self, object_: str) -> str:
        """The id under which an object goes on in the end: its own, most often."""
        following = self.following(object_)
        return following[-1].survivor if following else object_


@dataclass(frozen=True, slots=True)
class LinkWrites:
    """What a reading teaches the ledger. Each is idempotent, and two processes that write at once agree."""

    new: Sequence[Link] = ()  # first writer wins
    changes: Sequence[tuple[str, Link]] = ()  # with the object the link had: nothing is written over another's change
    alias: Sequence[Alias] = ()  # first writer wins
    rompus: Sequence[str] = ()  # old ids whose alias ends
    ties: Sequence[Tie] = ()
    untied: Sequence[Tie] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.changes or self.alias or self.rompus or self.ties or self.untied)
