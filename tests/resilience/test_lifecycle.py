"""The life of a real process: clients who leave, too many at once, and an end that loses nothing (docs/fiabilite.md)."""

import itertools
import json
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from gateway.concurrency import SLOTS
from tests.support.e2e.queries import until_complete
from tests.support.figures import note
from tests.support.resilience.lifecycle import NOTICE, poster, ready, that_warns, wait

LIST = "{ ruptures(first: 3) { totalCount complet edges { node { jeune { nom suivi { situation } } } } } }"
ME = "{ moi { profil } }"


@pytest.fixture
def sound(world: World) -> Iterator[None]:
    yield
    world.check.lift_faults()


@pytest.fixture(scope="module")
def considerate(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whose journal is its own."""
    return that_warns(world, tmp_path_factory.mktemp("prevenante"))


@contextmanager
def served(world: World, record: Path) -> Iterator[LaunchedGateway]:
    journal = f"sqlite+aiosqlite:///{record / 'journal.sqlite'}"
    with world.gateway(GATEWAY_CONFIG=str(record), GATEWAY_JOURNAL_URL=journal) as launched:
        yield launched


@pytest.fixture(scope="module")
def launched(world: World, considerate: Path) -> Iterator[LaunchedGateway]:
    with served(world, considerate) as launched:
        yield launched


class Crowd:
    """Clients who ask over sockets of their own, with these tokens in turn, and do not wait for the answer."""

    def __init__(self, url: str, tokens: list[str], stack: ExitStack) -> None:
        adresse = urlsplit(url)
        self._address = (str(adresse.hostname), int(adresse.port or 0))
        self._requests = itertools.cycle(map(_bytes, tokens))
        self._stack = stack
        self.taken: list[socket.socket] = []

    def request(self, clients: int) -> None:
        for _ in range(clients):
            taken = self._stack.enter_context(socket.create_connection(self._address, timeout=60))
            taken.sendall(next(self._requests))
            self.taken.append(taken)

    def depart(self) -> None:
        for taken in self.taken:
            taken.close()
        self.taken = []


def two_lists(world: World) -> list[str]:
    """Those who wait for one list take half of the places; what `ml-voisine` reads is left to another test."""
    taken = {world.clients[name].organisation for name in ("ml", "ml-voisine")}
    code = min(set(world.population.geographie.missions_locales) - taken)
    return [world.token("ml"), world.token(f"ml-{code}")]


def _bytes(token: str) -> bytes:
    body = json.dumps({"query": LIST})
    head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    return f"POST /graphql HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def test_beyond_the_places_503_and_who_leaves_frees_his_own(
    world: World, launched: LaunchedGateway, sound: None
) -> None:
    world.check.fault("imilo", "hang")
    with ExitStack() as stack:
        crowd = Crowd(launched.url, two_lists(world), stack)
        crowd.request(SLOTS)
        wait(launched.admin_url, SLOTS)
        refused = poster(launched.url, world.token("ml"), ME)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["errors"][0]["extensions"]["code"] == "ERREUR_INTERNE"
        assert ready(launched.admin_url) == (200, [])
        crowd.depart()
        seconds = wait(launched.admin_url, 0)
    note(
        f"départs : {SLOTS} clients partis d'un coup, 0 requête en cours après {seconds * 1000:.0f} ms (≤ 100, page gardée 1 s)"
    )
    assert poster(launched.url, world.token("ml"), ME).status_code == 200


def test_told_to_stop_it_says_so_serves_the_notice_finishes_and_ends_at_0(
    world: World, launched: LaunchedGateway, considerate: Path, sound: None
) -> None:
    """The last of this gateway."""
    world.check.fault("imilo", "latency", 1500)  # the request under way outlives the notice
    token = world.token("ml-voisine")
    with ThreadPoolExecutor() as threads:
        long = threads.submit(poster, launched.url, token, LIST)
        wait(launched.admin_url, 1)
        debut = time.monotonic()
        launched.processus.send_signal(signal.SIGTERM)
        assert ready(launched.admin_url) == (503, ["arret"])
        during = poster(launched.url, token, ME)
        assert (during.status_code, during.headers["connection"]) == (200, "close")
        assert long.result().status_code == 200
    assert launched.processus.wait(30) == 0
    note(f"arrêt : fini en {time.monotonic() - debut:.1f} s, dont {NOTICE} s de préavis, une requête en cours (≤ 20)")
    with closing(sqlite3.connect(considerate / "journal.sqlite")) as base, base:
        contents = [json.loads(content) for (content,) in base.execute("SELECT contenu FROM journal_entrees")]
    assert long.result().headers["x-request-id"] in {content.get("requete") for content in contents}
    journal = launched.journal.read_text(encoding="utf-8")
    assert "Traceback" not in journal


@pytest.mark.chaos
@pytest.mark.parametrize("one", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(world: World, considerate: Path, sound: None, one: signal.Signals) -> None:
    with served(world, considerate) as alone, ThreadPoolExecutor() as threads:
        world.check.fault("imilo", "hang")
        long = threads.submit(poster, alone.url, world.token("ml"), LIST)
        wait(alone.admin_url, 1)
        alone.processus.send_signal(one)
        while ready(alone.admin_url) != (503, ["arret"]):
            pass
        alone.processus.send_signal(one)
        assert alone.processus.wait(30) == -one
        assert isinstance(long.exception(), httpx.TransportError)


@pytest.mark.chaos
def test_a_thousand_leave_and_no_place_is_lost(world: World, considerate: Path, sound: None) -> None:
    with served(world, considerate) as alone, ExitStack() as stack:
        world.check.fault("imilo", "hang")
        crowd, durations = Crowd(alone.url, two_lists(world), stack), []
        for _ in range(1000 // SLOTS):
            crowd.request(SLOTS)
            wait(alone.admin_url, SLOTS)
            crowd.depart()
            durations.append(wait(alone.admin_url, 0))
    note(
        f"départs : 1000 clients, 0 requête en cours {max(durations) * 1000:.0f} ms au plus après leur départ (≤ 100, idem)"
    )


@pytest.mark.chaos
def test_partners_are_asked_as_if_nobody_had_left(world: World, considerate: Path, sound: None) -> None:
    """What was asked for those who left fills the cache for the next (docs/architecture.md)."""

    def requests() -> dict[str, dict[str, int]]:
        return {p: o for p, o in world.check.counters().items() if p != "referentiel"}

    with served(world, considerate) as alone:
        world.check.reset_all()
        until_complete(alone, world.token("ml"), LIST)
        expected = requests()
    with served(world, considerate) as left, ExitStack() as stack:
        world.check.fault("gestibase", "latency", 1000)
        world.check.reset_all()
        crowd = Crowd(left.url, [world.token("ml")], stack)
        for _ in range(10):
            crowd.request(100)
            crowd.depart()
        wait(left.admin_url, 0)
        world.check.lift_faults()
        assert "errors" not in until_complete(left, world.token("ml"), LIST)
        assert requests() == expected
