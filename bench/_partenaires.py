"""The way to the partners in virtual time: what each is asked is counted at its door, and takes the time a model says.

The simulators answer in this process, whole bodies over ASGI: sockets would only cost switches. Durations are drawn: they
depend on the seed, the tenant and the rank of the request, never on the order in which others come.
"""

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

import httpx
from starlette.types import ASGIApp

from fixtures.population.modele import Population
from fixtures.simulateurs.application import Partenaires
from fixtures.simulateurs.commun import Contexte
from fixtures.simulateurs.horloge import PARIS, Horloge

MEDIANES = {"ypareo": 0.25, "gestibase": 0.6, "aimaira": 0.3, "imilo": 0.2}  # seconds a request; others: 0.1
ETALEMENT = 0.5  # of the logarithm: one request in twenty takes 2.3 times the median
PART_LENTE, LENTEUR = 0.03, 10.0  # tenants whose server is slow, and how much slower


@dataclass
class Fenetre:
    """The most requests that fell within any `duree` seconds, by key."""

    duree: float
    maximum: Counter[str] = field(default_factory=Counter)
    _passages: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def noter(self, cle: str, instant: float) -> None:
        passages = self._passages[cle]
        passages.append(instant)
        while passages[0] <= instant - self.duree + 1e-6:  # a pace of n a second lets one go exactly a second later
            passages.popleft()
        self.maximum[cle] = max(self.maximum[cle], len(passages))


@dataclass
class Comptoir:
    """What reaches the partners: by hour, by second for each partner, by minute for each tenant."""

    par_heure: Counter[tuple[str, int]] = field(default_factory=Counter)
    par_seconde: Fenetre = field(default_factory=lambda: Fenetre(1.0))
    par_minute: Fenetre = field(default_factory=lambda: Fenetre(60.0))
    par_locataire: Counter[str] = field(default_factory=Counter)
    cpu: float = 0.0  # seconds that the simulators spent

    @property
    def total(self) -> int:
        return sum(self.par_heure.values())

    def noter(self, partenaire: str, locataire: str, instant: float) -> int:
        """Count one request; its rank among those of its tenant."""
        self.par_heure[partenaire, int(instant // 3600)] += 1
        self.par_seconde.noter(partenaire, instant)
        self.par_minute.noter(locataire, instant)
        self.par_locataire[locataire] += 1
        return self.par_locataire[locataire]


class _HorlogeDuJour(Horloge):
    """Of the day that is lived."""

    def __init__(self, maintenant: Callable[[], datetime]) -> None:
        super().__init__()
        self._maintenant = maintenant

    def maintenant(self) -> datetime:
        return self._maintenant().astimezone(PARIS)


def simulateurs(population: Population, maintenant: Callable[[], datetime]) -> ASGIApp:
    """The partners of a population, quota of Gestibase included."""
    return Partenaires(Contexte(population, _HorlogeDuJour(maintenant)))


class Chemin(httpx.AsyncBaseTransport):
    """The network of the gateway."""

    def __init__(self, partenaires: ASGIApp, comptoir: Comptoir, graine: int) -> None:
        self._asgi = httpx.ASGITransport(partenaires)
        self._comptoir, self._graine = comptoir, graine

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        partenaire, locataire = destinataire(request.url)
        rang = self._comptoir.noter(partenaire, locataire, asyncio.get_running_loop().time())
        debut = time.thread_time()
        reponse = await self._asgi.handle_async_request(request)  # suspends nowhere: nothing else runs meanwhile
        self._comptoir.cpu += time.thread_time() - debut
        await asyncio.sleep(latence(self._graine, partenaire, locataire, rang))
        return reponse


def destinataire(url: httpx.URL) -> tuple[str, str]:
    """The partner of an address, and whom it is asked about: its credential where that names the tenant, else its path."""
    morceaux = url.path.strip("/").split("/")
    if morceaux[0] == "imilo":
        return morceaux[0], "/".join(morceaux[:4])
    return morceaux[0], f"{morceaux[0]}/{url.params.get('cle', morceaux[1])}"


def latence(graine: int, partenaire: str, locataire: str, rang: int) -> float:
    """Seconds that a request takes."""
    lente = Random(f"{graine}/{locataire}").random() < PART_LENTE
    tirage = Random(f"{graine}/{locataire}/{rang}").lognormvariate(0.0, ETALEMENT)
    return MEDIANES.get(partenaire, 0.1) * tirage * (LENTEUR if lente else 1.0)
