"""Grouping by change gives what grouping all at once gives: persons, links, scores, doubtful links, names, whatever changed;
and only what a change touches is compared and decided again. `link` is the oracle."""

import gc
from collections.abc import Iterable
from random import SystemRandom
from typing import Any

import pytest

from gateway.federation.join.components import NOTHING, Components, regroup
from gateway.federation.join.join_records import Cluster, SourcedRecord, link
from gateway.federation.join.record_pool import RecordPool
from gateway.schema.organisations import TypeSource
from tests.support.changed_world import ChangedWorld
from tests.support.figures import note
from tests.support.unit.links import shared_identities

EDITS, JEUNES = 500, 200
SUBSET_EVERY = 25


def described(clusters: Iterable[Cluster]) -> dict[str, Any]:
    """All of a group, by its name."""
    return {
        cluster.key: (
            [record.key for record in cluster.sourced_records],
            cluster.niveau,
            [(pair.left.rank, pair.right.rank, pair.similarity) for pair in cluster.links],
            [(pair.left.rank, pair.right.rank, pair.similarity) for pair in cluster.doubtful],
        )
        for cluster in clusters
    }


def shared(clusters: list[Cluster]) -> dict[str, frozenset[str]]:
    """By group: the identities of its own that several groups bear."""
    borne = shared_identities(clusters, complete=True)
    return {one.key: borne & {record.identity for record in one.sourced_records} for one in clusters}


def compare(found: Components, expected: list[Cluster]) -> None:
    assert described(found.clusters.values()) == described(expected)
    assert {one.key: one.shared for one in found.clusters.values()} == shared(expected)
    assert found.owner.keys() == {record.key for one in expected for record in one.sourced_records}
    assert all(found.clusters[one.sourced_records[0].key] is one for one in found.owner.values())


def lives_in(code: str) -> Any:
    """Whether a record's postal code is of a département: a viewer whom some of the people concern."""

    def concerns(record: SourcedRecord) -> bool:
        adresse = record.jeune.adresse
        return adresse is not None and (adresse.code_postal or "").startswith(code)

    return concerns


def edit(seed: int, edits: int, shared_telephones: int) -> None:
    world, pool, concerns = ChangedWorld.drawn(seed, JEUNES, shared_telephones), RecordPool(), lives_in("60")
    everybody, without_missions, some = NOTHING, NOTHING, NOTHING
    for rank in range(edits + 1):
        told = world.by_installation()
        everybody = regroup(pool, told, before=everybody)
        records = world.anew()
        compare(everybody, expected := link(records))
        # Other subjects over the same pool, each looking at its own moments.
        if rank % SUBSET_EVERY == 0:
            others = {origin: said for origin, said in told.items() if origin[0] != "imilo"}
            without_missions = regroup(pool, others, before=without_missions)
            compare(without_missions, link(one for one in records if one.type is not TypeSource.MISSION_LOCALE))
            some = regroup(pool, told, concerns, some)
            own = [one for one in expected if any(map(concerns, one.sourced_records))]
            near = [one for one in some.clusters.values() if any(map(concerns, one.sourced_records))]
            assert described(near) == described(own)
            named = {one.key: one.shared for one in near}
            assert named == {key: borne for key, borne in shared(expected).items() if key in named}
            assert described(regroup(RecordPool(), told).in_order) == described(everybody.in_order)
        world.change()


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_five_hundred_changes_give_what_joining_all_gives(seed: int) -> None:
    edit(seed, EDITS, shared_telephones=60 * (seed % 2))
    note(f"composantes : {EDITS} changements de la graine {seed}, 0 écart avec le rapprochement de tous")


@pytest.mark.chaos
def test_a_hundred_thousand_changes_give_what_joining_all_gives() -> None:
    """Some 40 minutes: fifty populations, whose seeds are printed."""
    first = SystemRandom().randrange(10**6)
    note(f"composantes : graines {first} à {first + 49}")
    for seed in range(first, first + 50):
        edit(seed, 2_000, shared_telephones=60 * (seed % 2))


def test_one_record_changed_compares_and_decides_its_own_component_only() -> None:
    """Counted, not timed: what a change costs does not grow with the people around."""
    for jeunes in (100, 400):
        world, pool = ChangedWorld.drawn(5, jeunes, 0), RecordPool()
        before = regroup(pool, world.by_installation())
        scored, made, changes = pool.pairs_scored, 0, 100
        for _ in range(changes):
            world.change()
            after = regroup(pool, world.by_installation(), before=before)
            made += sum(before.clusters.get(key) is not one for key, one in after.clusters.items())
            before = after
        assert (pool.pairs_scored - scored) / changes < 5
        assert made / changes < 5
    assert len(before.clusters) > 400


def test_a_second_subject_over_the_same_records_compares_nothing() -> None:
    world, pool = ChangedWorld.drawn(6, 100, 0), RecordPool()
    told = world.by_installation()
    first = regroup(pool, told)
    scored = pool.pairs_scored
    assert described(regroup(pool, told).clusters.values()) == described(first.clusters.values())
    assert (pool.pairs_scored, scored > 100) == (scored, True)


def test_what_nobody_holds_leaves_the_pool_with_its_links() -> None:
    world, pool = ChangedWorld.drawn(7, 60, 0), RecordPool()
    first, other = regroup(pool, world.by_installation()), regroup(pool, world.by_installation())
    held = len(pool)
    del first
    gc.collect()
    assert (len(pool), held > 100) == (held, True)
    alone = next(iter(other.held.values())).pooled
    del other
    gc.collect()
    assert alone is not None
    assert (len(pool), pool.links(alone)) == (1, ())
    assert pool.near(alone.traits) == [(alone.number, alone.traits.rank)]


def test_a_moment_that_is_over_is_not_written_to() -> None:
    world, pool = ChangedWorld.drawn(8, 60, 0), RecordPool()
    first = regroup(pool, world.by_installation())
    was = described(first.clusters.values()), dict(first.owner), dict(first.component), dict(first.bearers)
    then = first
    for _ in range(30):
        world.change()
        then = regroup(pool, world.by_installation(), before=then)
    assert (described(first.clusters.values()), dict(first.owner), dict(first.component), dict(first.bearers)) == was
    assert then.clusters.keys() != first.clusters.keys()
