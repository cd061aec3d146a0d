"""Measures what an idle stream costs, over SSE and over a WebSocket, in one process (docs/decisions/0137).

    python -m bench.streams [sse|websocket] [streams]

Prints the memory of each, the share of a core that all take while nothing happens, the p99 and the processor time of a query
beside them and without (alternating pairs), and what is left once they were cut, each way: closed, reset, frozen. Streams are of
as many accounts as four a piece make, of ten organisations and more; the limit of the process is 6,000.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median, quantiles

import httpx

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World

ORGANISATIONS, PER_ACCOUNT = 12, 4
IDLE = 50.0  # seconds looked at: two beats
PAIRS, QUERIES = 3, 300
GONE = 720.0  # seconds for what was cut to be gone: who reads no SSE and whose system takes it still is seen when its token ends
TICKS = os.sysconf("SC_CLK_TCK")
QUERY = "{ ruptures(first: 20) { totalCount edges { node { id date jeune { nom prenom } } } } }"
FLUX = "\n[flux]\npar_processus = 6000\n"


def memory(pid: int) -> int:
    """KiB that the process holds."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("Pss_Anon:")).split()[1])


def processor(pid: int) -> float:
    """Seconds of processor that it has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def open_now(gateway: LaunchedGateway) -> int:
    text = httpx.get(f"{gateway.admin_url}/metrics", timeout=120).text
    return int(
        float(next(line for line in text.splitlines() if line.startswith("passerelle_flux_ouverts ")).split()[1])
    )


class Crowd:
    """Streams that another process holds."""

    def __init__(self, gateway: LaunchedGateway, kind: str, tokens: list[str]) -> None:
        command = [sys.executable, "-m", "bench._stream_clients"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        self._tell(json.dumps({"address": gateway.url.removeprefix("http://"), "kind": kind, "tokens": tokens}))
        assert int(self._answer()) == len(tokens)  # noqa: S101

    def leave(self, how: str) -> None:
        self._tell(how)
        self._answer()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin  # noqa: S101
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _answer(self) -> str:
        assert self._process.stdout  # noqa: S101
        return self._process.stdout.readline().strip()


@contextmanager
def launched() -> Iterator[tuple[World, LaunchedGateway]]:
    with tempfile.TemporaryDirectory() as folder:
        departements = ("02", "59", "60", "62", "80")
        world = World.generated(Path(folder), jeunes=1200, departements=departements, today=date(2026, 10, 15))
        with world:
            settings = Path(world.environment["GATEWAY_CONFIG"]) / "gateway.toml"
            settings.write_text(settings.read_text(encoding="utf-8") + FLUX, encoding="utf-8")
            world.harvest()
            with world.gateway() as gateway:
                yield world, gateway


def tokens_of(world: World, number: int) -> list[str]:
    clients = [name for name in world.clients if name.startswith("ml-") and name[-3:].isdigit()][:ORGANISATIONS]
    assert len(clients) >= 10, "ten organisations are asked for"  # noqa: S101
    accounts = [
        world.token(clients[rank % len(clients)], agent=f"agent{rank}") for rank in range(-(-number // PER_ACCOUNT))
    ]
    return (accounts * PER_ACCOUNT)[:number]


def idle(gateway: LaunchedGateway) -> float:
    """The share of a core that it takes while nothing is asked of it."""
    before = processor(gateway.pid)
    time.sleep(IDLE)
    return (processor(gateway.pid) - before) / IDLE


def asked(gateway: LaunchedGateway, token: str, share: float) -> tuple[float, float]:
    """Milliseconds: the p99 of queries asked one after the other, and the processor's time for each. `share`: of a core, that the
    process takes at rest, and which is no query's."""
    seconds, before = [], processor(gateway.pid)
    with httpx.Client(base_url=gateway.url, headers={"authorization": f"Bearer {token}"}, timeout=120) as http:
        for _ in range(QUERIES):
            start = time.perf_counter()
            assert http.post("/graphql", json={"query": QUERY}).status_code == 200  # noqa: S101
            seconds.append(time.perf_counter() - start)
    spent = processor(gateway.pid) - before - share * sum(seconds)
    return 1000 * quantiles(seconds, n=100)[98], 1000 * spent / QUERIES


def until_gone(gateway: LaunchedGateway, before: int, since: float) -> str:
    while time.monotonic() - since < GONE and (open_now(gateway) or files(gateway.pid) > before + 4):
        time.sleep(0.5)
    left = open_now(gateway), files(gateway.pid) - before
    return f"{left[0]} flux et {left[1]} fichiers de plus après {time.monotonic() - since:.0f} s"


def measure(world: World, gateway: LaunchedGateway, kind: str, number: int) -> None:
    asked(gateway, world.token("ml"), 0)
    Crowd(gateway, kind, tokens_of(world, 200)).end()  # what is made once is made
    time.sleep(5)
    alone, beside, before = [], [], files(gateway.pid)
    at_rest = waiting = idle(gateway)
    print(f"{kind} : au repos sans flux, {100 * at_rest:.1f} % d'un cœur", flush=True)
    for pair in range(PAIRS):
        alone.append(asked(gateway, world.token("ml"), at_rest))
        held, tokens, start = memory(gateway.pid), tokens_of(world, number), time.monotonic()
        crowd = Crowd(gateway, kind, tokens)
        print(f"{kind} : {open_now(gateway)} flux ouverts en {time.monotonic() - start:.0f} s", flush=True)
        if pair == 0:
            print(f"{kind} : {(memory(gateway.pid) - held) / number:.1f} Kio par flux", flush=True)
            waiting = idle(gateway)
            print(f"{kind} : au repos, {100 * waiting:.1f} % d'un cœur", flush=True)
        beside.append(asked(gateway, world.token("ml"), waiting))
        how, since = ("close", "reset", "freeze")[pair], time.monotonic()
        crowd.leave(how)
        print(f"{kind} : {how} : {until_gone(gateway, before, since)}", flush=True)
        print(f"{kind} : mémoire rendue à {(memory(gateway.pid) - held) / number:+.1f} Kio par flux", flush=True)
        crowd.end()
        until_gone(gateway, before, time.monotonic())
    for name, rank in (("p99", 0), ("processeur", 1)):
        without, with_ = (median(one[rank] for one in told) for told in (alone, beside))
        print(
            f"{kind} : requête, {name} : {without:.2f} ms sans, {with_:.2f} ms avec ({100 * (with_ / without - 1):+.0f} %)"
        )


def main() -> None:
    kinds = sys.argv[1:2] or ["sse", "websocket"]
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    for kind in kinds:
        with launched() as (world, gateway):
            measure(world, gateway, kind, number)


if __name__ == "__main__":
    main()
