"""Reading beside the pushes of ERPs, over HTTP: a real gateway, at the pace of a national night (1.3 million dossiers in ten
minutes).

    python -m bench.pushing [--slices 6] [--seconds 8] [--pace 2200]

Slices alternate: queries alone, then the same beside pushes. The dossiers were pushed once before: like those of most nights,
they say what is known. Queries leave at a constant pace, whatever became of those before. Prints the items received a second,
the centiles of reading in both kinds of slices, and their ratio.
"""

import argparse
import asyncio
import http.client
import itertools
import json
import statistics
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.reception import ITEMS, NATIONAL, item_of
from fixtures.gateway_process import LaunchedGateway
from fixtures.population.generator import DEPARTEMENTS, generate
from fixtures.simulators.pushing import PATH, PushingErp
from fixtures.world import World

QUERY = """query ($n: Int!) { ruptures(first: $n) { totalCount edges { node { date etat
  jeune { nom prenom age telephone statut { valeur depuis } suivi { situation } }
  contrat { dateDebut employeur { denomination } formation { intitule } } } } } }"""
READ = 40.0  # queries a second
BODIES = 6
FAR = "13"  # where whoever pushes is: those who read ask about other establishments
WARM = 120.0  # seconds for a first whole answer
SETTLED = 20.0  # seconds that follow a start: the first check of the registry


@dataclass
class _PushingThread:
    """Pushes bodies, one after the other, at a pace; one that is late sends the next at once."""

    url: str
    key: str
    bodies: list[bytes]
    every: float
    sent: int = 0
    spent: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until stopped."""
        start, place = time.monotonic(), urlsplit(self.url)
        for rank, body in enumerate(itertools.cycle(self.bodies)):
            if self._stop.wait(max(0.0, start + rank * self.every - time.monotonic())):
                break
            self.push(place.hostname or "", place.port or 0, body)
        self.spent += time.monotonic() - start

    def push(self, host: str, port: int, body: bytes) -> None:
        """One body. Raises SystemExit when it is not received."""
        connection = http.client.HTTPConnection(host, port, timeout=60)
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        connection.request("POST", PATH, body, headers)
        answer = connection.getresponse()
        told = answer.read()
        connection.close()
        if answer.status != http.client.OK:
            raise SystemExit(f"{answer.status}: {told[:200]!r}")
        self.sent += ITEMS

    def __enter__(self) -> "_PushingThread":
        self._stop.clear()
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


async def _read(gateway: LaunchedGateway, token: str, seconds: float) -> list[float]:
    """How long each query took, in milliseconds. Raises SystemExit for answers that are not whole."""
    waits: list[float] = []
    failures: list[str] = []
    async with httpx.AsyncClient(base_url=gateway.url, timeout=60, trust_env=False) as client:
        headers = {"authorization": f"Bearer {token}"}

        async def ask(number: int) -> None:
            start = time.perf_counter()
            answer = await client.post(
                "/graphql", json={"query": QUERY, "variables": {"n": 20 + number % 60}}, headers=headers
            )
            waits.append(1000 * (time.perf_counter() - start))
            if "errors" in answer.json():
                failures.append(answer.text[:300])

        start, under_way = time.monotonic(), set[asyncio.Task[None]]()
        for number in range(int(seconds * READ)):
            await asyncio.sleep(max(0.0, start + number / READ - time.monotonic()))
            task = asyncio.create_task(ask(number))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
    if failures:
        raise SystemExit(f"{len(failures)} answers with errors: {failures[0]}")
    return waits


def _bodies(erp: PushingErp) -> list[bytes]:
    """Dossiers of one CFA, each its own."""
    own = erp.dossiers()[0]
    place = {name: value for name, value in own.items() if name.startswith("etablissement_")}
    place |= {"code_postal_apprenant": "13001", "code_commune_insee_apprenant": "13201"}  # of no reader
    return [
        json.dumps([{**item_of(rank), **place} for rank in range(n * ITEMS, (n + 1) * ITEMS)]).encode()
        for n in range(BODIES)
    ]


def _centiles(waits: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(waits, n=100)
    return cuts[49], cuts[98]


def main(arguments: argparse.Namespace) -> None:
    """Print the figures."""
    population = generate(seed=1, jeunes=2000, departements=(*DEPARTEMENTS, FAR))
    world = World(population, pushes=True)
    served = [cfa for cfa in population.cfas.values() if cfa.erp and cfa.commune.startswith(FAR)]
    far = next(cfa for cfa in served if population.accounts[cfa.erp or ""].get(cfa.uai))
    world.__dict__["pushing"] = PushingErp(population, far)
    with world:
        world.harvest()
        world.import_key()
        if world.pushing is None:
            raise SystemExit("no CFA to push for")
        with world.gateway() as gateway:
            pushing = _PushingThread(gateway.url, world.pushing.key, _bodies(world.pushing), ITEMS / arguments.pace)
            place = urlsplit(gateway.url)
            for body in pushing.bodies:
                pushing.push(place.hostname or "", place.port or 0, body)
            pushing.sent = 0
            time.sleep(SETTLED)
            _measure(gateway, world.token("ml", agent="banc"), pushing, arguments)


def _measure(gateway: LaunchedGateway, token: str, pushing: _PushingThread, arguments: argparse.Namespace) -> None:
    limit = time.monotonic() + WARM
    while not _is_whole(gateway, token) and time.monotonic() < limit:
        time.sleep(1)
    asyncio.run(_read(gateway, token, 5))
    waits: dict[str, list[float]] = {"alone": [], "beside pushes": []}
    for _ in range(arguments.slices):
        waits["alone"] += asyncio.run(_read(gateway, token, arguments.seconds))
        with pushing:
            waits["beside pushes"] += asyncio.run(_read(gateway, token, arguments.seconds))
    rate = pushing.sent / pushing.spent
    print(f"{rate:,.0f} items/s received: {NATIONAL:,} in {NATIONAL / rate / 60:.1f} min")
    told: dict[str, Any] = {name: _centiles(found) for name, found in waits.items()}
    for name, (middle, last) in told.items():
        print(f"{name}: p50 {middle:.1f} ms, p99 {last:.1f} ms of {len(waits[name]):,} queries")
    ratios = [beside / alone for alone, beside in zip(*told.values(), strict=True)]
    print(f"beside / alone: p50 {ratios[0]:.2f}, p99 {ratios[1]:.2f}")


def _is_whole(gateway: LaunchedGateway, token: str) -> bool:
    try:
        return "errors" not in gateway.graphql(token, QUERY, {"n": 20})
    except httpx.TimeoutException:
        return False


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.pushing", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--slices", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--pace", type=float, default=2200.0, help="items a second")
    return parser.parse_args()


if __name__ == "__main__":
    main(_arguments())
