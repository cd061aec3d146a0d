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

from fixtures.simulateurs import aimaira, imilo
from fixtures.simulateurs.evenements import REVIENT, File
from tests.contract import simulateurs_population as monde
from tests.contract.simulateurs_outils import Banc, banc

EVENTS = "/imilo/operateurs/events"


@pytest.fixture
def simulateurs() -> Iterator[Banc]:
    with banc(monde.population()) as lance:
        yield lance


def entetes(simulateurs: Banc, acces: str) -> dict[str, str]:
    cle = imilo.cle_api(simulateurs.population, acces)
    return {"X-Gravitee-Api-Key": cle, "operateur": imilo.OPERATEUR}


def evenements(simulateurs: Banc) -> list[dict[str, Any]]:
    lus: list[dict[str, Any]] = simulateurs.http.get(EVENTS, headers=entetes(simulateurs, "events")).json()
    return lus


def acquitter(simulateurs: Banc) -> None:
    for evenement in evenements(simulateurs):
        simulateurs.http.post(f"{EVENTS}/{evenement['identifiant']}/ack", headers=entetes(simulateurs, "events"))


def dossiers(simulateurs: Banc, code: str = "01002") -> list[dict[str, Any]]:
    chemin = f"/imilo/operateurs/structures/{code}/dossiers"
    reponse = simulateurs.http.get(chemin, headers=entetes(simulateurs, "dossier"))
    return list(reponse.json()) if reponse.content else []


def test_a_follow_up_is_really_changed_and_told_as_often_as_asked(simulateurs: Banc) -> None:
    acquitter(simulateurs)
    assert simulateurs.controle.changer("imilo", "9001", "situation", "NOUVEAU_CONTRAT", times=2) == "01002"
    suivi = dossiers(simulateurs)[0]["suiviApprentissage"]
    assert (suivi["situation"], suivi["historique"][0]["situation"]) == ("NOUVEAU_CONTRAT", "NOUVEAU_CONTRAT")
    emis = evenements(simulateurs)
    assert [(e["idDossier"], e["type"], e["action"]) for e in emis] == [(9001, "DOSSIER", "UPDATE")] * 2
    assert len({e["identifiant"] for e in emis}) == 2


def test_a_dossier_moves_then_disappears(simulateurs: Banc) -> None:
    acquitter(simulateurs)
    assert simulateurs.controle.changer("imilo", "9001", "structure", "01001", times=0) == "01001"
    assert [d["idDossier"] for d in dossiers(simulateurs, "01001")] == [9001]
    assert 9001 not in [d["idDossier"] for d in dossiers(simulateurs)]
    assert evenements(simulateurs) == []
    assert simulateurs.controle.changer("imilo", "9001", "suppression", "") == ""
    assert dossiers(simulateurs, "01001") == []
    assert [e["action"] for e in evenements(simulateurs)] == ["DELETE"]


@pytest.mark.parametrize(
    ("partenaire", "cle", "champ", "valeur"),
    [
        ("imilo", "1", "situation", "AUTRE"),
        ("imilo", "9001", "nom", "AUTRE"),
        ("imilo", "9001", "structure", "99999"),
        ("aimaira", "9001", "rupture", "2026-01-01"),
        ("aimaira", f"{monde.AIMAIRA}/1", "rupture", "jeudi"),
        ("ypareo", "1", "rupture", "2026-01-01"),
    ],
)
def test_nonsense_changes_nothing(simulateurs: Banc, partenaire: str, cle: str, champ: str, valeur: str) -> None:
    with pytest.raises(ValueError, match=r"^(key|field|partner): "):
        simulateurs.controle.changer(partenaire, cle, champ, valeur)


def test_a_queue_gives_in_no_order_what_is_not_acknowledged_and_some_twice() -> None:
    file = File(fidele=False)
    for rang in range(60):
        file.ajouter({"identifiant": f"e{rang}"})
    ordres = [[e["identifiant"] for e in file.lire()] for _ in range(2)]
    assert [len(ordre) for ordre in ordres] == [50, 50]
    assert ordres[0] != ordres[1]
    for _ in range(2):
        for identifiant in [e["identifiant"] for e in file.lire()]:
            file.acquitter(identifiant)
    reste = len(file.attente)
    assert 0 < reste <= 60 // REVIENT * 2  # acknowledged, and given again
    for identifiant in list(file.attente):
        file.acquitter(identifiant)
    assert file.attente == {}


def test_a_call_is_signed_and_tells_nobody_but_the_client(simulateurs: Banc) -> None:
    (recit, *_) = simulateurs.population.recits["aimaira"][monde.AIMAIRA]
    with ecoute() as (url, recus):
        simulateurs.controle.abonner("aimaira", url)
        simulateurs.controle.changer("aimaira", f"{monde.AIMAIRA}/{recit.cle}", "rupture", "2026-02-02")
        recus.attendre()
    corps, entetes_recus = recus.appels[0]
    instant = entetes_recus["x-horodatage"]
    secret = aimaira.secret_evenements(simulateurs.population).encode()
    signe = hmac.new(secret, f"{instant}.".encode() + corps, hashlib.sha256).hexdigest()
    assert entetes_recus["x-signature"] == f"v1={signe}"
    assert set(json.loads(corps)) == {"CustomerName", "Date", "Hash", "ObjectId", "ObjectType", "TriggerName"}
    assert json.loads(corps)["CustomerName"] == monde.AIMAIRA.lower()
    conventions = simulateurs.aimaira("Convention", monde.AIMAIRA).json()["value"]
    assert "2026-02-01T00:00:00+01:00" in [c["DateRupture"] for c in conventions]  # the last day worked


class Recus:
    """The calls that came."""

    def __init__(self) -> None:
        self.appels: list[tuple[bytes, dict[str, str]]] = []
        self._venu = threading.Event()

    def ajouter(self, corps: bytes, entetes: dict[str, str]) -> None:
        self.appels.append((corps, entetes))
        self._venu.set()

    def attendre(self) -> None:
        assert self._venu.wait(20)


@contextmanager
def ecoute() -> Iterator[tuple[str, Recus]]:
    """A server that takes every call."""
    recus = Recus()

    class Prise(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            corps = self.rfile.read(int(self.headers["content-length"]))
            recus.ajouter(corps, {nom.lower(): valeur for nom, valeur in self.headers.items()})
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    serveur = HTTPServer(("127.0.0.1", 0), Prise)
    fil = threading.Thread(target=serveur.serve_forever, daemon=True)
    fil.start()
    try:
        yield f"http://127.0.0.1:{serveur.server_address[1]}/", recus
    finally:
        serveur.shutdown()
        fil.join()
        serveur.server_close()
