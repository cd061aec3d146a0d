"""Which person, or which contract, the records of a group are: decided from the links already known. Pure; knows keys only.

The rules, in order (docs/decisions/0009): a known id stays; of several, the oldest survives and the others lead to it; an id
that two groups claim goes with the record it was made from; a group that nothing designates is known again by its exact
identity, or gets an id made from its best record.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.domain.links import Alias, KnownLinks, Link, LinkWrites, RecordKey

SEEN_AGAIN = timedelta(days=30)  # a link still seen is dated again this often: what is not, is purged in the end

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
    """The id of each group, by its first key; the ids of before that lead to one of them; what is to be written."""

    objects: Mapping[str, str]
    former_ids: Mapping[str, str]
    writes: LinkWrites


@dataclass(frozen=True, slots=True)
class _Claim:
    rank: int  # of the group
    object_: str
    depuis: datetime
    detours: int  # aliases between the record and the id
    key: str


class _Resolution:
    """One decision under way: who got which id (`assigned`, by group), and whose each known id is."""

    def __init__(
        self, key_sets: Sequence[RecordKeys], known_ones: KnownLinks, derive: Derive, instant: datetime
    ) -> None:
        self.key_sets = key_sets
        self.known_ones = known_ones
        self.derive = derive
        self.instant = instant
        self.assigned: dict[int, tuple[str, datetime]] = {}
        self.owners: dict[str, int] = {}
        self.directs: dict[int, list[Link]] = {}

    def acquire(self, rank: int, object_: str, depuis: datetime) -> None:
        self.assigned[rank] = object_, depuis
        self.owners[object_] = rank

    def orphans(self) -> list[tuple[int, RecordKeys]]:
        return [(rank, record_keys) for rank, record_keys in enumerate(self.key_sets) if rank not in self.assigned]


def resolve(key_sets: Sequence[RecordKeys], known_ones: KnownLinks, derive: Derive, instant: datetime) -> IdDecision:
    """Give an id to every group. The same groups and the same ledger give the same ids, whatever the order."""
    resolution = _Resolution(key_sets, known_ones, derive, instant)
    _keep(resolution)
    _recognise(resolution)
    _create(resolution)
    objects = {record_keys.first: resolution.assigned[rank][0] for rank, record_keys in enumerate(key_sets)}
    rompus = _broken(resolution)
    alias = _new_aliases(resolution)
    writes = LinkWrites(_new(resolution), _changes(resolution), alias, rompus)
    return IdDecision(objects, _former_ids(resolution, rompus), writes)


def unknown(key_sets: Iterable[RecordKeys], known_ones: KnownLinks) -> list[RecordKeys]:
    """The groups that no record designates."""
    return [record_keys for record_keys in key_sets if not any(key.key in known_ones.links for key in record_keys.keys)]


def _keep(resolution: _Resolution) -> None:
    """Known ids, the oldest first, each to whoever claims it best."""
    by_object: dict[str, list[_Claim]] = defaultdict(list)
    for rank, record_keys in enumerate(resolution.key_sets):
        resolution.directs[rank] = [
            link for key in record_keys.keys if (link := resolution.known_ones.links.get(key.key))
        ]
        for claim in _claims(resolution, rank):
            by_object[claim.object_].append(claim)
    depuis = {object_: min(one.depuis for one in claims) for object_, claims in by_object.items()}
    for object_ in sorted(by_object, key=lambda object_: (depuis[object_], object_)):
        pairs = _best(resolution, by_object[object_])
        libre = next((rank for rank in pairs if rank not in resolution.assigned), None)
        if libre is None:
            resolution.owners[object_] = pairs[0]  # goes on under the older id of that group
        else:
            resolution.acquire(libre, object_, depuis[object_])


def _best(resolution: _Resolution, claims: Sequence[_Claim]) -> list[int]:
    """The group of the record an id was made from; else those that claim it by the fewest detours, in a fixed order."""
    if len({one.rank for one in claims}) > 1:
        for one in claims:
            if not one.detours and resolution.derive(one.key) == one.object_:
                return [one.rank]
    first = sorted(claims, key=lambda one: (one.detours, one.key))
    return [one.rank for one in first if one.detours == first[0].detours]


def _claims(resolution: _Resolution, rank: int) -> Iterator[_Claim]:
    for link in resolution.directs[rank]:
        yield _Claim(rank, link.object_, link.depuis, 0, link.key.key)
        for detours, alias in enumerate(resolution.known_ones.following(link.object_), 1):
            yield _Claim(rank, alias.survivor, alias.depuis, detours, link.key.key)


def _recognise(resolution: _Resolution) -> None:
    """Groups that no record designates, by their identity: only what one object alone may be, and one group alone."""
    by_object: dict[str, list[Link]] = defaultdict(list)
    for cousin in resolution.known_ones.cousins:
        by_object[resolution.known_ones.survivor(cousin.object_)].append(cousin)
    by_identity: dict[str, set[str]] = defaultdict(set)
    for object_, members in by_object.items():
        for member in members:
            by_identity[member.key.identity].add(object_)
    found_ones = {}
    for rank, record_keys in resolution.orphans():
        objects = {object_ for identity in record_keys.similar for object_ in by_identity[identity]}
        if not resolution.directs[rank] and len(objects) == 1 and _admitted(record_keys, by_object[min(objects)]):
            found_ones[rank] = min(objects)
    count = Counter(found_ones.values())
    for rank, object_ in found_ones.items():
        if count[object_] == 1 and object_ not in resolution.owners:
            resolution.acquire(rank, object_, min(member.depuis for member in by_object[object_]))


def _admitted(record_keys: RecordKeys, members: Iterable[Link]) -> bool:
    """Two records of one installation are never one person: whoever has one there has no second."""
    origins = {member.key.origin for member in members} - {""}
    return origins.isdisjoint(key.origin for key in record_keys.keys)


def _create(resolution: _Resolution) -> None:
    """An id of its own: made from the best record, or from the id that it parts from, which stays with others."""
    for rank, record_keys in resolution.orphans():
        left = min(((link.depuis, link.object_) for link in resolution.directs[rank]), default=None)
        object_ = resolution.derive(f"{left[1]}|{record_keys.first}" if left else record_keys.first)
        while object_ in resolution.owners:
            object_ = resolution.derive(object_)
        resolution.acquire(rank, object_, resolution.instant)


def _new(resolution: _Resolution) -> list[Link]:
    return [
        Link(key, *resolution.assigned[rank], resolution.instant)
        for rank, record_keys in enumerate(resolution.key_sets)
        for key in record_keys.keys
        if key.key not in resolution.known_ones.links
    ]


def _changes(resolution: _Resolution) -> list[tuple[str, Link]]:
    """Links that leave an id which is another group's; links whose record changed its identity, or not seen for long."""
    changes = []
    for rank, record_keys in enumerate(resolution.key_sets):
        for key in record_keys.keys:
            link = resolution.known_ones.links.get(key.key)
            if link is None:
                continue
            if resolution.owners[link.object_] != rank:
                changes.append((link.object_, Link(key, *resolution.assigned[rank], resolution.instant)))
            elif link.key != key or resolution.instant - link.seen_at > SEEN_AGAIN:
                changes.append((link.object_, replace(link, key=key, seen_at=resolution.instant)))
    return changes


def _new_aliases(resolution: _Resolution) -> list[Alias]:
    return [
        Alias(object_, *resolution.assigned[rank])
        for object_, rank in sorted(resolution.owners.items())
        if object_ != resolution.assigned[rank][0] and object_ not in resolution.known_ones.alias
    ]


def _broken(resolution: _Resolution) -> list[str]:
    """Aliases whose two ends are now two groups. Never tied again: what was once seen apart is shown apart."""
    living = [
        alias
        for alias in resolution.known_ones.alias.values()
        if not alias.broken and alias.former in resolution.owners
    ]
    return sorted(
        alias.former
        for alias in living
        if resolution.owners[alias.former] != resolution.owners.get(alias.survivor, resolution.owners[alias.former])
    )


def _former_ids(resolution: _Resolution, rompus: Sequence[str]) -> dict[str, str]:
    """Ids of before: those that a group of this reading left for an older one, and those that the ledger leads to it."""
    all_ = {object_: object_ for object_ in resolution.owners}
    for former, alias in resolution.known_ones.alias.items():
        if not alias.broken and former not in rompus:
            all_.setdefault(former, resolution.known_ones.survivor(former))
    current_ids = {
        former: resolution.assigned[resolution.owners[object_]][0]
        for former, object_ in all_.items()
        if object_ in resolution.owners
    }
    return {former: current for former, current in current_ids.items() if former != current}
