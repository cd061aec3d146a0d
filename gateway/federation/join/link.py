"""Which testimonies speak of the same person. This is the one place where records are joined.

How alike two records are, and who may be joined with whom, is `gateway.domain.matching`. Knows no merge rule, no viewer.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial

from gateway.domain.matching import Match, ScoredPair, match, without_collective
from gateway.domain.similarity import Level
from gateway.federation.join.records import SourcedRecord

Key = tuple[tuple[str, str], str]  # installation, record


@dataclass(frozen=True, slots=True)
class Cluster:
    """The testimonies of one person, best source first, and what joined them.

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
    """Group testimonies by person, whatever the order they come in. Ambiguous ones stay apart.

    Every person of whom one testimony is `concerns` is there, as if all were grouped; of the others, some.
    """
    all_ = {(sourced_record.origin, sourced_record.record.key): sourced_record for sourced_record in sourced_records}
    by_key = neighbourhood(all_, concerns)
    traits = without_collective([sourced_record.traits for sourced_record in all_.values() if sourced_record.traits])
    persons, doubtful = match(trait for trait in traits if trait.rank in by_key)
    offered = _by_registration(doubtful)
    clusters = _name([_group(person, by_key, offered) for person in persons])
    anonymous = [
        Cluster(sourced_record.own_key, (sourced_record,))
        for sourced_record in by_key.values()
        if not sourced_record.traits
    ]
    return sorted([*clusters, *anonymous], key=lambda cluster: cluster.key)


def neighbourhood(
    all_: Mapping[Key, SourcedRecord], concerns: Callable[[SourcedRecord], bool]
) -> Mapping[Key, SourcedRecord]:
    """Those that are `concerns`, those they could be compared with, and so on: what is outside changes nothing for them.

    A Mission locale has a hundredth of the people that the CFAs of its region tell of.
    """
    selected, remaining = _share(all_.items(), concerns)
    if not remaining:
        return all_
    new: Collection[SourcedRecord] = selected.values()
    while new:
        blocks = {block for sourced_record in new for block in sourced_record.blocks}
        found_ones, remaining = _share(remaining.items(), partial(_touches, blocks))
        selected |= found_ones
        new = found_ones.values()
    return selected


def _touches(blocks: Set[int], sourced_record: SourcedRecord) -> bool:
    return not blocks.isdisjoint(sourced_record.blocks)


def _share(
    candidate_pairs: Iterable[tuple[Key, SourcedRecord]], choose: Callable[[SourcedRecord], bool]
) -> tuple[dict[Key, SourcedRecord], dict[Key, SourcedRecord]]:
    chosen: dict[Key, SourcedRecord] = {}
    others: dict[Key, SourcedRecord] = {}
    for key, sourced_record in candidate_pairs:
        (chosen if choose(sourced_record) else others)[key] = sourced_record
    return chosen, others


def _group(person: Match, by_key: Mapping[Key, SourcedRecord], offered: Mapping[Key, Sequence[ScoredPair]]) -> Cluster:
    members = sorted((by_key[trait.rank] for trait in person.members), key=lambda member: member.rank)
    doubtful = {id(link): link for trait in person.members for link in offered.get(trait.rank, ())}
    return Cluster(members[0].identity, tuple(members), person.niveau, person.links, tuple(doubtful.values()))


def _by_registration(links: Iterable[ScoredPair]) -> Mapping[Key, Sequence[ScoredPair]]:
    by_key: dict[Key, list[ScoredPair]] = defaultdict(list)
    for link in links:
        for trait in (link.left, link.right):
            by_key[trait.rank].append(link)
    return by_key


def _name(clusters: Sequence[Cluster]) -> list[Cluster]:
    """Two persons of one exact identity are told apart by the key of their best record."""
    holders = Counter(cluster.key for cluster in clusters)
    return [g if holders[g.key] == 1 else replace(g, key=g.sourced_records[0].own_key) for g in clusters]
