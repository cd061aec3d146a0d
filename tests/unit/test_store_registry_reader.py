"""From the rows of the store to persons: who is one person, what their latest contract tells, and what is kept in memory."""

from collections.abc import AsyncIterator, Collection
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connectors.base import Record
from gateway.connectors.deca import contrat as fold
from gateway.errors import RegistryUnavailable, SourceUnavailable
from gateway.federation.collect.kept_readings import read_registry
from gateway.schema.nouns import Jeune, Sexe
from gateway.sources.harvest.harvester import harvest
from gateway.sources.harvest.registry_reader import READINGS_MAX, RegistryReader
from gateway.stores.registry import HarvestState, RegistryStore, StoredContrat
from gateway.stores.registry_writer import RegistryWriter
from tests.support.unit.registry import SEALER, Partner, champ, charge, charge_lba

EVENING = datetime(2026, 7, 1, 20, 30, tzinfo=UTC)
DAY = date(2026, 6, 30)
FIRST = {"debut": "2025-09-01", "fin": "2027-08-31"}
NEXT = {"debut": "2026-01-05", "fin": "2027-07-31"}

Charges = tuple[dict[str, Any], ...]


class Memory:
    """A store in memory, that counts its reads."""

    def __init__(self, *contrats: tuple[str, Charges]) -> None:
        self.stored_rows = [
            StoredContrat(f"c{rank}", who, bytes([rank]), told) for rank, (who, told) in enumerate(contrats)
        ]
        self.version, self.readings_journal, self.openings = "1", 0, 0

    async def harvest_state(self) -> HarvestState:
        return HarvestState(DAY, EVENING, len(self.stored_rows), self.version)

    async def contrats(self, *_: object) -> list[StoredContrat]:
        self.readings_journal += 1
        return self.stored_rows

    def payloads(self, stored: StoredContrat) -> Charges:
        self.openings += 1
        return stored.rows

    def digest(self, *sets: Collection[str]) -> str:
        return repr([sorted(group) for group in sets])


async def records_of(*contrats: tuple[str, Charges]) -> list[Record]:
    return list((await RegistryReader(Memory(*contrats), fold).records(["59000"], [], [])).records)


def parts(records: list[Record]) -> dict[str, list[str | None]]:
    return {record.key: [contrat.numero for contrat in record.jeune.contrats or []] for record in records}


@pytest.mark.anyio
async def test_contracts_that_follow_each_other_are_one_person() -> None:
    broken = charge("A", **FIRST, rupture="2026-01-04")
    records = await records_of(("p", (charge("B", **NEXT),)), ("p", (broken,)), ("q", (charge("C"),)))
    assert parts(records) == {"p": ["A", "B"], "q": ["C"]}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("end_of_first", "expected"),
    [("2026-03-06", {"p": ["A", "B"]}), ("2026-03-07", {"c0": ["A"], "c1": ["B"]})],
    ids=["60 days together", "61 days together"],
)
async def test_contracts_that_run_together_too_long_are_homonyms(
    end_of_first: str, expected: dict[str, list[str]]
) -> None:
    first = charge("A", debut="2025-09-01", fin=end_of_first)
    assert parts(await records_of(("p", (first,)), ("p", (charge("B", **NEXT),)))) == expected


@pytest.mark.anyio
async def test_an_annulled_contract_contradicts_nothing() -> None:
    null = charge("A", **FIRST, statut="Annulé")
    assert parts(await records_of(("p", (null,)), ("p", (charge("B", **NEXT),)))) == {"p": ["A", "B"]}


@pytest.mark.anyio
async def test_homonyms_of_one_cfa_with_nothing_else_in_common_are_two_persons() -> None:
    """The same name, birth date and CFA, and another home: who tells a home in common is one person."""
    former: dict[str, Any] = {"debut": "2023-09-01", "fin": "2025-08-31"}
    elsewhere, at_home = charge("A", **former, code_postal="33000"), charge("A", **former)
    elsewhere["alternant"] |= {"telephone": "0639980002", "courriel": "autre@exemple.invalid"}
    following = charge("B", **NEXT)
    assert parts(await records_of(("p", (elsewhere,)), ("p", (following,)))) == {"c0": ["A"], "c1": ["B"]}
    assert parts(await records_of(("p", (at_home,)), ("p", (following,)))) == {"p": ["A", "B"]}


@pytest.mark.anyio
async def test_two_sexes_are_two_persons() -> None:
    boy = charge("A", debut="2023-09-01", fin="2025-08-31", sexe="1")
    assert parts(await records_of(("p", (boy,)), ("p", (charge("B", **NEXT),)))) == {"c0": ["A"], "c1": ["B"]}


@pytest.mark.anyio
async def test_each_thing_is_what_the_latest_contract_tells_of_it() -> None:
    former = charge("A", debut="2023-09-01", fin="2025-08-31", code_postal="33000")
    last = charge_lba("B", **NEXT)
    (record,) = await records_of(("p", (former,)), ("p", (last,)))
    jeune = record.jeune
    assert jeune.adresse is not None
    assert (jeune.adresse.code_postal, jeune.sexe, jeune.telephone) == ("33000", Sexe.F, "0639980017")
    assert [(f.date_debut, f.date_fin) for f in jeune.formations or []] == [
        (date(2023, 9, 1), date(2025, 8, 31)),
        (date(2026, 1, 5), date(2027, 7, 31)),
    ]


@pytest.mark.anyio
async def test_rows_that_cannot_be_read_cost_their_contract_only() -> None:
    assert parts(await records_of(("p", ({"alternant": None},)), ("p", ()), ("q", (charge("C"),)))) == {"q": ["C"]}


@pytest.mark.anyio
async def test_what_was_read_is_kept_until_the_next_harvest() -> None:
    memory = Memory(("p", (charge("A"),)))
    instants = iter((0.0, 0.5, 0.99, 1.0))  # of each call
    reader = RegistryReader(memory, fold, lambda: next(instants))
    first = await reader.records(["59000", "59800"], [], ["x"])
    assert await reader.records(["59800", "59000"], (), {"x"}) is first
    assert (first.as_of, first.version, memory.readings_journal) == (EVENING, "1", 1)
    memory.version = "2"
    assert await reader.records(["59000", "59800"], [], ["x"]) is first  # seen within a second
    assert (await reader.records(["59000", "59800"], [], ["x"])).version == "2"
    assert memory.readings_journal == 2


@pytest.mark.anyio
async def test_a_contract_is_unsealed_and_folded_again_only_when_its_rows_changed() -> None:
    memory = Memory(("p", (charge("A"),)), ("q", (charge("B"),)))
    instants = iter((0.0, 0.0, 1.0))
    reader = RegistryReader(memory, fold, lambda: next(instants))
    await reader.records(["59000"], [], [])
    await reader.records(["59000"], [], ["x"])
    assert (memory.readings_journal, memory.openings) == (2, 2)
    memory.version = "2"
    memory.stored_rows[0] = StoredContrat("c0", "p", b"autre", (charge("A", rupture="2026-03-01"),))
    (first, _) = (await reader.records(["59000"], [], [])).records
    assert memory.openings == 3
    assert [contrat.rupture is not None for contrat in first.jeune.contrats or []] == [True]


@pytest.mark.anyio
async def test_a_store_that_does_not_answer_is_a_source_that_is_missing() -> None:
    class Absent(Memory):
        async def harvest_state(self) -> HarvestState:
            raise RegistryUnavailable

    reader = RegistryReader(Absent(), fold)
    assert await reader.version() == ""
    result = await read_registry(reader, "registre", 3.0, (["59000"], [], []))
    assert isinstance(result, SourceUnavailable)
    assert (result.source, str(result)) == ("registre", "la copie du registre ne répond pas")


@pytest.mark.anyio
async def test_what_is_kept_is_bounded_and_the_least_used_goes_first() -> None:
    memory = Memory()
    reader = RegistryReader(memory, fold)
    for rank in range(READINGS_MAX):
        await reader.records([str(rank)], [], [])
    await reader.records(["0"], [], [])
    await reader.records(["de plus"], [], [])
    assert memory.readings_journal == READINGS_MAX + 1
    await reader.records(["0"], [], [])
    assert memory.readings_journal == READINGS_MAX + 1
    await reader.records(["1"], [], [])
    assert memory.readings_journal == READINGS_MAX + 2


@pytest.fixture
async def registry(url: str) -> AsyncIterator[RegistryStore]:
    opened = RegistryStore(url, SEALER)
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.anyio
async def test_both_views_of_a_contract_are_one_contract_and_one_view_is_enough(registry: RegistryStore) -> None:
    source = Partner()
    source.tell(DAY, charge("A"))
    source.tell(DAY, charge_lba("a"), "LBA")
    source.tell(DAY, charge("B", nom="TBA SEUL"))
    source.tell(DAY, charge_lba("C", nom="LBA SEUL"), "LBA")
    await harvest(champ(source, DAY), RegistryWriter(registry), lambda: EVENING, lambda _: None)
    reader = RegistryReader(registry, fold)
    records = (await reader.records([], ["0590001F"], [])).records
    assert sorted(_views(record.jeune) for record in records) == [
        ("CANARI", ["a"], True, True),
        ("LBA SEUL", ["C"], False, True),
        ("TBA SEUL", ["B"], True, False),
    ]
    assert (await reader.records([], ["0590001F"], [])).as_of == EVENING


def _views(jeune: Jeune) -> tuple[str | None, list[str | None], bool, bool]:
    contrats = jeune.contrats or []
    housed = jeune.adresse is not None and jeune.adresse.code_postal is not None
    employes = [contrat.employeur is not None and contrat.employeur.siret is not None for contrat in contrats]
    return jeune.nom, [contrat.numero for contrat in contrats], housed, all(employes)


def next_day(day: date) -> datetime:
    return datetime(day.year, day.month, day.day + 1, 20, 30, tzinfo=UTC)


STATES = [
    charge("A"),
    charge("A", avenant="1", fin="2027-12-31"),
    charge("A", avenant="1", fin="2027-12-31", rupture="2026-03-01", statut="Rompu"),
]


@pytest.mark.anyio
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
async def test_a_contract_is_the_same_whatever_the_order_of_import(
    registry: RegistryStore, order: tuple[int, ...]
) -> None:
    for month in order:
        day = date(2026, 1 + month, 1)
        source = Partner({day: [("TBA", STATES[month])]})
        await harvest(champ(source, day), RegistryWriter(registry), partial(next_day, day), lambda _: None)
    (record,) = (await RegistryReader(registry, fold).records(["59000"], [], [])).records
    (contrat,) = record.jeune.contrats or []
    assert contrat.date_fin == date(2027, 12, 31)
    assert contrat.rupture is not None
    assert contrat.rupture.date == date(2026, 3, 1)


@settings(deadline=None)
@given(views=st.sets(st.sampled_from(["TBA", "LBA"]), min_size=1), steps=st.integers(1, 3))
def test_a_view_more_or_less_changes_what_is_known_and_never_the_contract(views: set[str], steps: int) -> None:
    def objects(view: str) -> list[dict[str, Any]]:
        told_values = (
            {"avenant": "", "fin": "2027-08-31"},
            {"avenant": "1", "fin": "2027-12-31"},
            {"rupture": "2026-03-01"},
        )
        return [(charge if view == "TBA" else charge_lba)("A", **told) for told in told_values[:steps]]

    result = fold([item for view in sorted(views) for item in objects(view)])
    assert result is not None
    jeune, contrat = result
    assert (contrat.numero, contrat.date_debut) == ("A", date(2025, 9, 1))
    assert contrat.date_fin == (date(2027, 8, 31) if steps == 1 else date(2027, 12, 31))
    assert (contrat.rupture is not None) == (steps == 3)
    assert (jeune.adresse is not None) == ("TBA" in views)
    assert (contrat.employeur is not None) == ("LBA" in views)
