"""The harvest of a country: a registry made of arithmetic, page by page, into each database. Figures of docs/decisions/0020.

`python -m bench.moisson --contrats 1000000 --bases sqlite`: the windows, the pages, the mapping, the sealing and the writing are
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

from gateway.connectors.base import Requete
from gateway.connectors.registre import CONNECTEUR
from gateway.domain.sceau import Sceau
from gateway.sources.guichet import Page
from gateway.sources.moisson import Avancement, Champ, Recolte, moissonner
from gateway.stores.grange import Grange
from gateway.stores.registre import Registre
from tests.bases import BASES, base

DEPUIS, SOIR = date(2022, 1, 1), datetime(2026, 10, 15, 20, 30, tzinfo=UTC)
JOURS = (SOIR.date() - DEPUIS).days
PAR_PAGE = 1000
RUPTURES, DELAI = 0.18, 120  # share of the contracts that have a second row, and days after the first
CLES_UAI = "ABCDEFGHJKLMNPRSTUVWXYZ"
PAS_SONDE = 0.01  # seconds between two looks of the probe at the event loop
PAS_LECTURE = 0.5  # seconds between two readings of a CFA meanwhile


class Pays:
    """The registry of a country: so many contracts a day, four times more in September and October."""

    def __init__(self, contrats: int) -> None:
        poids = [4.0 if (DEPUIS + timedelta(days=rang)).month in (9, 10) else 1.0 for rang in range(JOURS)]
        cumul, total, self.par_jour = 0.0, 0, list[int]()
        for part in poids:
            cumul += part * contrats / sum(poids)
            self.par_jour.append(round(cumul) - total)
            total = round(cumul)

    def lignes(self, rang: int) -> int:
        """How many rows a view tells of a day."""
        return self.par_jour[rang] + self._rompus(rang)

    def _rompus(self, rang: int) -> int:
        return math.floor(self.par_jour[rang - DELAI] * RUPTURES) if rang >= DELAI else 0

    def ligne(self, jour: int, rang: int) -> tuple[int, int, bool]:
        """The contract that a row tells (day of deposit, rank), and whether it tells its rupture."""
        rompus = self._rompus(jour)
        return (jour - DELAI, rang, True) if rang < rompus else (jour, rang - rompus, False)

    def page(self, requete: Requete, rang: int) -> tuple[list[dict[str, Any]], int]:
        """A page of a view, and how many there are."""
        corps = requete.corps or {}
        debut, fin = ((date.fromisoformat(corps[borne]) - DEPUIS).days for borne in ("dateDebut", "dateFin"))
        total, premiere = sum(self.lignes(jour) for jour in range(debut, fin + 1)), (rang - 1) * PAR_PAGE
        lignes, ecrire = list[dict[str, Any]](), ECRIRE[requete.acces]
        for jour in range(debut, fin + 1):
            dans = self.lignes(jour)
            if premiere < dans:
                siennes = range(max(0, premiere), min(dans, premiere + PAR_PAGE - len(lignes)))
                lignes += [ecrire(*self.ligne(jour, une)) for une in siennes]
                premiere = 0
            else:
                premiere -= dans
            if len(lignes) == PAR_PAGE:
                break
        return lignes, max(1, -(-total // PAR_PAGE))


def _tba(jour: int, rang: int, rompu: bool) -> dict[str, Any]:
    """A row as the registry writes it in its first view. Nobody bears these names, no phone of that range rings."""
    numero, depot = jour * 10_000 + rang, DEPUIS + timedelta(days=jour)
    debut, fin = depot.isoformat(), depot.replace(year=depot.year + 2, day=1).isoformat()
    return {
        "alternant": {
            "nom": f"FICTIF{_lettres(numero)}",
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
            "statut": "Rompu" if rompu else "",
        },
        "rupture": {"dateEffetRupture": debut if rompu else "", "codeMotifRupture": "02" if rompu else ""},
        "employeur": {"codeIdcc": "0843"},
    }


def _lba(jour: int, rang: int, rompu: bool) -> dict[str, Any]:
    ligne = _tba(jour, rang, rompu)
    ligne["employeur"] = {"siret": "13002526500013", "denomination": "BOULANGERIE FICTIVE", "naf": "1071C"}
    return ligne


ECRIRE: dict[str, Callable[[int, int, bool], dict[str, Any]]] = {"tba": _tba, "lba": _lba}


def _uai(numero: int) -> str:
    """One of as many CFAs as the country has."""
    rang = numero % 3465
    return f"{rang:07d}{CLES_UAI[rang % 23]}"


def _lettres(numero: int) -> str:
    lettres = ""
    while numero:
        numero, reste = divmod(numero, 26)
        lettres += chr(65 + reste)
    return lettres


def _residente() -> int:
    """Memory of this process now, in Mo."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 2**20


async def _sonder(retards: "array[float]", occupe: "array[float]") -> None:
    """How late the loop is, which a busy machine worsens, and the processor time it was held for meanwhile, which is ours."""
    while True:
        debut, processeur = time.perf_counter(), time.thread_time()
        await asyncio.sleep(PAS_SONDE)
        retards.append(time.perf_counter() - debut - PAS_SONDE)
        occupe.append(time.thread_time() - processeur)


async def _lire(registre: Registre, durees: "array[float]") -> None:
    while True:
        debut = time.perf_counter()
        await registre.contrats([], [_uai(len(durees) * 7)], [])
        durees.append(time.perf_counter() - debut)
        await asyncio.sleep(PAS_LECTURE)


async def _octets(registre: Registre) -> int:
    """What the database takes on disk."""
    requete = (
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        if registre.moteur.dialect.name == "sqlite"
        else "SELECT pg_database_size(current_database())"
    )
    async with registre.moteur.connect() as connexion:
        return int((await connexion.exec_driver_sql(requete)).scalar_one())


class _Suivi:
    """Notes the memory at each tenth of the harvest."""

    def __init__(self) -> None:
        self.lignes, self.dixiemes = 0, list[str]()

    def __call__(self, avancement: Avancement) -> None:
        self.lignes += avancement.gardees
        if avancement.etape.achevee and avancement.rang * 10 // avancement.total > len(self.dixiemes):
            self.dixiemes.append(str(_residente()))


async def remplir(url: str, contrats: int) -> dict[str, Any]:
    """Harvest the country into a database, readings going on meanwhile."""
    pays, suivi, moisson = Pays(contrats), _Suivi(), CONNECTEUR.moisson
    registre = Registre(url, Sceau(bytes(32)))
    await registre.ouvrir()

    async def lire(requete: Requete, rang: int, lecture: Callable[[Any], Recolte]) -> Page[Recolte]:
        lignes, total = await asyncio.to_thread(pays.page, requete, rang)
        return Page(await asyncio.to_thread(lecture, {"contrats": lignes}), total, f"{requete.corps}{rang}".encode())

    if moisson is None:
        raise SystemExit("the registry's connector does not harvest")
    gc.freeze()  # as the service does once it is built: what is left to the cycle collector is what the harvest makes
    gc.set_threshold(50_000, 20, 50)
    depart, retards, occupe, durees = _residente(), array("d"), array("d"), array("d")
    temoins = [asyncio.create_task(_sonder(retards, occupe)), asyncio.create_task(_lire(registre, durees))]
    debut, processeur = time.perf_counter(), time.process_time()
    champ = Champ("registre", lire, moisson, DEPUIS, 59)
    fenetres = await moissonner(champ, Grange(registre), lambda: SOIR, suivi)
    secondes, processeur = time.perf_counter() - debut, time.process_time() - processeur
    for temoin in temoins:
        temoin.cancel()
    await asyncio.gather(*temoins, return_exceptions=True)
    lignes, octets = (await registre.avancee()).lignes, await _octets(registre)
    await registre.fermer()
    if lignes != suivi.lignes:
        raise SystemExit(f"{lignes} rows kept, {suivi.lignes} told")
    return {
        "fenetres": fenetres,
        "lignes": lignes,
        "disque": octets // 2**20,
        "secondes": secondes,
        "processeur": processeur,
        "depart": depart,
        "dixiemes": suivi.dixiemes,
        "pic": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "retards": _quantiles(retards),
        "occupe": _quantiles(occupe),
        "lectures": _quantiles(durees),
    }


def _quantiles(durees: "array[float]") -> tuple[float, float, float]:
    """Median, 99th percentile and maximum, in milliseconds."""
    centiles = statistics.quantiles(durees, n=100)
    return centiles[49] * 1000, centiles[98] * 1000, max(durees) * 1000


CHRONOS = {
    "retards": "retard de la boucle",
    "occupe": "boucle tenue d'affilée (processeur)",
    "lectures": "lecture d'un CFA pendant la moisson",
}


def montrer(nature: str, contrats: int, lu: dict[str, Any]) -> None:
    """The figures of a database."""
    print(f"{nature} : {contrats} contrats, {lu['lignes']} lignes, {lu['fenetres']} fenêtres en {lu['secondes']:.0f} s")
    print(f"  {contrats / lu['secondes']:.0f} contrats/s, {lu['lignes'] / lu['secondes']:.0f} lignes/s")
    print(f"  processeur {lu['processeur']:.0f} s, disque {lu['disque']} Mo")
    print(f"  mémoire : {lu['depart']} Mo au départ, pic {lu['pic']} Mo ; par dixième {' '.join(lu['dixiemes'])}")
    for cle, nom in CHRONOS.items():
        print(f"  {nom} : médiane {lu[cle][0]:.1f} ms, p99 {lu[cle][1]:.1f} ms, max {lu[cle][2]:.0f} ms")


async def _mesurer(nature: str, contrats: int) -> None:
    with tempfile.TemporaryDirectory() as dossier:
        async with base(nature, Path(dossier)) as url:
            commande = [sys.executable, "-m", "bench.moisson", "--contrats", str(contrats), "--url", url]
            fait = await asyncio.to_thread(subprocess.run, commande, stdout=subprocess.PIPE, check=True)
            montrer(nature, contrats, json.loads(fait.stdout))


def main() -> None:
    """Each database in turn; with `--url`, that one only, figures in JSON."""
    analyseur = argparse.ArgumentParser(description=__doc__)
    analyseur.add_argument("--contrats", type=int, default=50_000)
    analyseur.add_argument("--bases", nargs="+", choices=BASES, default=BASES)
    analyseur.add_argument("--url")
    choix = analyseur.parse_args()
    if choix.url:
        print(json.dumps(uvloop.run(remplir(choix.url, choix.contrats))))
        return
    for nature in choix.bases:
        asyncio.run(_mesurer(nature, choix.contrats))


if __name__ == "__main__":
    main()
