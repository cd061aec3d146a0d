"""A small load generator: requests that leave at fixed instants, whatever the earlier ones became, and what came of them.

A delay counts from the instant a request was due (no coordinated omission). Knows GraphQL over HTTP and nothing of the graph.
"""

import asyncio
import json
import math
import os
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx

ATTENTE = 30.0  # seconds for an answer


@dataclass(frozen=True, slots=True)
class Tir:
    """What is asked, by whom, how often and for how long. `rafale`: all at once instead."""

    jeton: str
    requete: str
    variables: Mapping[str, Any]
    par_seconde: float
    secondes: float
    rafale: bool = False

    @property
    def departs(self) -> list[float]:
        nombre = int(self.par_seconde * self.secondes)
        return [0.0 if self.rafale else rang / self.par_seconde for rang in range(nombre)]


@dataclass(slots=True)
class Salve:
    """What came of it: seconds of each answer, statuses (0: none came), how many said that they miss something, and which
    sources they named."""

    durees: list[float] = field(default_factory=list)
    statuts: Counter[int] = field(default_factory=Counter)
    partielles: int = 0
    nommees: Counter[str] = field(default_factory=Counter)

    def centile(self, part: float) -> float:
        """Milliseconds."""
        ordre = sorted(self.durees)
        return 1000 * ordre[min(len(ordre) - 1, math.ceil(part * len(ordre)) - 1)]

    def __add__(self, autre: "Salve") -> "Salve":
        return Salve(
            self.durees + autre.durees,
            self.statuts + autre.statuts,
            self.partielles + autre.partielles,
            self.nommees + autre.nommees,
        )

    @property
    def erreurs(self) -> int:
        """What is neither an answer nor the 503 with which we turn away."""
        return sum(nombre for statut, nombre in self.statuts.items() if statut not in {200, 503})

    def __str__(self) -> str:
        return f"p50 {self.centile(0.5):.1f} ms, p99 {self.centile(0.99):.1f} ms ({len(self.durees)})"


def tirer(url: str, *tirs: Tir) -> list[Salve]:
    """All of them together."""
    return asyncio.run(_ensemble(url, tirs))


async def _ensemble(url: str, tirs: Sequence[Tir]) -> list[Salve]:
    async with aiohttp.ClientSession(
        url, connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(ATTENTE)
    ) as http:
        return list(await asyncio.gather(*(_tirer(http, tir) for tir in tirs)))


async def _tirer(http: aiohttp.ClientSession, tir: Tir) -> Salve:
    salve, debut = Salve(), time.perf_counter()
    corps = json.dumps({"query": tir.requete, "variables": tir.variables}).encode()
    entetes = {"Authorization": f"Bearer {tir.jeton}", "Content-Type": "application/json"}

    async def une(du: float) -> None:
        await asyncio.sleep(max(0.0, du - time.perf_counter()))
        statut, lue = await _demander(http, corps, entetes)
        salve.durees.append(time.perf_counter() - du)
        salve.statuts[statut] += 1
        salve.partielles += b'"complet":false' in lue
        salve.nommees.update(set(re.findall(r'"source":"([a-z]+)"', lue.decode())))

    await asyncio.gather(*(une(debut + depart) for depart in tir.departs))
    return salve


async def _demander(http: aiohttp.ClientSession, corps: bytes, entetes: Mapping[str, str]) -> tuple[int, bytes]:
    try:
        async with http.post("/graphql", data=corps, headers=entetes) as reponse:
            return reponse.status, await reponse.read()
    except (aiohttp.ClientError, TimeoutError):
        return 0, b""


class Cadran:
    """What a gateway says of itself at /metrics, and the system of it, since this was made."""

    def __init__(self, url: str, pid: int) -> None:
        self._url, self._pid = url, pid
        self._avant, self._calcule = self._seaux(), self._processeur()

    def boucle(self, nom: str = "retard") -> str:
        """Of the loop's `retard` or `calcul`: the share of its beats above 50 ms, and the bound that none passes."""
        seaux = [(float(le), n - self._avant[quoi, le]) for (quoi, le), n in self._seaux().items() if quoi == nom]
        total = max(nombre for _, nombre in seaux)
        au_dela = total - dict(seaux)[0.05]
        borne = min(le for le, nombre in seaux if nombre == total)
        return (
            f"{au_dela / total:.1%} de {total:.0f} battements au-delà de 50 ms, aucun au-delà de {borne * 1000:.0f} ms"
        )

    def calcul(self) -> float:
        """Milliseconds of processor."""
        return 1000 * (self._processeur() - self._calcule)

    def memoire(self) -> float:
        """Resident, in MiB."""
        return self._nombre(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self._pid}/status").read_text(encoding="ascii")) / 1024

    def jauge(self, nom: str) -> float:
        return self._nombre(rf"(?m)^{nom} (\S+)$", self._texte())

    def _processeur(self) -> float:
        champs = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(champs[11]) + int(champs[12])) / os.sysconf("SC_CLK_TCK")

    def _nombre(self, motif: str, texte: str) -> float:
        trouve = re.search(motif, texte)
        assert trouve is not None
        return float(trouve[1])

    def _texte(self) -> str:
        return httpx.get(f"{self._url}/metrics", trust_env=False, timeout=ATTENTE).text

    def _seaux(self) -> dict[tuple[str, str], float]:
        lignes = re.findall(r'(?m)^passerelle_boucle_(\w+)_secondes_bucket{le="(\S+)"} (\S+)$', self._texte())
        return {(nom, le): float(nombre) for nom, le, nombre in lignes}
