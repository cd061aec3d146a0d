"""Loads one server from one core with wrk, and reads what its process spent from /proc. Knows nothing of what it answers."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

CONNEXIONS = 16
SCRIPT = Path(__file__).with_name("charge.lua")
TIC = os.sysconf("SC_CLK_TCK")
REPOS = 0.2  # seconds without work: what was in flight when wrk left is done
PATIENCE = 10.0

Coeur = int | None


@dataclass(frozen=True, slots=True)
class Serveur:
    """A server under load. `jeton`: the token it is sent."""

    nom: str
    url: str
    pid: int
    jeton: str = ""


@dataclass(frozen=True, slots=True)
class Releve:
    """One run against one server. Times in microseconds, memory in MiB."""

    debit: float  # requests a second
    cpu: float  # of the server's processes, a request
    p50: float
    p99: float
    memoire: float


class ChargeImpossible(Exception):
    """wrk is not there, or the server did not answer as it should. The message says which."""


def charger(serveur: Serveur, corps: bytes, secondes: int, coeur: Coeur, connexions: int = CONNEXIONS) -> Releve | None:
    """Run wrk for some seconds, once the server rests; None when nothing was answered. Raises ChargeImpossible."""
    _reposer(serveur.pid)
    avant = cpu(serveur.pid)
    sortie = _wrk(serveur, corps, secondes, coeur, connexions)
    depense = cpu(serveur.pid) - avant
    requetes, ratees, duree, p50, p99 = (int(mot) for mot in sortie.split("BILAN ", 1)[1].split()[:5])
    if ratees:
        raise ChargeImpossible(f"{serveur.nom}: {ratees} errors for {requetes} answers")
    if not requetes:
        return None
    return Releve(requetes / duree * 1e6, depense / requetes * 1e6, p50, p99, memoire(serveur.pid))


def _wrk(serveur: Serveur, corps: bytes, secondes: int, coeur: Coeur, connexions: int) -> str:
    wrk = shutil.which("wrk")
    if wrk is None:
        raise ChargeImpossible("wrk is not installed: apt-get install wrk")
    commande = [wrk, "-t1", f"-c{connexions}", f"-d{secondes}s", "--timeout", "30s", "-s", str(SCRIPT), serveur.url]
    env = {**os.environ, "CORPS": corps.decode(), "JETON": serveur.jeton}
    fini = subprocess.run(  # noqa: S603
        [*epingle(coeur), *commande], env=env, capture_output=True, text=True, check=False
    )
    if fini.returncode or "BILAN " not in fini.stdout:
        raise ChargeImpossible(f"{serveur.nom}: wrk said {fini.stderr.strip() or fini.stdout[-300:]}")
    return fini.stdout


def epingle(coeur: Coeur) -> list[str]:
    """What goes before a command to keep it on one core, where the machine can."""
    return ["taskset", "-c", str(coeur)] if coeur is not None and shutil.which("taskset") else []


def cpu(pid: int) -> float:
    """Seconds of processor of a process and its descendants, their threads and ended children included."""
    return sum(sum(int(mot) for mot in _stat(un)[11:15]) for un in _lignee(pid)) / TIC


def memoire(pid: int) -> float:
    """Resident MiB of a process and its descendants."""
    pages = sum(int(_lire(f"/proc/{un}/statm").split()[1]) for un in _lignee(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _lignee(pid: int) -> list[int]:
    enfants = [int(mot) for tache in _taches(pid) for mot in _lire(f"/proc/{pid}/task/{tache}/children").split()]
    return [pid, *(un for enfant in enfants for un in _lignee(enfant))]


def _taches(pid: int) -> list[str]:
    return os.listdir(f"/proc/{pid}/task")


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat after the name of the command, which may hold spaces."""
    return _lire(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _lire(chemin: str) -> str:
    return Path(chemin).read_text(encoding="utf-8")


def _reposer(pid: int) -> None:
    fin, avant = time.monotonic() + PATIENCE, -1.0
    while time.monotonic() < fin and (maintenant := cpu(pid)) != avant:
        avant = maintenant
        time.sleep(REPOS)
