"""What a territory costs: joined and merged cold, then each time that one record of it changes, and the memory that it takes.

    python -m bench.territoire [--jeunes 2500 5000 40000] [--changements 15]

CPU time of this process, its threads included, without HTTP (`bench._region`). A change is told by its whole unit, and asked for
with fresh data wanted; the unit is one of a CFA of somebody whom the viewer sees. Prints, asserts nothing.
"""

import argparse
import asyncio
import gc
import os
import platform
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from statistics import median, quantiles
from typing import Any

from bench._region import MILO, Partners, partners_of, referentiel_of
from fixtures.population.generator import generate
from fixtures.population.model import Population
from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Finalite, Profil
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.federation.collect.collector import Collector
from gateway.federation.collect.plan import plan_of_perimetre
from gateway.federation.ids.id_assigner import IdAssigner, derivation
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.build import ViewCache, find_view
from gateway.federation.views.view import Rights, View
from gateway.sources.units import Resource, Unit
from gateway.stores.links import LinkStore
from tests.support.access.tools import POLICY
from tests.support.told_population import INSTANT

TODAY = date(2026, 10, 15)
IDS = OpaqueIds(Sealer(bytes(32)))
SERVED = 394
RESERVED = "063998{:04}"  # telephones of fiction


@dataclass(frozen=True, slots=True)
class Region:
    """The systems of a population, and what reads them."""

    population: Population
    partners: Partners
    collector: Collector
    directory: Directory
    id_assigner: IdAssigner
    views: ViewCache

    async def look(self, rights: Rights) -> View:
        """What these rights see, fresh data wanted."""
        plan = plan_of_perimetre(rights.perimetre, self.directory.referentiel, suivi=True)
        readings = await self.collector.collect(plan, self.directory, 0.0)
        view, _ = await find_view(self.views, self.id_assigner, readings, rights, self.directory, TODAY)
        return view


def region_of(population: Population, ledger: Any) -> Region:
    """A region whose systems tell this population."""
    partners, registry = partners_of(population)
    id_assigner = IdAssigner(
        ledger, derivation(IDS), lambda: INSTANT, lambda: print("the ledger did not answer"), 600.0
    )
    collector = Collector(partners, registry, "registre", 600.0, time.monotonic, lambda *_: None)
    return Region(population, partners, collector, Directory(referentiel_of(population), IDS), id_assigner, ViewCache())


def rights_of(population: Population) -> tuple[Rights, Rights]:
    """Of the Mission locale that serves as many of them as most do in France, and of the DREETS of its region."""
    missions = population.geographie.missions_locales
    served = Counter(person.mission_locale for person in population.persons)
    code = min(sorted(missions), key=lambda code: abs(served[code] - SERVED))
    region = population.geographie.communes[missions[code].commune].region
    return (
        Rights(POLICY, Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, Perimetre(Profil.MISSION_LOCALE, code)),
        Rights(POLICY, Profil.DREETS, Finalite.CONTROLE_OBLIGATION, Perimetre(Profil.DREETS, region)),
    )


async def _cpu(make: Callable[[], Awaitable[Any]]) -> float:
    """CPU milliseconds of this process."""
    start = time.process_time()
    await make()
    return (time.process_time() - start) * 1e3


def _unit_of_somebody(view: View) -> tuple[Unit, str]:
    """A unit of a CFA that tells of somebody of the view, and the key of the record: the same at each run."""
    records = [who for person in view.persons.values() for who in person.merged.cluster.sourced_records]
    from_erp = sorted(
        (who.source, who.tenant, who.record.key) for who in records if who.source not in {MILO, "registre"}
    )
    source, tenant, key = from_erp[len(from_erp) // 2]
    return Unit(source, Resource.CFA, tenant), key


async def _changes(region: Region, rights: Rights, number: int) -> list[float]:
    """CPU milliseconds of each change of one telephone."""
    unit, key = _unit_of_somebody(await region.look(rights))
    rank = next(rank for rank, account in enumerate(region.partners.accounts[unit]) if account.key == key)
    costs = []
    for one in range(number):
        region.partners.change(unit, rank, RESERVED.format(9_000 + one))
        costs.append(await _cpu(lambda: region.look(rights)))
    return costs


def _line(name: str, seen: int, cold: float, changes: list[float]) -> str:
    low, _, high = quantiles(changes, n=4)
    change = f"one record changed {median(changes):>8.2f} ms [{low:.2f} {high:.2f}]"
    return f"  {name:<16} {seen:>6} seen   cold {cold:>8.0f} ms   {change}"


async def measure(jeunes: int, number: int, url: str) -> None:
    """Print the lines of one size."""
    population = generate(seed=1, jeunes=jeunes, today=TODAY)
    ledger = LinkStore(url)
    try:
        region = region_of(population, ledger)
        records = sum(map(len, region.partners.accounts.values())) + len(population.accounts["registre"][""])
        print(f"{jeunes} young people, {records} records, {len(region.partners.accounts)} units")
        gc.collect()
        gc.freeze()
        for name, rights in zip(("Mission locale", "DREETS"), rights_of(population), strict=True):
            cold = await _cpu(lambda rights=rights: region.look(rights))  # type: ignore[misc]
            changes = await _changes(region, rights, number)
            print(_line(name, len((await region.look(rights)).persons), cold, changes), flush=True)
    finally:
        gc.unfreeze()
        await ledger.close()


async def memory(jeunes: int, url: str) -> None:
    """Print the bytes that a region takes, a person, once it was looked at by its DREETS."""
    population = generate(seed=1, jeunes=jeunes, today=TODAY)
    ledger = LinkStore(url)
    try:
        region = region_of(population, ledger)
        _, rights = rights_of(population)
        tracemalloc.start()
        view = await region.look(rights)
        gc.collect()
        size = tracemalloc.get_traced_memory()[0] / len(view.persons)
        tracemalloc.stop()
        print(f"{jeunes} young people: {size:.0f} bytes a person seen by a DREETS, its records of the ERPs included")
    finally:
        await ledger.close()


def main() -> None:
    """Run the bench."""
    request = argparse.ArgumentParser()
    request.add_argument("--jeunes", type=int, nargs="*", default=[2_500, 5_000, 40_000])
    request.add_argument("--changements", type=int, default=15)
    wanted = request.parse_args()
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}; CPU time, medians [quartiles]"
    )
    with tempfile.TemporaryDirectory() as folder:
        for jeunes in wanted.jeunes:
            url = f"sqlite+aiosqlite:///{folder}/liens{jeunes}.sqlite"
            asyncio.run(measure(jeunes, wanted.changements, url))
        asyncio.run(memory(min(wanted.jeunes), f"sqlite+aiosqlite:///{folder}/memoire.sqlite"))


if __name__ == "__main__":
    main()
