"""The guarded client over real sockets (docs/security.md U01-U04, U16): refusals, drips, bombs, cancellations, certificates."""

import asyncio
import errno
import os
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixtures.certificates import Authority
from gateway.errors import OutOfFiles, SourceError, SourceInvalid, SourceTimedOut, SourceUnavailable
from gateway.sources.http.transport import Transport
from tests.support.sources import Handle, call, server, wall_clock

pytestmark = pytest.mark.anyio
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
OK = HEAD + b"Content-Length: 3\r\n\r\n[1]"


@pytest.fixture
async def network() -> AsyncIterator[Transport]:
    opened = Transport(wall_clock)
    yield opened
    await opened.aclose()


def tell(bytes_: bytes) -> Handle:
    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes_)
        await writer.drain()

    return handle


def break_off(bytes_: bytes) -> Handle:
    """Say this much, then reset the connection."""

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes_)
        await writer.drain()
        taken = writer.get_extra_info("socket")
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return handle


def repeat(debut: bytes, block: bytes, pause: float) -> Handle:
    """A body that never ends."""

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(debut)
        while not writer.is_closing():
            writer.write(block)
            await writer.drain()
            await asyncio.sleep(pause)

    return handle


async def refusal(network: Transport, url: str, timeout: float = 5.0) -> SourceError:
    with pytest.raises(SourceError) as raised_error:
        await network.request(call(url=url, timeout=timeout))
    return raised_error.value


@pytest.mark.parametrize("reason", [errno.EMFILE, errno.ENFILE])
async def test_files_that_lack_are_not_the_partners_fault(
    network: Transport, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    async with server(tell(OK)) as url:

        def no_more(*_: object, **__: object) -> socket.socket:
            raise OSError(reason, os.strerror(reason))

        with monkeypatch.context() as patch:
            patch.setattr(socket, "socket", no_more)
            error = await refusal(network, url)
        assert (type(error), str(error)) == (OutOfFiles, "la passerelle ne peut plus ouvrir de connexion")
        assert (await network.request(call(url=url))).document == [1]


async def test_a_real_answer_is_read(network: Transport) -> None:
    async with server(tell(OK)) as url:
        assert (await network.request(call(url=url))).document == [1]


async def test_u01_a_refused_connection(network: Transport) -> None:
    async with server(tell(OK)) as url:
        pass
    assert type(await refusal(network, url)) is SourceUnavailable


BROKEN_OFF_ONES = [
    pytest.param(b"", SourceUnavailable, id="avant la tête"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", SourceUnavailable, id="dans la tête"),
    pytest.param(HEAD + b"Content-Length: 100\r\n\r\n[1]", SourceInvalid, id="dans le corps"),
    pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n64\r\n[1]", SourceInvalid, id="dans un morceau"),
]


@pytest.mark.parametrize(("told", "kind"), BROKEN_OFF_ONES)
async def test_u01_a_broken_connection(network: Transport, told: bytes, kind: type[SourceError]) -> None:
    async with server(break_off(told)) as url:
        assert type(await refusal(network, url)) is kind


TRUNCATED_ONES = {
    "longueur": HEAD + b"Content-Length: 100\r\n\r\n[1]",
    "morceau": HEAD + b"Transfer-Encoding: chunked\r\n\r\n64\r\n[1]",
    "demi-JSON": HEAD + b"Connection: close\r\n\r\n[1, 2",
}


@pytest.mark.parametrize("told", TRUNCATED_ONES.values(), ids=TRUNCATED_ONES.keys())
async def test_u04_a_truncated_answer_is_invalid(network: Transport, told: bytes) -> None:
    async with server(tell(told)) as url:
        assert isinstance(await refusal(network, url), SourceInvalid)


@pytest.mark.parametrize(
    "told", [b"SMTP bonjour\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n[1]", b"HTTP/1.1 2OO OK\r\n\r\n", b"\0" * 4000]
)
async def test_what_is_not_http_is_an_error(network: Transport, told: bytes) -> None:
    async with server(tell(told)) as url:
        assert isinstance(await refusal(network, url), SourceError)


DRIPS = {
    "octet par octet": repeat(HEAD + b"Content-Length: 1000000\r\n\r\n", b" ", 0.01),
    "tête sans fin": repeat(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n", 0.05),
    "muet": repeat(b"", b"", 0.05),
}


@pytest.mark.parametrize("handle", DRIPS.values(), ids=DRIPS.keys())
async def test_u02_a_slow_drip_is_cut_at_the_total_deadline(network: Transport, handle: Handle) -> None:
    async with server(handle) as url:
        assert isinstance(await refusal(network, url, timeout=0.1), SourceTimedOut)


async def test_u02_a_body_without_end_is_cut_at_its_size(network: Transport) -> None:
    chunks = repeat(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65_536 + b"\r\n", 0)
    async with server(chunks) as url:
        error = await refusal(network, url, timeout=30.0)
    assert str(error) == "réponse du partenaire invalide : réponse trop volumineuse"


@pytest.mark.parametrize(
    "headers",
    [b"X: " + b"a" * 5_000_000 + b"\r\n", b"".join(b"X-%d: 1\r\n" % i for i in range(100_000))],
    ids=["5 Mo", "cent mille"],
)
async def test_u03_an_enormous_head_is_refused(network: Transport, headers: bytes) -> None:
    async with server(tell(b"HTTP/1.1 200 OK\r\n" + headers + b"Content-Length: 3\r\n\r\n[1]")) as url:
        assert isinstance(await refusal(network, url), SourceError)


async def test_t1_after_a_storm_of_cancellations_the_partner_answers(network: Transport) -> None:
    """Deadlines cut requests at every stage, under contention; the pool must be as sound afterwards."""

    async def slow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(OK)
        await writer.drain()

    async with server(slow) as url:
        for sweep in range(20):
            delays = [0.0005 * (sweep + place) for place in range(20)]
            requests = (network.request(call(url=url, timeout=timeout)) for timeout in delays)
            await asyncio.gather(*requests, return_exceptions=True)
        responses = await asyncio.gather(*(network.request(call(url=url)) for _ in range(10)))
    assert [response.document for response in responses] == [[1]] * 10


@pytest.mark.parametrize("identifiers", [True, False])
@pytest.mark.parametrize("default", [None, "self_signed", "expired", "wrong_host", "tls_1_1"])
async def test_u16_a_doubtful_certificate_is_refused_before_anything_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, default: str | None, identifiers: bool
) -> None:
    """The authority is one that this machine trusts, with or without the key identifiers that internal ones often lack
    (docs/decisions/0062): only the flaw is refused."""
    authority, received = Authority(tmp_path, identifiers=identifiers), []
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)
        await writer.drain()
        writer.close()

    network = Transport(wall_clock)
    async with await asyncio.start_server(receive, "127.0.0.1", 0, ssl=authority.context(default)) as subscription:
        url = f"https://127.0.0.1:{subscription.sockets[0].getsockname()[1]}/"
        if default is None:
            assert (await network.request(call(url=url))).document == [1]
        else:
            assert type(await refusal(network, url)) is SourceUnavailable
    await network.aclose()
    assert len(received) == (default is None)
