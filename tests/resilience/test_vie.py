"""The life of a real process: clients who leave, too many at once, and an end that loses nothing (SECURITY §5)."""

import itertools
import json
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from gateway.admission import SLOTS
from tests.chiffres import noter
from tests.e2e.requetes import jusqu_a_complete
from tests.resilience.vie_outils import PREAVIS, attendre, poster, pret, qui_previent

LISTE = "{ ruptures(first: 3) { totalCount complet edges { node { jeune { nom suivi { situation } } } } } }"
MOI = "{ moi { profil } }"


@pytest.fixture
def sain(monde: Monde) -> Iterator[None]:
    yield
    monde.controle.lever_pannes()


@pytest.fixture(scope="module")
def prevenante(monde: Monde, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whose journal is its own."""
    return qui_previent(monde, tmp_path_factory.mktemp("prevenante"))


@contextmanager
def servie(monde: Monde, dossier: Path) -> Iterator[PasserelleLancee]:
    journal = f"sqlite+aiosqlite:///{dossier / 'journal.sqlite'}"
    with monde.gateway(GATEWAY_CONFIG=str(dossier), GATEWAY_JOURNAL_URL=journal) as lancee:
        yield lancee


@pytest.fixture(scope="module")
def lancee(monde: Monde, prevenante: Path) -> Iterator[PasserelleLancee]:
    with servie(monde, prevenante) as lancee:
        yield lancee


class Foule:
    """Clients who ask over sockets of their own, with these tokens in turn, and do not wait for the answer."""

    def __init__(self, url: str, jetons: list[str], pile: ExitStack) -> None:
        adresse = urlsplit(url)
        self._adresse = (str(adresse.hostname), int(adresse.port or 0))
        self._demandes = itertools.cycle(map(_octets, jetons))
        self._pile = pile
        self.prises: list[socket.socket] = []

    def demander(self, clients: int) -> None:
        for _ in range(clients):
            prise = self._pile.enter_context(socket.create_connection(self._adresse, timeout=60))
            prise.sendall(next(self._demandes))
            self.prises.append(prise)

    def partir(self) -> None:
        for prise in self.prises:
            prise.close()
        self.prises = []


def deux_listes(monde: Monde) -> list[str]:
    """Those who wait for one list take half of the places; what `ml-voisine` reads is left to another test."""
    prises = {monde.clients[nom].organisation for nom in ("ml", "ml-voisine")}
    code = min(set(monde.population.geographie.missions_locales) - prises)
    return [monde.jeton("ml"), monde.jeton(f"ml-{code}")]


def _octets(jeton: str) -> bytes:
    corps = json.dumps({"query": LISTE})
    tete = f"Host: 127.0.0.1\r\nAuthorization: Bearer {jeton}\r\nContent-Type: application/json\r\n"
    return f"POST /graphql HTTP/1.1\r\n{tete}Content-Length: {len(corps)}\r\n\r\n{corps}".encode()


def test_beyond_the_places_503_and_who_leaves_frees_his_own(monde: Monde, lancee: PasserelleLancee, sain: None) -> None:
    monde.controle.panne("imilo", "hang")
    with ExitStack() as pile:
        foule = Foule(lancee.url, deux_listes(monde), pile)
        foule.demander(SLOTS)
        attendre(lancee.url, SLOTS)
        refusee = poster(lancee.url, monde.jeton("ml"), MOI)
        assert (refusee.status_code, refusee.headers["retry-after"]) == (503, "1")
        assert refusee.json()["errors"][0]["extensions"]["code"] == "ERREUR_INTERNE"
        assert pret(lancee.url) == (200, [])
        foule.partir()
        secondes = attendre(lancee.url, 0)
    noter(f"départs : {SLOTS} clients partis d'un coup, 0 requête en cours après {secondes * 1000:.0f} ms (≤ 100)")
    assert poster(lancee.url, monde.jeton("ml"), MOI).status_code == 200


def test_told_to_stop_it_says_so_serves_the_notice_finishes_and_ends_at_0(
    monde: Monde, lancee: PasserelleLancee, prevenante: Path, sain: None
) -> None:
    """The last of this gateway."""
    monde.controle.panne("imilo", "latency", 1500)  # the request under way outlives the notice
    jeton = monde.jeton("ml-voisine")
    with ThreadPoolExecutor() as fils:
        longue = fils.submit(poster, lancee.url, jeton, LISTE)
        attendre(lancee.url, 1)
        debut = time.monotonic()
        lancee.processus.send_signal(signal.SIGTERM)
        assert pret(lancee.url) == (503, ["arret"])
        pendant = poster(lancee.url, jeton, MOI)
        assert (pendant.status_code, pendant.headers["connection"]) == (200, "close")
        assert longue.result().status_code == 200
    assert lancee.processus.wait(30) == 0
    noter(f"arrêt : fini en {time.monotonic() - debut:.1f} s, dont {PREAVIS} s de préavis, une requête en cours (≤ 20)")
    with sqlite3.connect(prevenante / "journal.sqlite") as base:
        contenus = [json.loads(contenu) for (contenu,) in base.execute("SELECT contenu FROM journal_entrees")]
    assert longue.result().headers["x-request-id"] in {contenu.get("requete") for contenu in contenus}
    journal = lancee.journal.read_text(encoding="utf-8")
    assert "Traceback" not in journal


@pytest.mark.chaos
@pytest.mark.parametrize("un", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(monde: Monde, prevenante: Path, sain: None, un: signal.Signals) -> None:
    with servie(monde, prevenante) as seule, ThreadPoolExecutor() as fils:
        monde.controle.panne("imilo", "hang")
        longue = fils.submit(poster, seule.url, monde.jeton("ml"), LISTE)
        attendre(seule.url, 1)
        seule.processus.send_signal(un)
        while pret(seule.url) != (503, ["arret"]):
            pass
        seule.processus.send_signal(un)
        assert seule.processus.wait(30) == -un
        assert isinstance(longue.exception(), httpx.TransportError)


@pytest.mark.chaos
def test_a_thousand_leave_and_no_place_is_lost(monde: Monde, prevenante: Path, sain: None) -> None:
    with servie(monde, prevenante) as seule, ExitStack() as pile:
        monde.controle.panne("imilo", "hang")
        foule, durees = Foule(seule.url, deux_listes(monde), pile), []
        for _ in range(1000 // SLOTS):
            foule.demander(SLOTS)
            attendre(seule.url, SLOTS)
            foule.partir()
            durees.append(attendre(seule.url, 0))
    noter(f"départs : 1000 clients, 0 requête en cours {max(durees) * 1000:.0f} ms au plus après leur départ (≤ 100)")


@pytest.mark.chaos
def test_partners_are_asked_as_if_nobody_had_left(monde: Monde, prevenante: Path, sain: None) -> None:
    """What was asked for those who left fills the cache for the next (ANSWERS 8)."""

    def demandes() -> dict[str, dict[str, int]]:
        return {p: o for p, o in monde.controle.compteurs().items() if p != "referentiel"}

    with servie(monde, prevenante) as seule:
        monde.controle.remettre_a_zero()
        jusqu_a_complete(seule, monde.jeton("ml"), LISTE)
        attendues = demandes()
    with servie(monde, prevenante) as quittee, ExitStack() as pile:
        monde.controle.panne("gestibase", "latency", 1000)
        monde.controle.remettre_a_zero()
        foule = Foule(quittee.url, [monde.jeton("ml")], pile)
        for _ in range(10):
            foule.demander(100)
            foule.partir()
        attendre(quittee.url, 0)
        monde.controle.lever_pannes()
        assert "errors" not in jusqu_a_complete(quittee, monde.jeton("ml"), LISTE)
        assert demandes() == attendues
