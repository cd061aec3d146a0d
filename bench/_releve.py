"""What a day of the advisers was: counted as it goes, then summed up. Knows no population and no model."""

import os
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench._partenaires import Comptoir
from gateway.federation.views import Vue
from gateway.federation.vues import CleDeVue, Vues
from gateway.reponses import Reponse
from gateway.services import Services

MOISSON = "moisson"  # state of what is read in the registry's store: its age is that of the last harvest
MEGA = 1e6


@dataclass(frozen=True, slots=True)
class Regard:
    """The process at one moment: bytes of memory, entries and bytes of the cache."""

    rss: int
    entrees: int
    octets: int


class VuesComptees(Vues):
    """Counts what is built."""

    def __init__(self) -> None:
        super().__init__()
        self.demandees = self.construites = 0

    async def vue(self, cle: CleDeVue, construire: Callable[[], Awaitable[Vue]]) -> Vue:
        async def compter() -> Vue:
            self.construites += 1
            return await construire()

        self.demandees += 1
        return await super().vue(cle, compter)


@dataclass
class Releve:
    """The figures of a day."""

    services: Services
    comptoir: Comptoir
    vues: VuesComptees
    avant: int  # bytes of memory before the gateway was built: the population, its simulators, this bench
    refus: Counter[str] = field(default_factory=Counter)
    erreurs: Counter[str] = field(default_factory=Counter)
    partielles: int = 0
    octets: int = 0
    attentes: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ages: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    lectures: Counter[tuple[str, str]] = field(default_factory=Counter)  # units, by partner and state of the cache
    personnes: dict[str, list[int]] = field(default_factory=dict)  # distinct, by scope of quota, for each reader
    regards: list[Regard] = field(default_factory=list)
    cpu: float = field(default_factory=time.process_time)
    duree: float = field(default_factory=time.monotonic)

    @property
    def reponses(self) -> int:
        return sum(map(len, self.attentes.values()))

    def noter(self, geste: str, reponse: Reponse, attente: float, octets: int) -> None:
        """One answer has left."""
        self.attentes[geste].append(attente)
        self.octets += octets
        codes = {erreur["extensions"]["code"] for erreur in reponse.erreurs}
        self.erreurs.update(codes)
        self.partielles += any(code.startswith("SOURCE_") for code in codes)
        for source in reponse.extensions.get("sources", []):
            if source["cache"] not in (MOISSON, None):  # None: it said nothing
                self.ages[source["nom"]].append(source["ageSecondes"])

    def regarder(self) -> None:
        entrees = self.services.sources._socle.cache._memoire._entrees  # type: ignore[attr-defined]
        self.regards.append(Regard(memoire() - self.avant, len(entrees), int(entrees.currsize)))

    def resume(self) -> str:
        vu, reel = self.regards[-1], time.monotonic() - self.duree
        return (
            f"{self.reponses} answers, {sum(self.refus.values())} refused, {self.vues.construites} views built, "
            f"{self.comptoir.total} requests, RSS {vu.rss / MEGA:.0f} MB, cache {vu.octets / MEGA:.0f} MB, {reel:.0f} s real"
        )

    def clore(self) -> None:
        """The day is over: what the gateway counted itself."""
        self.regarder()
        self.cpu, self.duree = time.process_time() - self.cpu - self.comptoir.cpu, time.monotonic() - self.duree
        for mesure in self.services.comptes.lectures.collect():
            for point in mesure.samples:
                if point.name.endswith("_total"):
                    self.lectures[point.labels["partenaire"], point.labels["cache"]] += int(point.value)
        self.personnes = _personnes(str(self.services.lectures.moteur.url.database))


def memoire() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _personnes(base: str) -> dict[str, list[int]]:
    """How many distinct persons each account and each organisation read, as the quotas counted them."""
    with sqlite3.connect(base) as connexion:
        lues = connexion.execute("SELECT portee, COUNT(*) FROM quota_lues GROUP BY portee, qui").fetchall()
    return {portee: sorted(nombre for p, nombre in lues if p == portee) for portee in ("COMPTE", "ORGANISATION")}
