"""The harvest: every day once, in order, whatever stops it and wherever."""

import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gateway.errors import SourceClosed, SourceInvalid, SourceUnavailable
from gateway.server.composition import _registry_is_whole
from gateway.sources.harvest.harvester import UNREADABLE, HarvestTarget, Progress, due_windows, harvest, watch
from gateway.sources.harvest.progress import HarvestMetrics
from gateway.stores.registry import RegistryStore, StoredContrat, Window
from gateway.stores.registry_writer import RegistryWriter
from tests.support.unit import registry as tools
from tests.support.unit.registry import SEALER, Partner, charge, charge_lba, importer

SINCE, YESTERDAY = date(2026, 1, 1), date(2026, 6, 30)
EVENING = datetime(2026, 7, 1, 20, 30, tzinfo=UTC)
WINDOWS = [
    ("2026-01-01", "2026-02-28"),
    ("2026-03-01", "2026-04-28"),
    ("2026-04-29", "2026-06-26"),
    ("2026-06-27", "2026-06-30"),
]


class Interrupted(BaseException):
    """The process dies here."""


def partner() -> Partner:
    """Three contracts: one broken later, one with an amendment, one that is in one view only."""
    filled = Partner()
    for day in (date(2026, 1, 3), date(2026, 2, 28), date(2026, 6, 30)):
        filled.tell(day, charge("A", rupture="2026-06-20" if day.month == 6 else ""))
        filled.tell(day, charge_lba("A"), "LBA")
    filled.tell(date(2026, 3, 1), charge("B", uai="0330002Y"))
    filled.tell(date(2026, 6, 27), charge("B", uai="0330002Y", avenant="1"))
    filled.tell(date(2026, 6, 28), charge_lba("C", nom="AUTRE", code_postal="", uai="0330002Y"), "LBA")
    return filled


def champ(source: Partner, **told_values: Any) -> HarvestTarget:
    return tools.champ(source, SINCE, **told_values)


@pytest.fixture
async def open_store(tmp_path: Path) -> AsyncIterator[Callable[[str], Any]]:
    open_rows: list[RegistryStore] = []

    async def open_store(nom: str) -> RegistryWriter:
        open_rows.append(RegistryStore(f"sqlite+aiosqlite:///{tmp_path / nom}", SEALER))
        await open_rows[-1].open()
        return RegistryWriter(open_rows[-1])

    yield open_store
    for opened in open_rows:
        await opened.close()


async def content(registry_writer: RegistryWriter) -> tuple[list[StoredContrat], list[Window], int]:
    """All that a store holds: a contract equals another when its rows do (`digest`)."""
    stored_rows = await registry_writer.registry.contrats(["59000"], ["0590001F", "0330002Y"], [])
    return stored_rows, await registry_writer.windows(), (await registry_writer.registry.harvest_state()).rows


async def payloads(registry_writer: RegistryWriter) -> list[tuple[dict[str, Any], ...]]:
    return [registry_writer.registry.payloads(stored) for stored in (await content(registry_writer))[0]]


def ignore(_: Progress) -> None:
    """Nobody watches."""


@pytest.mark.anyio
async def test_backfill_then_day_by_day(open_store: Callable[[str], Any]) -> None:
    source, registry_writer, shown = partner(), await open_store("r"), list[Progress]()
    assert await harvest(champ(source), registry_writer, lambda: EVENING, shown.append) == 4
    assert source.windows == WINDOWS
    finished = [(seen.rank, seen.total, seen.step.rows) for seen in shown if seen.step.completed]
    assert finished == [(1, 4, 4), (2, 4, 1), (3, 4, 0), (4, 4, 4)]
    assert await harvest(champ(source), registry_writer, lambda: EVENING, ignore) == 0
    source.tell(date(2026, 7, 1), charge("D"))
    assert await harvest(champ(source), registry_writer, lambda: EVENING + timedelta(days=2), ignore) == 2
    assert source.windows[4:] == [("2026-07-01", "2026-07-01"), ("2026-07-02", "2026-07-02")]
    assert (await registry_writer.registry.harvest_state()).rows == 10


@pytest.mark.anyio
async def test_stopped_at_any_window_then_resumed_gives_the_same_store(open_store: Callable[[str], Any]) -> None:
    witness = await open_store("temoin")
    await harvest(champ(partner()), witness, lambda: EVENING, ignore)
    expected = await content(witness)
    assert sorted(len(stored.rows) for stored in expected[0]) == [1, 2, 6]
    for fault in range(len(WINDOWS)):
        source, registry_writer = partner(), await open_store(f"panne-{fault}")
        source.incident = _die_at(fault)
        with pytest.raises(Interrupted):
            await harvest(champ(source), registry_writer, lambda: EVENING, ignore)
        source.incident = lambda _: None
        await harvest(champ(source), registry_writer, lambda: EVENING, ignore)
        assert await content(registry_writer) == expected
        assert source.windows == WINDOWS


def _die_at(fault: int) -> Callable[[int], None]:
    def incident(rank: int) -> None:
        if rank == fault:
            raise Interrupted

    return incident


@pytest.mark.anyio
async def test_an_earlier_start_fills_the_gap_first_and_in_order(open_store: Callable[[str], Any]) -> None:
    source, registry_writer, witness = partner(), await open_store("r"), await open_store("temoin")
    await importer(registry_writer.registry, Window(date(2026, 4, 1), date(2026, 4, 30)), [], EVENING)
    await harvest(champ(source), registry_writer, lambda: EVENING, ignore)
    assert source.windows == [
        ("2026-01-01", "2026-02-28"),
        ("2026-03-01", "2026-03-31"),
        ("2026-05-01", "2026-06-28"),
        ("2026-06-29", "2026-06-29"),
        ("2026-06-30", "2026-06-30"),
    ]
    await harvest(champ(partner()), witness, lambda: EVENING, ignore)
    assert await payloads(registry_writer) == await payloads(witness)


@pytest.mark.anyio
async def test_yesterday_is_the_eve_in_paris(open_store: Callable[[str], Any]) -> None:
    source = Partner()
    past_midnight = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    await harvest(champ(source), await open_store("r"), lambda: past_midnight, ignore)
    assert source.windows == [("2026-01-01", "2026-01-01")]


@pytest.mark.anyio
async def test_by_hand_a_closed_partner_stops_the_harvest_and_says_when(open_store: Callable[[str], Any]) -> None:
    source, registry_writer = partner(), await open_store("r")
    source.incident = _close_at(2, 3600.0)
    with pytest.raises(SourceClosed) as shutdown:
        await harvest(champ(source), registry_writer, lambda: EVENING, ignore)
    assert shutdown.value.retry_after == 3600.0
    assert (await registry_writer.registry.harvest_state()).last_day == date(2026, 4, 28)


def _close_at(closed_rank: int, retry_after: float | None) -> Callable[[int], None]:
    def incident(rank: int) -> None:
        if rank == closed_rank:
            raise SourceClosed("registre", "fermé", retry_after)

    return incident


class Stop(BaseException):
    """The test has seen enough sleeps."""


class Sleep:
    """Virtual sleep: notes what is asked, moves the clock, ends the watch after `number` of them."""

    def __init__(self, departure: datetime, number: int) -> None:
        self.instant, self._number = departure, number
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.instant += timedelta(seconds=seconds)
        if len(self.waits) == self._number:
            raise Stop

    async def watch(self, what: HarvestTarget, registry_writer: RegistryWriter) -> None:
        suivi = HarvestMetrics(CollectorRegistry(), lambda: self.instant)
        with pytest.raises(Stop):
            await watch(what, registry_writer, lambda: self.instant, self.sleep, suivi)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("announced", "expected"), [(5400.0, 5400.0), (0.0, 900.0), (None, 900.0), (1.0, 60.0), (10.0**9, 21600.0)]
)
async def test_the_service_comes_back_when_a_closed_partner_said(
    open_store: Callable[[str], Any], announced: float | None, expected: float
) -> None:
    source, registry_writer, sleep = partner(), await open_store("r"), Sleep(EVENING - timedelta(hours=8), 2)
    closings = iter([_close_at(1, announced)])

    def incident(rank: int) -> None:
        if rank == 1:
            next(closings, lambda _: None)(rank)

    source.incident = incident
    await sleep.watch(champ(source), registry_writer)
    assert sleep.waits == [expected, 900.0]
    assert source.windows == WINDOWS


@pytest.mark.anyio
async def test_the_service_follows_the_opening_hours(open_store: Callable[[str], Any]) -> None:
    source, registry_writer = partner(), await open_store("r")
    what = champ(source, ouverture=(time(19, 0), time(7, 0)))
    noon = Sleep(datetime(2026, 7, 1, 10, 0, tzinfo=UTC), 28)  # noon in Paris
    await noon.watch(what, registry_writer)
    assert (source.windows, noon.waits) == ([], [900.0] * 28)
    await Sleep(noon.instant, 1).watch(what, registry_writer)  # 19:00 in Paris
    assert source.windows == WINDOWS


@pytest.mark.anyio
async def test_the_service_outlives_what_fails_and_says_no_value(
    open_store: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    source, registry_writer, sleep = partner(), await open_store("r"), Sleep(EVENING - timedelta(hours=8), 3)
    faults: list[Exception] = [OSError("canari 0639980017"), SourceUnavailable("registre", "canari")]

    def incident(_: int) -> None:
        if faults:
            raise faults.pop()

    source.incident = incident
    with caplog.at_level(logging.WARNING):
        await sleep.watch(champ(source), registry_writer)
    assert sleep.waits == [900.0] * 3
    never = "registre jamais moissonné : rien de lui n'est connu, 4 fenêtres dues"
    assert caplog.messages == [
        "moisson interrompue : registre SOURCE_INDISPONIBLE",
        never,
        never,
        "moisson interrompue : OSError",
    ]
    assert source.windows == WINDOWS


@pytest.mark.anyio
async def test_a_registry_whose_format_changed_is_not_harvested_as_if_it_told_of_nobody(
    open_store: Callable[[str], Any],
) -> None:
    """Its windows were closed, empty, and never asked again. A few rows that cannot be read do not stop the others."""
    source, registry_writer = Partner(), await open_store("r")
    for _ in range(UNREADABLE):
        source.tell(date(2026, 3, 1), {"ALTERNANT": {}})
    with pytest.raises(SourceInvalid, match="la plupart des lignes de la page sont illisibles"):
        await harvest(champ(source), registry_writer, lambda: EVENING, lambda _: None)
    assert [window.fin for window in await registry_writer.windows()] == [date(2026, 2, 28)]
    source.days[date(2026, 3, 1)][0] = ("TBA", charge("A"))
    await harvest(champ(source), registry_writer, lambda: EVENING, lambda _: None)
    assert (await registry_writer.registry.harvest_state()).last_day == YESTERDAY


@pytest.mark.anyio
async def test_a_view_that_gives_fewer_rows_than_it_announces_begins_again(open_store: Callable[[str], Any]) -> None:
    """Its window was closed without them, and never asked again."""
    source, registry_writer = partner(), await open_store("r")
    source.announces = lambda rows: rows + 2
    with pytest.raises(SourceInvalid, match="lignes annoncées"):
        await harvest(champ(source), registry_writer, lambda: EVENING, ignore)
    assert await registry_writer.windows() == []
    source.announces = lambda rows: rows
    assert await harvest(champ(source), registry_writer, lambda: EVENING, ignore) == 4
    assert (await registry_writer.registry.harvest_state()).rows == 9


@pytest.mark.anyio
async def test_a_page_that_loses_as_many_rows_as_it_keeps_stops_the_harvest(open_store: Callable[[str], Any]) -> None:
    source, registry_writer = Partner(), await open_store("r")
    for rank in range(UNREADABLE):
        source.tell(date(2026, 1, 3), {"ALTERNANT": {}})
        source.tell(date(2026, 1, 3), charge(f"A{rank}"))
    with pytest.raises(SourceInvalid, match="illisibles"):
        await harvest(champ(source), registry_writer, lambda: EVENING, ignore)
    source.tell(date(2026, 1, 3), charge("B"))
    assert await harvest(champ(source), registry_writer, lambda: EVENING, ignore) == 4


@pytest.mark.anyio
async def test_an_unknown_code_of_the_registry_is_counted_and_told(
    open_store: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    source, registry_writer, figures = Partner(), await open_store("r"), CollectorRegistry()
    item = charge("A")
    item["detailsContrat"]["dispositif"] = "CTRA"
    source.tell(date(2026, 1, 3), item)
    source.tell(date(2026, 1, 3), charge("B"))
    metrics = HarvestMetrics(figures, lambda: EVENING)
    with caplog.at_level(logging.INFO, "gateway.moisson"):
        await harvest(champ(source), registry_writer, lambda: EVENING, metrics.advance)
    assert figures.get_sample_value("passerelle_moisson_derives_total", {"genre": "code_inconnu"}) == 1
    assert [text for text in caplog.messages if "1 rejetées, 1 codes inconnus" in text]
    metrics.place(await registry_writer.registry.harvest_state(), 0)
    (told,) = metrics.quality()
    assert (told.etablissement, told.dossiers) == (None, 1)
    assert [(line.genre, line.champ, line.nombre) for line in told.defauts] == [("code_inconnu", "dispositif", 1)]


@pytest.mark.anyio
async def test_the_service_leaves_the_harvest_to_another_process_and_looks_again_soon(
    open_store: Callable[[str], Any],
) -> None:
    source, registry_writer = partner(), await open_store("r")
    other = RegistryWriter(registry_writer.registry)
    assert await other.elect()
    sleep = Sleep(EVENING, 1)
    await sleep.watch(champ(source), registry_writer)
    assert (source.calls, sleep.waits) == ([], [60.0])
    await other.release()
    await Sleep(EVENING, 1).watch(champ(source), registry_writer)
    assert source.windows == WINDOWS


@pytest.mark.anyio
async def test_an_operator_sees_each_window_what_is_left_and_how_old_the_copy_is(
    open_store: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    source, registry_writer, metrics = partner(), await open_store("r"), CollectorRegistry()
    source.tell(date(2026, 3, 1), {"alternant": {}})
    source.incident = _close_at(3, 3600.0)
    suivi = HarvestMetrics(metrics, lambda: EVENING)
    suivi.place(await registry_writer.registry.harvest_state(), 4)
    assert metrics.get_sample_value("passerelle_registre_retard_secondes") == float("inf")
    sleep = Sleep(EVENING, 1)
    caplog.clear()
    with pytest.raises(Stop), caplog.at_level(logging.INFO):
        await watch(champ(source), registry_writer, lambda: EVENING, sleep.sleep, suivi)
    told_values = [message.rpartition(" (")[0] for message in caplog.messages]
    assert told_values == [
        "moisson [1/4] 2026-01-01 → 2026-02-28 : extractTBA page 1/1, 2 lignes",
        "moisson [1/4] 2026-01-01 → 2026-02-28 : 4 lignes",
        "moisson [2/4] 2026-03-01 → 2026-04-28 : extractTBA page 1/1, 1 lignes, 1 rejetées",
        "moisson [2/4] 2026-03-01 → 2026-04-28 : 1 lignes",
        "moisson [3/4] 2026-04-29 → 2026-06-26 : extractTBA page 1/1, 0 lignes",
        "moisson [3/4] 2026-04-29 → 2026-06-26 : 0 lignes",
    ]
    results = {
        name: metrics.get_sample_value(name)
        for name in ("passerelle_moisson_fenetres_total", "passerelle_moisson_fenetres_dues")
    }
    assert results == {"passerelle_moisson_fenetres_total": 3.0, "passerelle_moisson_fenetres_dues": 1.0}
    kinds = [
        metrics.get_sample_value("passerelle_moisson_lignes_total", {"sort": sort}) for sort in ("gardee", "rejetee")
    ]
    assert kinds == [5.0, 1.0]
    delay = EVENING - datetime(2026, 6, 27, 22, tzinfo=UTC)
    assert metrics.get_sample_value("passerelle_registre_retard_secondes") == delay.total_seconds()


@pytest.mark.anyio
async def test_d7_a_registry_never_harvested_is_told_in_ready_in_metrics_and_in_the_log(
    open_store: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    registry_writer, metrics = await open_store("r"), CollectorRegistry()
    services: Any = SimpleNamespace(registry=registry_writer.registry)
    state = await registry_writer.registry.harvest_state()
    HarvestMetrics(metrics, lambda: EVENING).place(state, 4)
    assert await _registry_is_whole(services) is False  # `registre` in the `degrade` of /health/ready
    assert metrics.get_sample_value("passerelle_registre_retard_secondes") == float("inf")
    assert caplog.messages == ["registre jamais moissonné : rien de lui n'est connu, 4 fenêtres dues"]
    await harvest(champ(partner()), registry_writer, lambda: EVENING, ignore)
    caplog.clear()
    HarvestMetrics(CollectorRegistry(), lambda: EVENING).place(await registry_writer.registry.harvest_state(), 0)
    assert await _registry_is_whole(services) is True
    assert caplog.messages == []


DAYS = st.integers(0, 400).map(lambda rank: SINCE + timedelta(days=rank))


@settings(deadline=None)
@given(
    coupes=st.lists(DAYS, max_size=12, unique=True).map(sorted),
    kept_entries=st.lists(st.booleans(), min_size=13, max_size=13),
    yesterday=DAYS,
    length=st.integers(1, 59),
)
def test_what_was_done_and_what_is_due_tell_each_day_once(
    coupes: list[date], kept_entries: list[bool], yesterday: date, length: int
) -> None:
    bounds = [SINCE - timedelta(days=1), *coupes]
    chunks = [Window(a + timedelta(days=1), b) for a, b in zip(bounds, coupes, strict=False)]
    made = [chunk for chunk, kept in zip(chunks, kept_entries, strict=False) if kept]
    dues = due_windows(made, SINCE, yesterday, length)
    days = sorted(day for window in [*made, *dues] for day in _days(window))
    assert [day for day in days if day <= yesterday] == _days(Window(SINCE, yesterday))
    assert len(days) == len(set(days))
    assert dues == sorted(dues, key=lambda window: window.debut)
    assert all(window.fin <= yesterday and len(_days(window)) <= length for window in dues)


def _days(window: Window) -> list[date]:
    return [window.debut + timedelta(days=rank) for rank in range((window.fin - window.debut).days + 1)]
