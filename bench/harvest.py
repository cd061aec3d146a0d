"""The harvest of a country: a registry made of arithmetic, page by page, into each database. Figures of docs/decisions/0020.

`python -m bench.harvest --contrats 1000000 --bases sqlite`: the windows, the pages, the mapping, the sealing and the writing are
the gateway's; only the partner is of this file, and answers at once. Each database is filled by a process of its own.
"""

import argparse
import asyncio
import gc
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop

from gateway.connectors.base import PartnerRequest
from gateway.connectors.deca import CONNECTOR
from gateway.domain.seal import Sealer
from gateway.sources.harvest.harvester import HarvestedRows, HarvestTarget, Progress, harvest
from gateway.sources.partner_client import HarvestPage
from gateway.stores.registry import RegistryStore
from gateway.stores.registry_writer import RegistryWriter
from tests.support.databases import BASES, base

SINCE, EVENING = date(2022, 1, 1), datetime(2026, 10, 15, 20, 30, tzinfo=UTC)
DAYS = (EVENING.date() - SINCE).days
PER_PAGE = 1000
RUPTURES, TIMEOUT = 0.18, 120  # share of the contracts that have a second row, and days after the first
UAI_KEYS = "ABCDEFGHJKLMNPRSTUVWXYZ"
PROBE_STEP = 0.01  # seconds between two looks of the probe at the event loop
PAS_LECTURE = 0.5  # seconds between two readings of a CFA meanwhile


class Country:
    """The registry of a country: so many contracts a day, four times more in September and October."""

    def __init__(self, contrats: int) -> None:
        weights = [4.0 if (SINCE + timedelta(days=rank)).month in (9, 10) else 1.0 for rank in range(DAYS)]
        running_total, total, self.a_day = 0.0, 0, list[int]()
        for part in weights:
            running_total += part * contrats / sum(weights)
            self.a_day.append(round(running_total) - total)
            total = round(running_total)

    def rows(self, rank: int) -> int:
        """How many rows a view tells of a day."""
        return self.a_day[rank] + self._broken(rank)

    def _broken(self, rank: int) -> int:
        return math.floor(self.a_day[rank - TIMEOUT] * RUPTURES) if rank >= TIMEOUT else 0

    def line(self, day: int, rank: int) -> tuple[int, int, bool]:
        """The contract that a row tells (day of deposit, rank), and whether it tells its rupture."""
        rompus = self._broken(day)
        return (day - TIMEOUT, rank, True) if rank < rompus else (day, rank - rompus, False)

    def page(self, partner_request: PartnerRequest, rank: int) -> tuple[list[dict[str, Any]], int]:
        """A page of a view, and how many there are."""
        body = partner_request.body or {}
        debut, fin = ((date.fromisoformat(body[anchor]) - SINCE).days for anchor in ("dateDebut", "dateFin"))
        total, first = sum(self.rows(day) for day in range(debut, fin + 1)), (rank - 1) * PER_PAGE
        rows, write = list[dict[str, Any]](), WRITE[partner_request.acces]
        for day in range(debut, fin + 1):
            inside = self.rows(day)
            if first < inside:
                own = range(max(0, first), min(inside, first + PER_PAGE - len(rows)))
                rows += [write(*self.line(day, one)) for one in own]
                first = 0
            else:
                first -= inside
            if len(rows) == PER_PAGE:
                break
        return rows, max(1, -(-total // PER_PAGE))


def _tba(day: int, rank: int, broken: bool) -> dict[str, Any]:
    """A row as the registry writes it in its first view. Nobody bears these names, no phone of that range rings."""
    numero, depot = day * 10_000 + rank, SINCE + timedelta(days=day)
    debut, fin = depot.isoformat(), depot.replace(year=depot.year + 2, day=1).isoformat()
    return {
        "alternant": {
            "nom": f"FICTIF{_letters(numero)}",
            "prenom": "CAMILLE",
            "sexe": "F",
            "dateNaissance": f"200{numero % 9}-0{1 + numero % 9}-1{numero % 10}",
            "departementNaissance": "093",
            "nationalite": "1",
            "handicap": "false",
            "courriel": f"fictif{numero}@exemple.invalid",
            "telephone": "0639980001",
            "adresse": {"numero": 3, "voie": "RUE DES ECOLES", "codePostal": f"{1000 + numero % 6000:05d}"},
            "derniereClasse": "01",
        },
        "formation": {
            "dateDebutFormation": debut,
            "dateFinFormation": fin,
            "codeDiplome": "50022141",
            "rncp": "RNCP35316",
            "intituleOuQualification": "CAP BOULANGER",
        },
        "etablissementFormation": {"siret": "73282932000074"},
        "organismeFormationResponsable": {"uaiCfa": _uai(numero), "siret": "73282932000074"},
        "detailsContrat": {
            "noContrat": f"{numero:015d}",
            "noAvenant": "",
            "typeContrat": 11,
            "dispositif": "APPR",
            "dateDebutContrat": debut,
            "dateFinContrat": fin,
            "statut": "Rompu" if broken else "",
        },
        "rupture": {"dateEffetRupture": debut if broken else "", "codeMotifRupture": "02" if broken else ""},
        "employeur": {"codeIdcc": "0843"},
    }


def _lba(day: int, rank: int, broken: bool) -> dict[str, Any]:
    line = _tba(day, rank, broken)
    line["employeur"] = {"siret": "13002526500013", "denomination": "BOULANGERIE FICTIVE", "naf": "1071C"}
    return line


WRITE: dict[str, Callable[[int, int, bool], dict[str, Any]]] = {"tba": _tba, "lba": _lba}


def _uai(numero: int) -> str:
    """One of as many CFAs as the country has."""
    rank = numero % 3465
    return f"{rank:07d}{UAI_KEYS[rank % 23]}"


def _letters(numero: int) -> str:
    letters = ""
    while numero:
        numero, rest = divmod(numero, 26)
        letters += chr(65 + rest)
    return letters


def _resident_memory() -> int:
    """Memory of this process now, in Mo."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 2**20


async def _run_probe(delays: "array[float]", busy: "array[float]") -> None:
    """How late the loop is, which a busy machine worsens, and the processor time it was held for meanwhile, which is ours."""
    while True:
        debut, cpu_time = time.perf_counter(), time.thread_time()
        await asyncio.sleep(PROBE_STEP)
        delays.append(time.perf_counter() - debut - PROBE_STEP)
        busy.append(time.thread_time() - cpu_time)


async def _read(registry: RegistryStore, durations: "array[float]") -> None:
    while True:
        debut = time.perf_counter()
        await registry.contrats([], [_uai(len(durations) * 7)], [])
        durations.append(time.perf_counter() - debut)
        await asyncio.sleep(PAS_LECTURE)


async def _bytes(registry: RegistryStore) -> int:
    """What the database takes on disk."""
    partner_request = (
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        if registry.engine.dialect.name == "sqlite"
        else "SELECT pg_database_size(current_database())"
    )
    async with registry.engine.connect() as connection:
        return int((await connection.exec_driver_sql(partner_request)).scalar_one())


class _DocumentState:
    """Notes the memory at each tenth of the harvest."""

    def __init__(self) -> None:
        self.rows, self.tenths = 0, list[str]()

    def __call__(self, progress: Progress) -> None:
        self.rows += progress.kept
        if progress.step.completed and progress.rank * 10 // progress.total > len(self.tenths):
            self.tenths.append(str(_resident_memory()))


async def fill(url: str, contrats: int) -> dict[str, Any]:
    """Harvest the country into a database, readings going on meanwhile."""
    country, suivi, moisson = Country(contrats), _DocumentState(), CONNECTOR.moisson
    registry = RegistryStore(url, Sealer(bytes(32)))
    await registry.open()

    async def read(
        partner_request: PartnerRequest, rank: int, reading: Callable[[Any], HarvestedRows]
    ) -> HarvestPage[HarvestedRows]:
        rows, total = await asyncio.to_thread(country.page, partner_request, rank)
        return HarvestPage(
            await asyncio.to_thread(reading, {"contrats": rows}), total, f"{partner_request.body}{rank}".encode()
        )

    if moisson is None:
        raise SystemExit("the registry's connector does not harvest")
    gc.freeze()  # as the service does once it is built: what is left to the cycle collector is what the harvest makes
    gc.set_threshold(50_000, 20, 50)
    departure, delays, busy, durations = _resident_memory(), array("d"), array("d"), array("d")
    witnesses = [asyncio.create_task(_run_probe(delays, busy)), asyncio.create_task(_read(registry, durations))]
    debut, cpu_time = time.perf_counter(), time.process_time()
    champ = HarvestTarget("registre", read, moisson, SINCE, 59)
    windows = await harvest(champ, RegistryWriter(registry), lambda: EVENING, suivi)
    seconds, cpu_time = time.perf_counter() - debut, time.process_time() - cpu_time
    for witness in witnesses:
        witness.cancel()
    await asyncio.gather(*witnesses, return_exceptions=True)
    rows, content = (await registry.harvest_state()).rows, await _bytes(registry)
    await registry.close()
    if rows != suivi.rows:
        raise SystemExit(f"{rows} rows kept, {suivi.rows} told")
    return {
        "fenetres": windows,
        "lignes": rows,
        "disque": content // 2**20,
        "secondes": seconds,
        "processeur": cpu_time,
        "depart": departure,
        "dixiemes": suivi.tenths,
        "pic": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "retards": _quantiles(delays),
        "occupe": _quantiles(busy),
        "lectures": _quantiles(durations),
    }


def _quantiles(durations: "array[float]") -> tuple[float, float, float]:
    """Median, 99th percentile and maximum, in milliseconds."""
    percentiles = statistics.quantiles(durations, n=100)
    return percentiles[49] * 1000, percentiles[98] * 1000, max(durations) * 1000


TIMINGS = {
    "retards": "retard de la boucle",
    "occupe": "boucle tenue d'affilée (processeur)",
    "lectures": "lecture d'un CFA pendant la moisson",
}


def show(nature: str, contrats: int, parsed: dict[str, Any]) -> None:
    """The figures of a database."""
    print(
        f"{nature} : {contrats} contrats, {parsed['lignes']} lignes, {parsed['fenetres']} fenêtres en {parsed['secondes']:.0f} s"
    )
    print(f"  {contrats / parsed['secondes']:.0f} contrats/s, {parsed['lignes'] / parsed['secondes']:.0f} lignes/s")
    print(f"  processeur {parsed['processeur']:.0f} s, disque {parsed['disque']} Mo")
    print(
        f"  mémoire : {parsed['depart']} Mo au départ, pic {parsed['pic']} Mo ; par dixième {' '.join(parsed['dixiemes'])}"
    )
    for key, name in TIMINGS.items():
        print(f"  {name} : médiane {parsed[key][0]:.1f} ms, p99 {parsed[key][1]:.1f} ms, max {parsed[key][2]:.0f} ms")


async def _measure(nature: str, contrats: int) -> None:
    with tempfile.TemporaryDirectory() as record:
        async with base(nature, Path(record)) as url:
            command = [sys.executable, "-m", "bench.harvest", "--contrats", str(contrats), "--url", url]
            fact = await asyncio.to_thread(subprocess.run, command, stdout=subprocess.PIPE, check=True)
            show(nature, contrats, json.loads(fact.stdout))


def main() -> None:
    """Each database in turn; with `--url`, that one only, figures in JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contrats", type=int, default=50_000)
    parser.add_argument("--bases", nargs="+", choices=BASES, default=BASES)
    parser.add_argument("--url")
    choice = parser.parse_args()
    if choice.url:
        print(json.dumps(uvloop.run(fill(choice.url, choice.contrats))))
        return
    for nature in choice.bases:
        asyncio.run(_measure(nature, choice.contrats))


if __name__ == "__main__":
    main()
