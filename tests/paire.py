"""Two gateways of one Redis and one PostgreSQL behind a balancer: several processes that must answer as one does."""

import asyncio
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from fixtures.serveurs import HOTE, port_libre
from fixtures.telecommande import client_http
from tests.bases import au_repos, base
from tests.redis_aide import serveur_redis
from tests.repartiteur import Repartiteur


@dataclass(frozen=True, slots=True)
class PasserelleDouble(PasserelleLancee):
    """Two processes behind one address; the process is that of the first."""

    noeuds: tuple[PasserelleLancee, ...] = ()


def noeuds(passerelle: PasserelleLancee) -> tuple[PasserelleLancee, ...]:
    """The processes behind an address, each at its own."""
    return passerelle.noeuds if isinstance(passerelle, PasserelleDouble) else (passerelle,)


def mesures(passerelle: PasserelleLancee) -> str:
    """What its processes tell at `/metrics`, one after the other."""
    textes = []
    for noeud in noeuds(passerelle):
        with client_http(noeud.url) as http:
            textes.append(http.get("/metrics").text)
    return "".join(textes)


def compteur(passerelle: PasserelleLancee, nom: str) -> float:
    """A counter of `/metrics`, of all the processes together."""
    lignes = mesures(passerelle).splitlines()
    return sum(float(ligne.removeprefix(nom)) for ligne in lignes if ligne.startswith(f"{nom} "))


class Noeud:
    """One process of several, at its own address: ended and started again there. `env` adds to the world's."""

    def __init__(self, monde: Monde, env: dict[str, str]) -> None:
        self._monde, self._env, self._port = monde, env, port_libre()
        self._pile = ExitStack()
        self.url = f"http://{HOTE}:{self._port}"

    def demarrer(self) -> PasserelleLancee:
        self.lancee = self._pile.enter_context(Monde.gateway(self._monde, self._port, **self._env))
        return self.lancee

    def finir(self, signal: int, attente: float = 60.0) -> int:
        """Send a signal, and return the exit code of the process."""
        self.lancee.processus.send_signal(signal)
        return self.lancee.processus.wait(attente)

    @property
    def environnement(self) -> dict[str, str]:
        return self._monde.environnement | self._env

    def fermer(self) -> None:
        self._pile.close()


@contextmanager
def paire(monde: Monde, **env: str) -> Iterator[tuple[Repartiteur, list[Noeud]]]:
    """Two ready nodes and their balancer, ended with the block."""
    noeuds = [Noeud(monde, env) for _ in range(2)]
    with ExitStack() as pile:
        for noeud in noeuds:
            pile.callback(noeud.fermer)
        with ThreadPoolExecutor() as fils:
            list(fils.map(Noeud.demarrer, noeuds))
        yield pile.enter_context(Repartiteur([noeud.url for noeud in noeuds])), noeuds


class MondeDouble(Monde):
    """The same world, its registry, links and journal in PostgreSQL, and each of its gateways two processes of one Redis,
    empty at first, that take turns behind one address."""

    def _ouvrir(self, pile: ExitStack) -> None:
        super()._ouvrir(pile)
        self._redis = pile.enter_context(serveur_redis()).removesuffix("/0")
        self._numero = itertools.count(1)
        url = pile.enter_context(une_base())
        self.environnement |= {
            "GATEWAY_DATABASE_URL": url,
            "GATEWAY_JOURNAL_URL": url,
            "GATEWAY_PROCESSUS": "2",
        }

    def copier_la_base(self) -> None:
        """What the database holds, beside the other files: nothing of a person may be read there."""
        assert self.dossier is not None
        url = self.environnement["GATEWAY_DATABASE_URL"]
        (self.dossier / "postgresql.copie").write_bytes(asyncio.run(au_repos(url)))

    def gateway(self, port: int = 0, hote: str = HOTE, **env: str) -> AbstractContextManager[PasserelleLancee]:
        return self._deux({"GATEWAY_CACHE_URL": f"{self._redis}/{next(self._numero)}", **env})

    @contextmanager
    def _deux(self, env: dict[str, str]) -> Iterator[PasserelleLancee]:
        with paire(self, **env) as (repartiteur, noeuds):
            lancees = tuple(noeud.lancee for noeud in noeuds)
            yield PasserelleDouble(repartiteur.url, lancees[0].journal, lancees[0].processus, lancees)


def base_vide(monde: Monde, dossier: Path) -> AbstractContextManager[str]:
    """The URL of an empty database of the kind that the gateways of this world use."""
    return une_base("postgresql" if isinstance(monde, MondeDouble) else "sqlite", dossier)


@contextmanager
def une_base(nature: str = "postgresql", dossier: Path = Path()) -> Iterator[str]:
    """The URL of an empty database, gone with the block."""
    with asyncio.Runner() as boucle:
        ouverte = base(nature, dossier)
        url = boucle.run(ouverte.__aenter__())
        try:
            yield url
        finally:
            boucle.run(ouverte.__aexit__(None, None, None))
