"""An id stays: every case of a life among sources, through the real ledger, with exact expectations."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.links import KnownLinks, LinkWrites
from gateway.errors import LinksUnavailable
from gateway.federation.ids.id_assigner import person_keys
from gateway.federation.ids.keep_or_create import keep_or_create
from gateway.schema.nouns import Contrat, Sexe
from gateway.stores.links import LinkStore
from tests.support.databases import at_rest
from tests.support.unit.links import IDS, T0, UnitReader, cluster_of, derive, ledger_of, reader, told

pytestmark = pytest.mark.anyio

ERP = told("ypareo", "1", "A")
REGISTRY = told("registre", "N1")
TOMORROW = T0 + timedelta(days=1)


async def test_a_corrected_name_keeps_the_id(here: UnitReader) -> None:
    before = await here.one(told("ypareo", "1", "A", nom="Le Gof"))
    assert await here.one(told("ypareo", "1", "A", nom="Le Goff")) == before


async def test_a_name_corrected_by_the_registry_keeps_the_id_though_its_records_are_grouped_by_name(
    here: UnitReader,
) -> None:
    contrats = [Contrat(numero="N1")]
    before = await here.one(told("registre", "p1", nom="Le Gof", contrats=contrats))
    assert await here.one(told("registre", "p2", nom="Le Goff", contrats=contrats)) == before


async def test_an_erp_that_replaces_the_registry_as_main_source_keeps_the_id(here: UnitReader) -> None:
    before = await here.one(REGISTRY)
    assert await here.one(ERP, REGISTRY) == before
    assert await here.one(ERP) == before


async def test_a_second_contract_at_the_registry_keeps_the_id(here: UnitReader) -> None:
    before = await here.one(REGISTRY)
    two = [Contrat(numero="N2"), Contrat(numero="n1")]
    assert await here.one(told("registre", "p", contrats=two)) == before


async def test_a_change_of_cfa_that_overlaps_keeps_the_id(here: UnitReader) -> None:
    following = told("gestibase", "E9", "B", nom="Legoff-Martin")
    before = await here.one(ERP)
    assert await here.one(ERP, following) == before
    assert await here.one(following) == before


async def test_a_change_of_cfa_without_overlap_keeps_the_id_by_the_exact_identity(here: UnitReader) -> None:
    before = await here.one(ERP)
    assert await here.one(told("gestibase", "E9", "B")) == before


async def test_a_change_of_commune_and_of_mission_locale_keeps_the_id(here: UnitReader) -> None:
    before = await here.one(ERP, told("imilo", "5", "60001"))
    assert await here.one(ERP, told("imilo", "8", "60002")) == before
    assert await here.one(told("imilo", "8", "60002")) == before


async def test_two_viewers_that_see_different_records_of_one_person_see_one_id(here: UnitReader) -> None:
    cfa_a = await here.one(ERP, REGISTRY)
    cfa_b = await here.one(told("gestibase", "E9", "B"))
    mission = await here.one(REGISTRY)
    assert cfa_a == cfa_b == mission


async def test_another_record_of_the_same_installation_is_another_person(here: UnitReader) -> None:
    assert await here.one(ERP) != await here.one(told("ypareo", "2", "A"))


async def test_homonyms_kept_apart_have_their_ids_and_a_third_record_is_neither(here: UnitReader) -> None:
    homonyms = await here.join_all(ERP, told("ypareo", "2", "A"), REGISTRY)
    assert len(set(homonyms)) == 3
    assert await here.join_all(ERP, told("ypareo", "2", "A"), REGISTRY) == homonyms
    assert await here.one(told("gestibase", "E9", "B")) not in homonyms


async def test_an_identity_that_another_group_bears_designates_nobody(here: UnitReader) -> None:
    """The other may be out of the view: it was heard."""
    former = await here.one(told("aimaira", "7", "C"))
    (new,) = await here.read(cluster_of(ERP), after=[cluster_of(told("gestibase", "E9", "B"))])
    assert new != former


async def test_an_identity_designates_nobody_while_a_source_is_not_heard(here: UnitReader) -> None:
    former = await here.one(ERP)
    (new,) = await here.read(cluster_of(told("gestibase", "E9", "B")), complete=False)
    assert new != former
    assert await here.one(ERP, told("gestibase", "E9", "B")) in (former, new)


async def test_two_sexes_are_not_one_person_even_read_apart(here: UnitReader) -> None:
    one = await here.one(told("ypareo", "1", "A", sexe=Sexe.F))
    assert await here.one(told("gestibase", "E9", "B", sexe=Sexe.M)) != one
    assert await here.one(told("aimaira", "7", "C", sexe=Sexe.F)) == one


async def test_a_name_that_was_corrected_designates_its_bearer_no_more(here: UnitReader) -> None:
    corrected = await here.one(told("ypareo", "1", "A", nom="Martin"))
    assert await here.one(told("ypareo", "1", "A", nom="Le Goff")) == corrected
    assert await here.one(told("gestibase", "E9", "B", nom="Martin")) != corrected


async def test_a_name_without_letters_designates_nobody(here: UnitReader) -> None:
    assert await here.one(told("ypareo", "1", "A", nom="?")) != await here.one(told("gestibase", "1", "B", nom="?"))


async def test_two_persons_found_to_be_one_are_the_oldest_and_the_other_id_leads_to_it(here: UnitReader) -> None:
    younger = told("gestibase", "E9", "B", nom="Legoff")
    later = here.a(TOMORROW)
    survivor = await here.one(told("ypareo", "1", "A", nom="Martin"))
    absorbed = await later.one(younger)
    assert absorbed != survivor
    assert await later.one(ERP, younger) == survivor
    assert later.former_ids() == {absorbed: survivor}
    assert await later.one(younger) == survivor
    assert await later.one(ERP) == survivor
    assert later.former_ids() == {absorbed: survivor}


async def test_of_two_seen_the_same_day_the_order_of_ids_decides(here: UnitReader) -> None:
    younger = told("gestibase", "E9", "B", nom="Martin")
    two = await here.read(cluster_of(ERP), cluster_of(younger))
    assert await here.one(younger, ERP) == min(two)


async def test_ids_absorbed_one_after_the_other_lead_to_the_last_survivor(here: UnitReader) -> None:
    three = [
        told("ypareo", "1", "A"),
        told("gestibase", "2", "B", nom="Martin"),
        told("aimaira", "3", "C", nom="Durand"),
    ]
    ids = [await here.a(T0 - timedelta(days=rank)).one(sourced_record) for rank, sourced_record in enumerate(three)]
    assert await here.one(three[0], three[1]) == ids[1]
    assert await here.one(three[1], three[2]) == ids[2]
    assert await here.one(three[0]) == ids[2]
    assert here.former_ids() == {ids[0]: ids[2], ids[1]: ids[2]}


async def test_records_that_part_leave_the_id_to_the_record_it_was_made_from(here: UnitReader) -> None:
    cluster, other = await here.one(ERP, REGISTRY), told("registre", "N1", nom="Martin")
    separated = await here.read(cluster_of(ERP), cluster_of(other))
    assert separated[0] == cluster
    assert separated[1] != cluster
    assert here.former_ids() == {}
    assert await here.read(cluster_of(other), cluster_of(ERP)) == separated[::-1]
    assert [await here.one(ERP), await here.one(other)] == separated


async def test_parts_without_the_first_record_are_told_apart_the_same_way_whatever_their_order(tmp_path: Path) -> None:
    a, b = told("registre", "N1"), told("imilo", "5", "60001", nom="Martin")
    results = []
    for rank, order in enumerate(((a, b), (b, a))):
        (tmp_path / str(rank)).mkdir()
        ledger = ledger_of(tmp_path / str(rank))
        here = reader(ledger)
        shared = await here.one(ERP, a, b)
        result = await here.read(*(cluster_of(sourced_record) for sourced_record in order))
        assert shared in result
        assert len(set(result)) == 2
        results.append(result[:: 1 if rank == 0 else -1])
        await ledger.close()
    assert results[0] == results[1]


async def test_an_id_absorbed_then_seen_apart_is_itself_again_and_is_never_absorbed_anew(here: UnitReader) -> None:
    other = told("gestibase", "E9", "B", nom="Martin")
    one, two = await here.one(ERP), await here.a(TOMORROW).one(other)
    assert await here.one(ERP, other) == one
    assert await here.read(cluster_of(ERP), cluster_of(other)) == [one, two]
    assert await here.one(other) == two
    assert await here.one(ERP, other) == one
    assert here.former_ids() == {two: one}
    assert await here.one(other) == two


async def test_an_absorbed_id_is_not_left_to_those_who_had_joined_it(here: UnitReader) -> None:
    """Its first record lives on under another id: nobody else's file is shown under the old one."""
    first, joint = told("gestibase", "E9", "B", nom="Martin"), told("imilo", "5", "60001", nom="Martin")
    one, two = await here.one(ERP), await here.a(TOMORROW).one(first, joint)
    results = await here.read(cluster_of(ERP, first), cluster_of(joint))
    assert results[0] == one
    assert results[1] not in (one, two)
    assert here.former_ids() == {two: one}
    assert await here.one(joint) == results[1]
    assert await here.one(first) == one


async def test_two_viewers_that_join_and_part_the_same_records_write_once(here: UnitReader, ledger: LinkStore) -> None:
    other = told("gestibase", "E9", "B")
    await here.one(ERP, other)
    writes = []
    for _ in range(3):
        await here.one(ERP, other)
        await here.read(cluster_of(ERP), cluster_of(other))
        async with ledger._engine.connect() as connection:
            rows = (await connection.exec_driver_sql("SELECT * FROM liens ORDER BY cle")).all()
            alias = (await connection.exec_driver_sql("SELECT * FROM liens_alias ORDER BY ancien")).all()
        writes.append((rows, [line for line in alias if not line.rompu]))
    assert writes[0] == writes[1] == writes[2]


async def test_two_processes_that_read_the_same_at_once_agree(url: str) -> None:
    ledgers = [LinkStore(url) for _ in range(2)]
    await ledgers[0].read([])
    one, other = (reader(ledger) for ledger in ledgers)
    sourced_records = [told("ypareo", str(rank), "A", nom="Le " + "G" * rank) for rank in range(50)]
    groups = [cluster_of(sourced_record) for sourced_record in sourced_records]
    results = await asyncio.gather(one.read(*groups), other.read(*groups))
    assert results[0] == results[1]
    assert len(set(results[0])) == 50
    for ledger in ledgers:
        await ledger.close()


async def test_two_processes_that_know_different_records_first_agree_in_the_end(url: str) -> None:
    ledgers = [LinkStore(url) for _ in range(2)]
    await ledgers[0].read([])
    one, other = (reader(ledger) for ledger in ledgers)
    await asyncio.gather(one.one(ERP, REGISTRY), other.one(REGISTRY, told("imilo", "5", "60001")))
    everything = (ERP, REGISTRY, told("imilo", "5", "60001"))
    assert await one.one(*everything) == await other.one(*everything) == await other.one(ERP) == await one.one(REGISTRY)
    for ledger in ledgers:
        await ledger.close()


class Absent:
    """A store that does not answer, or not in time."""

    def __init__(self, waiting: float = 0.0) -> None:
        self.waiting = waiting

    async def read(self, _: object) -> KnownLinks:
        await asyncio.sleep(self.waiting)
        raise LinksUnavailable

    read_cousins = read

    async def write(self, _: LinkWrites) -> None:
        raise LinksUnavailable

    async def first_seen(self, *_: object) -> dict[tuple[str, str], object]:
        raise LinksUnavailable


@pytest.mark.parametrize("waiting", [0.0, 60.0], ids=["refuses", "hangs"])
async def test_without_the_ledger_ids_are_those_of_the_first_time_and_it_is_counted(
    here: UnitReader, waiting: float
) -> None:
    failures: list[int] = []
    without = reader(Absent(waiting), failures, timeout=0.05)
    assert await without.one(ERP, REGISTRY) == await here.one(ERP, REGISTRY)
    assert without.last is not None
    assert here.last is not None
    assert (without.last.provisional, here.last.provisional) == (True, False)
    assert len(failures) == 1


async def test_a_ledger_that_can_be_read_only_still_gives_the_known_ids(here: UnitReader, ledger: LinkStore) -> None:
    class ReadingOnly(Absent):
        async def read(self, keys: object) -> KnownLinks:
            return await ledger.read(keys)  # type: ignore[arg-type]

    before = await here.one(REGISTRY)
    alone = reader(ReadingOnly())
    assert await alone.one(ERP, REGISTRY) == before
    assert alone.last is not None
    assert alone.last.provisional


async def test_a_ledger_that_comes_back_is_used_again(tmp_path: Path) -> None:
    ledger = LinkStore(f"sqlite+aiosqlite:///{tmp_path / 'absent' / 'liens.sqlite'}")
    with pytest.raises(LinksUnavailable):
        await ledger.read(["0" * 32])
    (tmp_path / "absent").mkdir()
    here = reader(ledger)
    assert await here.one(ERP) == await here.one(ERP)
    assert here.last is not None
    assert not here.last.provisional
    await ledger.close()


async def test_what_is_known_is_not_written_again_but_for_a_date_once_a_month(
    here: UnitReader, ledger: LinkStore
) -> None:
    await here.one(ERP)
    record_keys = person_keys(cluster_of(ERP), frozenset(), IDS.pseudonym)
    known = await ledger.read([record_keys.first])
    for days, changes in ((0, 0), (30, 0), (31, 1)):
        decision = keep_or_create([record_keys], known, derive, T0 + timedelta(days=days))
        assert (len(decision.writes.new), len(decision.writes.changes)) == (0, changes)


async def test_what_no_source_tells_any_more_is_forgotten(here: UnitReader, ledger: LinkStore) -> None:
    gone, rest = await here.read(cluster_of(told("ypareo", "2", "A", nom="Martin")), cluster_of(ERP))
    await here.a(T0 + timedelta(days=700)).one(ERP)
    await ledger.purge(T0 + timedelta(days=30))
    async with ledger._engine.connect() as connection:
        objects = (await connection.exec_driver_sql("SELECT objet FROM liens")).scalars().all()
    assert objects == [rest]
    assert gone != rest


async def test_nothing_of_a_person_can_be_read_in_the_ledger(here: UnitReader, ledger: LinkStore, url: str) -> None:
    await here.one(
        told("ypareo", "CANARI-77", "0590001F", nom="Canari", telephone="0639980001"), told("registre", "N98765")
    )
    await ledger.close()
    content = (await at_rest(url)).lower()
    assert [
        c for c in ("canari", "anaïs", "2006-03-07", "0639980001", "n98765", "ypareo") if c.encode() in content
    ] == []
    assert b"liens_alias" in content


class Counting:
    """A ledger that answers so many calls, and no call of that name; it counts all."""

    def __init__(self, ledger: LinkStore, answers: int = 99, fails: str = "") -> None:
        self._ledger, self._answers, self._fails, self.calls = ledger, answers, fails, list[str]()

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        if len(self.calls) > self._answers or name == self._fails:
            raise LinksUnavailable
        return getattr(self._ledger, name)


ONE_FACT = [("record", "fact", "ypareo")]


@pytest.mark.parametrize("answers", range(6))
async def test_a_ledger_that_failed_once_is_asked_nothing_more_and_is_counted_once(
    ledger: LinkStore, answers: int
) -> None:
    """For a Mission locale it is asked of the groups of others, of its own, then of facts."""
    failures: list[int] = []
    counting = Counting(ledger, answers)
    assigner = reader(counting, failures).id_assigner
    base = [person_keys(cluster_of(ERP), frozenset(), IDS.pseudonym)]
    own = [person_keys(cluster_of(ERP, told("imilo", "5", "60001")), frozenset(), IDS.pseudonym)]
    assigned = await assigner.assign(own, ONE_FACT, base)
    assert (counting.calls[-1:], len(counting.calls)) == (counting.calls[answers : answers + 1], answers + 1)
    assert assigned.provisional
    assert len(failures) == 1
    assert assigned.objects[own[0].first] == derive(base[0].first)


async def test_without_a_fact_to_date_the_ledger_is_asked_of_none(ledger: LinkStore) -> None:
    counting = Counting(ledger)
    key_sets = [person_keys(cluster_of(ERP), frozenset(), IDS.pseudonym)]
    assigned = await reader(counting).id_assigner.assign(key_sets, ())
    assert "first_seen" not in counting.calls
    assert not assigned.provisional
    assigned = await reader(counting).id_assigner.assign(key_sets, ONE_FACT)
    assert counting.calls[-1] == "first_seen"
    assert dict(assigned.first_seen) == {("record", "fact"): T0}


async def test_a_ledger_that_cannot_date_what_it_sees_is_counted_too(ledger: LinkStore) -> None:
    failures: list[int] = []
    key_sets = [person_keys(cluster_of(ERP), frozenset(), IDS.pseudonym)]
    assigned = await reader(Counting(ledger, fails="first_seen"), failures).id_assigner.assign(key_sets, ONE_FACT)
    assert (assigned.provisional, dict(assigned.first_seen), len(failures)) == (True, {}, 1)
