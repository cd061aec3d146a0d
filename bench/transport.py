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

from gateway.sources.http.outbound import aiohttp_transport

SMALL, LARGE = 155, 42_000  # bytes: one record; a page of a hundred
CONCURRENT_MAX = 20
CALLS = 3_000
STORM_SECONDS = 3.0
SLOWNESS = 0.02  # seconds before the server answers, during the storm


async def _serve(port: Connection) -> None:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                _, size, waiting = head.split(b" ", 2)[1].split(b"/")
                if float(waiting):
                    await asyncio.sleep(float(waiting))
                body = b"[" + b"1" * (int(size) - 2) + b"]"
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _processes(port: Connection) -> None:
    asyncio.run(_serve(port))


@contextmanager
def server() -> Iterator[str]:
    """A keep-alive server in another process; the path is /<bytes>/<seconds before answering>."""
    here, there = multiprocessing.Pipe()
    processes = multiprocessing.get_context("spawn").Process(target=_processes, args=(there,), daemon=True)
    processes.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        processes.terminate()
        processes.join()


def transport_httpcore() -> httpx.AsyncBaseTransport:
    """httpx's own transport, with as many connections as the bench uses."""
    return httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=CONCURRENT_MAX), trust_env=False)


async def cost_of(client: httpx.AsyncClient, url: str) -> tuple[float, float]:
    """CPU µs per GET, and GETs per second, with SIMULTANES in flight."""

    async def file(number: int) -> None:
        for _ in range(number):
            await client.get(url)

    await asyncio.gather(*(file(5) for _ in range(CONCURRENT_MAX)))
    cpu, wall_time = time.process_time(), time.perf_counter()
    await asyncio.gather(*(file(CALLS // CONCURRENT_MAX) for _ in range(CONCURRENT_MAX)))
    return (time.process_time() - cpu) / CALLS * 1e6, CALLS / (time.perf_counter() - wall_time)


async def storm(client: httpx.AsyncClient, url: str) -> tuple[int, int]:
    """Cancel requests at every stage for a while; then (requests cancelled, answers to 20 healthy requests)."""
    fin, cancelled = time.monotonic() + STORM_SECONDS, 0

    async def cut_off(timeout: float) -> None:
        nonlocal cancelled
        try:
            async with asyncio.timeout(timeout):
                await client.get(url)
        except TimeoutError:
            cancelled += 1
        except httpx.HTTPError:
            pass

    while time.monotonic() < fin:
        await asyncio.gather(*(cut_off(0.0005 * (place % 60)) for place in range(4 * CONCURRENT_MAX)))
    healthy = await asyncio.gather(*(client.get(url, timeout=5) for _ in range(20)), return_exceptions=True)
    return cancelled, sum(isinstance(response, httpx.Response) for response in healthy)


async def measure_all(nom: str, factory: Callable[[], httpx.AsyncBaseTransport], url: str) -> None:
    """Print one transport's figures."""
    for size in (SMALL, LARGE):
        async with httpx.AsyncClient(transport=factory(), timeout=None) as client:  # noqa: S113
            cpu, clock = await cost_of(client, f"{url}/{size}/0")
        print(f"{nom:<10} {size:>6} o   {cpu:>7.0f} µs CPU/GET   {clock:>7.0f} GET/s")
    async with httpx.AsyncClient(transport=factory(), timeout=None) as client:  # noqa: S113
        cancelled, healthy = await storm(client, f"{url}/{SMALL}/{SLOWNESS}")
    print(f"{nom:<10} après {cancelled} annulations : {healthy}/20 demandes saines servies")


def main() -> None:
    """Run the bench."""
    print(f"httpx {httpx.__version__}, Python {sys.version.split()[0]}, {CONCURRENT_MAX} demandes simultanées")
    for name, factory in (("httpcore", transport_httpcore), ("aiohttp", aiohttp_transport)):
        with server() as url:
            asyncio.run(measure_all(name, factory, url))


if __name__ == "__main__":
    main()
