"""Servers under the same load, in turns: medians, and ratios taken round by round. Knows no server by name."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

from bench.http.launch import request
from bench.http.wrk_load import Core, LoadImpossible, Reading, Server, load

ATTEMPTS, PAUSE = 60, 0.5  # answers, and seconds between two, before a server that is cold is given up
WARM_UP, SECONDS_MAX = 5, 25  # seconds: before the first round (compilers at work), and of the longest
REQUESTS_MIN = 96  # a round: six a connection
Bodies = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class LoadRunner:
    """How rounds are run. `token` gives the token of the caller, renewed at each round as it lasts ten minutes."""

    body: Bodies
    token: Callable[[], str]
    rounds: int
    seconds: int
    core: Core  # of the load
    others: Mapping[str, Bodies] = field(default_factory=dict)  # bodies of servers that are asked in other words

    def load(self, server: Server, n: int, seconds: int) -> Reading:
        """One round; a longer one when sixteen requests at once took longer. Raises LoadImpossible."""
        body = self.others.get(server.nom, self.body)
        for duration in (seconds, SECONDS_MAX):
            reading = load(self.equipped(server), body(n), duration, self.core)
            if reading:
                return reading
        raise LoadImpossible(f"{server.nom}: no answer in {SECONDS_MAX} s")

    def equipped(self, server: Server) -> Server:
        """The same, with a token of now."""
        return replace(server, token=self.token())


@dataclass(frozen=True, slots=True)
class Cost:
    """What one server did for pages of one size, a figure a round."""

    nom: str
    n: int
    rounds: tuple[Reading, ...]

    def median_of(self, read: Callable[[Reading], float]) -> float:
        return statistics.median(map(read, self.rounds))

    @property
    def cpu(self) -> float:
        return self.median_of(lambda one: one.cpu)

    def times(self, other: "Cost") -> float:
        """How many times more `other` spends, round by round."""
        return statistics.median(b.cpu / a.cpu for a, b in zip(self.rounds, other.rounds, strict=True))

    @property
    def spread(self) -> float:
        """p99 over p50."""
        return self.median_of(lambda one: one.p99 / one.p50)


def compare(runner: LoadRunner, servers: Sequence[Server], n: int) -> list[Cost]:
    """Load each server in turn for pages of `n`, after all were seen to answer the same data, and are warm."""
    _alike(runner, servers, n)
    return cost_of(runner, servers, n)


def cost_of(runner: LoadRunner, servers: Sequence[Server], n: int) -> list[Cost]:
    """Load each server in turn, in an order that turns too."""
    durations = {server.nom: _duration(runner, server, n) for server in servers}
    readings: Mapping[str, list[Reading]] = {server.nom: [] for server in servers}
    for sweep in range(runner.rounds):
        departure = sweep % len(servers)
        for server in (*servers[departure:], *servers[:departure]):
            readings[server.nom].append(runner.load(server, n, durations[server.nom]))
    return [Cost(name, n, tuple(rounds)) for name, rounds in readings.items()]


def _duration(runner: LoadRunner, server: Server, n: int) -> int:
    """Seconds of a round: enough for some requests a connection, as far as patience goes."""
    warm_up = runner.load(server, n, WARM_UP)
    return min(max(runner.seconds, ceil(REQUESTS_MIN / warm_up.allowance)), SECONDS_MAX)


def _alike(runner: LoadRunner, servers: Sequence[Server], n: int) -> None:
    """Wait until all say what the first says with no source missing. Raises LoadImpossible."""
    wanted = complet(runner.equipped(servers[0]), runner.body(n))["data"]
    for server in servers[1:]:
        wait(runner.equipped(server), runner.body(n), lambda parsed: parsed.get("data") == wanted)


def complet(server: Server, body: bytes) -> dict[str, Any]:
    """The answer, once no source misses. Raises LoadImpossible."""
    return wait(server, body, lambda parsed: bool(parsed.get("data")) and not parsed.get("errors"))


def wait(server: Server, body: bytes, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first answer that is as it should be: a server that is cold gathers its sources behind. Raises LoadImpossible."""
    for _ in range(ATTEMPTS):
        if good(rendered := request(server, body)):
            return rendered
        time.sleep(PAUSE)
    raise LoadImpossible(f"{server.nom} does not answer what it should: {rendered.get('errors') or 'other data'}")
