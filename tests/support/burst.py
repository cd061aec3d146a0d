"""A small load generator: requests that leave at fixed instants, whatever the earlier ones became, and what came of them.

A delay counts from the instant a request was due (no coordinated omission). Knows GraphQL over HTTP and nothing of the graph.
"""

import asyncio
import json
import math
import os
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from fixtures.remote_control import client_http
from gateway.edge.metrics_page import VALIDITY

WAIT = 30.0  # seconds for an answer


@dataclass(frozen=True, slots=True)
class Shot:
    """What is asked, by whom, how often and for how long. `volley`: all at once instead."""

    token: str
    partner_request: str
    variables: Mapping[str, Any]
    par_seconde: float
    seconds: float
    volley: bool = False

    @property
    def shared_pacer(self) -> list[float]:
        number = int(self.par_seconde * self.seconds)
        return [0.0 if self.volley else rank / self.par_seconde for rank in range(number)]


@dataclass(slots=True)
class Burst:
    """What came of it: seconds of each answer, statuses (0: none came), how many said that they miss something, and which
    sources they named."""

    durations: list[float] = field(default_factory=list)
    statuts: Counter[int] = field(default_factory=Counter)
    partial_answers: int = 0
    named: Counter[str] = field(default_factory=Counter)

    def percentile(self, part: float) -> float:
        """Milliseconds."""
        order = sorted(self.durations)
        return 1000 * order[min(len(order) - 1, math.ceil(part * len(order)) - 1)]

    def __add__(self, other: "Burst") -> "Burst":
        return Burst(
            self.durations + other.durations,
            self.statuts + other.statuts,
            self.partial_answers + other.partial_answers,
            self.named + other.named,
        )

    @property
    def errors(self) -> int:
        """What is neither an answer nor the 503 with which we turn away."""
        return sum(number for statut, number in self.statuts.items() if statut not in {200, 503})

    def __str__(self) -> str:
        return f"p50 {self.percentile(0.5):.1f} ms, p99 {self.percentile(0.99):.1f} ms ({len(self.durations)})"


def draw_from(url: str, *shots: Shot) -> list[Burst]:
    """All of them together."""
    return asyncio.run(_set(url, shots))


async def _set(url: str, shots: Sequence[Shot]) -> list[Burst]:
    async with aiohttp.ClientSession(
        url, connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(WAIT)
    ) as http:
        return list(await asyncio.gather(*(_draw_from(http, shot) for shot in shots)))


async def _draw_from(http: aiohttp.ClientSession, shot: Shot) -> Burst:
    burst, debut = Burst(), time.perf_counter()
    body = json.dumps({"query": shot.partner_request, "variables": shot.variables}).encode()
    headers = {"Authorization": f"Bearer {shot.token}", "Content-Type": "application/json"}

    async def one(of: float) -> None:
        await asyncio.sleep(max(0.0, of - time.perf_counter()))
        statut, result = await _request(http, body, headers)
        burst.durations.append(time.perf_counter() - of)
        burst.statuts[statut] += 1
        burst.partial_answers += b'"complet":false' in result
        burst.named.update(set(re.findall(r'"source":"([a-z]+)"', result.decode())))

    await asyncio.gather(*(one(debut + departure) for departure in shot.shared_pacer))
    return burst


async def _request(http: aiohttp.ClientSession, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    try:
        async with http.post("/graphql", data=body, headers=headers) as response:
            return response.status, await response.read()
    except (aiohttp.ClientError, TimeoutError):
        return 0, b""


class Dial:
    """What a gateway says of itself at /metrics, and the system of it, since this was made."""

    def __init__(self, admin_url: str, pid: int) -> None:
        self._url, self._pid = admin_url, pid
        self._before, self._computed = self._buckets(), self._cpu_time()

    def loop(self, nom: str = "retard") -> str:
        """Of the loop's `delay` or `computation`: the share of its beats above 50 ms, and the bound that none passes."""
        buckets = [(float(le), n - self._before[what, le]) for (what, le), n in self._buckets().items() if what == nom]
        total = max(number for _, number in buckets)
        beyond = total - dict(buckets)[0.05]
        anchor = min(le for le, number in buckets if number == total)
        return (
            f"{beyond / total:.1%} de {total:.0f} battements au-delà de 50 ms, aucun au-delà de {anchor * 1000:.0f} ms"
        )

    def computation(self) -> float:
        """Milliseconds of processor."""
        return 1000 * (self._cpu_time() - self._computed)

    def memory(self) -> float:
        """Resident, in MiB."""
        return self._number(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self._pid}/status").read_text(encoding="ascii")) / 1024

    def gauge(self, nom: str) -> float:
        return self._number(rf"(?m)^{nom} (\S+)$", self._text())

    def _cpu_time(self) -> float:
        champs = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(champs[11]) + int(champs[12])) / os.sysconf("SC_CLK_TCK")

    def _number(self, motif: str, text: str) -> float:
        found = re.search(motif, text)
        assert found is not None
        return float(found[1])

    def _text(self) -> str:
        time.sleep(1.1 * VALIDITY)  # what was written within the second before is kept
        with client_http(self._url) as http:
            return http.get("/metrics", timeout=WAIT).text

    def _buckets(self) -> dict[tuple[str, str], float]:
        rows = re.findall(r'(?m)^passerelle_boucle_(\w+)_secondes_bucket{le="(\S+)"} (\S+)$', self._text())
        return {(name, le): float(number) for name, le, number in rows}
