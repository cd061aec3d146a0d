"""A process that harvests and is killed: run as `python -m tests.support.resilience.harvester URL GRAINE COUPS`.

It imports once, then forks one harvester after another. Each dies by SIGKILL at the n-th thing it does (a page asked, a
statement sent, a commit made), n being drawn; the first that lives to the end of the harvest ends the run. Prints as JSON the
pages asked for by all of them, and how many died.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import event

from gateway.sources.harvest.harvester import harvest
from gateway.stores.registry import RegistryStore
from gateway.stores.registry_writer import LEASE, RegistryWriter
from tests.support.unit.registry import SEALER, Partner, champ, charge, charge_lba

SINCE, EVENING = date(2026, 1, 1), datetime(2026, 3, 11, 20, 30, tzinfo=UTC)
DAYS, PER_PAGE = 69, 7


def partner(seed: int) -> Partner:
    """Rows of 40 contracts drawn over ten weeks; one deposited twice, in one page or two, is two rows."""
    draw = random.Random(seed)
    source = Partner(per_page=PER_PAGE)
    for rank in range(90):
        day, numero = SINCE + timedelta(days=draw.randrange(DAYS)), f"N{draw.randrange(40)}"
        for view, write in (("TBA", charge), ("LBA", charge_lba)):
            source.tell(day, write(numero, nom=f"CANARI {numero}", avenant=str(rank)), view)
    return source


def harvest_then_die(url: str, seed: int, generation: int, dead: int) -> int:
    """One harvester, in a process of its own: its status, 0 when it lived. The lease of the dead is always over."""
    pid = os.fork()
    if pid == 0:
        os._exit(asyncio.run(_live(url, seed, _Account(dead), lambda: time.time() + generation * 2 * LEASE)))
    return os.waitpid(pid, 0)[1]


class _Account:
    """Kills this process when it has counted enough."""

    def __init__(self, dead: int) -> None:
        self._rest = dead

    def __call__(self, *_: object) -> None:
        self._rest -= 1
        if self._rest == 0:
            os.kill(os.getpid(), signal.SIGKILL)


async def _live(url: str, seed: int, count: Callable[..., None], seconds: Callable[[], float]) -> int:
    registry = RegistryStore(url, SEALER)
    engine: Any = registry.engine.sync_engine
    for moment in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(engine, moment, lambda *_: count())
    source = partner(seed)

    def request(*page: object) -> None:
        os.write(1, (json.dumps(page) + "\n").encode())
        count()

    source.a_la_page = request
    await registry.open()
    await harvest(champ(source, SINCE), RegistryWriter(registry, seconds), lambda: EVENING, lambda _: None)
    await registry.close()
    return 0


def main(url: str, seed: int, coups: int) -> None:
    """Kill up to `coups` harvesters, then let one live."""
    draw = random.Random(seed)
    generation = 0
    while harvest_then_die(url, seed, generation, draw.randint(1, 80) if generation < coups else 0):
        generation += 1
        if generation > coups:
            sys.exit("the one that was to live failed")
    print(json.dumps({"morts": generation}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
