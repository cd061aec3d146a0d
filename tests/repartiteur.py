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

SONDE = 0.05  # seconds between two looks at a node
DEMANDE = b"GET /health/ready HTTP/1.1\r\nHost: sonde\r\nConnection: close\r\n\r\n"

Noeud = tuple[str, int]


class Repartiteur:
    """Context manager. Nodes may be down when it starts, and come and go: it watches all of `urls`."""

    def __init__(self, urls: list[str]) -> None:
        self._noeuds = [(str(lue.hostname), int(lue.port or 0)) for lue in map(urlsplit, urls)]
        self._tour = itertools.count()
        self._boucle = asyncio.new_event_loop()
        self._fil = threading.Thread(target=self._tourner, name="repartiteur", daemon=True)
        self._pret, self._fin = threading.Event(), asyncio.Event()
        self._jonctions: set[asyncio.Task[None]] = set()
        self.prets: set[Noeud] = set()
        self.url = ""

    def __enter__(self) -> Self:
        self._fil.start()
        assert self._pret.wait(20), "the balancer did not start"
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._boucle.call_soon_threadsafe(self._fin.set)
        self._fil.join()

    def _tourner(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._boucle) as course:
            course.run(self._servir())

    async def _servir(self) -> None:
        veilles = [asyncio.create_task(self._veiller(noeud)) for noeud in self._noeuds]
        await asyncio.gather(*(self._sonder(noeud) for noeud in self._noeuds))
        serveur = await asyncio.get_running_loop().create_server(self._accueillir, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{serveur.sockets[0].getsockname()[1]}"
        self._pret.set()
        await self._fin.wait()
        serveur.close()
        for veille in veilles:
            veille.cancel()

    async def _veiller(self, noeud: Noeud) -> None:
        while True:
            await asyncio.sleep(SONDE)
            await self._sonder(noeud)

    async def _sonder(self, noeud: Noeud) -> None:
        reponse = b""
        with suppress(OSError):
            lecteur, ecrivain = await asyncio.open_connection(*noeud)
            try:
                ecrivain.write(DEMANDE)
                reponse = await lecteur.readline()
            finally:
                ecrivain.close()
        (self.prets.add if b" 200 " in reponse else self.prets.discard)(noeud)

    def _accueillir(self) -> "_Bout":
        client = _Bout()
        tache = asyncio.create_task(self._joindre(client))
        self._jonctions.add(tache)
        tache.add_done_callback(self._jonctions.discard)
        return client

    async def _joindre(self, client: "_Bout") -> None:
        """Put a client through to the node whose turn it is."""
        tour, boucle = next(self._tour), asyncio.get_running_loop()
        for rang in range(len(self._noeuds)):
            noeud = self._noeuds[(tour + rang) % len(self._noeuds)]
            if noeud in self.prets:
                with suppress(OSError):
                    await boucle.create_connection(lambda: _Bout(client), *noeud)
                    return
        client.fermer()


class _Bout(asyncio.Protocol):
    """One end of a line: what comes leaves by the other one, and whoever hangs up ends it."""

    def __init__(self, autre: "_Bout | None" = None) -> None:
        self._autre = autre
        self._avant = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._autre is not None:
            self._autre.relier(self)

    def relier(self, autre: "_Bout") -> None:
        """The line is through: what came meanwhile leaves."""
        self._autre = autre
        autre.transport.write(bytes(self._avant))
        if self.transport.is_closing():
            autre.fermer()

    def data_received(self, data: bytes) -> None:
        if self._autre is None:
            self._avant += data
        else:
            self._autre.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._autre is not None:
            self._autre.fermer()

    def fermer(self) -> None:
        self.transport.close()
