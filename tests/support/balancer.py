"""A load balancer of the tests, in a thread: connections go in turn to the nodes that say they are ready.

It asks `/health/ready` of each node, as any balancer does, and tries another node only when nothing was sent.
"""

import asyncio
import itertools
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

PROBE = 0.05  # seconds between two looks at a node
REQUEST = b"GET /health/ready HTTP/1.1\r\nHost: sonde\r\nConnection: close\r\n\r\n"

Node = tuple[str, int]


class Balancer:
    """Context manager. Nodes may be down when it starts, and come and go: it watches all of `urls`."""

    def __init__(self, urls: list[str]) -> None:
        self._nodes = [(str(result.hostname), int(result.port or 0)) for result in map(urlsplit, urls)]
        self._round = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="repartiteur", daemon=True)
        self._ready, self._end = threading.Event(), asyncio.Event()
        self._junctions: set[asyncio.Task[None]] = set()
        self.ready_nodes: set[Node] = set()
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20), "the balancer did not start"
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as course:
            course.run(self._serve())

    async def _serve(self) -> None:
        watches = [asyncio.create_task(self._watch(node)) for node in self._nodes]
        await asyncio.gather(*(self._run_probe(node) for node in self._nodes))
        server = await asyncio.get_running_loop().create_server(self._welcome, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._end.wait()
        server.close()
        for watch in watches:
            watch.cancel()

    async def _watch(self, node: Node) -> None:
        while True:
            await asyncio.sleep(PROBE)
            await self._run_probe(node)

    async def _run_probe(self, node: Node) -> None:
        response = b""
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(*node)
            try:
                writer.write(REQUEST)
                response = await reader.readline()
            finally:
                writer.close()
        (self.ready_nodes.add if b" 200 " in response else self.ready_nodes.discard)(node)

    def _welcome(self) -> "_Bout":
        client = _Bout()
        task = asyncio.create_task(self._join(client))
        self._junctions.add(task)
        task.add_done_callback(self._junctions.discard)
        return client

    async def _join(self, client: "_Bout") -> None:
        """Put a client through to the node whose turn it is."""
        sweep, loop = next(self._round), asyncio.get_running_loop()
        for rank in range(len(self._nodes)):
            node = self._nodes[(sweep + rank) % len(self._nodes)]
            if node in self.ready_nodes:
                with suppress(OSError):
                    await loop.create_connection(lambda: _Bout(client), *node)
                    return
        client.close()


class _Bout(asyncio.Protocol):
    """One end of a line: what comes leaves by the other one, and whoever hangs up ends it."""

    def __init__(self, other: "_Bout | None" = None) -> None:
        self._other = other
        self._before = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._other is not None:
            self._other.link_up(self)

    def link_up(self, other: "_Bout") -> None:
        """The line is through: what came meanwhile leaves."""
        self._other = other
        other.transport.write(bytes(self._before))
        if self.transport.is_closing():
            other.close()

    def data_received(self, data: bytes) -> None:
        if self._other is None:
            self._before += data
        else:
            self._other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._other is not None:
            self._other.close()

    def close(self) -> None:
        self.transport.close()
