"""What statistics cost: six questions over the blocks of a country, protecting and auditing them, a pass over some thousands of
young people beside a gateway that answers. Prints, asserts nothing.

    python -m bench.statistiques [young people of the pass]
"""

import asyncio
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from statistics import quantiles

import httpx

from fixtures import gateway_process
from fixtures.world import World
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.statistiques.audit import AuditedCell, audited, fewest_values
from gateway.statistiques.grids import GRIDS, Place, Population
from gateway.statistiques.periods import Step, add_months, cohort_of, month_of
from gateway.statistiques.places import Places
from gateway.statistiques.publication import Protection
from gateway.stores.blocks import BlockStore, CellRange, Snapshot
from gateway.stores.blocks_writer import BlockWriter, CellCount
from tests.support.databases import base

MONTHS, FIRST = 48, date(2022, 11, 1)
REGIONS, DEPARTEMENTS, CFAS, MISSIONS = 18, 101, 3465, 440
COUNTRY = 1_042_500  # contracts in progress (docs/domaine.md)
KEYS = {
    "NIVEAU": ("3", "4", "5", "6", "7"),
    "SEXE": ("F", "M"),
    "TRANCHE_AGE": ("MOINS_DE_18", "DE_18_A_20", "DE_21_A_25", "DE_26_ET_PLUS"),
    "SECTEUR": tuple("ACFGHIJKMNPQRS"),
}
MEANS: dict[Population, dict[str, float]] = {  # units of a CFA of middle size, a level and a month, by class
    Population.CONTRATS: {"R3": 0.5, "R6": 0.4, "R9": 0.35, "R+": 0.3, "T": 1.2, "V": 4.0},
    Population.RUPTURES: {"RUPTURE": 1.5},
    Population.STATUTS: {"APPRENTI": 110, "INSCRIT": 8, "RUPTURANT": 7, "ABANDON": 10, "FIN_DE_FORMATION": 6},
}
GRIDS_OF = {population: [grid for grid in GRIDS.values() if grid.population is population] for population in Population}
LEVELS = 2  # of a CFA
ROUNDS = 30
Counts = Counter[tuple[str, str, str, str, str]]
Groups = list[tuple[str, str]]


def country() -> Places:
    """As many places as France has, by made-up codes."""
    communes, missions, cfas = {}, {}, {}
    for rank in range(MISSIONS):
        insee, code, departement = f"{rank:05}", f"M{rank:04}", rank % DEPARTEMENTS
        region = f"{departement % REGIONS:02}"
        communes[insee] = CommuneLine(insee, insee, (insee,), f"{departement:03}", region, "01", code)
        missions[code] = MissionLocaleRow(rank, code, code, insee, None, None)
    for rank in range(CFAS):
        departement = rank % DEPARTEMENTS
        uai = f"{departement:03}{rank:04}A"
        cfas[uai] = OrganismeRow(uai, "", uai, None, f"{departement:03}", f"{departement % REGIONS:02}", "01")
    return Places(Referentiel(communes=communes, missions_locales=missions, organismes=cfas))


def counts_of_a_country(places: Places, randomness: Random) -> list[CellCount]:
    """True counts of every grid over four years, of the same units: each is in one cell of each grid of its population."""
    counts: Counts = Counter()
    for uai in sorted(places.cfas):
        size = randomness.lognormvariate(-0.5, 1)
        for niveau in randomness.sample(KEYS["NIVEAU"], LEVELS):
            for rank in range(MONTHS):
                where = _Where(places, uai, niveau, add_months(FIRST, rank))
                for population, means in MEANS.items():
                    for classe, mean in means.items():
                        if number := round(randomness.expovariate(1 / (mean * size))):
                            where.add(counts, randomness, population, (classe, number))
    return [CellCount._make((*cell, number)) for cell, number in sorted(counts.items())]


class _Where:
    """Where units are told, and in which cells they count."""

    def __init__(self, places: Places, uai: str, niveau: str, month: date) -> None:
        self._niveau, self._month = niveau, month
        departement, region = places.departement_of_cfa[uai], places.region_of_cfa[uai]
        self._places = {Place.CFA: uai, Place.DEPARTEMENT: departement, Place.REGION: region}

    def add(self, counts: Counts, randomness: Random, population: Population, drawn: tuple[str, int]) -> None:
        classe, number = drawn
        keys = {name: randomness.choice(values) for name, values in KEYS.items()} | {"NIVEAU": self._niveau}
        mission, classes = f"M{randomness.randrange(MISSIONS):04}", dict[str, str]()
        for grid in GRIDS_OF[population]:
            told = grid.partition.classes
            own = classe if classe in told else classes.setdefault(grid.partition.name, randomness.choice(told))
            cles = "/".join(keys[key] for key in grid.keys)
            cohort = cohort_of(self._month, grid.step)
            counts[grid.name, self._places.get(grid.place, mission), cles, cohort, own] += number


def questions(places: Places) -> dict[str, tuple[CellRange, Groups]]:
    """Cells, and groups of places."""
    first, last = month_of(FIRST), month_of(add_months(FIRST, MONTHS - 1))
    year, two = month_of(add_months(FIRST, MONTHS - 12)), cohort_of(add_months(FIRST, MONTHS - 24), Step.TRIMESTRE)
    departements = sorted(set(places.departement_of_cfa.values()))
    regions = [(code, next(iter(places.holders(Place.DEPARTEMENT, code)["REGION"]))) for code in departements]
    missions, cfas = ([(code, code) for code in codes] for codes in (places.missions_locales, places.cfas))
    return {
        "région × niveau × issue, 12 mois": (CellRange("1a", year, last), regions),
        "région × mois d'effectifs, 48 mois": (CellRange("3a", first, last), regions),
        "440 Missions locales × 12 mois": (CellRange("2c", year, last), missions),
        "un CFA, 8 trimestres": (CellRange("1b", two, last), [("0000000A", "")]),
        "département × suite, 8 trimestres": (CellRange("2d", two, last), [(code, code) for code in departements]),
        "3 465 CFA, 4 trimestres de ruptures": (CellRange("2b", year, last), cfas),
    }


async def measure_questions(url: str, blocks: list[CellCount], places: Places) -> None:
    store = BlockStore(url)
    await store.open()
    writer = BlockWriter(store)
    await writer.lease.elect()
    start = time.perf_counter()
    await writer.write_blocks(1, blocks)
    await writer.publish(Snapshot(1, date(2026, 10, 15), datetime.now(UTC), 5, None), [])
    print(f"  {len(blocks):,} blocs écrits en {time.perf_counter() - start:.1f} s")
    for name, (asked, groups) in questions(places).items():
        taken, rows = [], 0
        for _ in range(ROUNDS):
            start = time.perf_counter()
            rows = len(await store.blocks(1, asked, groups))
            taken.append((time.perf_counter() - start) * 1000)
        cuts = quantiles(taken, n=20)
        print(f"  {name:<40} p50 {cuts[9]:6.1f} ms   p95 {cuts[18]:6.1f} ms   {rows:>6} lignes")
    await store.close()


async def measure_country() -> None:
    places = country()
    counts = counts_of_a_country(places, Random(1))
    protection, start = Protection(b"k" * 32, 5), time.process_time()
    made = [(count, protection.block(count)) for count in counts]
    print(f"{len(counts):,} comptes protégés : {time.process_time() - start:.1f} s de processeur")
    start, told = time.process_time(), dict[str, list[AuditedCell]]()
    for count, block in made:
        cell = (count.lieu, count.cles, count.mois, count.classe)
        told.setdefault(count.maille, []).append(audited(cell, count.nombre, block, 5))
    fewest = min(
        least
        for grids in GRIDS_OF.values()
        if (least := fewest_values({grid.name: told[grid.name] for grid in grids}, places, 5)) is not None
    )
    print(f"audit : {fewest} valeurs au moins, {time.process_time() - start:.1f} s de processeur")
    blocks = [count._replace(nombre=block) for count, block in made if block]
    with tempfile.TemporaryDirectory(prefix="blocs ") as folder:
        for nature in ("sqlite", "postgresql"):
            print(nature)
            async with base(nature, Path(folder)) as url:
                await measure_questions(url, blocks, places)


def measure_pass(jeunes: int) -> None:
    """A pass beside a gateway, whose loop tells how late it wakes."""
    with tempfile.TemporaryDirectory(prefix="releve ") as folder:
        with World.generated(Path(folder), jeunes=jeunes) as world:
            world.harvest()
            with world.gateway() as gateway:
                before, used, start = late_wakings(gateway.admin_url), _processor(), time.perf_counter()
                gateway_process.count(world.environment, 24)
                taken, own = time.perf_counter() - start, _processor() - used
                after = late_wakings(gateway.admin_url)
        lots = len(world.population.cfas) + len(world.population.geographie.missions_locales)
    ready = f"{os.cpu_count()} cœurs, {os.getloadavg()[0]:.1f} processus prêts"
    print(f"relevé de {jeunes:,} jeunes, {lots} lots : {taken:.1f} s, dont {own:.1f} s de processeur ({ready})")
    each = own / jeunes
    print(f"le pays : {each * 1000:.2f} ms par jeune × {COUNTRY:,} = {each * COUNTRY / 60:.0f} min de processeur")
    print(
        f"retard de la boucle d'une passerelle pendant le relevé, p99 : {percentile(before, after) * 1000:.0f} ms au plus"
    )


def _processor() -> float:
    """Seconds of processor of the commands that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def late_wakings(url: str) -> dict[float, float]:
    """How many wakings of the loop were late by no more than each bound, in seconds."""
    name = 'passerelle_boucle_retard_secondes_bucket{le="'
    rows = [
        line.removeprefix(name).split('"} ')
        for line in httpx.get(f"{url}/metrics").text.splitlines()
        if line.startswith(name)
    ]
    return {float(bound): float(number) for bound, number in rows}


def percentile(before: dict[float, float], after: dict[float, float]) -> float:
    counted = {bound: number - before.get(bound, 0.0) for bound, number in after.items()}
    return min(bound for bound, number in counted.items() if number >= 0.99 * max(counted.values()))


if __name__ == "__main__":
    asyncio.run(measure_country())
    measure_pass(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
