"""What a pass of statistics costs: processor, memory and time by young person, and how late the loop of a gateway that does
nothing else wakes meanwhile, beside a loop that has nothing to do at all. Prints, asserts nothing.

    python -m bench.nightly_pass [young people] [départements]
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from fixtures.gateway_process import ROOT, environment
from fixtures.world import World

COUNTRY = 1_042_500  # contracts in progress (docs/domaine.md)
STEP = 0.02  # seconds between two wake-ups, as the gateway's own
PROBE = "probe"
BUCKET = 'passerelle_boucle_{}_secondes_bucket{{le="'


@dataclass(frozen=True, slots=True)
class Used:
    """What a process took: seconds on the wall, of processor, and bytes at most."""

    wall: float
    processor: float
    memory: int


def measure_pass(jeunes: int, departements: tuple[str, ...] | None) -> None:
    with tempfile.TemporaryDirectory(prefix="releve ") as folder:
        drawn: dict[str, Any] = {"departements": departements} if departements else {}
        start = time.perf_counter()
        with World.generated(Path(folder), jeunes=jeunes, **drawn) as world:
            print(f"{jeunes:,} jeunes tirés en {time.perf_counter() - start:.0f} s", flush=True)
            start = time.perf_counter()
            world.harvest()
            print(f"registre moissonné en {time.perf_counter() - start:.0f} s", flush=True)
            with world.gateway() as gateway, _probe() as delays:
                before = {kind: _wakings(gateway.admin_url, kind) for kind in ("retard", "calcul")}
                used = _count(world.environment)
                after = {kind: _wakings(gateway.admin_url, kind) for kind in ("retard", "calcul")}
        lots = len(world.population.cfas) + len(world.population.geographie.missions_locales)
    ready = f"{os.cpu_count()} cœurs, {os.getloadavg()[0]:.1f} processus prêts"
    print(
        f"relevé de {jeunes:,} jeunes, {lots} lots : {used.wall:.1f} s, dont {used.processor:.1f} s de processeur, "
        f"{used.memory / 2**20:.0f} Mio au plus ({ready})"
    )
    each = used.processor / jeunes
    print(f"le pays : {each * 1000:.2f} ms par jeune × {COUNTRY:,} = {each * COUNTRY / 60:.0f} min de processeur")
    late, own = (_percentile(before[kind], after[kind]) * 1000 for kind in ("retard", "calcul"))
    print(f"boucle de la passerelle, p99 : {late:.0f} ms de retard au plus, {own:.0f} ms de calcul au plus")
    print(f"boucle sans rien à faire, p99 : {quantiles(delays, n=100)[98] * 1000:.0f} ms de retard")


def _count(env: dict[str, str]) -> Used:
    """One pass, by the gateway's own command."""
    start = time.perf_counter()
    with _python(
        "-m", "gateway", "statistiques", "relever", env=environment(env), stdout=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the pass ended with {process.returncode}")
    return Used(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _python(*arguments: str, **options: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, **options)  # noqa: S603 - our own modules


@contextmanager
def _probe() -> Iterator[list[float]]:
    """How late a loop that has nothing to do wakes, in a process of its own: known once the block is over."""
    delays: list[float] = []
    pipe = subprocess.PIPE
    with _python("-m", "bench.nightly_pass", PROBE, stdin=pipe, stdout=pipe, text=True) as process:
        yield delays
        told, _ = process.communicate("\n")
        delays += map(float, told.split())


async def _tell_delays() -> None:
    """Until a line comes."""
    told, over = list[float](), asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    while not over.done():
        start = time.monotonic()
        await asyncio.sleep(STEP)
        told.append(max(0.0, time.monotonic() - start - STEP))
    print(*told)


def _wakings(url: str, kind: str) -> dict[float, float]:
    """How many wakings of the loop were late (`retard`), or computed (`calcul`), by no more than each bound, in seconds."""
    name = BUCKET.format(kind)
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    rows = [line.removeprefix(name).split('"} ') for line in lines if line.startswith(name)]
    return {float(bound): float(number) for bound, number in rows}


def _percentile(before: dict[float, float], after: dict[float, float]) -> float:
    counted = {bound: number - before.get(bound, 0.0) for bound, number in after.items()}
    return min(bound for bound, number in counted.items() if number >= 0.99 * max(counted.values()))


if __name__ == "__main__":
    if sys.argv[1:] == [PROBE]:
        asyncio.run(_tell_delays())
    else:
        number, *codes = sys.argv[1:] or ["2000"]
        measure_pass(int(number), tuple(codes) or None)
