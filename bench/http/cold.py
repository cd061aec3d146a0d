"""What the gateway adds when it has to ask: time of an answer during which no partner was being waited for.

Three cases: a process that has just started (nothing read, joined or compiled yet), and a caller who wants fresh data of a
process at work (`@fraicheur(maxSecondes: 0)`), whether something changed since the last time or not; beside Hive Gateway,
which always asks. One caller, one request at a time.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import orjson

from bench.http import rest_world
from bench.http.launch import ready
from bench.http.rest_world import RestWorld
from bench.http.settings import Settings
from bench.http.wrk_load import LoadImpossible, Server, cpu

LATENCES = (0.0, 0.05)  # seconds that a partner takes more
DEPARTURES, REQUESTS, WARM_UP = 7, 300, 30
AU_TRAVAIL = 300  # answers after which the journal's file has its size: until then each entry makes it grow
SIZE = 100


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked, and whether a partner tells something else each time."""

    nom: str
    body: Callable[[int], bytes]
    change: bool = False


@dataclass(frozen=True, slots=True)
class Cold:
    """Milliseconds over the partners, an answer each; and of processor, on average."""

    case: str
    rows: int
    latence: float
    overheads: Sequence[float]
    cpu: float

    @property
    def median_of(self) -> float:
        return statistics.median(self.overheads)

    @property
    def p99(self) -> float:
        """The largest, where there are fewer than a hundred."""
        tries = sorted(self.overheads)
        return tries[math.ceil(0.99 * len(tries)) - 1]


def cost_of(settings: Settings, jeunes: int) -> Iterator[Cold]:
    """Every case, over a population of that size. Raises PeersMissing, once only Hive Gateway is left."""
    with TemporaryDirectory(prefix="banc ") as record, rest_world.open_world(jeunes) as rest:
        yield from (_departures(rest, Path(record), settings, latency) for latency in LATENCES)
        with rest_world.gateway(rest, Path(record) / "gateway", settings.server) as us:
            ready(us)
            _series(_fresh(rest)[0], rest, us, 0.0, AU_TRAVAIL)
            for case in _fresh(rest):
                yield from (_requests(case, rest, us, latency) for latency in LATENCES)
        with rest_world.hive(rest, Path(record), settings.server) as hive:
            yield from (_requests(Case("Hive Gateway", rest.their_body), rest, hive, latency) for latency in LATENCES)


def _fresh(rest: RestWorld) -> tuple[Case, ...]:
    body = rest.our_fresh_body
    return Case("gateway, fresh data wanted", body), Case("gateway, fresh data wanted, and changed", body, change=True)


def _departures(rest: RestWorld, record: Path, settings: Settings, latency: float) -> Cold:
    """The first answer of as many processes."""
    case = Case("gateway, first answer of a process", rest.our_body)
    alone = []
    for departure in range(DEPARTURES):
        with rest_world.gateway(rest, record / f"{latency} {departure}", settings.server) as us:
            ready(us)
            alone.append(_series(case, rest, us, latency, 1))
    overheads = [one.overheads[0] for one in alone]
    return replace(alone[0], overheads=overheads, cpu=statistics.median(one.cpu for one in alone))


def _requests(case: Case, rest: RestWorld, server: Server, latency: float) -> Cold:
    """One answer after the other, once warm."""
    _series(case, rest, server, latency, WARM_UP)
    return _series(case, rest, server, latency, REQUESTS)


def _series(case: Case, rest: RestWorld, server: Server, latency: float, count: int) -> Cold:
    connection, before = _open(server), cpu(server.pid)
    token = rest.token()  # of one caller, who keeps it
    metrics = []
    for rank in range(count):
        if case.change:
            rest.change(rank)
        metrics.append(_measure_once(rest, connection, server, (case.body(SIZE), token), latency))
    spent = (cpu(server.pid) - before) * 1000 / count
    return Cold(case.nom, metrics[0][1], latency, [overhead for overhead, _ in metrics], spent)


def _open(server: Server) -> HTTPConnection:
    place = urlsplit(server.url)
    return HTTPConnection(place.hostname or "", place.port, timeout=30)


def _measure_once(
    rest: RestWorld, connection: HTTPConnection, server: Server, request: tuple[bytes, str], latency: float
) -> tuple[float, int]:
    """Milliseconds over the partners, and the rows."""
    body, token = request
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    rest.services.latence = latency
    rest.services.busy()
    debut = time.perf_counter()
    connection.request("POST", "/graphql", body, headers)
    content = connection.getresponse().read()
    duration = time.perf_counter() - debut
    rendered, busy = orjson.loads(content), rest.services.busy()
    if rendered.get("errors") or not busy:
        raise LoadImpossible(f"{server.nom}: {rendered.get('errors') or 'no partner was asked'}")
    return (duration - busy) * 1000, _rows(rendered["data"]["ruptures"])


def _rows(page: object) -> int:
    return len(page["edges"]) if isinstance(page, dict) else len(page) if isinstance(page, list) else 0
