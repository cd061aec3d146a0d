"""A connector that is wrong in every way is its partner's failure, and nobody else's (docs/security.md).

Over HTTP the connector of one partner is changed by a few lines executed before `serve`, the same for an earlier commit.
"""

import asyncio
import contextlib
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from fixtures.remote_control import client_http
from fixtures.world import World
from gateway.connectors.base import (
    ChangeNotice,
    Connector,
    PartnerRequest,
    QualityCounts,
    ReadingResult,
    ReadingSteps,
    Record,
    Tenant,
    mapped,
)
from gateway.connectors.quality import UNMAPPED
from gateway.errors import RegistryUnavailable, SourceError, SourceInvalid
from gateway.schema.nouns import Contrat, Jeune
from gateway.schema.organisations import ModeSource, TypeSource
from gateway.sources import connector_runs
from gateway.sources.connector_runs import ConnectorFailed, ConnectorRuns
from gateway.sources.harvest.registry_reader import RegistryReader
from gateway.sources.http.transport import Transport
from gateway.sources.units import UnitFailure, UnitResult
from gateway.stores.registry import HarvestState, StoredContrat
from tests.support.figures import note
from tests.support.security.second_checkout import BEFORE, configuration, gateway
from tests.support.sources import UAI_A, sources_harness, unit, wall_clock

# ---------------------------------------------------------------- over HTTP

PREAMBLE = """
import dataclasses
import gateway.connectors.gestibase as module, gateway.connectors.base as base
now = hasattr(module, "CONNECTOR")
name, read, record = ("CONNECTOR", "cfa_records", "record") if now else ("CONNECTEUR", "dossiers_cfa", "dossier")
encoding = "encoding" if now else "encodage"
Request = base.PartnerRequest if now else base.Requete
connector = getattr(module, name)
original = getattr(connector, read)
def install(reading):
    setattr(module, name, dataclasses.replace(connector, **{read: reading}))
"""
PATCHES = {
    "a milliard pages": """
import resource
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
def reading(tenant, day):
    yield [Request("liste", f"/liste/{rank}") for rank in range(10**9)]
install(reading)
""",
    "one record raises": """
seen, mapping = {}, getattr(module, record)
def broken(lines, cfa):
    if seen.setdefault(cfa, lines[0].id) == lines[0].id:
        raise KeyError("Nom Secret")
    return mapping(lines, cfa)
setattr(module, record, broken)
""",
    "an unknown encoding": """
def reading(tenant, day):
    steps = original(tenant, day)
    requests, documents = next(steps), None
    documents = yield [dataclasses.replace(one, **{encoding: "x-inconnu"}) for one in requests]
    try:
        steps.send(documents)
    except StopIteration as end:
        return end.value
install(reading)
""",
}
SHORT = "one record raises"  # what stays in the ordinary run: each has a gateway of its own
LIST = "{ jeunes(first: 100) { totalCount complet edges { node { formations { cfa { uai } } } } } }"


@pytest.fixture(params=[SHORT, *(pytest.param(one, marks=pytest.mark.chaos) for one in PATCHES if one != SHORT)])
def patched(
    request: pytest.FixtureRequest, small_world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Any, Path]]:
    record = configuration(small_world, tmp_path_factory.mktemp("defaut") / "configuration")
    patch = record / "patch.py"
    patch.write_text(PREAMBLE + PATCHES[request.param], encoding="utf-8")
    with gateway(small_world, record, patch) as launched:
        yield request.param, launched, record


def memory(pid: int) -> float:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read in /proc")
def test_r11_a_connectors_defect_is_its_partners_failure(small_world: World, patched: tuple[str, Any, Path]) -> None:
    case, launched, record = patched
    token = small_world.token("ml")
    for attempt in range(12):
        with client_http(launched.url) as http:
            live = http.get("/health/live", timeout=20.0)
            response = http.post(
                "/graphql", json={"query": LIST}, headers={"Authorization": f"Bearer {token}"}, timeout=20.0
            )
        assert (live.status_code, response.status_code) == (200, 200), response.text[:300]
        told = response.json()
        failed = {(e["extensions"]["code"], e["extensions"].get("source")) for e in told.get("errors", [])}
        if not any(code == "SOURCE_DELAI_DEPASSE" for code, _ in failed) and attempt > 1:
            break
        time.sleep(1.0)
    people = [edge["node"]["formations"] or [] for edge in told["data"]["jeunes"]["edges"]]
    uais = {formation["cfa"]["uai"] for formations in people for formation in formations if formation["cfa"]}
    served = set(small_world.population.accounts["gestibase"])
    assert uais - served, "those of other partners are there"
    assert {source for _, source in failed} <= {"gestibase"}
    text = (record / "passerelle.log").read_text(encoding="utf-8")
    if case == "one record raises":
        assert failed == set()
        assert uais & served, "and so are the others of this one"
        assert re.search(r"KeyError \(\S+:\d+\)", text)
    else:
        assert {code for code, _ in failed} <= {"SOURCE_INVALIDE", "SOURCE_INDISPONIBLE"}
        assert failed
        assert re.search(r"source gestibase : \w+ \(\S+:\d+\)", text)
    assert "Nom Secret" not in text
    size = memory(launched.pid)
    note(f"R11 : {case} : {size:.0f} Mio au plus, {len(uais)} CFA montrés")
    assert size < 1024


# ---------------------------------------------------------------- every way of being wrong

Reading = Callable[[Tenant, date], ReadingSteps[ReadingResult]]
ROWS = [{"cle": str(rank)} for rank in range(40)]
REQUEST = PartnerRequest("liste", f"/liste/{UAI_A}")


def record(rank: int) -> Record:
    return Record(str(rank), Jeune(nom=f"N{rank}"))


def _steps(step: Callable[[], Any]) -> Reading:
    def reading(_tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
        yield step()
        return ReadingResult([record(1)])

    return reading


def _ends(result: Callable[[], Any]) -> Reading:
    def reading(_tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
        yield [REQUEST]
        found: ReadingResult = result()
        return found

    return reading


def _raise(error: BaseException) -> Any:
    raise error


def _endless(_tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
    while True:
        yield [REQUEST]


def _endless_nothing(_tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
    while True:
        yield []


def _deep(rank: int = 0) -> Any:
    return _deep(rank + 1)


def _many_requests() -> Iterator[PartnerRequest]:
    while True:
        yield REQUEST


def _many_records() -> Iterator[Record]:
    rank = 0
    while True:
        rank += 1
        yield record(rank)


WRONG: dict[str, Any] = {
    "a function that raises": lambda _t, _d: _raise(ValueError("Nom Secret")),
    "a function that exits": lambda _t, _d: _raise(SystemExit(1)),
    "a function that returns nothing": lambda _t, _d: None,
    "a function that returns a list": lambda _t, _d: [REQUEST],
    "a step of endless requests": _steps(_many_requests),
    "a step too long": _steps(lambda: [REQUEST] * (connector_runs.REQUESTS_MAX + 1)),
    "a step that is no list": _steps(lambda: 12),
    "a step of nothing": _steps(lambda: None),
    "a step of texts": _steps(lambda: ["/liste"]),
    "a request without a name": _steps(lambda: [PartnerRequest("", "/liste")]),
    "a request named by a person": _steps(lambda: [PartnerRequest("liste de Léa Martin", "/liste")]),
    "a path elsewhere": _steps(lambda: [PartnerRequest("liste", "/../autre")]),
    "a path that is none": _steps(lambda: [PartnerRequest("liste", None)]),  # type: ignore[arg-type]
    "an unknown encoding": _steps(lambda: [PartnerRequest("liste", f"/liste/{UAI_A}", encoding="x-inconnu")]),
    "an encoding of bytes": _steps(lambda: [PartnerRequest("liste", f"/liste/{UAI_A}", encoding="hex")]),
    "an encoding with NUL": _steps(lambda: [PartnerRequest("liste", f"/liste/{UAI_A}", encoding="\0")]),
    "an encoding that is none": _steps(lambda: [PartnerRequest("liste", f"/liste/{UAI_A}", encoding=5)]),  # type: ignore[arg-type]
    "an access that is none": _steps(lambda: [PartnerRequest("liste", f"/liste/{UAI_A}", acces="autre")]),
    "a body that is none": _steps(lambda: [PartnerRequest("liste", f"/liste/{UAI_A}", body={"a": object()})]),
    "endless steps": _endless,
    "endless steps of nothing": _endless_nothing,
    "a mapping that raises": _ends(lambda: _raise(KeyError("Nom Secret"))),
    "no bottom": _ends(_deep),
    "no memory": _ends(lambda: _raise(MemoryError())),
    "an exit": _ends(lambda: _raise(SystemExit(3))),
    "an interruption": _ends(lambda: _raise(KeyboardInterrupt())),
    "a cancellation": _ends(lambda: _raise(asyncio.CancelledError())),
    "the end of a generator": _ends(lambda: _raise(GeneratorExit())),
    "a stop": _ends(lambda: _raise(StopIteration(12))),
    "no result": _ends(lambda: None),
    "a list as a result": _ends(lambda: [record(1)]),
    "endless records": _ends(lambda: ReadingResult(_many_records())),  # type: ignore[arg-type]
    "records that are none": _ends(lambda: ReadingResult([{"cle": "1"}] * 20)),  # type: ignore[list-item]
    "records of a number": _ends(lambda: ReadingResult(12)),  # type: ignore[arg-type]
    "rejects that are a text": _ends(lambda: ReadingResult([], rejects="x")),  # type: ignore[arg-type]
    "one record in two": _ends(lambda: ReadingResult([Record(str(n), 5 if n % 2 else Jeune()) for n in range(40)])),  # type: ignore[arg-type]
}


def answered(reading: Any, seconds: float = 20.0) -> tuple[UnitResult | UnitFailure, Any]:
    """What is read of a tenant by a connector, and the harness, whose loop went on meanwhile."""

    async def run() -> tuple[UnitResult | UnitFailure, Any]:
        connector = Connector("erp", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=reading)
        network = Transport(wall_clock, lambda: httpx.MockTransport(lambda _: httpx.Response(200, json=ROWS)))
        beats = [0]

        async def beat() -> None:
            while True:
                beats[0] += 1
                await asyncio.sleep(0.01)

        heart = asyncio.create_task(beat())
        async with sources_harness(network, connector=connector) as harness:
            (answer,) = await harness.sources.read([unit()], seconds)
            heart.cancel()
            assert beats[0] > 0
            return answer, harness

    return asyncio.run(run())


@pytest.mark.parametrize("case", WRONG)
def test_r11_whatever_a_connector_does_is_an_invalid_source(case: str, caplog: pytest.LogCaptureFixture) -> None:
    answer, _ = answered(WRONG[case])
    assert isinstance(answer, UnitFailure), answer
    assert isinstance(answer.error, SourceInvalid), answer.error
    assert answer.error.code.value == "SOURCE_INVALIDE"
    text = "\n".join(line.getMessage() for line in caplog.records)
    assert "Secret" not in text
    assert "Martin" not in text


def test_r11_where_a_connector_failed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    answered(WRONG["a mapping that raises"])
    (line,) = [line.getMessage() for line in caplog.records if "KeyError" in line.getMessage()]
    assert re.fullmatch(rf"source erp : KeyError \({re.escape(__file__)}:\d+\)", line)


def test_r11_one_record_that_cannot_be_mapped_is_set_aside(caplog: pytest.LogCaptureFixture) -> None:
    def mapping(row: dict[str, str]) -> Record:
        if row["cle"] == "7":
            raise RecursionError("Nom Secret")
        return record(int(row["cle"]))

    def reading(_tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
        ((rows,),) = yield [REQUEST]
        account = QualityCounts()
        return ReadingResult(mapped(mapping, rows, account), account.rejects, 0, account.drifts)

    answer, harness = answered(reading)
    assert isinstance(answer, UnitResult)
    assert [one.key for one in answer.records] == [str(rank) for rank in range(40) if rank != 7]
    labels = {"partenaire": "erp", "ressource": "cfa"}
    assert harness.counter("passerelle_rejets", **labels) == 1
    assert harness.counter("passerelle_derives", **labels, genre=UNMAPPED) == 1
    assert sum("RecursionError (" in line.getMessage() for line in caplog.records) == 1
    assert "Secret" not in caplog.text


BAD: dict[str, Any] = {
    "a name that is a number": lambda: Record("x", Jeune(nom=5)),  # type: ignore[arg-type]
    "a date that is a text": lambda: Record("x", Jeune(date_naissance="hier")),  # type: ignore[arg-type]
    "a lone surrogate": lambda: Record("x", Jeune(nom="\ud800")),
    "contracts that are one": lambda: Record("x", Jeune(contrats=Contrat())),  # type: ignore[arg-type]
    "a noun of another kind": lambda: Record("x", Contrat()),  # type: ignore[arg-type]
    "no key": lambda: Record("", Jeune()),
    "a key that is a number": lambda: Record(5, Jeune()),  # type: ignore[arg-type]
    "an endless key": lambda: Record("k" * 10_000, Jeune()),
    "nothing": lambda: None,
}


@pytest.mark.parametrize("case", BAD)
def test_r11_a_record_of_wrong_types_is_set_aside(case: str) -> None:
    answer, _ = answered(_ends(lambda: ReadingResult([*map(record, range(20)), BAD[case]()])))
    assert isinstance(answer, UnitResult)
    assert [one.key for one in answer.records] == [str(rank) for rank in range(20)]


def test_r11_a_connector_that_changes_what_it_gave_changes_nothing_of_ours() -> None:
    shared = [record(1)]
    params = {"page": "1"}

    def reading(_tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
        ((rows,),) = yield [PartnerRequest("liste", f"/liste/{UAI_A}", params=params)]
        params["page"] = "x" * 10
        rows.clear()
        return ReadingResult(shared)

    answer, _ = answered(reading)
    assert isinstance(answer, UnitResult)
    shared[0].jeune.nom = "AUTRE"
    shared.append(record(2))
    assert [one.jeune.nom for one in answer.records] == ["N1"]
    assert [dict(one.partner_request.params) for one in answer.validators] == [{"page": "1"}]


def test_r11_kinds_of_drift_that_a_connector_makes_are_no_labels() -> None:
    answer, harness = answered(_ends(lambda: ReadingResult([record(1)], drifts={"Léa Martin": 1, "type_change": 2})))
    assert isinstance(answer, UnitResult)
    told = {sample.labels.get("genre") for metric in harness.registry.collect() for sample in metric.samples}
    assert told - {None} == {"type_change"}


def test_r11_pages_announced_beyond_the_bound_are_not_asked() -> None:
    """A total, whoever tells it, is believed within the partner's `pages_max`; bodies within the bytes of a reading."""
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"metadonnees": {"totalPages": 10**9}, "contrats": []})

    async def run() -> UnitResult | UnitFailure:
        from gateway.connectors.base import PagingStyle  # noqa: PLC0415

        reading = _steps(lambda: [PartnerRequest("liste", "/liste", "POST", body={}, pages=PagingStyle.METADATA)])
        connector = Connector("erp", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=reading)
        async with sources_harness(
            Transport(wall_clock, lambda: httpx.MockTransport(answer)), connector=connector
        ) as one:
            (told,) = await one.sources.read([unit()], 5.0)
        return told

    told = asyncio.run(run())
    assert isinstance(told, UnitFailure)
    assert isinstance(told.error, SourceInvalid)
    assert len(asked) == 1


# ---------------------------------------------------------------- runs


@pytest.mark.anyio
async def test_r11_a_run_that_never_ends_is_stopped_and_its_thread_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector_runs, "SECONDS", 0.2)
    ended, runs = threading.Event(), ConnectorRuns()

    def endless() -> None:
        try:
            while True:
                with contextlib.suppress(Exception):
                    sum(range(100))
        finally:
            ended.set()

    with pytest.raises(ConnectorFailed):
        await runs.run(endless)
    assert await asyncio.to_thread(ended.wait, 30)


@pytest.mark.anyio
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read in /proc")
async def test_r11_a_run_that_fills_the_memory_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector_runs, "LASTS", 0.0)
    monkeypatch.setattr(connector_runs, "GROWTH", 64 * 1024 * 1024)
    made = [0]

    def large() -> list[str]:
        kept = []
        for rank in range(10**9):
            kept.append(f"{rank:1000}")
            made[0] = rank
        return kept

    with pytest.raises(ConnectorFailed):
        await ConnectorRuns().run(large)
    assert 0 < made[0] < 1_000_000


@pytest.mark.anyio
async def test_r11_runs_that_block_hold_the_places_of_their_partner_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector_runs, "WAITING", 0.1)
    blocked, others, end = ConnectorRuns(), ConnectorRuns(), threading.Event()
    for _ in range(connector_runs.THREADS + 2):
        with pytest.raises(ConnectorFailed):
            await blocked.run(end.wait)
    assert await others.run(lambda: 12) == 12
    assert await asyncio.to_thread(lambda: 12) == 12
    end.set()
    await asyncio.sleep(0.1)
    assert await blocked.run(lambda: 12) == 12


@pytest.mark.anyio
async def test_r11_a_partner_whose_runs_are_stopped_has_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them takes the interpreter from everybody: four places would be four times as much."""
    monkeypatch.setattr(connector_runs, "SECONDS", 0.1)
    runs, under_way, most = ConnectorRuns(), [0], [0]

    def endless() -> None:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        try:
            while True:
                sum(range(100))
        finally:
            under_way[0] -= 1

    async def all_stopped(number: int) -> int:
        most[0] = 0
        outcomes = await asyncio.gather(*(runs.run(endless) for _ in range(number)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {ConnectorFailed}
        return most[0]

    assert await all_stopped(connector_runs.THREADS) == connector_runs.THREADS
    assert await all_stopped(3) == 1
    assert await runs.run(lambda: 12) == 12
    await asyncio.sleep(0.05)
    assert await all_stopped(connector_runs.THREADS) == connector_runs.THREADS


def test_r11_a_tenant_whose_reading_was_stopped_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector_runs, "SECONDS", 0.1)
    begun = [0]

    def endless(_tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
        begun[0] += 1
        while True:
            sum(range(100))
            if not begun:
                yield []

    async def run() -> list[UnitResult | UnitFailure]:
        connector = Connector("erp", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=endless)
        network = Transport(wall_clock, lambda: httpx.MockTransport(lambda _: httpx.Response(200, json=[])))
        async with sources_harness(network, connector=connector) as harness:
            return [(await harness.sources.read([unit()], 20.0))[0] for _ in range(3)]

    for answer in asyncio.run(run()):
        assert isinstance(answer, UnitFailure)
        assert isinstance(answer.error, SourceInvalid)
    assert begun == [1]


@pytest.mark.anyio
async def test_r11_a_generator_that_does_not_close_is_closed_elsewhere() -> None:
    end = threading.Event()

    def reading(_tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
        try:
            yield [PartnerRequest("liste", "/../autre")]
        finally:
            end.wait()
        return ReadingResult()

    connector = Connector("erp", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=reading)
    network = Transport(wall_clock, lambda: httpx.MockTransport(lambda _: httpx.Response(200, json=[])))
    async with sources_harness(network, connector=connector) as harness:
        (answer,) = await harness.sources.read([unit()], 5.0)
    assert isinstance(answer, UnitFailure)
    end.set()


# ---------------------------------------------------------------- calls and registry


@pytest.mark.anyio
@pytest.mark.parametrize("wrong", [lambda _: None, lambda _: 5, lambda _: _raise(KeyError("x")), lambda _: _deep()])
async def test_r11_what_reads_a_call_wrongly_is_the_partners_failure(wrong: Callable[[Any], ChangeNotice]) -> None:
    async with sources_harness(
        Transport(wall_clock, lambda: httpx.MockTransport(lambda _: httpx.Response(200)))
    ) as one:
        with pytest.raises(SourceError):
            await one.sources.apart("erp", lambda: wrong({}).tenant)


class Store:
    """Contracts at rest, of which one cannot be folded."""

    async def harvest_state(self) -> HarvestState:
        return HarvestState(None, None, 3, "v1")

    async def contrats(self, *_: object) -> list[StoredContrat]:
        return [StoredContrat(str(rank), str(rank), str(rank).encode(), ()) for rank in range(3)]

    def payloads(self, stored: StoredContrat) -> tuple[Any, ...]:
        return ({"rank": stored.contrat},)

    def digest(self, *_: object) -> str:
        return "d"


@pytest.mark.anyio
async def test_r11_a_contract_that_cannot_be_folded_is_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    def fold(payloads: Any) -> tuple[Jeune, Contrat]:
        if payloads[0]["rank"] == "1":
            raise RecursionError("Nom Secret")
        return Jeune(nom=f"N{payloads[0]['rank']}", prenom="P", date_naissance=date(2005, 1, 1)), Contrat()

    result = await RegistryReader(Store(), fold).records((), (), ())
    assert sorted(one.jeune.nom or "" for one in result.records) == ["N0", "N2"]

    monkeypatch.setattr(connector_runs, "WAITING", 0.1)
    end = threading.Event()

    def stuck(_: object) -> None:
        end.wait()

    with pytest.raises(RegistryUnavailable):
        await RegistryReader(Store(), stuck).records((), (), ())
    end.set()
    assert not BEFORE


def test_r11_what_stops_a_connector_is_raised_again_where_it_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a callback of the collector, which lets nothing out: once was not enough, and its thread went on for ever."""
    monkeypatch.setattr(connector_runs, "SECONDS", 0.02)
    monkeypatch.setattr(connector_runs, "STOPPED_AGAIN", 0.02)
    stops, ended = list[str](), threading.Event()

    def connector() -> None:
        while len(stops) < 3:
            try:
                while True:
                    pass
            except BaseException as error:
                stops.append(type(error).__name__)
        ended.set()

    async def run() -> None:
        with pytest.raises(connector_runs.ConnectorFailed):
            await connector_runs.ConnectorRuns().run(connector)
        assert await asyncio.to_thread(ended.wait, 20)

    asyncio.run(run())
    assert stops == ["ConnectorStopped"] * 3
