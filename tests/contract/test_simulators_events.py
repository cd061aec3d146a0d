"""What the simulators tell of changes: a queue given again until acknowledged, a signed call, a record really changed."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from fixtures.simulators import aimaira, imilo
from fixtures.simulators.events import COMES_BACK, EventQueue
from tests.support.contract import simulated_population as world
from tests.support.contract.simulators import RunningSimulators, running_simulators

EVENTS = "/imilo/operateurs/events"


@pytest.fixture
def simulators() -> Iterator[RunningSimulators]:
    with running_simulators(world.population()) as lance:
        yield lance


def headers(simulators: RunningSimulators, acces: str) -> dict[str, str]:
    key = imilo.api_key(simulators.population, acces)
    return {"X-Gravitee-Api-Key": key, "operateur": imilo.OPERATOR}


def evenements(simulators: RunningSimulators) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = simulators.http.get(EVENTS, headers=headers(simulators, "events")).json()
    return results


def acknowledge(simulators: RunningSimulators) -> None:
    for event in evenements(simulators):
        simulators.http.post(f"{EVENTS}/{event['identifiant']}/ack", headers=headers(simulators, "events"))


def records(simulators: RunningSimulators, code: str = "01002") -> list[dict[str, Any]]:
    path = f"/imilo/operateurs/structures/{code}/dossiers"
    response = simulators.http.get(path, headers=headers(simulators, "dossier"))
    return list(response.json()) if response.content else []


def test_a_follow_up_is_really_changed_and_told_as_often_as_asked(simulators: RunningSimulators) -> None:
    acknowledge(simulators)
    assert simulators.check.change("imilo", "9001", "situation", "NOUVEAU_CONTRAT", times=2) == "01002"
    suivi = records(simulators)[0]["suiviApprentissage"]
    assert (suivi["situation"], suivi["historique"][0]["situation"]) == ("NOUVEAU_CONTRAT", "NOUVEAU_CONTRAT")
    issued = evenements(simulators)
    assert [(e["idDossier"], e["type"], e["action"]) for e in issued] == [(9001, "DOSSIER", "UPDATE")] * 2
    assert len({e["identifiant"] for e in issued}) == 2


def test_a_dossier_moves_then_disappears(simulators: RunningSimulators) -> None:
    acknowledge(simulators)
    assert simulators.check.change("imilo", "9001", "structure", "01001", times=0) == "01001"
    assert [d["idDossier"] for d in records(simulators, "01001")] == [9001]
    assert 9001 not in [d["idDossier"] for d in records(simulators)]
    assert evenements(simulators) == []
    assert simulators.check.change("imilo", "9001", "suppression", "") == ""
    assert records(simulators, "01001") == []
    assert [e["action"] for e in evenements(simulators)] == ["DELETE"]


@pytest.mark.parametrize(
    ("partner", "key", "champ", "valeur"),
    [
        ("imilo", "1", "situation", "AUTRE"),
        ("imilo", "9001", "nom", "AUTRE"),
        ("imilo", "9001", "structure", "99999"),
        ("aimaira", "9001", "rupture", "2026-01-01"),
        ("aimaira", f"{world.AIMAIRA}/1", "rupture", "jeudi"),
        ("ypareo", "1", "rupture", "2026-01-01"),
    ],
)
def test_nonsense_changes_nothing(
    simulators: RunningSimulators, partner: str, key: str, champ: str, valeur: str
) -> None:
    with pytest.raises(ValueError, match=r"^(key|field|partner): "):
        simulators.check.change(partner, key, champ, valeur)


def test_a_queue_gives_in_no_order_what_is_not_acknowledged_and_some_twice() -> None:
    file = EventQueue(faithful=False)
    for rank in range(60):
        file.add({"identifiant": f"e{rank}"})
    orders = [[e["identifiant"] for e in file.read()] for _ in range(2)]
    assert [len(order) for order in orders] == [50, 50]
    assert orders[0] != orders[1]
    for _ in range(2):
        for identifier in [e["identifiant"] for e in file.read()]:
            file.acknowledge(identifier)
    rest = len(file.waiting)
    assert 0 < rest <= 60 // COMES_BACK * 2  # acknowledged, and given again
    for identifier in list(file.waiting):
        file.acknowledge(identifier)
    assert file.waiting == {}


def test_a_call_is_signed_and_tells_nobody_but_the_client(simulators: RunningSimulators) -> None:
    (account, *_) = simulators.population.accounts["aimaira"][world.AIMAIRA]
    with subscription() as (url, received):
        simulators.check.subscribe("aimaira", url)
        simulators.check.change("aimaira", f"{world.AIMAIRA}/{account.key}", "rupture", "2026-02-02")
        received.wait()
    body, headers_received = received.calls[0]
    instant = headers_received["x-horodatage"]
    secret = aimaira.events_secret(simulators.population).encode()
    signed = hmac.new(secret, f"{instant}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers_received["x-signature"] == f"v1={signed}"
    assert set(json.loads(body)) == {"CustomerName", "Date", "Hash", "ObjectId", "ObjectType", "TriggerName"}
    assert json.loads(body)["CustomerName"] == world.AIMAIRA.lower()
    conventions = simulators.aimaira("Convention", world.AIMAIRA).json()["value"]
    assert "2026-02-01T00:00:00+01:00" in [c["DateRupture"] for c in conventions]  # the last day worked


class Received:
    """The calls that came."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, dict[str, str]]] = []
        self._came = threading.Event()

    def add(self, body: bytes, headers: dict[str, str]) -> None:
        self.calls.append((body, headers))
        self._came.set()

    def wait(self) -> None:
        assert self._came.wait(20)


@contextmanager
def subscription() -> Iterator[tuple[str, Received]]:
    """A server that takes every call."""
    received = Received()

    class Receipt(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.add(body, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = HTTPServer(("127.0.0.1", 0), Receipt)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
