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

from fixtures.certificats import Autorite
from fixtures.porte_tls import PorteTls
from fixtures.simulateurs.corps import doubler
from fixtures.simulateurs.imilo import OPERATEUR, cle_api
from tests.contract import simulateurs_population as monde
from tests.contract.simulateurs_outils import Banc, banc

ROMPU = (httpx.RemoteProtocolError, httpx.ReadError)


@pytest.fixture(scope="module")
def ouvert() -> Iterator[Banc]:
    with banc(monde.population(eleves=500)) as lance:
        yield lance


@pytest.fixture
def simulateurs(ouvert: Banc) -> Iterator[Banc]:
    yield ouvert
    ouvert.controle.lever_pannes()


def statuts(simulateurs: Banc) -> httpx.Response:
    return simulateurs.ypareo("statuts", monde.YPAREO)


def octets(simulateurs: Banc, delai: float = 10.0) -> tuple[bytes, str]:
    """Everything a plain socket receives, and how it ended."""
    jeton = simulateurs.secret("ypareo", monde.YPAREO)
    chemin = f"/ypareo/{monde.YPAREO.lower()}/index.php/r/v1/statuts"
    recu = b""
    with socket.create_connection(("127.0.0.1", simulateurs.port), timeout=delai) as prise:
        prise.sendall(f"GET {chemin} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {jeton}\r\n\r\n".encode())
        try:
            while morceau := prise.recv(4096):
                recu += morceau
        except ConnectionResetError:
            return recu, "reset"
        except TimeoutError:
            return recu, "muet"
    return recu, "fin"


def test_reset_before_the_head_in_it_or_in_the_body(simulateurs: Banc) -> None:
    vus = []
    for ou in ("before", "head", "body"):
        simulateurs.controle.panne("ypareo", "reset", ou)
        recu, fin = octets(simulateurs)
        vus.append((fin, len(recu) > 0, b"\r\n\r\n" in recu))
        simulateurs.controle.lever_pannes()
    assert vus == [("reset", False, False), ("reset", True, False), ("reset", True, True)]


def test_wrong_length_short_then_long(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "wrong_length", "short")
    recu, fin = octets(simulateurs)
    annonce, corps = longueurs(recu)
    assert (fin, annonce) == ("fin", len(corps) // 2)
    assert statuts(simulateurs).content == corps[:annonce]
    simulateurs.controle.lever_pannes()
    simulateurs.controle.panne("ypareo", "wrong_length", "long")
    recu, fin = octets(simulateurs, 0.1)
    assert (fin, longueurs(recu)) == ("muet", (len(corps) + 100, corps))


def longueurs(recu: bytes) -> tuple[int, bytes]:
    tete, corps = recu.split(b"\r\n\r\n", 1)
    return int(tete.lower().split(b"content-length: ")[1].split(b"\r\n")[0]), corps


def test_drip_gives_a_byte_at_a_time(simulateurs: Banc) -> None:
    entier = statuts(simulateurs).content
    simulateurs.controle.panne("ypareo", "drip", 0)
    assert statuts(simulateurs).content == entier
    simulateurs.controle.lever_pannes()
    simulateurs.controle.panne("ypareo", "drip", 60_000)
    recu, fin = octets(simulateurs, 0.1)
    assert (fin, longueurs(recu)[1]) == ("muet", entier[:1])


def test_a_skewed_clock_dates_the_same_answer(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "clock_skew", -86_400)
    reponse = statuts(simulateurs)
    ecart = parsedate_to_datetime(reponse.headers["date"]) - datetime.now(UTC)
    simulateurs.controle.lever_pannes()
    assert reponse.content == statuts(simulateurs).content
    assert (reponse.headers.get_list("date"), round(ecart.total_seconds() / 3600)) == ([reponse.headers["date"]], -24)


def test_retry_after_as_a_date_absurd_or_negative(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "rate_limit", "date")
    revenir = statuts(simulateurs).headers["retry-after"]
    assert 25 < (parsedate_to_datetime(revenir) - datetime.now(UTC)).total_seconds() < 31
    for comment, entete in (("absurd", "999999999999999"), ("negative", "-30")):
        simulateurs.controle.lever_pannes()
        simulateurs.controle.panne("ypareo", "rate_limit", comment)
        assert statuts(simulateurs).headers["retry-after"] == entete


def test_error_mix_draws_from_the_statuses(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "error_mix", seed=5)
    vus = [statuts(simulateurs).status_code for _ in range(20)]
    assert set(vus) <= {400, 401, 403, 404, 409, 418, 429, 500, 502, 503, 504}
    assert {statut // 100 for statut in vus} == {4, 5}


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
def test_malformed_in_each_manner(simulateurs: Banc, comment: str, debut: bytes) -> None:
    simulateurs.controle.panne("aimaira", "malformed", comment)
    reponse = simulateurs.aimaira("Programme", monde.AIMAIRA)
    assert reponse.status_code == 200
    assert reponse.content.startswith(debut)


def test_a_bomb_inflates_a_thousand_times(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "bomb")
    jeton = {"X-Auth-Token": simulateurs.secret("ypareo", monde.YPAREO)}
    chemin = f"/ypareo/{monde.YPAREO.lower()}/index.php/r/v1/statuts"
    with simulateurs.http.stream("GET", chemin, headers=jeton) as reponse:
        assert reponse.headers["content-encoding"] == "gzip"
        assert len(b"".join(reponse.iter_raw())) < 300_000


def test_an_oversized_page_does_not_end(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "oversized")
    lu = 0
    with simulateurs.http.stream("GET", f"/ypareo/{monde.YPAREO.lower()}/index.php/r/v1/statuts") as reponse:
        for morceau in reponse.iter_raw():
            lu += len(morceau)
            if lu > 40_000_000:
                break
    assert lu > 40_000_000


def test_the_same_page_whatever_is_asked(simulateurs: Banc) -> None:
    def page(saut: int) -> httpx.Response:
        return simulateurs.aimaira("Apprenant", monde.AIMAIRA, top=2, skip=saut)

    saine = page(2).content
    simulateurs.controle.panne("aimaira", "repeat_page")
    assert page(0).content == page(2).content != saine
    assert simulateurs.aimaira("Programme", monde.AIMAIRA).content != page(0).content


def test_stale_gives_what_was_first_answered(simulateurs: Banc) -> None:
    """An event that was acknowledged is there again, until the fault is lifted."""
    entetes = {"X-Gravitee-Api-Key": cle_api(simulateurs.population, "events"), "operateur": OPERATEUR}

    def file() -> list[dict[str, str]]:
        evenements: list[dict[str, str]] = simulateurs.http.get("/imilo/operateurs/events", headers=entetes).json()
        return evenements

    simulateurs.controle.panne("imilo", "stale", operation="events")
    avant = file()
    simulateurs.http.post(f"/imilo/operateurs/events/{avant[0]['identifiant']}/ack", headers=entetes)
    assert file() == avant
    simulateurs.controle.lever_pannes()
    assert file() == avant[1:]


def test_rows_come_twice_in_each_dialect(simulateurs: Banc) -> None:
    lignes = simulateurs.aimaira("Apprenant", monde.AIMAIRA).json()["value"]
    csv = simulateurs.gestibase(monde.GESTIBASE, annee=2025)
    simulateurs.controle.panne("aimaira", "duplicate_rows")
    assert len(simulateurs.aimaira("Apprenant", monde.AIMAIRA).json()["value"]) == 2 * len(lignes)
    double = doubler(csv.content).decode("iso-8859-15").splitlines()
    assert (len(double) - 2, double[-1].split(";")[1]) == (2 * (len(csv.text.splitlines()) - 2), str(len(double) - 2))


@pytest.mark.parametrize(
    ("comment", "vue"),
    [
        ("new", lambda ligne: ligne["champNouveau"] == "x"),
        ("missing:Nom", lambda ligne: "Nom" not in ligne and "Prenoms" in ligne),
        ("type:Nom", lambda ligne: set(ligne["Nom"]) == {"valeur"}),
        ("code:GenreMale", lambda ligne: ligne["GenreMale"] == "INCONNU_9"),
        ("case", lambda ligne: "nOM" in ligne),
    ],
)
def test_the_format_drifts(simulateurs: Banc, comment: str, vue: Callable[[dict[str, Any]], bool]) -> None:
    simulateurs.controle.panne("aimaira", "drift", comment)
    lignes = simulateurs.aimaira("Apprenant", monde.AIMAIRA).json()["value"]
    assert lignes
    assert all(vue(ligne) for ligne in lignes)


def test_a_redirection_leads_elsewhere_or_to_itself(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "redirect", "http://169.254.169.254/latest")
    vus = [statuts(simulateurs).headers["location"]]
    simulateurs.controle.lever_pannes()
    simulateurs.controle.panne("ypareo", "redirect")
    vus.append(statuts(simulateurs).headers["location"].partition("?")[0])
    assert vus == ["http://169.254.169.254/latest", f"/ypareo/{monde.YPAREO.lower()}/index.php/r/v1/statuts"]


def test_a_flapping_partner_and_a_slow_start(simulateurs: Banc) -> None:
    simulateurs.controle.panne("ypareo", "flapping", 3600)
    with pytest.raises(ROMPU):
        statuts(simulateurs)
    simulateurs.controle.lever_pannes()
    simulateurs.controle.panne("ypareo", "slow_start", 3600)
    with pytest.raises(httpx.ReadTimeout):
        simulateurs.http.get(f"/ypareo/{monde.YPAREO.lower()}/index.php/r/v1/statuts", timeout=0.05)


MOTIFS = {
    "self_signed": "self-signed certificate",
    "expired": "certificate has expired",
    "wrong_host": "IP address mismatch",
    "tls_1_1": "EOF occurred",
}


@pytest.mark.parametrize("defaut", [None, *MOTIFS])
def test_a_tls_flaw_is_refused_by_a_careful_client(simulateurs: Banc, tmp_path: Path, defaut: str | None) -> None:
    autorite = Autorite(tmp_path)
    client = ssl.create_default_context(cafile=str(autorite.fichier))
    with PorteTls(autorite, simulateurs.port, lambda: defaut) as porte, httpx.Client(verify=client) as http:
        if defaut is None:
            assert http.get(f"{porte.url}/__control/faults").json() == []
        else:
            with pytest.raises(httpx.ConnectError, match=MOTIFS[defaut]):
                http.get(f"{porte.url}/__control/faults")
