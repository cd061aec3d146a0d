"""The control API: counters, clock, truth, and faults that a client meets on its connection."""

import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from fixtures.simulateurs.horloge import PARIS
from fixtures.simulateurs.pannes import Panne, Pannes
from tests.contract import simulateurs_population as monde
from tests.contract.simulateurs_outils import Banc, banc, lignes_ypareo


@pytest.fixture(scope="module")
def ouvert() -> Iterator[Banc]:
    with banc(monde.population(eleves=60)) as lance:
        yield lance


@pytest.fixture
def simulateurs(ouvert: Banc) -> Iterator[Banc]:
    ouvert.controle.remettre_a_zero()
    yield ouvert
    ouvert.controle.lever_pannes()


def demander(simulateurs: Banc) -> httpx.Response:
    return simulateurs.ypareo("statuts", monde.YPAREO)


def test_counters_by_partner_and_operation_faults_included(simulateurs: Banc) -> None:
    demander(simulateurs)
    simulateurs.controle.panne("ypareo", "error", 500)
    demander(simulateurs)
    simulateurs.http.get("/imilo/sue/dossiers/9001")
    compteurs = simulateurs.controle.compteurs()
    assert (compteurs["ypareo"], compteurs["imilo"]) == ({"statuts": 2}, {"dossier": 1})
    assert set(compteurs) == {"ypareo", "gestibase", "aimaira", "registre", "imilo", "referentiel"}
    simulateurs.controle.remettre_a_zero()
    assert simulateurs.controle.total() == 0


@pytest.mark.parametrize(
    ("statut", "corps"), [(500, "<html><h1>500</h1></html>"), (403, '{"message":"Droit manquant"}')]
)
def test_error(simulateurs: Banc, statut: int, corps: str) -> None:
    simulateurs.controle.panne("ypareo", "error", statut)
    reponse = demander(simulateurs)
    assert (reponse.status_code, reponse.text) == (statut, corps)


def test_a_fault_may_aim_at_one_operation(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "error", 500, operation="sites")
    assert demander(simulateurs).status_code == 200
    assert simulateurs.ypareo("sites", monde.YPAREO).status_code == 500


def test_rate_limit_in_the_words_of_each_partner(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "rate_limit", 7)
    simulateurs.controle.panne("gestibase", "rate_limit")
    reponse = demander(simulateurs)
    assert (reponse.status_code, reponse.headers["retry-after"]) == (429, "7")
    assert simulateurs.gestibase(monde.GESTIBASE, annee=2025).json() == {"erreur": "quota"}


def test_malformed_has_the_right_length_and_no_readable_document(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "malformed")
    reponse = demander(simulateurs)
    assert reponse.status_code == 200
    assert reponse.content.startswith(b"<br />\n<b>Warning</b>")
    with pytest.raises(ValueError, match="Expecting value"):
        reponse.json()


def test_refuse_closes_without_a_byte(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "refuse")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        demander(simulateurs)


def test_truncate_announces_more_than_it_sends(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "truncate")
    octets, fin = _lire_tout(simulateurs)
    entete, corps = octets.split(b"\r\n\r\n", 1)
    annonce = int(entete.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert (len(corps), fin) == (annonce // 2, "fin")


def test_reset_breaks_in_the_middle(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "reset")
    _, fin = _lire_tout(simulateurs)
    assert fin == "reset"
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        demander(simulateurs)


def _lire_tout(simulateurs: Banc) -> tuple[bytes, str]:
    """Everything a plain socket receives, and how it ended."""
    jeton = simulateurs.secret("ypareo", monde.YPAREO)
    requete = f"GET /ypareo/{monde.YPAREO.lower()}/index.php/r/v1/statuts HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {jeton}\r\n\r\n"
    recu = b""
    with socket.create_connection(("127.0.0.1", simulateurs.port), timeout=10) as prise:
        prise.sendall(requete.encode())
        try:
            while morceau := prise.recv(4096):
                recu += morceau
        except ConnectionResetError:
            return recu, "reset"
    return recu, "fin"


def test_hang_answers_nothing_and_survives_the_client_leaving(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "hang")
    with pytest.raises(httpx.ReadTimeout):
        simulateurs.http.get(f"/ypareo/{monde.YPAREO.lower()}/index.php/r/v1/statuts", timeout=0.05)
    simulateurs.controle.lever_pannes()
    assert demander(simulateurs).status_code == 200


def test_latency_then_the_normal_answer(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "latency", 50)
    assert demander(simulateurs).status_code == 200
    with pytest.raises(httpx.ReadTimeout):
        simulateurs.http.get(f"/ypareo/{monde.YPAREO.lower()}/index.php/r/v1/statuts", timeout=0.02)


def test_wrong_tenant_gives_the_neighbours_youths(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "wrong_tenant")
    periodes = ",".join(
        str(ligne["codePeriode"]) for ligne in lignes_ypareo(simulateurs.ypareo("periodes", monde.YPAREO))
    )
    eleves = lignes_ypareo(simulateurs.ypareo("formation-longue/apprenants", monde.YPAREO, codesPeriode=periodes))
    assert [eleve["nomApprenant"] for eleve in eleves] == ["AUTRE"]


def suite(pannes: Pannes, demandes: list[str]) -> dict[str, list[int]]:
    """How many faults each coming of each request meets."""
    pannes.armer(Panne("ypareo", "error", 500, 0.5))
    lues: dict[str, list[int]] = {demande: [] for demande in demandes}
    for demande in demandes:
        lues[demande].append(len(pannes.tirer("ypareo", "sites", demande)))
    pannes.lever()
    return lues


def test_draws_are_seeded_and_start_afresh_in_whatever_order_requests_come() -> None:
    pannes, demandes = Pannes(3), ["/a", "/b"] * 40
    premiere = suite(pannes, demandes)
    assert suite(pannes, demandes) == premiere
    assert suite(pannes, sorted(demandes)) == premiere
    assert suite(Pannes(4), demandes) != premiere
    assert all(8 < sum(tirages) < 32 for tirages in premiere.values())
    assert pannes.tirer("imilo", "dossiers") == []


def test_the_nth_request_alone_meets_it() -> None:
    pannes = Pannes()
    armee = pannes.armer(Panne("ypareo", "error", 500, operation="sites", nth=3))
    assert pannes.tirer("ypareo", "statuts") == []
    assert [len(pannes.tirer("ypareo", "sites", str(n))) for n in range(6)] == [0, 0, 1, 0, 0, 0]
    assert armee.json()["met"] == 1


def test_a_flapping_partner_is_down_then_up() -> None:
    secondes = [100.0]
    pannes = Pannes(0, lambda: secondes[0])
    pannes.armer(Panne("ypareo", "flapping"))
    etats = []
    for secondes[0] in (100.0, 104.9, 105.0, 109.9, 110.0):
        etats.append(len(pannes.tirer("ypareo", "sites")))
    assert etats == [1, 1, 0, 0, 1]


def test_delays_are_added_to_the_first_other_fault() -> None:
    pannes = Pannes()
    for genre in ("refuse", "hang", "latency", "pareto"):
        pannes.armer(Panne("imilo", genre, 5))
    assert [armee.panne.kind for armee in pannes.tirer("imilo", "dossiers")] == ["latency", "pareto", "refuse"]


@pytest.mark.parametrize(
    ("corps", "message"),
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
def test_nonsense_is_refused_with_one_clear_line(simulateurs: Banc, corps: Any, message: str) -> None:
    reponse = simulateurs.http.post("/__control/faults", json=corps)
    assert reponse.status_code == 400
    assert reponse.json()["error"].startswith(message)
    assert simulateurs.http.get("/__control/faults").json() == []


def test_clock_moves_and_comes_back(simulateurs: Banc) -> None:
    simulateurs.controle.regler(datetime(2031, 1, 1, 3, 0, tzinfo=PARIS))
    assert simulateurs.controle.maintenant().year == 2031
    reponse = simulateurs.http.post("/__control/clock", json={"now": "2031-01-01T03:00:00"})
    assert (reponse.status_code, "offset is required" in reponse.json()["error"]) == (400, True)
    simulateurs.controle.heure_systeme()
    assert abs((datetime.now(PARIS) - simulateurs.controle.maintenant()).total_seconds()) < 60


def test_truth_is_told_line_by_line(simulateurs: Banc) -> None:
    assert list(simulateurs.controle.verite()) == [{"nom": "LE GOFF"}]
