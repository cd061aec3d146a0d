"""Two gateways of one Redis and one PostgreSQL behind a balancer: several processes that must answer as one does."""

import asyncio
import itertools
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fixtures.gateway_process import LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.servers import HOST, free_port
from fixtures.world import World
from gateway.edge.metrics_page import VALIDITY
from tests.support.balancer import Balancer
from tests.support.databases import at_rest, base
from tests.support.redis_server import redis_server


@dataclass(frozen=True, slots=True)
class DoubleGateway(LaunchedGateway):
    """Two processes behind one address; the process is that of the first."""

    nodes: tuple[LaunchedGateway, ...] = ()


def nodes(gateway: LaunchedGateway) -> tuple[LaunchedGateway, ...]:
    """The processes behind an address, each at its own."""
    return gateway.nodes if isinstance(gateway, DoubleGateway) else (gateway,)


def admin(gateway: LaunchedGateway) -> str:
    """Where the operator looks: another checkout (AUTRE_DEPOT) may have had one door only."""
    return gateway.url if os.environ.get("AUTRE_DEPOT") else gateway.admin_url


def metrics(gateway: LaunchedGateway) -> str:
    """What its processes tell at `/metrics`, one after the other: written now, and not within the second before."""
    time.sleep(1.1 * VALIDITY)
    texts = []
    for node in nodes(gateway):
        with client_http(admin(node)) as http:
            texts.append(http.get("/metrics").text)
    return "".join(texts)


def counter(gateway: LaunchedGateway, nom: str) -> float:
    """A counter of `/metrics`, of all the processes together."""
    return counted(metrics(gateway), nom)


def counted(text: str, nom: str) -> float:
    """A counter of what was read at `/metrics`: several of one moment are read at once."""
    return sum(float(line.removeprefix(nom)) for line in text.splitlines() if line.startswith(f"{nom} "))


class Node:
    """One process of several, at its own address (`unix:/path` too): ended and started again there. `env` adds to the world's."""

    def __init__(self, world: World, env: dict[str, str], port: int = 0, hote: str = HOST) -> None:
        self._world, self._env, self._port, self._host = world, env, port or free_port(), hote
        self._stack = ExitStack()
        self.url = f"http://{HOST}:{self._port}"

    def start(self) -> LaunchedGateway:
        self.launched = self._stack.enter_context(World.gateway(self._world, self._port, self._host, **self._env))
        return self.launched

    def finish(self, signal: int, waiting: float = 60.0) -> int:
        """Send a signal, and return the exit code of the process."""
        self.launched.processus.send_signal(signal)
        return self.launched.processus.wait(waiting)

    @property
    def environment(self) -> dict[str, str]:
        return self._world.environment | self._env

    def close(self) -> None:
        self._stack.close()


@contextmanager
def pair(world: World, **env: str) -> Iterator[tuple[Balancer, list[Node]]]:
    """Two ready nodes and their balancer, ended with the block."""
    nodes = [Node(world, env) for _ in range(2)]
    with ExitStack() as stack:
        for node in nodes:
            stack.callback(node.close)
        with ThreadPoolExecutor() as threads:
            list(threads.map(Node.start, nodes))
        yield stack.enter_context(Balancer([node.url for node in nodes])), nodes


class DoubleWorld(World):
    """The same world, its registry, links and journal in PostgreSQL, and each of its gateways two processes of one Redis,
    empty at first, that take turns behind one address."""

    def _open(self, stack: ExitStack) -> None:
        super()._open(stack)
        self._redis = stack.enter_context(redis_server()).removesuffix("/0")
        self._numero = itertools.count(1)
        url = stack.enter_context(a_database())
        self.environment |= {
            "GATEWAY_DATABASE_URL": url,
            "GATEWAY_JOURNAL_URL": url,
            "GATEWAY_PROCESSUS": "2",
        }

    def copy_database(self) -> None:
        """What the database holds, beside the other files: nothing of a person may be read there."""
        assert self.record is not None
        url = self.environment["GATEWAY_DATABASE_URL"]
        (self.record / "postgresql.copie").write_bytes(asyncio.run(at_rest(url)))

    def gateway(self, port: int = 0, hote: str = HOST, **env: str) -> AbstractContextManager[LaunchedGateway]:
        return self._two({"GATEWAY_CACHE_URL": f"{self._redis}/{next(self._numero)}", **env})

    @contextmanager
    def _two(self, env: dict[str, str]) -> Iterator[LaunchedGateway]:
        with pair(self, **env) as (balancer, nodes):
            launched = tuple(node.launched for node in nodes)
            yield DoubleGateway(
                balancer.url, launched[0].admin_url, launched[0].journal, launched[0].processus, launched
            )


def empty_database(world: World, record: Path) -> AbstractContextManager[str]:
    """The URL of an empty database of the kind that the gateways of this world use."""
    return a_database("postgresql" if isinstance(world, DoubleWorld) else "sqlite", record)


@contextmanager
def a_database(nature: str = "postgresql", record: Path = Path(), like: str = "") -> Iterator[str]:
    """The URL of a database, gone with the block: empty, or a copy of that one."""
    with asyncio.Runner() as loop:
        is_open = base(nature, record, like)
        url = loop.run(is_open.__aenter__())
        try:
            yield url
        finally:
            loop.run(is_open.__aexit__(None, None, None))
