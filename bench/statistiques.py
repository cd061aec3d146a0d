"""What figures of a country cost: protecting and auditing its blocks, writing them, six sums over them, and six whole answers, on
both databases. Prints, asserts nothing; `bench.nightly_pass` measures the pass.

    python -m bench.statistiques
"""

import asyncio
import copy
import os
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.server.allocator import tune_threads_and_gc
from gateway.statistiques.block_memory import BlockMemory
from gateway.statistiques.disclosure_audit import AuditedCell, audited, fewest_values
from gateway.statistiques.grid_choice import lieu_of
from gateway.statistiques.grids import GRIDS, Place, Population
from gateway.statistiques.periods import Step, add_months, cohort_of, month_of
from gateway.statistiques.places import Places
from gateway.statistiques.presentation import Cursors, page_of, present
from gateway.statistiques.publication import Protection
from gateway.statistiques.published_figures import COUNTRY_WIDE, Published
from gateway.statistiques.questions import Question
from gateway.statistiques.reading_state import Known
from gateway.stores.blocks import BlockStore, CellRange, Snapshot
from gateway.stores.blocks_writer import BlockWriter, CellCount
from tests.support.databases import base

MONTHS, FIRST = 48, date(2022, 11, 1)
REGIONS, DEPARTEMENTS, CFAS, MISSIONS = 18, 101, 3465, 440
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
LEVELS = 4  # of a CFA
ROUNDS = 40
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
        size = randomness.lognormvariate(0, 1)
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
        "région × mois d'effectifs, 48 mois": (CellRange("3a", first, last, by_keys=False), regions),
        "440 Missions locales × 12 mois": (CellRange("2c", year, last), missions),
        "un CFA, 8 trimestres": (CellRange("1b", two, last), [("0000000A", "")]),
        "département × suite, 8 trimestres": (CellRange("2d", two, last), [(code, code) for code in departements]),
        "3 465 CFA, 4 trimestres de ruptures": (CellRange("2b", year, last), cfas),
    }


def answers(places: Places) -> dict[str, Question]:
    """Questions of the graph that are made of the same blocks, whole: all the figures of each line."""
    last = add_months(FIRST, MONTHS - 1)
    year, two = add_months(last, -11), add_months(last, -23)
    return {
        "REGION × NIVEAU, 12 mois": Question(("REGION", "NIVEAU"), depuis=year),
        "REGION × MOIS, 48 mois": Question(("REGION", "MOIS"), depuis=FIRST),
        "MISSION_LOCALE, 12 mois": Question(("MISSION_LOCALE",), depuis=year),
        "un CFA, 24 mois": Question(kept={"CFA": frozenset({min(places.cfas)})}, depuis=two),
        "DEPARTEMENT, 24 mois": Question(("DEPARTEMENT",), depuis=two),
        "CFA, 12 mois": Question(("CFA",), depuis=year),
    }


async def measure_questions(url: str, blocks: list[CellCount], places: Places) -> None:
    store = BlockStore(url)
    await store.open()
    writer = BlockWriter(store)
    await writer.lease.elect()
    start, snapshot = time.perf_counter(), Snapshot(1, date(2026, 10, 15), datetime.now(UTC), 5, None)
    await writer.write_blocks(1, blocks)
    await writer.publish(snapshot, [])
    print(f"  {len(blocks):,} blocs écrits en {time.perf_counter() - start:.1f} s")
    memory = BlockMemory(store)
    for name, (asked, groups) in questions(places).items():
        await _measure(name, partial(memory.sums, snapshot, asked, groups))
    published = Published(store)
    for name, question in answers(places).items():
        await _measure(name, partial(_answer, published, question, places))
    await store.close()


async def _answer(published: Published, question: Question, places: Places) -> int:
    """How many lines a question is answered, by whoever reads the country; no earlier answer is kept."""
    known = Known(copy.copy(places))  # of another referential, answers are others
    told = await published.told(question, COUNTRY_WIDE, lieu_of(question, COUNTRY_WIDE, direct=False), known)
    if told is None:
        raise SystemExit("nothing was published")
    cursors = Cursors(seal=lambda _: "", read=lambda _: None)
    page = page_of(told, question, cursors)
    await asyncio.to_thread(present, told, page, cursors, places)
    return page.total


async def _measure(name: str, ask: Callable[[], Awaitable[Any]]) -> None:
    """The first time, when blocks are read from the database, then those that follow: of the wall, and of processor."""
    taken: list[tuple[float, float]] = []
    for _ in range(ROUNDS + 1):
        start, used = time.perf_counter(), time.process_time()
        await ask()
        taken.append(((time.perf_counter() - start) * 1000, (time.process_time() - used) * 1000))
    (first, own), *rest = taken
    wall, processor = (quantiles(column, n=20) for column in zip(*rest, strict=True))
    print(
        f"  {name:<38} p50 {wall[9]:6.1f} ms  p95 {wall[18]:6.1f} ms  de processeur p50 {processor[9]:6.1f} ms "
        f"p95 {processor[18]:6.1f} ms  la première fois {first:7.1f} ms, {own:6.1f} de processeur"
    )


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
    del counts, made, told
    tune_threads_and_gc()  # as a gateway does: what was made so far would otherwise be looked through again and again
    with tempfile.TemporaryDirectory(prefix="blocs ") as folder:
        for nature in ("sqlite", "postgresql"):
            print(nature)
            async with base(nature, Path(folder)) as url:
                await measure_questions(url, blocks, places)


if __name__ == "__main__":
    print(f"{os.cpu_count()} cœurs, {os.getloadavg()[0]:.1f} processus prêts")
    asyncio.run(measure_country())
