"""docs/exploitation.md, Les traces: one line a request, whose ids are those of its answer and of what partners are asked."""

import asyncio
import json
import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import respx
from prometheus_client import generate_latest

from gateway.correlation import CURRENT, start_trace
from gateway.edge.graphql_http import UNIDENTIFIED_A_SECOND
from gateway.federation.collect.kept_readings import Freshness
from gateway.schema.organisations import EtatSource, ModeSource, Source, TypeSource
from gateway.server.logs import JsonFormatter, TextFormatter
from gateway.server.state_parts import with_copy
from gateway.sources.partners.file_format import LimitsTable
from gateway.sources.units import UnitFailure
from tests.support.security.edge import Edge
from tests.support.sources import BASE, UAI_A, partner, sources_harness, transport, unit

UUID = "0b9d8a8e-4f55-4c59-9b43-0f1a2c3d4e5f"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
CANARY = "Zoraïde-Canarie"
HEX_32 = re.compile("[0-9a-f]{32}")


class Lines(logging.Handler):
    """What was logged, as the two formats write it."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: list[dict[str, Any]] = []
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.documents.append(json.loads(JsonFormatter().format(record)))
        self.texts.append(TextFormatter().format(record))

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.documents if line["journal"] == "gateway.requetes" and "statut" in line]


@pytest.fixture(autouse=True)
def no_request() -> Iterator[None]:
    """No test leaves its request to the next."""
    yield
    CURRENT.set(None)


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as opened:
        yield opened


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, root = Lines(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


def test_d2_a_request_is_one_line_and_tells_no_value(edge: Edge, lines: Lines) -> None:
    document = {
        "query": "query Recherche($nom: String) { jeunes(filtre: {nom: $nom}, first: 1) { totalCount } moi { profil } }",
        "variables": {"nom": CANARY},
    }
    response = edge.graphql(document, x_request_id=UUID, traceparent=PARENT)
    (line,) = lines.requests
    told = {name: line[name] for name in ("requete", "trace", "client", "profil", "finalite", "operation", "statut")}
    assert told == {
        "requete": UUID,
        "trace": TRACE,
        "client": "ml",
        "profil": "MISSION_LOCALE",
        "finalite": "ACCOMPAGNEMENT",
        "operation": "Recherche",
        "statut": 200,
    }
    assert response.headers["x-request-id"] == UUID
    assert line["cout"] == response.json["extensions"]["cout"]
    assert line["sources"] == {row["nom"]: row["etat"] for row in response.json["extensions"]["sources"]}
    assert line["sources"]
    assert set(line["dureesMs"]) == {"total", "analyse", "collecte", "execution", "journal"}
    assert line["octets"] == len(response.body)
    assert CANARY not in "".join(lines.texts) + json.dumps(lines.documents, ensure_ascii=False)


def test_d2_the_id_of_an_error_is_the_id_of_its_line(edge: Edge, lines: Lines) -> None:
    response = edge.request("{ inconnu }")
    (line,) = lines.requests
    assert response.json["errors"][0]["extensions"]["requestId"] == line["requete"]
    assert (line["issue"], line["codes"]) == ("REFUSEE", ["REQUETE_INVALIDE"])
    assert f" requete={line['requete']} " in lines.texts[lines.documents.index(line)]


@pytest.mark.parametrize(
    "told", ["marie-durand", "0639980001", "180017512345612", "x" * 65, "a b", "é", "../../etc", "", "-" * 20]
)
def test_d2_what_has_not_the_form_of_an_id_is_replaced(told: str) -> None:
    assert HEX_32.fullmatch(start_trace(told, None).request_id)


@pytest.mark.parametrize("told", [UUID, TRACE, "01ARZ3NDEKTSV4RRFFQ69G5FAV"])
def test_d2_an_id_that_a_machine_made_is_kept(told: str) -> None:
    assert start_trace(told, None).request_id == told


@pytest.mark.parametrize(
    "told", ["", "00", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{TRACE}-{'0' * 16}-01", PARENT.upper(), PARENT + "x"]
)
def test_d2_a_traceparent_that_is_none_begins_a_new_trace(told: str) -> None:
    trace = start_trace(None, told)
    assert HEX_32.fullmatch(trace.trace_id)
    assert trace.trace_id not in (TRACE, "0" * 32)


@pytest.mark.anyio
async def test_d2_partners_are_told_the_ids_of_the_request(router: respx.MockRouter) -> None:
    route = router.get(f"{BASE}/liste/{UAI_A}").respond(json=[])
    async with sources_harness(transport(router), partner(trace=True)) as harness:
        start_trace(UUID, PARENT)
        await harness.sources.read([unit(UAI_A)], 1.0)
    headers = route.calls[0].request.headers
    assert headers["x-request-id"] == UUID
    version, trace, span, flags = headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert re.fullmatch("[0-9a-f]{16}", span)
    assert span != PARENT.split("-")[2]


@pytest.mark.anyio
async def test_a_partner_that_follows_no_trace_is_told_the_request_alone(router: respx.MockRouter) -> None:
    route = router.get(f"{BASE}/liste/{UAI_A}").respond(json=[])
    async with sources_harness(transport(router)) as harness:
        start_trace(UUID, PARENT)
        await harness.sources.read([unit(UAI_A)], 1.0)
    headers = route.calls[0].request.headers
    assert headers["x-request-id"] == UUID
    assert headers.keys().isdisjoint({"traceparent", "tracestate", "baggage"})


@pytest.mark.anyio
async def test_d1_a_partner_that_hangs_is_counted(router: respx.MockRouter) -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        return httpx.Response(200, json=[])

    router.get(f"{BASE}/liste/{UAI_A}").mock(side_effect=hang)
    slow = partner(limites=LimitsTable(par_seconde=10_000, simultanes=50, delai_secondes=0.1))
    async with sources_harness(transport(router), slow) as harness:
        (outcome,) = await harness.sources.read([unit(UAI_A)], 5.0)
        assert isinstance(outcome, UnitFailure)
        assert (
            sum(
                harness.counter("passerelle_appels", partenaire="erp", operation="liste", issue=issue)
                for issue in ("ANNULE", "SOURCE_DELAI_DEPASSE")
            )
            == 1
        )


def test_d1_states_and_breakers_are_gauges(edge: Edge) -> None:
    text = _metrics(edge)
    etats = re.findall(r'passerelle_source_etat\{etat="(\w+)",partenaire="([\w-]+)"\} ([01])\.0', text)
    for name in {name for _, name, _ in etats}:
        assert [value for _, other, value in etats if other == name].count("1") == 1
    assert {etat for etat, _, _ in etats} == {"DISPONIBLE", "DEGRADEE", "INDISPONIBLE", "FERMEE"}
    opened = re.findall(r'passerelle_disjoncteur_ouvert\{partenaire="([\w-]+)"\} ([01])\.0', text)
    assert len(opened) == 8
    assert text.count("passerelle_disjoncteur_locataires{") == 8


def test_d3_requests_are_counted_by_outcome_and_timed(edge: Edge) -> None:
    before = _counted(edge, "OK"), _counted(edge, "REFUSEE")
    edge.request("query Libre { moi { profil } }")
    edge.request("{ inconnu }")
    assert (_counted(edge, "OK"), _counted(edge, "REFUSEE")) == (before[0] + 1, before[1] + 1)
    text = _metrics(edge)
    assert 'operation="Libre"' not in text  # no trusted document: callers would make series without end
    assert 'passerelle_requete_secondes_count{operation="libre",profil="MISSION_LOCALE"}' in text
    assert "process_resident_memory_bytes" in text


def test_d2_those_who_are_unknown_do_not_fill_the_log(edge: Edge, lines: Lines) -> None:
    for _ in range(5 * UNIDENTIFIED_A_SECOND):
        assert edge.request("{ moi { profil } }", authorization="").statut == 401
    assert 0 < len(lines.requests) <= 4 * UNIDENTIFIED_A_SECOND


def test_l05_a_line_stays_one_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "un\nfaux \x1b[31m%s", ("é\r",), None)
    assert "\n" not in TextFormatter().format(record)
    assert "\x1b" not in TextFormatter().format(record)
    assert json.loads(JsonFormatter().format(record))["message"] == "un\nfaux \x1b[31mé\r"


@pytest.mark.parametrize(("name", "value"), [("GATEWAY_LOGS", "xml"), ("GATEWAY_LOGS_NIVEAU", "verbeux")])
def test_d2_a_word_that_is_none_stops_the_command(name: str, value: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "gateway", "schema"], env={name: value}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert name in run.stderr
    assert "au choix" in run.stderr


class RegistryOnly:
    """The parts of the services that tell of the registry: closed since two in the morning."""

    def __init__(self, hours: int) -> None:
        now = datetime(2026, 10, 15, 14, 0, tzinfo=UTC)
        self.harvest_metrics = SimpleNamespace(as_of=now - timedelta(hours=hours), quality=tuple)
        self.harvest_target = SimpleNamespace(source="deca")
        self.configuration = SimpleNamespace(now=lambda: now)


@pytest.mark.parametrize(("hours", "etat"), [(12, EtatSource.DISPONIBLE), (49, EtatSource.DEGRADEE)])
def test_d6_a_registry_closed_for_the_day_is_no_failure_while_its_copy_is_fresh(hours: int, etat: EtatSource) -> None:
    now = datetime(2026, 10, 15, 14, 0, tzinfo=UTC)
    copy = Freshness("moisson", 0.0, now - timedelta(hours=hours))
    assert copy.state(EtatSource.FERMEE, now) is etat
    assert copy.state(EtatSource.INDISPONIBLE, now) is EtatSource.INDISPONIBLE
    assert Freshness("touche", 0.0).state(EtatSource.FERMEE, now) is EtatSource.FERMEE


def test_d6_the_freshness_of_the_registry_is_that_of_its_copy() -> None:
    services: Any = RegistryOnly(12)
    told = Source(
        nom="deca",
        type=TypeSource.REGISTRE_CONTRATS,
        mode=ModeSource.MOISSON,
        etat=EtatSource.FERMEE,
        derniere_reponse=None,
        fraicheur_secondes=None,
        latence_ms=None,
        taux_erreur=None,
    )
    assert with_copy(services, told).fraicheur_secondes == 12 * 3600


def _metrics(edge: Edge) -> str:
    return generate_latest(edge.figures).decode()


def _counted(edge: Edge, issue: str) -> float:
    pattern = rf'passerelle_requetes_total\{{issue="{issue}",operation="libre",profil="MISSION_LOCALE"\}} ([\d.]+)'
    found = re.search(pattern, _metrics(edge))
    return float(found[1]) if found else 0.0


def test_a_line_of_text_tells_the_offset_of_its_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines of two time zones write of the same instant (docs/exploitation.md)."""
    record = logging.makeLogRecord(
        {"created": 1_780_000_000.25, "levelname": "INFO", "name": "gateway", "msg": "ligne"}
    )
    hours = {"America/Cayenne": "2026-05-28T17:26:40.250-03:00", "Europe/Paris": "2026-05-28T22:26:40.250+02:00"}
    for zone, hour in hours.items():
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert TextFormatter().format(record) == f"{hour} INFO gateway ligne"
    monkeypatch.undo()
    time.tzset()
