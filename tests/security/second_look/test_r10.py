"""R10: no signal ends a process under its callers, who ends his side of a connection is answered, and damage at rest is told."""

import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.world import World
from tests.support.pair import admin
from tests.support.security.edge_attacks import (
    ATTACKER,
    LIVE,
    ask,
    attacked,
    connect,
    crowd,
    first_answer,
    get,
    query,
    to_the_end,
)
from tests.support.security.second_checkout import configuration

LIST = "{ ruptures(first: 100) { totalCount complet edges { node { jeune { nom } } } } }"
SILENT = 300


@pytest.fixture
def record(small_world: World, tmp_path: Path) -> Path:
    """A copy of the small world's configuration and data."""
    return configuration(small_world, tmp_path)


@contextmanager
def served(world: World, record: Path) -> Iterator[LaunchedGateway]:
    try:
        with attacked(world, {"GATEWAY_CONFIG": str(record)}) as launched:
            yield launched
    finally:
        world.check.lift_faults()


def test_r10_sighup_reads_the_register_again_and_ends_nothing(small_world: World, record: Path) -> None:
    with served(small_world, record) as launched, client_http(launched.url) as http:
        token = small_world.token("ml")
        assert ask(http, token).status_code == 200
        register = record / "clients.toml"
        text = register.read_text(encoding="utf-8")
        register.write_text(text.replace("[clients.ml]", "[clients.ml-partie]"), encoding="utf-8")
        launched.processus.send_signal(signal.SIGHUP)
        assert _until(lambda: ask(http, token).status_code == 401)
        register.write_text("[clients", encoding="utf-8")
        launched.processus.send_signal(signal.SIGHUP)
        assert ask(http, small_world.token("ml-voisine")).status_code == 200
        assert launched.processus.poll() is None


@pytest.mark.parametrize("ending", [signal.SIGQUIT, signal.SIGTERM])
def test_r10_no_signal_cuts_an_answer_under_way(small_world: World, record: Path, ending: signal.Signals) -> None:
    with served(small_world, record) as launched:
        small_world.check.fault("imilo", "latency", 1500)
        with connect(launched.url) as connection:
            connection.sendall(query(small_world.token("ml"), LIST, "Connection: close"))
            assert _until(lambda: _under_way(launched) == 1)
            for one in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, ending):
                launched.processus.send_signal(one)
            assert first_answer(to_the_end(connection)).status == 200
        assert launched.processus.wait(25) == 0


def test_r10_silent_connections_do_not_hold_the_end(small_world: World, record: Path) -> None:
    slow = b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    with (
        served(small_world, record) as launched,
        crowd(launched.url, SILENT, b""),
        crowd(launched.url, SILENT, LIVE),
        crowd(launched.url, SILENT, slow),
    ):
        launched.processus.send_signal(signal.SIGTERM)
        assert launched.processus.wait(25) == 0  # the notice (none here), then 20 s at most, then the stores


@pytest.fixture
def sound(world: World) -> Iterator[None]:
    yield
    world.check.lift_faults()


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_r10_who_ends_his_side_after_asking_is_answered(
    world: World, launched: LaunchedGateway, sound: None, version: str
) -> None:
    world.check.fault("imilo", "latency", 500)
    request = query(world.token("ml"), LIST).replace(b"HTTP/1.1", f"HTTP/{version}".encode())
    with connect(launched.url) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = first_answer(to_the_end(connection))
    assert (answer.status, b'"complet":' in answer.body, answer.rest) == (200, True, b"")


def test_r10_all_that_was_asked_before_is_answered(world: World, launched: LaunchedGateway) -> None:
    with connect(launched.url) as connection:
        connection.sendall(3 * query(world.token("ml")) + LIVE)  # the last one does not come whole
        connection.shutdown(socket.SHUT_WR)
        raw, statuses = to_the_end(connection), []
        while raw:
            answer = first_answer(raw)
            statuses.append(answer.status)
            raw = answer.rest
    assert statuses == [200] * 3


def test_r10_who_left_frees_his_place_and_who_waits_keeps_his(
    world: World, launched: LaunchedGateway, sound: None
) -> None:
    world.check.fault("imilo", "hang")
    request = query(world.token("ml-voisine"), LIST)
    with connect(launched.url) as waiting, crowd(launched.url, 20, request, ATTACKER) as leaving:
        waiting.sendall(request)
        assert _until(lambda: _under_way(launched) == 21)
        waiting.shutdown(socket.SHUT_WR)
        for connection in leaving:
            connection.close()
        assert _until(lambda: _under_way(launched) == 1)
        assert first_answer(to_the_end(waiting)).status == 200


def _garble_rows(base: sqlite3.Connection) -> None:
    base.execute("UPDATE registre_lignes SET scelle = randomblob(length(scelle))")


def _other_types(base: sqlite3.Connection) -> None:
    base.execute("UPDATE registre_lignes SET scelle = 'texte', rang = 'x' || rang")


def _impossible_days(base: sqlite3.Connection) -> None:
    base.execute("UPDATE registre_lignes SET fenetre = 'x' || fenetre")


def _other_persons(base: sqlite3.Connection) -> None:
    base.execute("UPDATE registre_lignes SET personne = x'00ff' WHERE rang % 2 = 0")


DAMAGES: dict[str, Callable[[sqlite3.Connection], None]] = {
    "rows": _garble_rows,
    "types": _other_types,
    "days": _impossible_days,
    "pseudonyms": _other_persons,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_r10_damaged_rows_of_the_registry_are_told(small_world: World, record: Path, damage: str) -> None:
    with closing(sqlite3.connect(record / "donnees" / "registre.sqlite")) as base, base:
        DAMAGES[damage](base)
    base.close()
    _told(small_world, record)


def test_r10_damaged_pages_of_the_registry_are_told(small_world: World, record: Path) -> None:
    file = record / "donnees" / "registre.sqlite"
    with closing(sqlite3.connect(file)) as base, base:
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = base.execute("PRAGMA page_size").fetchone()
        names = ("registre_lignes", "registre_par_cfa", "registre_par_code_postal", "registre_par_personne")
        pages = [n for each in names for (n,) in base.execute("SELECT pageno FROM dbstat WHERE name = ?", (each,))]
    base.close()
    raw = bytearray(file.read_bytes())
    for number in pages:
        raw[(number - 1) * page : number * page] = b"\xa5" * page
    file.write_bytes(raw)
    _told(small_world, record)


def _told(world: World, record: Path) -> None:
    """The answer is not an error of ours; health and figures tell what happened to the copy of the registry."""
    with served(world, record) as launched, client_http(launched.url) as http:
        response = ask(http, world.token("ml"), LIST)
        assert response.status_code == 200
        assert _until(lambda: get(admin(launched), "/health/ready").json()["degrade"].count("registre") == 1)
        assert _until(lambda: "\npasserelle_registre_endommage 1.0\n" in get(admin(launched), "/metrics").text)


def _under_way(launched: LaunchedGateway) -> int:
    (line,) = [
        line
        for line in get(admin(launched), "/metrics").text.splitlines()
        if line.startswith("passerelle_requetes_en_cours ")
    ]
    return int(float(line.split()[1]))


def _until(condition: Callable[[], bool]) -> bool:
    """True as soon as it holds."""
    limit = time.monotonic() + 30
    while not (held := condition()) and time.monotonic() < limit:
        time.sleep(0.05)
    return held
