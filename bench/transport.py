"""Measures what decided docs/decisions/0001: httpx over httpcore against httpx over aiohttp, on this machine's loopback.

    python -m bench.transport

Prints, for each transport and body size, the client's CPU time per GET and its rate; then whether the pool still answers
after a storm of cancellations. The server is a process of its own, so that only the client's CPU is counted.
"""

import asyncio
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import httpx

from gateway.sources.transport import transport_aiohttp

PETIT, GRAND = 155, 42_000  # bytes: one record; a page of a hundred
SIMULTANES = 20
APPELS = 3_000
TEMPETE_SECONDES = 3.0
LENTEUR = 0.02  # seconds before the server answers, during the storm


async def _servir(port: Connection) -> None:
    async def une(lecteur: asyncio.StreamReader, ecrivain: asyncio.StreamWriter) -> None:
        try:
            while tete := await lecteur.readuntil(b"\r\n\r\n"):
                _, taille, attente = tete.split(b" ", 2)[1].split(b"/")
                if float(attente):
                    await asyncio.sleep(float(attente))
                corps = b"[" + b"1" * (int(taille) - 2) + b"]"
                ecrivain.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(corps) + corps)
                await ecrivain.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            ecrivain.close()

    serveur = await asyncio.start_server(une, "127.0.0.1", 0)
    port.send(serveur.sockets[0].getsockname()[1])
    await serveur.serve_forever()


def _processus(port: Connection) -> None:
    asyncio.run(_servir(port))


@contextmanager
def serveur() -> Iterator[str]:
    """A keep-alive server in another process; the path is /<bytes>/<seconds before answering>."""
    ici, la = multiprocessing.Pipe()
    processus = multiprocessing.get_context("spawn").Process(target=_processus, args=(la,), daemon=True)
    processus.start()
    try:
        yield f"http://127.0.0.1:{ici.recv()}"
    finally:
        processus.terminate()
        processus.join()


def transport_httpcore() -> httpx.AsyncBaseTransport:
    """httpx's own transport, with as many connections as the bench uses."""
    return httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=SIMULTANES), trust_env=False)


async def mesurer(client: httpx.AsyncClient, url: str) -> tuple[float, float]:
    """CPU µs per GET, and GETs per second, with SIMULTANES in flight."""

    async def file(nombre: int) -> None:
        for _ in range(nombre):
            await client.get(url)

    await asyncio.gather(*(file(5) for _ in range(SIMULTANES)))
    cpu, mur = time.process_time(), time.perf_counter()
    await asyncio.gather(*(file(APPELS // SIMULTANES) for _ in range(SIMULTANES)))
    return (time.process_time() - cpu) / APPELS * 1e6, APPELS / (time.perf_counter() - mur)


async def tempete(client: httpx.AsyncClient, url: str) -> tuple[int, int]:
    """Cancel requests at every stage for a while; then (requests cancelled, answers to 20 healthy requests)."""
    fin, annulees = time.monotonic() + TEMPETE_SECONDES, 0

    async def coupee(delai: float) -> None:
        nonlocal annulees
        try:
            async with asyncio.timeout(delai):
                await client.get(url)
        except TimeoutError:
            annulees += 1
        except httpx.HTTPError:
            pass

    while time.monotonic() < fin:
        await asyncio.gather(*(coupee(0.0005 * (place % 60)) for place in range(4 * SIMULTANES)))
    saines = await asyncio.gather(*(client.get(url, timeout=5) for _ in range(20)), return_exceptions=True)
    return annulees, sum(isinstance(reponse, httpx.Response) for reponse in saines)


async def mesurer_tout(nom: str, fabrique: Callable[[], httpx.AsyncBaseTransport], url: str) -> None:
    """Print one transport's figures."""
    for taille in (PETIT, GRAND):
        async with httpx.AsyncClient(transport=fabrique(), timeout=None) as client:  # noqa: S113
            cpu, rythme = await mesurer(client, f"{url}/{taille}/0")
        print(f"{nom:<10} {taille:>6} o   {cpu:>7.0f} µs CPU/GET   {rythme:>7.0f} GET/s")
    async with httpx.AsyncClient(transport=fabrique(), timeout=None) as client:  # noqa: S113
        annulees, saines = await tempete(client, f"{url}/{PETIT}/{LENTEUR}")
    print(f"{nom:<10} après {annulees} annulations : {saines}/20 demandes saines servies")


def main() -> None:
    """Run the bench."""
    print(f"httpx {httpx.__version__}, Python {sys.version.split()[0]}, {SIMULTANES} demandes simultanées")
    for nom, fabrique in (("httpcore", transport_httpcore), ("aiohttp", transport_aiohttp)):
        with serveur() as url:
            asyncio.run(mesurer_tout(nom, fabrique, url))


if __name__ == "__main__":
    main()
