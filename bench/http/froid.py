"""What the gateway adds when it has to ask: time of an answer during which no partner was being waited for.

Three cases: a process that has just started (nothing read, joined or compiled yet), and a caller who wants fresh data of a
process at work (`@fraicheur(maxSecondes: 0)`), whether something changed since the last time or not; beside Hive Gateway,
which always asks. One caller, one request at a time.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import orjson

from bench.http import monde_rest
from bench.http.charge import ChargeImpossible, Serveur, cpu
from bench.http.lancement import pret
from bench.http.monde_rest import MondeRest
from bench.http.reglages import Reglages

LATENCES = (0.0, 0.05)  # seconds that a partner takes more
DEPARTS, DEMANDES, CHAUFFE = 7, 300, 30
AU_TRAVAIL = 300  # answers after which the journal's file has its size: until then each entry makes it grow
TAILLE = 100


@dataclass(frozen=True, slots=True)
class Cas:
    """What is asked, and whether a partner tells something else each time."""

    nom: str
    corps: Callable[[int], bytes]
    change: bool = False


@dataclass(frozen=True, slots=True)
class Froid:
    """Milliseconds over the partners, an answer each; and of processor, on average."""

    cas: str
    lignes: int
    latence: float
    surcouts: Sequence[float]
    cpu: float

    @property
    def mediane(self) -> float:
        return statistics.median(self.surcouts)

    @property
    def p99(self) -> float:
        """The largest, where there are fewer than a hundred."""
        tries = sorted(self.surcouts)
        return tries[math.ceil(0.99 * len(tries)) - 1]


def mesurer(reglages: Reglages, jeunes: int) -> Iterator[Froid]:
    """Every case, over a population of that size. Raises PairsAbsents, once only Hive Gateway is left."""
    with TemporaryDirectory(prefix="banc ") as dossier, monde_rest.ouvrir(jeunes) as rest:
        yield from (_departs(rest, Path(dossier), reglages, latence) for latence in LATENCES)
        with monde_rest.passerelle(rest, Path(dossier) / "gateway", reglages.serveur) as nous:
            pret(nous)
            _serie(_frais(rest)[0], rest, nous, 0.0, AU_TRAVAIL)
            for cas in _frais(rest):
                yield from (_demandes(cas, rest, nous, latence) for latence in LATENCES)
        with monde_rest.hive(rest, Path(dossier), reglages.serveur) as hive:
            yield from (_demandes(Cas("Hive Gateway", rest.leur_corps), rest, hive, latence) for latence in LATENCES)


def _frais(rest: MondeRest) -> tuple[Cas, ...]:
    corps = rest.notre_corps_frais
    return Cas("gateway, fresh data wanted", corps), Cas("gateway, fresh data wanted, and changed", corps, change=True)


def _departs(rest: MondeRest, dossier: Path, reglages: Reglages, latence: float) -> Froid:
    """The first answer of as many processes."""
    cas = Cas("gateway, first answer of a process", rest.notre_corps)
    seules = []
    for depart in range(DEPARTS):
        with monde_rest.passerelle(rest, dossier / f"{latence} {depart}", reglages.serveur) as nous:
            pret(nous)
            seules.append(_serie(cas, rest, nous, latence, 1))
    surcouts = [une.surcouts[0] for une in seules]
    return replace(seules[0], surcouts=surcouts, cpu=statistics.median(une.cpu for une in seules))


def _demandes(cas: Cas, rest: MondeRest, serveur: Serveur, latence: float) -> Froid:
    """One answer after the other, once warm."""
    _serie(cas, rest, serveur, latence, CHAUFFE)
    return _serie(cas, rest, serveur, latence, DEMANDES)


def _serie(cas: Cas, rest: MondeRest, serveur: Serveur, latence: float, combien: int) -> Froid:
    connexion, avant = _ouvrir(serveur), cpu(serveur.pid)
    jeton = rest.jeton()  # of one caller, who keeps it
    mesures = []
    for rang in range(combien):
        if cas.change:
            rest.changer(rang)
        mesures.append(_une(rest, connexion, serveur, (cas.corps(TAILLE), jeton), latence))
    depense = (cpu(serveur.pid) - avant) * 1000 / combien
    return Froid(cas.nom, mesures[0][1], latence, [surcout for surcout, _ in mesures], depense)


def _ouvrir(serveur: Serveur) -> HTTPConnection:
    lieu = urlsplit(serveur.url)
    return HTTPConnection(lieu.hostname or "", lieu.port, timeout=30)


def _une(
    rest: MondeRest, connexion: HTTPConnection, serveur: Serveur, demande: tuple[bytes, str], latence: float
) -> tuple[float, int]:
    """Milliseconds over the partners, and the rows."""
    corps, jeton = demande
    entetes = {"content-type": "application/json", "authorization": f"Bearer {jeton}"}
    rest.services.latence = latence
    rest.services.occupe()
    debut = time.perf_counter()
    connexion.request("POST", "/graphql", corps, entetes)
    octets = connexion.getresponse().read()
    duree = time.perf_counter() - debut
    rendu, occupe = orjson.loads(octets), rest.services.occupe()
    if rendu.get("errors") or not occupe:
        raise ChargeImpossible(f"{serveur.nom}: {rendu.get('errors') or 'no partner was asked'}")
    return (duree - occupe) * 1000, _lignes(rendu["data"]["ruptures"])


def _lignes(page: object) -> int:
    return len(page["edges"]) if isinstance(page, dict) else len(page) if isinstance(page, list) else 0
