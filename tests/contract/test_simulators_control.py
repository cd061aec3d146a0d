"""The control API: counters, clock, truth, and faults that a client meets on its connection."""

import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from fixtures.simulators.clock import PARIS
from fixtures.simulators.faults import Fault, Faults
from tests.support.contract import simulated_population as world
from tests.support.contract.simulators import RunningSimulators, running_simulators, ypareo_rows


@pytest.fixture(scope="module")
def opened() -> Iterator[RunningSimulators]:
    with running_simulators(world.population(eleves=60)) as lance:
        yield lance


@pytest.fixture
def simulators(opened: RunningSimulators) -> Iterator[RunningSimulators]:
    opened.check.reset_all()
    yield opened
    opened.check.lift_faults()


def request(simulators: RunningSimulators) -> httpx.Response:
    return simulators.ypareo("statuts", world.YPAREO)


def test_counters_by_partner_and_operation_faults_included(simulators: RunningSimulators) -> None:
    request(simulators)
    simulators.check.fault("ypareo", "error", 500)
    request(simulators)
    simulators.http.get("/imilo/sue/dossiers/9001")
    counters = simulators.check.counters()
    assert (counters["ypareo"], counters["imilo"]) == ({"statuts": 2}, {"dossier": 1})
    house, rarer = {"ypareo", "gestibase", "aimaira", "registre", "imilo", "referentiel"}, {"scform", "digiforma"}
    assert set(counters) == house | rarer
    simulators.check.reset_all()
    assert simulators.check.total() == 0


@pytest.mark.parametrize(
    ("statut", "body"), [(500, "<html><h1>500</h1></html>"), (403, '{"message":"Droit manquant"}')]
)
def test_error(simulators: RunningSimulators, statut: int, body: str) -> None:
    simulators.check.fault("ypareo", "error", statut)
    response = request(simulators)
    assert (response.status_code, response.text) == (statut, body)


def test_a_contract_is_broken_of_a_mission_locale_that_has_one(simulators: RunningSimulators) -> None:
    with pytest.raises(ValueError, match="mission_locale: one of whose people has a contract"):
        simulators.check.break_one("00000")


def test_a_fault_may_aim_at_one_operation(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "error", 500, operation="sites")
    assert request(simulators).status_code == 200
    assert simulators.ypareo("sites", world.YPAREO).status_code == 500


def test_rate_limit_in_the_words_of_each_partner(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "rate_limit", 7)
    simulators.check.fault("gestibase", "rate_limit")
    response = request(simulators)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert simulators.gestibase(world.GESTIBASE, annee=2025).json() == {"erreur": "quota"}


def test_malformed_has_the_right_length_and_no_readable_document(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "malformed")
    response = request(simulators)
    assert response.status_code == 200
    assert response.content.startswith(b"<br />\n<b>Warning</b>")
    with pytest.raises(ValueError, match="Expecting value"):
        response.json()


def test_refuse_closes_without_a_byte(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "refuse")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        request(simulators)


def test_truncate_announces_more_than_it_sends(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "truncate")
    content, fin = _read_all(simulators)
    header, body = content.split(b"\r\n\r\n", 1)
    announced = int(header.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert (len(body), fin) == (announced // 2, "fin")


def test_reset_breaks_in_the_middle(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "reset")
    _, fin = _read_all(simulators)
    assert fin == "reset"
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        request(simulators)


def _read_all(simulators: RunningSimulators) -> tuple[bytes, str]:
    """Everything a plain socket receives, and how it ended."""
    token = simulators.secret("ypareo", world.YPAREO)
    partner_request = f"GET /ypareo/{world.YPAREO.lower()}/index.php/r/v1/statuts HTTP/1.1\r\nHost: x\r\n"
    partner_request += f"X-Auth-Token: {token}\r\n\r\n"
    received = b""
    with socket.create_connection(("127.0.0.1", simulators.port), timeout=10) as taken:
        taken.sendall(partner_request.encode())
        try:
            while chunk := taken.recv(4096):
                received += chunk
        except ConnectionResetError:
            return received, "reset"
    return received, "fin"


def test_hang_answers_nothing_and_survives_the_client_leaving(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "hang")
    with pytest.raises(httpx.ReadTimeout):
        simulators.http.get(f"/ypareo/{world.YPAREO.lower()}/index.php/r/v1/statuts", timeout=0.05)
    simulators.check.lift_faults()
    assert request(simulators).status_code == 200


def test_latency_then_the_normal_answer(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "latency", 50)
    assert request(simulators).status_code == 200
    with pytest.raises(httpx.ReadTimeout):
        simulators.http.get(f"/ypareo/{world.YPAREO.lower()}/index.php/r/v1/statuts", timeout=0.02)


def test_wrong_tenant_gives_the_neighbours_youths(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "wrong_tenant")
    periods = ",".join(str(line["codePeriode"]) for line in ypareo_rows(simulators.ypareo("periodes", world.YPAREO)))
    eleves = ypareo_rows(simulators.ypareo("formation-longue/apprenants", world.YPAREO, codesPeriode=periods))
    assert [eleve["nomApprenant"] for eleve in eleves] == ["AUTRE"]


def following(faults: Faults, requests: list[str]) -> dict[str, list[int]]:
    """How many faults each coming of each request meets."""
    faults.arm(Fault("ypareo", "error", 500, 0.5))
    results: dict[str, list[int]] = {request: [] for request in requests}
    for request in requests:
        results[request].append(len(faults.draw_from("ypareo", "sites", request)))
    faults.lever()
    return results


def test_draws_are_seeded_and_start_afresh_in_whatever_order_requests_come() -> None:
    faults, requests = Faults(3), ["/a", "/b"] * 40
    first = following(faults, requests)
    assert following(faults, requests) == first
    assert following(faults, sorted(requests)) == first
    assert following(Faults(4), requests) != first
    assert all(8 < sum(draws) < 32 for draws in first.values())
    assert faults.draw_from("imilo", "dossiers") == []


def test_the_nth_request_alone_meets_it() -> None:
    faults = Faults()
    armed = faults.arm(Fault("ypareo", "error", 500, operation="sites", nth=3))
    assert faults.draw_from("ypareo", "statuts") == []
    assert [len(faults.draw_from("ypareo", "sites", str(n))) for n in range(6)] == [0, 0, 1, 0, 0, 0]
    assert armed.json()["met"] == 1


def test_a_flapping_partner_is_down_then_up() -> None:
    seconds = [100.0]
    faults = Faults(0, lambda: seconds[0])
    faults.arm(Fault("ypareo", "flapping"))
    states = []
    for seconds[0] in (100.0, 104.9, 105.0, 109.9, 110.0):
        states.append(len(faults.draw_from("ypareo", "sites")))
    assert states == [1, 1, 0, 0, 1]


def test_delays_are_added_to_the_first_other_fault() -> None:
    faults = Faults()
    for kind in ("refuse", "hang", "latency", "pareto"):
        faults.arm(Fault("imilo", kind, 5))
    assert [armed.fault.kind for armed in faults.draw_from("imilo", "dossiers")] == ["latency", "pareto", "refuse"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"partner": "sap", "kind": "hang"}, "partner: one of ypareo, gestibase"),
        ({"partner": "ypareo", "kind": "fire"}, "kind: one of latency, error"),
        ({"partner": "ypareo", "kind": "latency"}, "value: latency takes a whole number from 0 to 600000"),
        ({"partner": "ypareo", "kind": "error", "value": 200}, "value: error takes a whole number from 400 to 599"),
        ({"partner": "ypareo", "kind": "hang", "value": 3}, "value: hang takes none"),
        ({"partner": "ypareo", "kind": "reset", "value": "feet"}, "value: reset takes before or head or body"),
        ({"partner": "ypareo", "kind": "rate_limit", "value": -1}, "value: rate_limit takes a whole number from 0 to"),
        ({"partner": "ypareo", "kind": "drift", "value": "new:x:y", "nth": 0}, "nth: a whole number from 1"),
        ({"partner": "ypareo", "kind": "hang", "probability": 1.5}, "probability: a number from 0 to 1"),
        ({"partner": "ypareo", "kind": "hang", "operation": "dossiers"}, "operation: one of apprenants"),
        ({"partner": "registre", "kind": "wrong_tenant"}, "wrong_tenant: registre has one tenant only"),
        ({"partner": "ypareo", "kind": "hang", "probabilty": 1}, "unknown key: probabilty"),
        (["ypareo"], "body: a JSON object"),
    ],
)
def test_nonsense_is_refused_with_one_clear_line(simulators: RunningSimulators, body: Any, message: str) -> None:
    response = simulators.http.post("/__control/faults", json=body)
    assert response.status_code == 400
    assert response.json()["error"].startswith(message)
    assert simulators.http.get("/__control/faults").json() == []


def test_clock_moves_and_comes_back(simulators: RunningSimulators) -> None:
    simulators.check.set_pragmas(datetime(2031, 1, 1, 3, 0, tzinfo=PARIS))
    assert simulators.check.now().year == 2031
    response = simulators.http.post("/__control/clock", json={"now": "2031-01-01T03:00:00"})
    assert (response.status_code, "offset is required" in response.json()["error"]) == (400, True)
    simulators.check.system_time()
    assert abs((datetime.now(PARIS) - simulators.check.now()).total_seconds()) < 60


def test_truth_is_told_line_by_line(simulators: RunningSimulators) -> None:
    assert list(simulators.check.truth()) == [{"nom": "LE GOFF"}]
