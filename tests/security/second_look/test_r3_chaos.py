"""R3 and R4 together, for minutes: hostile operations of every profile; the loop, the memory, and what others wait for.

SECONDES=120 JEUNES=5000 python -m pytest -m chaos tests/security/second_look/test_r3_chaos.py -s
"""

import asyncio
import os
import re
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

import pytest
from graphql import get_introspection_query

from fixtures.remote_control import client_http
from tests.support.figures import note
from tests.support.security.hostile import Demo, codes_of_communes, communes, demo, latencies, median, wide_document

SECONDS = float(os.environ.get("SECONDES", "600"))
PEOPLE = [int(text) for text in os.environ.get("JEUNES", "5000,40000").split(",")]
BYTES_MAX = 512 * 1024 * 1024
BLOCK = "0.05"  # seconds, a bound of the histogram
CLIENTS = (
    "ml",
    "ml-voisine",
    "ml-deux-finalites",
    "si-partenaire",
    "dreets",
    "ddets",
    "academie",
    "france-travail",
    "cfa",
)
ORDINARY = "{ ruptures(first: 20) { totalCount edges { node { id date jeune { nom prenom } } } } }"
LISTS = {"jeunes": "STATUT_RECENT NOM_ASC NOM_DESC", "ruptures": "DATE_DESC DATE_ASC PRIORITE", "contrats": ""}


def _hostile(randomness: Random) -> tuple[str, dict[str, Any]]:
    """An operation that does its worst, within the limits."""
    return randomness.choice((_wall, _wide, _pages, _searches, _introspection, _wrong, _variables))(randomness)


def _wall(randomness: Random) -> tuple[str, dict[str, Any]]:
    filters = (f"filtre: {{communes: {communes(randomness, 150)}}}" for _ in range(10))
    return _roots(f"jeunes(first: 0, {filtre}) {{ totalCount }}" for filtre in filters), {}


def _wide(randomness: Random) -> tuple[str, dict[str, Any]]:
    return wide_document(randomness, randomness.choice((0, 1, 20, 50))), {}


def _pages(randomness: Random) -> tuple[str, dict[str, Any]]:
    return _roots(_page(randomness) for _ in range(10)), {}


def _searches(randomness: Random) -> tuple[str, dict[str, Any]]:
    return _roots(_search(randomness) for _ in range(10)), {}


def _introspection(randomness: Random) -> tuple[str, dict[str, Any]]:
    return f"{get_introspection_query()} # {randomness.getrandbits(40)}", {}


def _wrong(randomness: Random) -> tuple[str, dict[str, Any]]:
    return f"{wide_document(randomness)} fragment f{randomness.getrandbits(40)} on Jeune {{ id }}", {}


def _variables(randomness: Random) -> tuple[str, dict[str, Any]]:
    header = ", ".join(f"$c{n}: FiltreJeunes" for n in range(10))
    places = {f"c{n}": {"communes": codes_of_communes(randomness, 190)} for n in range(10)}
    return f"query({header}) {_roots(f'jeunes(first: 0, filtre: $c{n}) {{ totalCount }}' for n in range(10))}", places


def _roots(roots: Iterable[str]) -> str:
    return "{ " + " ".join(f"r{rank}: {root}" for rank, root in enumerate(roots)) + " }"


def _search(randomness: Random) -> str:
    names = ("MARTIN", "BERNARD", "DUBOIS", "PETIT", "LE GOFF", "MARIE", "LUCAS")
    nom, prenom = randomness.choice(names), randomness.choice(names)
    birth = f"{randomness.randrange(2000, 2010)}-0{randomness.randrange(1, 10)}-11"
    return f'rechercheJeune(nom: "{nom}", prenom: "{prenom}", dateNaissance: "{birth}") {{ score jeune {{ nom }} }}'


def _page(randomness: Random) -> str:
    name = randomness.choice(list(LISTS))
    orders = LISTS[name].split()
    tri = f", tri: {randomness.choice(orders)}" if orders else ""
    fields = " ".join(f"a{n}_{randomness.randrange(1000)}: id" for n in range(5))
    first = randomness.choice((100, 400, 500))
    return f"{name}(first: {first}{tri}) {{ edges {{ cursor node {{ id {fields} }} }} }}"


class _Attack:
    """So many clients at once, each one waiting for its answer before it asks again."""

    def __init__(self, served: Demo, clients: tuple[str, ...], threads: int, seed: str) -> None:
        self.statuses: Counter[int] = Counter()
        self._served, self._clients, self._stop = served, clients, Event()
        self._threads = [Thread(target=self._run, args=(Random(f"{seed}/{rank}"),)) for rank in range(threads)]

    def __enter__(self) -> "_Attack":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, randomness: Random) -> None:
        while not self._stop.is_set():
            answer = self._served.post(randomness.choice(self._clients), *_hostile(randomness))
            self.statuses[answer.status_code] += 1


def _computations(served: Demo) -> tuple[float, float]:
    """How many times the loop computed between two of its wake-ups, and how many of them took no longer than BLOCK."""
    with client_http(served.admin_url) as http:
        text = http.get("/metrics").text
    name = "passerelle_boucle_calcul_secondes"
    found = re.search(rf'{name}_bucket{{le="{BLOCK}"}} (\S+)', text), re.search(rf"{name}_count (\S+)", text)
    assert found[0] is not None
    assert found[1] is not None
    return float(found[1][1]), float(found[0][1])


async def _wait(served: Demo, seconds: float) -> list[float]:
    end = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, end.set)
    return await latencies(served.url, served.token("reseau"), "{ moi { profil } }", end)


@pytest.mark.chaos
@pytest.mark.parametrize("people", PEOPLE)
def test_r3_r4_hostile_operations_of_every_profile(tmp_path: Path, people: int) -> None:
    # All the départements at 40,000: no perimeter is above 8,000 people there.
    options = ("--pays",) if people > 10_000 else ()
    with demo(tmp_path, people, *options) as served:
        for client in (*CLIENTS, "reseau"):
            served.post(client, ORDINARY)
        calm, seed = asyncio.run(_wait(served, 10)), str(time.time_ns())
        all_before, short_before = _computations(served)
        with _Attack(served, CLIENTS, 4, seed) as attack:
            asyncio.run(asyncio.sleep(SECONDS))
        all_after, short_after = _computations(served)
        memory = served.resident()
        with _Attack(served, ("ml",), 2, seed):
            pressed = asyncio.run(_wait(served, 15))
    long = (all_after - all_before) - (short_after - short_before)
    note(
        f"hostiles : {people} jeunes, {SECONDS:.0f} s, {dict(attack.statuses)}, boucle tenue plus de 50 ms {long:.0f} fois sur "
        f"{all_after - all_before:.0f}, {memory / 2**20:.0f} Mio ; autres clients p50 {median(calm):.1f} ms au calme, "
        f"{median(pressed):.1f} ms pendant qu'un seul fait pire (graine {seed})"
    )
    assert memory < BYTES_MAX
    assert not [status for status in attack.statuses if status >= 500]
    assert long == 0
