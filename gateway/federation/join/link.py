"""Groups the records that speak of the same person: the one place where records are joined. Knows no merge rule, no viewer.

Theory of operation
===================

Each source keeps its own records, and none has an identifier that the others share. `gateway.domain.matching` says how alike
two records are and who may be one person with whom; this module gives it the records worth comparing, and names the groups.

1. neighbourhood: from the records that concern the viewer, follow shared blocking keys until nothing new is reached. What is
   outside shares no key with anything inside, so it can change nothing of the groups kept.
2. contacts that an installation gives for several of its people are left out, over *all* the records: a subset could make a
   school's phone look like somebody's own.
3. match; then a key for each group, its exact identity, or the key of its best record where two groups bear one identity.

The groups then go to the other modules of the room: `contracts` folds the contracts of a group, `merge` makes one Jeune of
it by the table of `precedence`, `provenance` and `evidence` say, when asked, where a value and a group come from.

Invariants: every record given that concerns the viewer is in one group, and in one only. The groups are a function of the set
of records: order changes nothing. Two records of one installation are never in one group. Doubt separates: a person shown
twice is a nuisance, two persons shown as one are a leak.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.domain.matching import Match, ScoredPair, match, without_collective
from gateway.domain.similarity import Level
from gateway.federation.join.records import SourcedRecord

Key = tuple[tuple[str, str], str]  # installation, record


@dataclass(frozen=True, slots=True)
class Cluster:
    """The records of one person, best source first, and what joined them.

    `key` is stable text, secret: it is never shown as it is. `doubtful`: links to other persons, too weak or too ambiguous
    to join them.
    """

    key: str
    sourced_records: tuple[SourcedRecord, ...]
    niveau: Level = Level.CERTAIN
    links: tuple[ScoredPair, ...] = ()
    doubtful: tuple[ScoredPair, ...] = ()


def link(
    sourced_records: Iterable[SourcedRecord], concerns: Callable[[SourcedRecord], bool] = lambda _: True
) -> list[Cluster]:
    """Group records by person, whatever the order they come in. Ambiguous ones stay apart.

    Every person of whom one record `concerns` the caller is there, as if all were grouped; of the others, some.
    """
    records = {(record.origin, record.record.key): record for record in sourced_records}
    nearby = neighbourhood(records, concerns)
    traits = without_collective([record.traits for record in records.values() if record.traits])
    persons, doubtful = match(trait for trait in traits if trait.rank in nearby)
    offered: dict[Key, list[ScoredPair]] = defaultdict(list)
    for pair in doubtful:
        offered[pair.left.rank].append(pair)
        offered[pair.right.rank].append(pair)
    clusters = _distinct_keys([_cluster(person, nearby, offered) for person in persons])
    # A name without letters can be compared with nothing: its record stands alone.
    anonymous = [Cluster(record.own_key, (record,)) for record in nearby.values() if not record.traits]
    return sorted([*clusters, *anonymous], key=lambda cluster: cluster.key)


def neighbourhood(
    records: Mapping[Key, SourcedRecord], concerns: Callable[[SourcedRecord], bool]
) -> Mapping[Key, SourcedRecord]:
    """The records that concern the caller, those they could be compared with, and so on: no other changes their groups."""
    # A Mission locale has a hundredth of the people that the CFAs of its region tell of: comparing all of them is waste.
    selected = {key: record for key, record in records.items() if concerns(record)}
    remaining = {key: record for key, record in records.items() if key not in selected}
    new: Collection[SourcedRecord] = selected.values()
    while new and remaining:
        blocks = {block for record in new for block in record.blocks}
        touched = {key: record for key, record in remaining.items() if not blocks.isdisjoint(record.blocks)}
        remaining = {key: record for key, record in remaining.items() if key not in touched}
        selected |= touched
        new = touched.values()
    return selected


def _cluster(
    person: Match, records: Mapping[Key, SourcedRecord], offered: Mapping[Key, Sequence[ScoredPair]]
) -> Cluster:
    members = sorted((records[trait.rank] for trait in person.members), key=lambda member: member.rank)
    # By object: a doubtful pair of two records of one person is offered by both.
    doubtful = {id(pair): pair for trait in person.members for pair in offered.get(trait.rank, ())}
    return Cluster(members[0].identity, tuple(members), person.niveau, person.links, tuple(doubtful.values()))


def _distinct_keys(clusters: Sequence[Cluster]) -> list[Cluster]:
    """The same, two persons of one exact identity told apart by the key of their best record."""
    holders = Counter(cluster.key for cluster in clusters)
    return [g if holders[g.key] == 1 else replace(g, key=g.sourced_records[0].own_key) for g in clusters]
