"""Keeps the id of each group of records, from the links already known, or creates one. Pure: knows no store and no noun.

Theory of operation
===================

A group is what the join makes of the records of one reading: a person, or a contract. Ids must outlive corrections, so they
hang on the records, not on what the records say: the ledger links each record to an object, and an object is an id. Between
two readings groups part and meet, and one group may then lead to several known ids, or one id to several groups.

The decision is taken in three steps (docs/decisions/0009), each on what the step before left without an id:

1. keep: a known id goes on, the oldest first. A group that leads to several takes the oldest, and the others become aliases
   of it. An id that two groups claim goes with the record it was made from, else by the fewest aliases, then by key.
2. recognise: a group none of whose records is known takes the id of its exact identity, when that designates one object
   only, which one group only may take, and which has no record in an installation that speaks in the group.
3. create: what is left gets an id made from its best record, or from the id that it parts from.

Invariants: every group has one id, and no two groups share one. The decision is a function of the groups and of the ledger,
not of their order: two processes that read the same thing agree without a word. An alias whose two ends were seen as two
groups is broken for good. Applying the writes and deciding again changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.domain.links import Alias, KnownLinks, Link, LinkWrites, RecordKey, Tie

# A link still seen is dated again this often: the ledger deletes what was not seen for long.
SEEN_AGAIN = timedelta(days=30)

Derive = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """The keys of one object, best record first. `similar`: identities under which it may be known again."""

    keys: tuple[RecordKey, ...]
    similar: frozenset[str] = frozenset()

    @property
    def first(self) -> str:
        """The key that designates the group in its reading."""
        return self.keys[0].key


@dataclass(frozen=True, slots=True)
class IdDecision:
    """The id of each group, by its first key; the former ids that lead to one of them; what is to be written."""

    objects: dict[str, str]
    former_ids: dict[str, str]
    writes: LinkWrites


def keep_or_create(key_sets: Sequence[RecordKeys], known: KnownLinks, derive: Derive, instant: datetime) -> IdDecision:
    """An id for every group. The same groups and the same ledger give the same ids, whatever the order."""
    resolution = _Resolution(key_sets, known, derive, instant)
    resolution.keep()
    resolution.recognise()
    resolution.create()
    return resolution.decision()


def unknown(key_sets: Iterable[RecordKeys], known: KnownLinks) -> list[RecordKeys]:
    """The groups none of whose records is linked."""
    return [record_keys for record_keys in key_sets if not any(key.key in known.links for key in record_keys.keys)]


@dataclass(frozen=True, slots=True)
class _Claim:
    """A group leads to an object, by one of its records."""

    rank: int  # of the group
    object_id: str
    since: datetime
    detours: int  # aliases between the record and the object
    key: str


class _Resolution:
    """One decision under way. A group is called by its rank in `key_sets`."""

    def __init__(self, key_sets: Sequence[RecordKeys], known: KnownLinks, derive: Derive, instant: datetime) -> None:
        self._key_sets = key_sets
        self._known = known
        self._derive = derive
        self._instant = instant
        self._direct = [[link for key in own.keys if (link := known.links.get(key.key))] for own in key_sets]
        self._assigned: dict[int, tuple[str, datetime]] = {}  # by group: its id, and since when
        self._owners: dict[str, int] = {}  # by object: the group it goes with, be it under an older id

    def keep(self) -> None:
        """Known objects, the oldest first, each to the group that claims it best."""
        claims_by_object: dict[str, list[_Claim]] = defaultdict(list)
        for rank in range(len(self._key_sets)):
            for claim in self._claims(rank):
                claims_by_object[claim.object_id].append(claim)
        since = {object_id: min(claim.since for claim in claims) for object_id, claims in claims_by_object.items()}
        # By date, then by id: of two objects seen the same day, two processes keep the same one.
        for object_id in sorted(claims_by_object, key=lambda object_id: (since[object_id], object_id)):
            claimants = self._best(claims_by_object[object_id])
            free = next((rank for rank in claimants if rank not in self._assigned), None)
            if free is None:
                # Those who claim it all have an older id: it becomes an alias of the first one's.
                self._owners[object_id] = claimants[0]
            else:
                self._assign(free, object_id, since[object_id])

    def _claims(self, rank: int) -> Iterator[_Claim]:
        """The objects that the records of a group are linked to, and those that the aliases lead to from there."""
        for link in self._direct[rank]:
            yield _Claim(rank, link.object_, link.depuis, 0, link.key.key)
            for detours, alias in enumerate(self._known.following(link.object_), 1):
                yield _Claim(rank, alias.survivor, alias.depuis, detours, link.key.key)

    def _best(self, claims: Sequence[_Claim]) -> list[int]:
        """The group of the record an object was made from; else those that claim it by the fewest aliases, by key."""
        if len({claim.rank for claim in claims}) > 1:
            for claim in claims:
                if not claim.detours and self._derive(claim.key) == claim.object_id:
                    return [claim.rank]
        ordered = sorted(claims, key=lambda claim: (claim.detours, claim.key))
        return [claim.rank for claim in ordered if claim.detours == ordered[0].detours]

    def recognise(self) -> None:
        """Groups none of whose records is known, by identity: one object that one group alone may be."""
        members: dict[str, list[Link]] = defaultdict(list)
        for cousin in self._known.cousins:
            members[self._known.survivor(cousin.object_)].append(cousin)
        bearers: dict[str, set[str]] = defaultdict(set)
        for object_id, links in members.items():
            for link in links:
                bearers[link.key.identity].add(object_id)
        found = {}
        for rank, record_keys in self._orphans():
            objects = {object_id for identity in record_keys.similar for object_id in bearers[identity]}
            if not self._direct[rank] and len(objects) == 1 and _is_admitted(record_keys, members[min(objects)]):
                found[rank] = min(objects)
        # Two groups that may be one object are homonyms: nothing tells which of them it is, so neither takes it.
        claimed = Counter(found.values())
        for rank, object_id in found.items():
            if claimed[object_id] == 1 and object_id not in self._owners:
                self._assign(rank, object_id, min(link.depuis for link in members[object_id]))

    def create(self) -> None:
        """An id made from the best record, or from the id that the group parts from, which stays with another group."""
        for rank, record_keys in self._orphans():
            left = min(((link.depuis, link.object_) for link in self._direct[rank]), default=None)
            object_id = self._derive(f"{left[1]}|{record_keys.first}" if left else record_keys.first)
            # The best record may have made an id that went to another group since: the next one in turn is as fixed.
            while object_id in self._owners:
                object_id = self._derive(object_id)
            self._assign(rank, object_id, self._instant)

    def _assign(self, rank: int, object_id: str, since: datetime) -> None:
        self._assigned[rank] = object_id, since
        self._owners[object_id] = rank

    def _orphans(self) -> list[tuple[int, RecordKeys]]:
        """The groups without an id so far."""
        return [(rank, own) for rank, own in enumerate(self._key_sets) if rank not in self._assigned]

    def decision(self) -> IdDecision:
        """What was decided, once every group has an id."""
        objects = {own.first: self._assigned[rank][0] for rank, own in enumerate(self._key_sets)}
        broken = self._broken()
        ties = self._ties(broken)
        new_ties, untied = sorted(ties - self._known.ties), self._untied()
        writes = LinkWrites(self._new_links(), self._changes(), self._new_aliases(), broken, new_ties, untied)
        return IdDecision(objects, self._former_ids(broken), writes)

    def _new_links(self) -> list[Link]:
        return [
            Link(key, *self._assigned[rank], self._instant)
            for rank, own in enumerate(self._key_sets)
            for key in own.keys
            if key.key not in self._known.links
        ]

    def _changes(self) -> list[tuple[str, Link]]:
        """Links whose object is now another group's; links whose record changed its identity, or was not seen for long."""
        changes = []
        for rank, own in enumerate(self._key_sets):
            for key in own.keys:
                link = self._known.links.get(key.key)
                if link is None:
                    continue
                if self._owners[link.object_] != rank:
                    changes.append((link.object_, Link(key, *self._assigned[rank], self._instant)))
                elif link.key != key or self._instant - link.seen_at > SEEN_AGAIN:
                    changes.append((link.object_, replace(link, key=key, seen_at=self._instant)))
        return changes

    def _new_aliases(self) -> list[Alias]:
        return [
            Alias(object_id, *self._assigned[rank])
            for object_id, rank in sorted(self._owners.items())
            if object_id != self._assigned[rank][0] and object_id not in self._known.alias
        ]

    def _broken(self) -> list[str]:
        """Former ids whose alias leads to another group than their own."""
        # Never tied again: what was once seen apart must not be shown under one id to whoever kept the other.
        return sorted(
            alias.former
            for alias in self._known.alias.values()
            if not alias.broken and alias.former in self._owners
            if self._owners.get(alias.survivor, self._owners[alias.former]) != self._owners[alias.former]
        )

    def _ties(self, broken: Sequence[str]) -> set[Tie]:
        """The objects that are one here, where an alias once broken cannot say so. No id depends on it: only who asks who read
        a person does."""
        return {
            (object_id, self._assigned[rank][0])
            for object_id, rank in self._owners.items()
            if object_id != self._assigned[rank][0]
            if (alias := self._known.alias.get(object_id)) is not None
            if alias.broken or object_id in broken
        }

    def _untied(self) -> list[Tie]:
        """The objects tied before that are two here."""
        owners = self._owners
        return sorted(tie for tie in self._known.ties if owners.keys() >= set(tie) and owners[tie[0]] != owners[tie[1]])

    def _former_ids(self, broken: Sequence[str]) -> dict[str, str]:
        """The present id of each former one: those that a group of this reading left, and those that the ledger leads to it."""
        survivors = {object_id: object_id for object_id in self._owners}
        for former, alias in self._known.alias.items():
            if not alias.broken and former not in broken:
                survivors.setdefault(former, self._known.survivor(former))
        present = {
            former: self._assigned[self._owners[object_id]][0]
            for former, object_id in survivors.items()
            if object_id in self._owners
        }
        return {former: object_id for former, object_id in present.items() if former != object_id}


def _is_admitted(record_keys: RecordKeys, members: Iterable[Link]) -> bool:
    """True when no installation has a record on both sides: two records of one installation are never one person."""
    origins = {link.key.origin for link in members} - {""}
    return origins.isdisjoint(key.origin for key in record_keys.keys)
