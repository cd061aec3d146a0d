"""The records of one subject, what a perimeter and a purpose read, as components: those that links tie, near or far. Grouped by
change. Knows no right; who joins with whom is `gateway.domain.matching`'s, how a group is named `join_records`'s.

Theory of operation
===================

Who is one person with whom depends, for a record, on its component alone: on the records that links of the pool lead to from it,
within those of the subject. What makes a record come, change or leave therefore changes its component, and those that its links
lead to; the other groups are the very objects that they were, which is how whoever merges them knows that nothing changed.

1. Changes: records compared by object with those of before.
2. Touched: the components of what changed or left, and those that the links of what came lead to, are followed again.
3. Decided: each of them by `matching.decide`, as all records together would be.
4. Named: a group is named by its identity where no other bears it. Whether one does may change without it, and is looked at for
   the identities of what changed only.

A subject may concern some of its records only: then components of none of them are not followed, but those of somebody who bears
the exact identity of somebody concerned.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.domain.matching import decide
from gateway.federation.join.join_records import Cluster, Concerns, Key, SourcedRecord, clusters_of, named
from gateway.federation.join.record_pool import PooledRecord, RecordPool, links_between

RecordsByInstallation = Mapping[tuple[str, str], Sequence[SourcedRecord]]  # by installation


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A record of a subject; `pooled` is None for one that names nobody."""

    who: SourcedRecord
    pooled: PooledRecord | None
    concerned: bool


@dataclass(frozen=True, slots=True)
class Components:
    """The groups of a subject at one moment; never written to once made.

    By key of a record: the record, those of its component, its group. `bearers`: the records of each exact identity. `clusters`:
    the groups by the key of their best record. `told`: what all this was made of.
    """

    pool: RecordPool | None = None
    told: RecordsByInstallation = field(default_factory=dict)
    held: Mapping[Key, HeldRecord] = field(default_factory=dict)
    component: Mapping[Key, tuple[Key, ...]] = field(default_factory=dict)
    owner: Mapping[Key, Cluster] = field(default_factory=dict)
    bearers: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)
    clusters: Mapping[Key, Cluster] = field(default_factory=dict)

    @property
    def in_order(self) -> list[Cluster]:
        """The groups, in an order that tells nothing of the changes by which they came to be."""
        return sorted(self.clusters.values(), key=lambda cluster: cluster.key)


NOTHING = Components()


def everybody(_: SourcedRecord) -> bool:
    return True


def regroup(
    pool: RecordPool, told: RecordsByInstallation, concerns: Concerns = everybody, before: Components = NOTHING
) -> Components:
    """The groups of these records, from those of before, for which the same `concerns` was given.

    Every person of whom one record `concerns` the caller is there, as if all were grouped; of the others, some.
    """
    # What another pool numbered means nothing here.
    before = before if before.pool is pool else Components(pool)
    left, changed = _difference(before, told)
    if not left and not changed:
        return replace(before, told=told)
    # Copies, then changes in them: whoever reads the groups of before must see them whole.
    work = _Regrouping(pool, before)
    work.take(left, changed, concerns)
    work.follow([who.key for who in changed])
    work.name()
    return work.result(told)


def _difference(before: Components, told: RecordsByInstallation) -> tuple[list[Key], list[SourcedRecord]]:
    """The keys of the records that left, and the records that came or changed. A list that is the same object did not change."""
    left, changed, held = list[Key](), list[SourcedRecord](), before.held
    for origin in before.told.keys() | told.keys():
        old, new = before.told.get(origin, ()), told.get(origin, ())
        # By object, not by what they say: whoever reads an installation again keeps the records that say the same.
        if old is not new:
            present = {who.key: who for who in new}
            left += {who.key for who in old} - present.keys()
            changed += [who for key, who in present.items() if key not in held or held[key].who is not who]
    return left, changed


class _Regrouping:
    """One change under way, in copies of what was."""

    def __init__(self, pool: RecordPool, before: Components) -> None:
        self._pool, self._before = pool, before
        self._held, self._bearers = dict(before.held), dict(before.bearers)
        self._component, self._owner = dict(before.component), dict(before.owner)
        self._clusters = dict(before.clusters)
        self._undone: dict[Key, None] = {}  # records whose component is to be followed again, in order
        self._identities: set[str] = set()  # of what changed

    def take(self, left: Iterable[Key], changed: Iterable[SourcedRecord], concerns: Concerns) -> None:
        """Let records go, and take others in."""
        for key in left:
            self._drop(key)
        for who in changed:
            if who.key in self._held:
                self._drop(who.key)
            # Held here and nowhere else: once no subject has the record, it leaves the pool by itself.
            pooled = self._pool.hold(who.traits) if who.traits else None
            self._held[who.key] = HeldRecord(who, pooled, concerns(who))
            self._bearers[who.identity] = (*self._bearers.get(who.identity, ()), who.key)

    def _drop(self, key: Key) -> None:
        self._undo(key)
        identity = self._held.pop(key).who.identity
        self._identities.add(identity)
        others = tuple(one for one in self._bearers.pop(identity) if one != key)
        if others:
            self._bearers[identity] = others

    def _undo(self, key: Key) -> None:
        """Take a component apart, groups included."""
        for one in self._component.get(key, ()):
            del self._component[one]
            self._undone[one] = None
            cluster = self._owner.pop(one)
            # Who lost a bearer of its identity may be named by it again, though nothing of its own changed.
            best = cluster.sourced_records[0].key
            self._clusters.pop(best, None)
            self._identities.update(who.identity for who in cluster.sourced_records)

    def follow(self, changed: Iterable[Key]) -> None:
        """Follow anew what a change touches, then whoever bears an identity that counts."""
        # At first, from those concerned: a Mission locale has a hundredth of the people that the CFAs of its region tell of.
        first = not self._before.held
        made = self._follow_all(key for key in changed if not first or self._held[key].concerned)
        # A group is named by its exact identity only where no other bears it, be it of nobody concerned.
        concerned = (key for keys in made for key in keys if self._is_of_concern(keys))
        identities = {self._held[key].who.identity for key in concerned}
        self._follow_all(key for identity in identities for key in self._bearers[identity])

    def _is_of_concern(self, keys: Iterable[Key]) -> bool:
        return any(self._held[key].concerned for key in keys)

    def _follow_all(self, keys: Iterable[Key]) -> list[tuple[Key, ...]]:
        """The components of these records, and of those of whatever was taken apart on the way."""
        made = list[tuple[Key, ...]]()
        waiting = [*keys, *self._undone]
        while waiting:
            self._undone.clear()
            # One at a time: whoever is met on the way is followed with it.
            made += [self._follow(key) for key in waiting if key in self._held and key not in self._component]
            waiting = [key for key in self._undone if key not in self._component]
        return made

    def _follow(self, start: Key) -> tuple[Key, ...]:
        """Make the component of a record, and its groups."""
        found, new = {start}, {start}
        while new:
            new = {key for one in new for key in self._neighbours(one)} - found
            found |= new
        # What a link now leads to was a component of its own, or several.
        for key in found:
            self._undo(key)
        keys = tuple(sorted(found))
        for cluster in self._decide(keys):
            self._place(cluster)
        self._component.update(dict.fromkeys(keys, keys))
        return keys

    def _place(self, cluster: Cluster) -> None:
        best = cluster.sourced_records[0].key
        self._clusters[best] = cluster
        for who in cluster.sourced_records:
            self._owner[who.key] = cluster
            self._identities.add(who.identity)

    def _neighbours(self, key: Key) -> Iterator[Key]:
        """The records that the links of one lead to, within the subject."""
        pooled = self._held[key].pooled
        for number, link in self._pool.links(pooled) if pooled else ():
            other = link.right.rank if link.left.rank == key else link.left.rank
            neighbour = self._held.get(other)
            # The pool holds what others read too, and other versions of this very record: the number tells which is meant.
            if neighbour and neighbour.pooled and neighbour.pooled.number == number:
                yield other

    def _decide(self, keys: Sequence[Key]) -> list[Cluster]:
        """The groups of a component, those that are as they were being the same objects."""
        pooled = [one for key in keys if (one := self._held[key].pooled)]
        if not pooled:
            (who,) = (self._held[key].who for key in keys)
            return [Cluster(who.identity, (who,))]
        persons, doubtful = decide([one.traits for one in pooled], list(links_between(self._pool, pooled)))
        return clusters_of(persons, doubtful, {key: self._held[key].who for key in keys})

    def name(self) -> None:
        """Name the groups of every identity that something changed of."""
        touched = {key for identity in self._identities for key in self._bearers.get(identity, ())}
        clusters = {id(owner): owner for key in touched if (owner := self._owner.get(key))}
        for cluster in clusters.values():
            self._place(self._as_before(self._named(cluster)))

    def _named(self, cluster: Cluster) -> Cluster:
        own = {who.identity for who in cluster.sourced_records}
        groups = {identity: self._groups_of(identity) for identity in own}
        shared = frozenset(identity for identity, others in groups.items() if len(others) > 1)
        first = cluster.sourced_records[0].identity
        # Borne by a lesser record of another group, an identity is shared, and still names this one.
        namesakes = [one for one in groups[first] if one.sourced_records[0].identity == first]
        return replace(named(cluster, alone=len(namesakes) == 1), shared=shared)

    def _groups_of(self, identity: str) -> list[Cluster]:
        owners = (self._owner.get(key) for key in self._bearers[identity])
        return list({owner.sourced_records[0].key: owner for owner in owners if owner}.values())

    def _as_before(self, cluster: Cluster) -> Cluster:
        """The group that was there, if nothing of it changed."""
        was = self._before.clusters.get(cluster.sourced_records[0].key)
        return was if was and _is_same(was, cluster) else cluster

    def result(self, told: RecordsByInstallation) -> Components:
        """What is once all is followed and named."""
        return Components(self._pool, told, self._held, self._component, self._owner, self._bearers, self._clusters)


def _is_same(one: Cluster, other: Cluster) -> bool:
    """By object: records that say the same were told anew all the same."""
    told = len(one.sourced_records) == len(other.sourced_records) and all(
        left is right for left, right in zip(one.sourced_records, other.sourced_records, strict=True)
    )
    same = (one.key, one.shared, one.links, one.doubtful) == (other.key, other.shared, other.links, other.doubtful)
    return told and same
