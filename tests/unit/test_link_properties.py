"""Whatever is joined and parted, in whatever order: what must hold of ids after each reading."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import combinations
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.links import Alias, KnownLinks, Link, LinkWrites, RecordKey
from gateway.federation.ids.keep_or_create import IdDecision, RecordKeys, keep_or_create, unknown
from tests.support.unit.links import T0, derive

RECORDS = [
    RecordKey(f"record {rank}", identity=f"identity {rank % 3}", origin=f"source {rank % 4}") for rank in range(7)
]


@dataclass
class Ledger:
    """The ledger, written apart: two dictionaries and a set."""

    links: dict[str, Link] = field(default_factory=dict)
    alias: dict[str, Alias] = field(default_factory=dict)
    ties: set[tuple[str, str]] = field(default_factory=set)

    def decide(self, key_sets: Sequence[RecordKeys], moment: int) -> IdDecision:
        cousins = list(self.links.values()) if unknown(key_sets, self.known(key_sets)) else []
        known = replace(self.known(key_sets), cousins=cousins)
        return keep_or_create(key_sets, known, derive, T0 + timedelta(hours=moment))

    def known(self, key_sets: Sequence[RecordKeys]) -> KnownLinks:
        keys = {key.key for record_keys in key_sets for key in record_keys.keys}
        return KnownLinks(
            {key: self.links[key] for key in keys & set(self.links)}, (), self.alias, frozenset(self.ties)
        )

    def write(self, writes: LinkWrites) -> None:
        for link in writes.new:
            self.links.setdefault(link.key.key, link)
        for former, link in writes.changes:
            assert self.links[link.key.key].object_ == former
            self.links[link.key.key] = link
        for alias in writes.alias:
            self.alias.setdefault(alias.former, alias)
        for former in writes.rompus:
            self.alias[former] = replace(self.alias[former], broken=True)
        self.ties = (self.ties | set(writes.ties)) - set(writes.untied)


@st.composite
def readings_journal(draw: st.DrawFn) -> list[list[RecordKeys]]:
    """Readings: each sees some of the records, grouped anyhow."""
    return [
        _key_sets(draw(st.lists(st.integers(0, 4), min_size=7, max_size=7))) for _ in range(draw(st.integers(1, 6)))
    ]


def _key_sets(places: Sequence[int]) -> list[RecordKeys]:
    """Group of each record; 0: not heard this time."""
    members = [
        tuple(record for record, place in zip(RECORDS, places, strict=True) if place == rank) for rank in range(1, 5)
    ]
    holders = Counter(identity for own in members for identity in {key.identity for key in own})
    return [RecordKeys(own, _similar_keys(own, holders)) for own in members if own]


def _similar_keys(own: Sequence[RecordKey], holders: Counter[str]) -> frozenset[str]:
    identities = frozenset(key.identity for key in own)
    return identities if all(holders[identity] == 1 for identity in identities) else frozenset()


def single(ledger: Ledger, key: RecordKey) -> str:
    """The id of a record read alone."""
    return ledger.decide([RecordKeys((key,))], 99).objects[key.key]


@settings(max_examples=60, deadline=None)
@given(readings_journal(), st.randoms(use_true_random=False))
def test_whatever_is_joined_and_parted(following: list[list[RecordKeys]], randomness: Random) -> None:
    ledger = Ledger()
    for moment, key_sets in enumerate(following):
        decision = ledger.decide(key_sets, moment)
        mixed = randomness.sample(key_sets, len(key_sets))
        assert ledger.decide(mixed, moment).objects == decision.objects
        ledger.write(decision.writes)
        reread = ledger.decide(key_sets, moment)
        assert not reread.writes
        assert reread.objects == decision.objects
        _still_holds(ledger, key_sets, reread)


def _still_holds(ledger: Ledger, key_sets: Sequence[RecordKeys], decision: IdDecision) -> None:
    shown_copies = set(decision.objects.values())
    assert len(shown_copies) == len(key_sets), "an id is one group's"
    assert set(decision.former_ids.values()) <= shown_copies
    assert not set(decision.former_ids) & shown_copies
    for record_keys in key_sets:
        for key in record_keys.keys:
            founded = derive(key.key)
            assert founded not in shown_copies or decision.objects[record_keys.first] == founded, (
                "an id goes with its first record"
            )
            assert (
                decision.former_ids.get(founded, decision.objects[record_keys.first])
                == decision.objects[record_keys.first]
            )
    for one, other in combinations(key_sets, 2):
        here, there = ({single(ledger, key) for key in record_keys.keys} for record_keys in (one, other))
        assert not here & there, "what was seen apart is never shown under one id"


def test_an_object_goes_on_under_another_until_an_alias_is_broken_and_a_ring_of_them_ends() -> None:
    def known(*aliases: tuple[str, str, bool], ties: tuple[tuple[str, str], ...] = ()) -> KnownLinks:
        told = {former: Alias(former, survivor, T0, broken) for former, survivor, broken in aliases}
        return KnownLinks(alias=told, ties=frozenset(ties))

    chain = known(("a", "b", False), ("b", "c", False), ("d", "b", False), ties=(("c", "e"),))
    assert [alias.survivor for alias in chain.following("a")] == ["b", "c"]
    assert [chain.survivor(name) for name in "abcd"] == ["c"] * 4
    assert chain.same("a") == {"a", "b", "c", "d", "e"}
    cut = known(("a", "b", False), ("b", "c", True))
    assert [cut.survivor(name) for name in "abc"] == ["b", "b", "c"]
    assert [sorted(cut.same(name)) for name in "ac"] == [["a", "b"], ["c"]]
    ring = known(("a", "b", False), ("b", "a", False))
    assert len(ring.following("a")) == 2
    assert ring.same("a") == {"a", "b"}


def test_two_objects_tied_before_are_untied_when_they_are_seen_as_two() -> None:
    """Who read a person is asked under both ids as long as they are one, and no longer."""
    links = {key.key: Link(key, object_, T0, T0) for key, object_ in zip(RECORDS[:2], "ab", strict=True)}
    known = KnownLinks(links, alias={"b": Alias("b", "a", T0, broken=True)}, ties=frozenset({("b", "a")}))
    apart = keep_or_create([RecordKeys((key,)) for key in RECORDS[:2]], known, derive, T0)
    assert (list(apart.writes.ties), list(apart.writes.untied)) == ([], [("b", "a")])
    one = keep_or_create([RecordKeys(tuple(RECORDS[:2]))], known, derive, T0)
    assert (list(one.writes.ties), list(one.writes.untied)) == ([], [])
    anew = keep_or_create([RecordKeys(tuple(RECORDS[:2]))], replace(known, ties=frozenset()), derive, T0)
    assert (list(anew.writes.ties), list(anew.writes.untied)) == ([("b", "a")], [])
    alone = keep_or_create(
        [RecordKeys(tuple(RECORDS[:1]))], replace(known, links={RECORDS[0].key: links[RECORDS[0].key]}), derive, T0
    )
    assert list(alone.writes.untied) == []
