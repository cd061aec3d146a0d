"""What a client meets of each fault, on its connection: below HTTP, in the head, in the body, in the rows."""

import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from fixtures.certificates import Authority
from fixtures.simulators.bodies import double_rows
from fixtures.simulators.imilo import OPERATOR, api_key
from fixtures.tls_gate import TlsGate
from tests.support.contract import simulated_population as world
from tests.support.contract.simulators import RunningSimulators, running_simulators

BROKEN_OFF = (httpx.RemoteProtocolError, httpx.ReadError)


@pytest.fixture(scope="module")
def opened() -> Iterator[RunningSimulators]:
    with running_simulators(world.population(eleves=500)) as lance:
        yield lance


@pytest.fixture
def simulators(opened: RunningSimulators) -> Iterator[RunningSimulators]:
    yield opened
    opened.check.lift_faults()


def statuts(simulators: RunningSimulators) -> httpx.Response:
    return simulators.ypareo("statuts", world.YPAREO)


def raw_response(simulators: RunningSimulators, timeout: float = 10.0) -> tuple[bytes, str]:
    """Everything a plain socket receives, and how it ended."""
    token = simulators.secret("ypareo", world.YPAREO)
    path = f"/ypareo/{world.YPAREO.lower()}/index.php/r/v1/statuts"
    received = b""
    with socket.create_connection(("127.0.0.1", simulators.port), timeout=timeout) as taken:
        taken.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n\r\n".encode())
        try:
            while chunk := taken.recv(4096):
                received += chunk
        except ConnectionResetError:
            return received, "reset"
        except TimeoutError:
            return received, "muet"
    return received, "fin"


def test_reset_before_the_head_in_it_or_in_the_body(simulators: RunningSimulators) -> None:
    seen = []
    for where in ("before", "head", "body"):
        simulators.check.fault("ypareo", "reset", where)
        received, fin = raw_response(simulators)
        seen.append((fin, len(received) > 0, b"\r\n\r\n" in received))
        simulators.check.lift_faults()
    assert seen == [("reset", False, False), ("reset", True, False), ("reset", True, True)]


def test_wrong_length_short_then_long(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "wrong_length", "short")
    received, fin = raw_response(simulators)
    announced, body = lengths(received)
    assert (fin, announced) == ("fin", len(body) // 2)
    assert statuts(simulators).content == body[:announced]
    simulators.check.lift_faults()
    simulators.check.fault("ypareo", "wrong_length", "long")
    received, fin = raw_response(simulators, 0.1)
    assert (fin, lengths(received)) == ("muet", (len(body) + 100, body))


def lengths(received: bytes) -> tuple[int, bytes]:
    head, body = received.split(b"\r\n\r\n", 1)
    return int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]), body


def test_drip_gives_a_byte_at_a_time(simulators: RunningSimulators) -> None:
    integer = statuts(simulators).content
    simulators.check.fault("ypareo", "drip", 0)
    assert statuts(simulators).content == integer
    simulators.check.lift_faults()
    simulators.check.fault("ypareo", "drip", 60_000)
    received, fin = raw_response(simulators, 0.1)
    assert (fin, lengths(received)[1]) == ("muet", integer[:1])


def test_a_skewed_clock_dates_the_same_answer(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "clock_skew", -86_400)
    response = statuts(simulators)
    gap = parsedate_to_datetime(response.headers["date"]) - datetime.now(UTC)
    simulators.check.lift_faults()
    assert response.content == statuts(simulators).content
    assert (response.headers.get_list("date"), round(gap.total_seconds() / 3600)) == ([response.headers["date"]], -24)


def test_retry_after_as_a_date_absurd_or_negative(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "rate_limit", "date")
    come_back = statuts(simulators).headers["retry-after"]
    assert 25 < (parsedate_to_datetime(come_back) - datetime.now(UTC)).total_seconds() < 31
    for comment, header in (("absurd", "999999999999999"), ("negative", "-30")):
        simulators.check.lift_faults()
        simulators.check.fault("ypareo", "rate_limit", comment)
        assert statuts(simulators).headers["retry-after"] == header


def test_error_mix_draws_from_the_statuses(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "error_mix", seed=5)
    seen = [statuts(simulators).status_code for _ in range(20)]
    assert set(seen) <= {400, 401, 403, 404, 409, 418, 429, 500, 502, 503, 504}
    assert {statut // 100 for statut in seen} == {4, 5}


@pytest.mark.parametrize(
    ("comment", "debut"),
    [
        ("html", b"<!DOCTYPE"),
        ("latin1", b'{"@odata.context":"\xe9http'),
        ("nan", b'{"quota":NaN,'),
        ("null", b"null"),
        ("empty", b""),
    ],
)
def test_malformed_in_each_manner(simulators: RunningSimulators, comment: str, debut: bytes) -> None:
    simulators.check.fault("aimaira", "malformed", comment)
    response = simulators.aimaira("Programme", world.AIMAIRA)
    assert response.status_code == 200
    assert response.content.startswith(debut)


def test_a_bomb_inflates_a_thousand_times(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "bomb")
    token = {"X-Auth-Token": simulators.secret("ypareo", world.YPAREO)}
    path = f"/ypareo/{world.YPAREO.lower()}/index.php/r/v1/statuts"
    with simulators.http.stream("GET", path, headers=token) as response:
        assert response.headers["content-encoding"] == "gzip"
        assert len(b"".join(response.iter_raw())) < 300_000


def test_an_oversized_page_does_not_end(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "oversized")
    result = 0
    with simulators.http.stream("GET", f"/ypareo/{world.YPAREO.lower()}/index.php/r/v1/statuts") as response:
        for chunk in response.iter_raw():
            result += len(chunk)
            if result > 40_000_000:
                break
    assert result > 40_000_000


def test_the_same_page_whatever_is_asked(simulators: RunningSimulators) -> None:
    def page(jump: int) -> httpx.Response:
        return simulators.aimaira("Apprenant", world.AIMAIRA, top=2, skip=jump)

    healthy = page(2).content
    simulators.check.fault("aimaira", "repeat_page")
    assert page(0).content == page(2).content != healthy
    assert simulators.aimaira("Programme", world.AIMAIRA).content != page(0).content


def test_stale_gives_what_was_first_answered(simulators: RunningSimulators) -> None:
    """An event that was acknowledged is there again, until the fault is lifted."""
    headers = {"X-Gravitee-Api-Key": api_key(simulators.population, "events"), "operateur": OPERATOR}

    def file() -> list[dict[str, str]]:
        events: list[dict[str, str]] = simulators.http.get("/imilo/operateurs/events", headers=headers).json()
        return events

    simulators.check.fault("imilo", "stale", operation="events")
    before = file()
    simulators.http.post(f"/imilo/operateurs/events/{before[0]['identifiant']}/ack", headers=headers)
    assert file() == before
    simulators.check.lift_faults()
    assert file() == before[1:]


def test_rows_come_twice_in_each_dialect(simulators: RunningSimulators) -> None:
    rows = simulators.aimaira("Apprenant", world.AIMAIRA).json()["value"]
    csv = simulators.gestibase(world.GESTIBASE, annee=2025)
    simulators.check.fault("aimaira", "duplicate_rows")
    assert len(simulators.aimaira("Apprenant", world.AIMAIRA).json()["value"]) == 2 * len(rows)
    double = double_rows(csv.content).decode("iso-8859-15").splitlines()
    assert (len(double) - 2, double[-1].split(";")[1]) == (2 * (len(csv.text.splitlines()) - 2), str(len(double) - 2))


@pytest.mark.parametrize(
    ("comment", "view"),
    [
        ("new", lambda line: line["champNouveau"] == "x"),
        ("missing:Nom", lambda line: "Nom" not in line and "Prenoms" in line),
        ("type:Nom", lambda line: set(line["Nom"]) == {"valeur"}),
        ("code:GenreMale", lambda line: line["GenreMale"] == "INCONNU_9"),
        ("case", lambda line: "nOM" in line),
    ],
)
def test_the_format_drifts(simulators: RunningSimulators, comment: str, view: Callable[[dict[str, Any]], bool]) -> None:
    simulators.check.fault("aimaira", "drift", comment)
    rows = simulators.aimaira("Apprenant", world.AIMAIRA).json()["value"]
    assert rows
    assert all(view(line) for line in rows)


def test_a_redirection_leads_elsewhere_or_to_itself(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "redirect", "http://169.254.169.254/latest")
    seen = [statuts(simulators).headers["location"]]
    simulators.check.lift_faults()
    simulators.check.fault("ypareo", "redirect")
    seen.append(statuts(simulators).headers["location"].partition("?")[0])
    assert seen == ["http://169.254.169.254/latest", f"/ypareo/{world.YPAREO.lower()}/index.php/r/v1/statuts"]


def test_a_flapping_partner_and_a_slow_start(simulators: RunningSimulators) -> None:
    simulators.check.fault("ypareo", "flapping", 3600)
    with pytest.raises(BROKEN_OFF):
        statuts(simulators)
    simulators.check.lift_faults()
    simulators.check.fault("ypareo", "slow_start", 3600)
    with pytest.raises(httpx.ReadTimeout):
        simulators.http.get(f"/ypareo/{world.YPAREO.lower()}/index.php/r/v1/statuts", timeout=0.05)


MOTIFS = {
    "self_signed": "self-signed certificate",
    "expired": "certificate has expired",
    "wrong_host": "IP address mismatch",
    "tls_1_1": "EOF occurred",
}


@pytest.mark.parametrize("default", [None, *MOTIFS])
def test_a_tls_flaw_is_refused_by_a_careful_client(
    simulators: RunningSimulators, tmp_path: Path, default: str | None
) -> None:
    authority = Authority(tmp_path)
    client = ssl.create_default_context(cafile=str(authority.file))
    with TlsGate(authority, simulators.port, lambda: default) as authenticator, httpx.Client(verify=client) as http:
        if default is None:
            assert http.get(f"{authenticator.url}/__control/faults").json() == []
        else:
            with pytest.raises(httpx.ConnectError, match=MOTIFS[default]):
                http.get(f"{authenticator.url}/__control/faults")
