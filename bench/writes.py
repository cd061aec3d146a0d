"""Measures `noterSuivi` over HTTP, warm: the wall clock of each note, and the processor of the gateway that accepts it.

    python -m bench.writes [NOTES [YOUNG_PEOPLE]]

One gateway, its stores in SQLite files, its simulated partners beside it; first with nobody who receives writes, then with an
i-milo that does, whose unit is read again after each delivery. Prints, asserts nothing.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

import httpx

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World

WARM = 20  # notes before the measure
BY_AGENT = 100  # notes of an agent: below what one may write in a day
PEOPLE = "{ jeunes(first: 100) { totalCount complet nodes { id suivi { situation } } } }"
NOTE = """mutation Noter($saisie: SaisieSuivi!) { noterSuivi(saisie: $saisie) {
  ecriture { id etat } jeune { id suivi { situation } } erreurs { code } } }"""
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class NoteCosts:
    """Of some notes, in milliseconds: the wall clock of each, the processor of one; `people`: seen by their author."""

    walls: list[float]
    processor: float
    people: int

    def __str__(self) -> str:
        cuts = quantiles(self.walls, n=20)
        told = f"p50 {median(self.walls):.1f} ms, p95 {cuts[18]:.1f} ms ; processor {self.processor:.1f} ms"
        return f"{len(self.walls)} notes over {self.people} people: {told}"


def _processor(pid: int) -> float:
    """Milliseconds of processor that a process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return 1000.0 * (int(fields[11]) + int(fields[12])) / TICK


def _noted(http: httpx.Client, token: str, jeune: str) -> float:
    """Milliseconds of one note."""
    saisie = {"cle": str(uuid4()), "jeune": jeune, "situation": "RDV_PRIS"}
    start = time.perf_counter()
    response = http.post(
        "/graphql",
        json={"query": NOTE, "variables": {"saisie": saisie}},
        headers={"Authorization": f"Bearer {token}"},
    )
    spent = 1000.0 * (time.perf_counter() - start)
    result = response.json()["data"]["noterSuivi"]
    if result["erreurs"]:
        raise RuntimeError(result["erreurs"])
    return spent


def _read(gateway: LaunchedGateway, token: str) -> Any:
    """The author's people, once every source answered."""
    while not (read := gateway.graphql(token, PEOPLE)["data"]["jeunes"])["complet"]:
        time.sleep(0.5)
    return read


def _measure(world: World, notes: int) -> NoteCosts:
    with world.gateway() as gateway, httpx.Client(base_url=gateway.url, timeout=30.0) as http:
        read = _read(gateway, world.token("ml"))
        people = [one["id"] for one in read["nodes"]]
        tokens = [world.token("ml", agent=f"agent-{rank}") for rank in range(2 + notes // BY_AGENT)]
        for rank in range(WARM):
            _noted(http, tokens[0], people[rank % len(people)])
        before = _processor(gateway.pid)
        walls = [_noted(http, tokens[1 + rank // BY_AGENT], people[rank % len(people)]) for rank in range(notes)]
        return NoteCosts(walls, (_processor(gateway.pid) - before) / notes, read["totalCount"])


def _series(notes: int, jeunes: int) -> Iterator[str]:
    for receives in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            world = World.generated(Path(folder), jeunes=jeunes, departements=("60",), today=date(2026, 10, 15))
            with world:
                partner = Path(folder) / "partenaires" / "imilo.toml"
                text = partner.read_text(encoding="utf-8")
                if "ecritures = true" not in text:
                    raise RuntimeError("the demo's i-milo receives no write")
                if not receives:
                    partner.write_text(text.replace("ecritures = true", "ecritures = false"), encoding="utf-8")
                world.harvest()
                yield f"{'i-milo receives it' if receives else 'kept by the gateway'}: {_measure(world, notes)}"


if __name__ == "__main__":
    notes, jeunes = (
        int(sys.argv[rank]) if len(sys.argv) > rank else default for rank, default in ((1, 200), (2, 2000))
    )
    for line in _series(notes, jeunes):
        print(line, flush=True)
