"""Who harvests, and what is written: one process at a time, page by page, never read by halves, forgotten in its time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway.errors import SourceInvalid
from gateway.sources.harvest.harvester import Progress, harvest
from gateway.stores.registry import RegistryStore, Window
from gateway.stores.registry_writer import LEASE, HarvestUnderWay, RegistryWriter, WindowUnderWay
from tests.support.unit.registry import SEALER, Partner, champ, charge, charge_lba

pytestmark = pytest.mark.anyio

SINCE = date(2026, 1, 1)
EVENING = datetime(2026, 3, 11, 20, 30, tzinfo=UTC)  # two windows: 59 days, then ten
WINDOWS = [Window(SINCE, date(2026, 2, 28)), Window(date(2026, 3, 1), date(2026, 3, 10))]
PLACES: tuple[list[str], list[str], list[str]] = (["59000"], ["0590001F"], [])


class Interrupted(BaseException):
    """The process dies here."""


@pytest.fixture
async def registry(url: str) -> AsyncIterator[RegistryStore]:
    opened = RegistryStore(url, SEALER)
    await opened.open()
    yield opened
    await opened.close()


def partner() -> Partner:
    """Two windows of two views, a row a page: 3, 2, 1 and 2 pages."""
    source = Partner(per_page=1)
    for rank in range(3):
        source.tell(SINCE + timedelta(days=20 * rank), charge(f"A{rank}"))
    for rank in range(2):
        source.tell(SINCE + timedelta(days=20 * rank), charge_lba(f"A{rank}"), "LBA")
        source.tell(date(2026, 3, 3), charge_lba(f"A{rank}"), "LBA")
    source.tell(date(2026, 3, 2), charge("A0", rupture="2026-02-20"))
    return source


async def harvest_all(registry: RegistryStore, source: Partner, follow: Any = lambda _: None) -> int:
    return await harvest(champ(source, SINCE), RegistryWriter(registry), lambda: EVENING, follow)


async def rows(registry: RegistryStore) -> list[tuple[str, ...]]:
    """What is read of each contract: the views and ruptures of its rows, in order."""
    stored_rows = await registry.contrats(*PLACES)
    return sorted(
        tuple(
            f"{object_['detailsContrat']['noContrat']} {object_['rupture']['dateEffetRupture']}"
            for object_ in rows_read
        )
        for rows_read in map(registry.payloads, stored_rows)
    )


EXPECTED = [("A0 ", "A0 ", "A0 ", "A0 2026-02-20"), ("A1 ", "A1 ", "A1 "), ("A2 ",)]
PAGES = [
    ("tba", "2026-01-01", 1),
    ("tba", "2026-01-01", 2),
    ("tba", "2026-01-01", 3),
    ("lba", "2026-01-01", 1),
    ("lba", "2026-01-01", 2),
    ("tba", "2026-03-01", 1),
    ("lba", "2026-03-01", 1),
    ("lba", "2026-03-01", 2),
]


async def test_each_page_is_asked_once_and_told_to_who_watches(registry: RegistryStore) -> None:
    source, seen_ones = partner(), list[Progress]()
    assert await harvest_all(registry, source, seen_ones.append) == 2
    assert source.calls == PAGES
    steps = [
        (seen.rank, seen.total, seen.step.page, seen.step.pages, seen.step.completed, seen.step.rows)
        for seen in seen_ones
    ]
    assert steps == [
        (1, 2, 1, 3, False, 1),
        (1, 2, 2, 3, False, 2),
        (1, 2, 3, 3, False, 3),
        (1, 2, 1, 2, False, 4),
        (1, 2, 2, 2, True, 5),
        (2, 2, 1, 1, False, 1),
        (2, 2, 1, 2, False, 2),
        (2, 2, 2, 2, True, 3),
    ]
    assert await rows(registry) == EXPECTED
    assert (await registry.harvest_state()).rows == 8


async def test_stopped_at_any_page_goes_on_from_that_page(registry: RegistryStore) -> None:
    """The eighth stop is after the last page: each page is asked once, whatever stopped us before it."""
    source = partner()
    for shutdown in range(len(PAGES)):
        with pytest.raises(Interrupted):
            await harvest_all(registry, source, _die)
        assert source.calls == PAGES[: shutdown + 1]
    assert await harvest_all(registry, source) == 0
    assert await rows(registry) == EXPECTED


def _die(_: Progress) -> None:
    raise Interrupted


async def test_a_window_half_written_is_not_read_and_those_before_it_are(registry: RegistryStore) -> None:
    source, rows_read = partner(), []

    async def read() -> None:
        rows_read.append(
            (await rows(registry), (await registry.harvest_state()).rows, (await registry.harvest_state()).version)
        )

    for _ in PAGES:
        with pytest.raises(Interrupted):
            await harvest_all(registry, source, _die)
        await read()
    first = [("A0 ", "A0 "), ("A1 ", "A1 "), ("A2 ",)]
    assert rows_read == [([], 0, "0")] * 4 + [(first, 5, "1")] * 3 + [(EXPECTED, 8, "2")]


@pytest.mark.parametrize("change", ["more pages", "the same page"])
async def test_pages_that_move_under_our_feet_begin_the_window_again(registry: RegistryStore, change: str) -> None:
    source = partner()
    true_, expected = source.read, charge("A3")

    async def read(partner_request: Any, rank: int, reading: Any) -> Any:
        if rank == 2 and len(source.calls) == 1:
            if change == "the same page":
                return await true_(partner_request, 1, reading)
            source.tell(date(2026, 1, 2), expected)
        return await true_(partner_request, rank, reading)

    what = champ(source, SINCE)
    object.__setattr__(what, "read", read)
    with pytest.raises(SourceInvalid):
        await harvest(what, RegistryWriter(registry), lambda: EVENING, lambda _: None)
    assert await RegistryWriter(registry).under_way() is None
    await harvest(what, RegistryWriter(registry), lambda: EVENING, lambda _: None)
    new = [("A3 ",)] if change == "more pages" else []
    assert await rows(registry) == EXPECTED + new


class WallClock:
    def __init__(self) -> None:
        self.instant = 1000.0

    def __call__(self) -> float:
        return self.instant


@pytest.fixture
def two(registry: RegistryStore) -> tuple[RegistryWriter, RegistryWriter, WallClock]:
    """Two processes over one database, and the clock they share."""
    wall_clock = WallClock()
    return RegistryWriter(registry, wall_clock), RegistryWriter(registry, wall_clock), wall_clock


Two = tuple[RegistryWriter, RegistryWriter, WallClock]


async def test_one_harvests_at_a_time_and_leaves_its_place(two: Two) -> None:
    un, other, _ = two
    assert [await un.elect(), await other.elect(), await un.elect()] == [True, False, True]
    await other.release()
    assert await other.elect() is False
    await un.release()
    assert await other.elect() is True


async def test_the_place_of_the_dead_is_taken_after_its_lease_and_not_before(two: Two) -> None:
    un, other, wall_clock = two
    assert await un.elect()
    wall_clock.instant += LEASE - 1
    await un.extend_lease()
    wall_clock.instant += LEASE
    assert await other.elect() is False
    wall_clock.instant += 1
    assert await other.elect() is True


async def test_who_was_taken_for_dead_writes_nothing_more(registry: RegistryStore, two: Two) -> None:
    un, other, wall_clock = two
    under_way = WindowUnderWay(WINDOWS[0])
    assert await un.elect()
    wall_clock.instant += LEASE + 1
    assert await other.elect()
    await un.extend_lease()
    for write in (
        lambda: un.write_page(under_way, [], under_way.after(1, 0), EVENING),
        lambda: un.abandon(under_way),
        lambda: un.forget(SINCE),
    ):
        with pytest.raises(HarvestUnderWay):
            await write()
    assert (await other.windows(), await other.under_way()) == ([], None)


async def test_a_page_out_of_turn_is_refused(registry: RegistryStore, two: Two) -> None:
    un, _, _ = two
    under_way = WindowUnderWay(WINDOWS[0])
    following = under_way.after(3, 0)
    assert await un.elect()
    await un.write_page(under_way, [], following, None)
    await un.write_page(following, [], following.after(3, 0), None)
    with pytest.raises(HarvestUnderWay):
        await un.write_page(following, [], following.after(3, 0), None)


async def test_two_processes_ask_each_page_once(registry: RegistryStore, url: str) -> None:
    source, neighbour = partner(), RegistryStore(url, SEALER)
    issues = await asyncio.gather(harvest_all(registry, source), harvest_all(neighbour, source), return_exceptions=True)
    assert sorted(str(issue) for issue in issues) in (["", "2"], ["0", "2"])
    assert source.calls == PAGES
    assert await rows(neighbour) == EXPECTED
    await neighbour.close()


async def test_readers_go_on_while_a_page_is_written(registry: RegistryStore, url: str) -> None:
    """The writing stops in the middle of its transaction: a reader of another process does not wait for it."""
    await harvest_all(registry, partner())
    neighbour = RegistryStore(url, SEALER)
    async with registry.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE registre_etat SET imports = imports + 1")
        async with asyncio.timeout(10):
            assert await rows(neighbour) == EXPECTED
    await neighbour.close()


def _contrat(numero: str, fin: str, **told_values: Any) -> dict[str, Any]:
    return charge(numero, nom=f"CANARI {numero}", debut="2020-09-01", fin=fin, **told_values)


async def test_a_contract_is_forgotten_two_years_after_the_month_of_its_end(registry: RegistryStore) -> None:
    source = Partner()
    for numero, fin in (("A", "2024-02-29"), ("B", "2024-03-01"), ("C", ""), ("D", "2022-08-31"), ("E", "2022-08-31")):
        source.tell(SINCE, _contrat(numero, fin))
    source.tell(SINCE + timedelta(days=1), _contrat("D", "2024-03-31", avenant="1"))
    source.tell(SINCE + timedelta(days=1), _contrat("E", "2022-09-30", avenant="1", rupture="2022-01-01"))
    await harvest_all(registry, source)
    before = await registry.harvest_state()
    assert await _numeros(registry) == ["A", "B", "C", "D", "E"]
    next_day: Callable[[], datetime] = lambda: EVENING + timedelta(days=1)  # noqa: E731
    await harvest(champ(source, SINCE), RegistryWriter(registry), next_day, lambda _: None)
    assert await _numeros(registry) == ["B", "C", "D"]
    assert [len(stored.rows) for stored in await registry.contrats(*PLACES)].count(2) == 1
    assert (await registry.harvest_state()).version != before.version


async def _numeros(registry: RegistryStore) -> list[str]:
    rows_read = [registry.payloads(stored) for stored in await registry.contrats(*PLACES)]
    return sorted({object_["detailsContrat"]["noContrat"] for objects in rows_read for object_ in objects})


async def test_more_is_forgotten_than_a_transaction_takes(registry: RegistryStore) -> None:
    source = Partner()
    for rank in range(1100):
        source.tell(SINCE, _contrat(f"N{rank}", "2022-08-31" if rank else "2026-08-31"))
    await harvest_all(registry, source)
    registry_writer = RegistryWriter(registry)
    assert await registry_writer.elect()
    assert await registry_writer.forget(date(2024, 3, 1)) == 1099
    assert await _numeros(registry) == ["N0"]
    assert await registry_writer.forget(date(2024, 3, 1)) == 0


async def test_a_contract_whose_rows_tell_no_end_is_kept_for_the_longest_one(registry: RegistryStore) -> None:
    source = Partner()
    source.tell(SINCE, _contrat("A", ""))
    await harvest_all(registry, source)
    registry_writer = RegistryWriter(registry)
    assert await registry_writer.elect()
    assert [await registry_writer.forget(day) for day in (date(2030, 2, 1), date(2030, 2, 2))] == [0, 1]
