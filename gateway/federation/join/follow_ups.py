"""Attaches the records of Missions locales to persons joined without them. Pure; knows no viewer, reaches no store.

For whoever is no Mission locale, CFAs and the registry alone say who is one person with whom (docs/decisions/0049). A record
of a Mission locale then goes to the person that it is surely like, where no other is about as like; it joins nobody, and what
it tells is its follow-up and its request for joint support, nothing else.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.connectors.base import Record
from gateway.domain.matching import ScoredPair
from gateway.domain.official_numbers import Traits
from gateway.domain.similarity import compare, weights
from gateway.federation.join.components import Components
from gateway.federation.join.join_records import Cluster, FollowUp, Key, SourcedRecord
from gateway.federation.join.merge import MergedPerson
from gateway.federation.join.precedence import collaboration_of, suivi_of
from gateway.federation.join.record_pool import RecordPool
from gateway.federation.organisation_directory import Directory
from gateway.schema.nouns import Collaboration, Jeune


@dataclass(frozen=True, slots=True)
class Claim:
    """A record of a Mission locale, the groups that it was compared with, and the one that it is surely of, if any."""

    who: SourcedRecord
    near: tuple[Cluster, ...]
    owner: Cluster | None
    pair: ScoredPair | None


def claims(
    groups: Components, pool: RecordPool, records: Iterable[SourcedRecord], before: Mapping[Key, Claim]
) -> Mapping[Key, Claim]:
    """What each record claims of these groups; what it claimed `before`, where both are what they were."""
    found = {}
    for who in records:
        near, was = _near(groups, pool, who), before.get(who.key)
        # Groups by object: one that is the same has the same records, and the same likeness to this one.
        same = was is not None and was.who is who and list(map(id, was.near)) == list(map(id, near))
        found[who.key] = was if was is not None and same else _claim(who, near)
    return found


def _near(groups: Components, pool: RecordPool, who: SourcedRecord) -> tuple[Cluster, ...]:
    """The groups of the records that this one is worth comparing with, in a fixed order."""
    owners: dict[Key, Cluster] = {}
    for number, key in pool.near(who.traits) if who.traits else ():
        held = groups.held.get(key)
        if held and held.pooled and held.pooled.number == number:
            owner = groups.owner[key]
            owners[owner.sourced_records[0].key] = owner
    return tuple(owners[key] for key in sorted(owners))


def _claim(who: SourcedRecord, near: tuple[Cluster, ...]) -> Claim:
    members = [[one.traits for one in cluster.sourced_records if one.traits] for cluster in near]
    pair = _elected(who.traits, members) if who.traits else None
    known = {pair.left.rank, pair.right.rank} if pair else set()
    owner = next((c for c in near if any(one.key in known for one in c.sourced_records)), None)
    return Claim(who, near, owner, pair)


def claimed(found: Mapping[Key, Claim]) -> Mapping[str, Sequence[FollowUp]]:
    """The records that are of one of these persons and of no other, by key of the person."""
    by_person: dict[str, list[FollowUp]] = defaultdict(list)
    for claim in found.values():
        if claim.owner and claim.pair:
            by_person[claim.owner.key].append((claim.who, claim.pair))
    return by_person


def _elected(trait: Traits, persons: Iterable[Sequence[Traits]]) -> ScoredPair | None:
    """The pair that ties a record to one of these persons; None when none is surely the one."""
    rules = weights()
    pairs = []
    for members in persons:
        compared = [_pair(trait, member) for member in members]
        if min(pair.score for pair in compared) >= rules.contradiction:
            pairs.append(max(compared, key=_order))
    pairs.sort(key=_order, reverse=True)
    if not pairs or pairs[0].score < rules.probable:
        return None
    # Two persons about as like it: neither is told what may be the other's.
    disputed = len(pairs) > 1 and pairs[1].score > pairs[0].score - rules.marge
    return None if disputed else pairs[0]


def _pair(trait: Traits, other: Traits) -> ScoredPair:
    left, right = sorted((trait, other), key=lambda trait: trait.rank)
    return ScoredPair(left, right, compare(left, right))


def _order(pair: ScoredPair) -> tuple[Any, ...]:
    return pair.score, pair.left.rank, pair.right.rank


def one_each(found: Iterable[FollowUp]) -> list[FollowUp]:
    """One record an installation at most: of two that are about as like the person, neither."""
    by_origin: dict[tuple[str, str], list[FollowUp]] = defaultdict(list)
    for follow_up in found:
        by_origin[follow_up[0].origin].append(follow_up)
    kept = []
    for same in by_origin.values():
        first, *others = sorted(same, key=lambda follow_up: _order(follow_up[1]), reverse=True)
        if not others or others[0][1].score <= first[1].score - weights().marge:
            kept.append(first)
    return kept


def own_requests(found: Iterable[FollowUp], is_open: Callable[[Collaboration], bool]) -> list[FollowUp]:
    """Those of these records that hold a request for joint support which opens something to whoever looks."""
    # Before any other is looked at: no dossier without a request may change what one with it opens.
    requests = ((one, one[0].jeune.collaboration) for one in found)
    return one_each(one for one, request in requests if request and request.demandee_le and is_open(request))


def attach_follow_ups(
    merged: MergedPerson, own: Sequence[FollowUp], found: Iterable[FollowUp], directory: Directory
) -> MergedPerson:
    """The person with what these records tell of its follow-up, and the requests of the `own` ones."""
    heard = {who.origin for who, _ in own}
    others = one_each(one for one in found if one[0].origin not in heard)
    kept = [*((_told(who, True), pair) for who, pair in own), *((_told(who, False), pair) for who, pair in others)]
    holders = sorted([*merged.cluster.sourced_records, *(who for who, _ in kept)], key=lambda who: who.rank)
    merged.jeune.suivi = suivi_of(holders, directory)
    merged.jeune.collaboration = collaboration_of(holders)
    return replace(merged, follow_ups=tuple(kept))


def _told(who: SourcedRecord, request: bool) -> SourcedRecord:
    """The record, with nothing in it but what it may tell."""
    jeune = Jeune(suivi=who.jeune.suivi, collaboration=who.jeune.collaboration if request else None)
    return replace(who, record=Record(who.record.key, jeune, who.record.modified_at))
