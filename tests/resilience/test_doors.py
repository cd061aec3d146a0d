"""Where a real gateway may be asked: both families of addresses, or a socket of this machine (docs/exploitation.md)."""

import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

from fixtures.remote_control import client_http
from fixtures.world import World
from tests.support.security.edge_attacks import ME, ask, first_answer, query, talk, to_the_end

PROFILE = {"data": {"moi": {"profil": "MISSION_LOCALE"}}}


PROBES = {"GET /health/ready": 200, "HEAD /health/live": 200, "GET /health/live": 200, "OPTIONS /health/ready": 405}


def test_every_address_is_of_both_families_and_probes_need_no_host(world: World) -> None:
    """HTTP/1.0 without Host, as HAProxy's checks ask where they are told no more."""
    with world.gateway(hote="::") as launched:
        for line, status in PROBES.items():
            assert first_answer(talk(launched.url, f"{line} HTTP/1.0\r\n\r\n".encode())).status == status
        for host in ("127.0.0.1", "[::1]", "localhost"):
            with client_http(f"http://{host}:{urlsplit(launched.url).port}") as http:
                answered = ask(http, world.token("ml")).json()
            assert {"data": answered["data"]} == PROFILE


def test_a_unix_socket_is_asked_as_an_address_is(world: World, tmp_path: Path) -> None:
    """Through a client that ends its side too, and again after the process was killed, which leaves the socket."""
    place = tmp_path / "passerelle.sock"
    with world.gateway(hote=f"unix:{place}") as launched:
        assert launched.graphql(world.token("ml"), ME)["data"] == PROFILE["data"]
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(place))
            client.sendall(query(world.token("ml")))
            client.shutdown(socket.SHUT_WR)
            assert first_answer(to_the_end(client)).status == 200
        launched.processus.kill()
        launched.processus.wait()
    assert place.is_socket()
    with world.gateway(hote=f"unix:{place}") as again:
        assert again.graphql(world.token("ml"), ME)["data"] == PROFILE["data"]
        again.processus.send_signal(signal.SIGTERM)
        assert again.processus.wait(30) == 0
