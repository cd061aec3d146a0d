"""Clients that are slow on purpose, over real sockets: each bound of the protocol, brought near (SECURITY G16, G17)."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway import entree, protocole
from gateway.entree import lire_demande
from gateway.errors import ErreurPasserelle
from gateway.protocole import Protocole

DELAI = 0.3
LONG = 50_000_000
BON = b"POST /lire HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
Adresse = tuple[str, int]


async def _lire(request: Request) -> Response:
    try:
        await lire_demande(request)
    except ErreurPasserelle as refus:
        return PlainTextResponse("refusé", getattr(refus, "statut", 400))
    return PlainTextResponse("lu")


async def _long(request: Request) -> Response:
    return Response(b"x" * LONG)


@pytest.fixture(scope="module")
def serveur() -> Iterator[Adresse]:
    """A server of the gateway's protocol, in a thread, whose deadlines are short."""
    app = Starlette(routes=[Route("/lire", _lire, methods=["POST"]), Route("/long", _long)])
    prise = socket.create_server(("127.0.0.1", 0))
    reglages = uvicorn.Config(app, http=Protocole, ws="none", log_level="critical", loop="asyncio", lifespan="off")
    serveur = uvicorn.Server(reglages)
    with pytest.MonkeyPatch.context() as proche:
        proche.setattr(protocole, "DELAI_ENTETES", DELAI)
        proche.setattr(protocole, "DELAI_LECTURE", DELAI)
        proche.setattr(entree, "DELAI_CORPS", DELAI)
        fil = threading.Thread(target=lambda: asyncio.run(serveur.serve([prise])))
        fil.start()
        try:
            yield prise.getsockname()
        finally:
            serveur.should_exit = True
            fil.join()


def _parler(adresse: Adresse, *morceaux: bytes) -> bytes:
    """What is answered before the connection ends; a server that never ends it makes the read time out."""
    with socket.create_connection(adresse, timeout=20) as prise:
        with suppress(ConnectionError):
            for morceau in morceaux:
                prise.sendall(morceau)
        return _jusqu_au_bout(prise)


def _jusqu_au_bout(prise: socket.socket) -> bytes:
    recu = bytearray()
    with suppress(ConnectionError):
        while lu := prise.recv(1 << 20):
            recu += lu
    return bytes(recu)


@pytest.mark.parametrize("debut", [b"", b"G", b"GET /long HTTP/1.1\r\nHost: x\r\nX-Lent: a", BON[:-2]])
def test_g16_headers_that_do_not_come_close_the_connection(serveur: Adresse, debut: bytes) -> None:
    assert _parler(serveur, debut) == b""


def test_g16_a_second_request_has_the_same_time_as_the_first(serveur: Adresse) -> None:
    with socket.create_connection(serveur, timeout=20) as prise:
        prise.sendall(BON.replace(b"100", b"2") + b"\r\n{}")
        assert prise.recv(65_536).startswith(b"HTTP/1.1 400")
        prise.sendall(b"POST /lire HTTP/1.1\r\nHost")
        assert b"HTTP/1.1" not in _jusqu_au_bout(prise)


def test_g16_a_body_that_does_not_come_is_told_so(serveur: Adresse) -> None:
    assert _parler(serveur, BON + b"Connection: close\r\n\r\n{").startswith(b"HTTP/1.1 408")


def test_g16_an_answer_that_is_not_read_frees_its_connection(serveur: Adresse) -> None:
    with socket.create_connection(serveur, timeout=20) as prise:
        prise.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        threading.Event().wait(3 * DELAI)
        assert len(_jusqu_au_bout(prise)) < LONG


def test_g16_a_client_at_its_pace_is_served_beside_two_hundred_slow_ones(serveur: Adresse) -> None:
    lents = [socket.create_connection(serveur) for _ in range(200)]
    try:
        for lent in lents:
            lent.sendall(b"POST /lire HTTP/1.1\r\nX: ")
        with httpx.Client(base_url=f"http://127.0.0.1:{serveur[1]}", trust_env=False) as client:
            statuts = [client.post("/lire", json={"query": "{a}"}).status_code for _ in range(50)]
        assert statuts == [200] * 50
    finally:
        for lent in lents:
            lent.close()


@pytest.mark.parametrize(
    "demande",
    [
        BON + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        BON + b"Content-Length: 4\r\n\r\n{}",
        b"POST http://ailleurs.invalid/lire HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        b"POST /lire HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /lire HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /lire HTTP/1.1\r\nHost : x\r\nContent-Length: 0\r\n\r\n",
        b"POST /lire HTTP/1.1\r\n" + b"X-A: b\r\n" * 101 + b"\r\n",
        b"POST /lire HTTP/1.1\r\nX-A: " + b"a" * 17_000 + b"\r\n\r\n",
        b"POST /lire HTTP/1.1\r\nX-A: " + b"a" * 17_000,
        b"POST /" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["CL+TE", "two CL", "absolute", "negative CL", "chunk", "space", "many", "long", "endless", "long URL"],
)
def test_g17_a_request_that_two_servers_would_read_differently_is_refused(serveur: Adresse, demande: bytes) -> None:
    assert _parler(serveur, demande).startswith(b"HTTP/1.1 400")
