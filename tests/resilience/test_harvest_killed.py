"""Harvesters killed by SIGKILL at any statement, commit or page: nothing is lost, nothing told twice, little asked again."""

import asyncio
import itertools
import json
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest

from gateway.stores.registry import RegistryStore, Window
from gateway.stores.registry_writer import RegistryWriter
from tests.support.databases import BASES, base
from tests.support.figures import note
from tests.support.resilience.harvester import PER_PAGE, partner
from tests.support.unit.registry import SEALER

pytestmark = pytest.mark.anyio

WINDOWS = [Window(date(2026, 1, 1), date(2026, 2, 28)), Window(date(2026, 3, 1), date(2026, 3, 10))]

Page = tuple[str, str, int]  # view, first day of the window, rank
Rows = dict[str, list[str]]  # by contract, the amendments its rows tell, in order


def truth(seed: int) -> tuple[list[Page], Rows]:
    """The pages in the order they have to be asked for, and the rows in the order they have to be read."""
    days, pages, rows = partner(seed).days, list[Page](), defaultdict[str, list[str]](list)
    for window in WINDOWS:
        own = [one for day in sorted(days) if window.debut <= day <= window.fin for one in days[day]]
        for vue in ("TBA", "LBA"):
            total = max(1, -(-sum(one[0] == vue for one in own) // PER_PAGE))
            pages += [(vue.lower(), window.debut.isoformat(), rank) for rank in range(1, total + 1)]
        for vue in ("LBA", "TBA"):  # rows of a window are read by view
            for item in (item for its_view, item in own if its_view == vue):
                details = item["detailsContrat"]
                rows[details["noContrat"]].append(f"{vue} {details['noAvenant']}")
    return pages, dict(rows)


async def harvest_dying(url: str, seed: int, coups: int) -> tuple[list[Page], int]:
    command = ["-m", "tests.support.resilience.harvester", url, str(seed), str(coups)]
    killer = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    output, _ = await killer.communicate()
    assert killer.returncode == 0
    *pages, fin = [json.loads(line) for line in output.splitlines()]
    return [(vue, debut, rank) for vue, debut, rank in pages], int(fin["morts"])


async def stored_rows(registry: RegistryStore) -> Rows:
    by_contrat = {}
    for stored in await registry.contrats(["59000"], ["0590001F"], []):
        objects = registry.payloads(stored)
        assert len(objects) == len(stored.rows)
        views = [line.vue for line in stored.rows]
        avenants = [item["detailsContrat"]["noAvenant"] for item in objects]
        by_contrat[objects[0]["detailsContrat"]["noContrat"]] = [
            " ".join(one) for one in zip(views, avenants, strict=True)
        ]
    return by_contrat


async def try_out(url: str, seed: int, coups: int) -> tuple[int, int]:
    """Kills and pages asked again, for one seed."""
    requested, dead = await harvest_dying(url, seed, coups)
    expected, rows = truth(seed)
    assert [page for page, _ in itertools.groupby(requested)] == expected, f"seed {seed}"
    registry = RegistryStore(url, SEALER)
    await registry.open()
    assert await stored_rows(registry) == rows, f"seed {seed}"
    assert await RegistryWriter(registry).windows() == WINDOWS
    assert await RegistryWriter(registry).under_way() is None
    assert (await registry.harvest_state()).rows == sum(map(len, rows.values())) == 180
    await registry.close()
    return dead, len(requested) - len(expected)


@pytest.mark.parametrize("nature", BASES)
async def test_a_harvest_killed_again_and_again_loses_nothing_and_repeats_nothing(nature: str, tmp_path: Path) -> None:
    async with base(nature, tmp_path) as url:
        dead, asked_again = await try_out(url, seed=20, coups=12)
    assert dead >= 8
    assert asked_again <= dead
    note(f"moisson tuée ({nature}) : {dead} kill -9, 0 ligne perdue, 0 en double, {asked_again} pages redemandées")


@pytest.mark.chaos
@pytest.mark.parametrize("nature", BASES)
async def test_whatever_the_seed(nature: str, tmp_path: Path) -> None:
    dead = 0
    for seed in range(20):
        (tmp_path / str(seed)).mkdir()
        async with base(nature, tmp_path / str(seed)) as url:
            dead += (await try_out(url, seed, coups=30))[0]
    note(f"moisson tuée ({nature}) : {dead} kill -9 en 20 moissons, 0 ligne perdue, 0 en double")
