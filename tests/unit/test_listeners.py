"""Where a gateway listens: one address, both families, or a socket of this machine; what cannot be had is one line."""

import re
import resource
import socket
import stat
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.config import StreamSettings
from gateway.edge.connection_table import PROXY, ClientAddresses
from gateway.errors import ConfigurationError
from gateway.server.listeners import address_of, connections_max, listen

HERE = "HOST et PORT"
FOUR, SIX = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")


def answers(family: int, host: str, port: int) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        return client.connect_ex((host, port)) == 0


@pytest.mark.parametrize(
    ("host", "reached", "told"),
    [
        ("127.0.0.1", (True, False), "http://127.0.0.1:{port}"),
        ("0.0.0.0", (True, False), "http://0.0.0.0:{port}"),  # noqa: S104
        ("::1", (False, True), "http://[::1]:{port}"),
        ("[::1]", (False, True), "http://[::1]:{port}"),
        ("::", (True, True), "http://[::]:{port}"),
        ("[::]", (True, True), "http://[::]:{port}"),
    ],
)
def test_an_address_is_listened_on_in_its_families(host: str, reached: tuple[bool, bool], told: str) -> None:
    with listen(HERE, host, 0) as taken:
        port = taken.getsockname()[1]
        assert (answers(*FOUR, port), answers(*SIX, port)) == reached
        assert address_of(taken) == told.format(port=port)


def test_a_unix_socket_is_for_its_user_and_group(tmp_path: Path) -> None:
    path = tmp_path / "passerelle.sock"
    with listen(HERE, f"unix:{path}", 8000) as taken:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert address_of(taken) == f"unix:{path}"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_a_unix_socket_that_a_killed_process_left_is_taken_again(tmp_path: Path) -> None:
    place = f"unix:{tmp_path / 'passerelle.sock'}"
    listen(HERE, place, 0).close()
    with listen(HERE, place, 0), socket.socket(socket.AF_UNIX) as client:
        client.connect(place.removeprefix("unix:"))


def _listened_on(record: Path, stack: ExitStack) -> Path:
    stack.enter_context(listen(HERE, f"unix:{record / 'prise'}", 0))
    return record / "prise"


def _file(record: Path, _: ExitStack) -> Path:
    (record / "fichier").write_text("à garder")
    return record / "fichier"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (_listened_on, "adresse déjà prise"),
        (_file, "adresse déjà prise"),
        (lambda record, _: record / "absent" / "prise", "n'existe pas"),
        (lambda record, _: record / ("long" * 40), "chemin de socket trop long"),
    ],
    ids=["in use", "a file", "no folder", "too long"],
)
def test_a_unix_socket_that_cannot_be_had_is_one_line(tmp_path: Path, place: object, reason: str) -> None:
    assert callable(place)
    with ExitStack() as stack:
        path = place(tmp_path, stack)
        with pytest.raises(ConfigurationError, match=f"^{HERE} : unix:{path} : {reason}$"):
            listen(HERE, f"unix:{path}", 0)
        if path.is_file():
            assert path.read_text() == "à garder"


@pytest.mark.parametrize(
    ("limits", "asked", "places"),
    [
        ((1024, 524_288), 4256, 4000),  # systemd's own: what it grants is asked for
        ((1024, 1024), None, 768),
        ((256, 300), 300, 44),
        ((64, 64), None, 1),
        ((8192, 8192), None, 4000),
        ((-1, -1), None, 4000),
    ],
)
def test_a_start_under_a_low_limit_tells_how_many_connections_it_leaves(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    limits: tuple[int, int],
    asked: int | None,
    places: int,
) -> None:
    set_to: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: set_to.append(wanted[0]))
    assert connections_max(StreamSettings()) == places
    assert set_to == ([] if asked is None else [asked])
    told = f"fichiers : peu permis, {places} connexions au lieu de 4000 ; LimitNOFILE=8192 dans l'unité systemd, ou ulimit -n"
    assert [record.getMessage() for record in caplog.records] == ([] if places == 4000 else [told])


def test_streams_that_are_written_down_and_have_no_files_are_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (4096, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: None)
    assert connections_max(StreamSettings(par_processus=2840)) == 3840
    told = (
        "gateway.toml : [flux] par_processus : 2841 flux demandent 4097 fichiers ouverts, le système en permet 4096 ; "
    )
    with pytest.raises(ConfigurationError, match=f"^{re.escape(told)}"):
        connections_max(StreamSettings(par_processus=2841))


def test_who_vanished_is_given_up_after_thirty_seconds_unread() -> None:
    """What is sent to a host that left without a word is sent again for a quarter of an hour, and its stream holds a place."""
    with listen(HERE, "127.0.0.1", 0) as taken, socket.create_connection(taken.getsockname()):
        connection, _ = taken.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_who_comes_by_a_unix_socket_is_a_proxy_of_ours() -> None:
    """It has no address of its own: what it forwards is believed (docs/decisions/0060)."""
    addresses = ClientAddresses(())
    assert addresses.of_peer("") == PROXY
    assert addresses.forwarded([b"198.51.100.9, 192.0.2.7"]) == "192.0.2.7"
