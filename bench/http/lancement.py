"""Starts the servers of this bench, each its own process on one core, each with its own copy of the gateway's stores."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from bench.http.charge import ChargeImpossible, Coeur, Serveur, epingle
from fixtures.monde import Monde
from fixtures.passerelle import environnement
from fixtures.serveurs import HOTE, port_libre
from fixtures.telecommande import client_http

RACINE = Path(__file__).resolve().parent.parent.parent
PRET = 300.0  # seconds to listen
ARRET = 10.0  # seconds to stop when asked
COURTE, LONGUE = "duree_secondes = 300\n", "duree_secondes = 900\n"
MOTS = 2000  # bytes told of what a server said before it failed


def maison(monde: Monde, dossier: Path) -> dict[str, str]:
    """The environment of a Python server: its own copy of the world's configuration and stores, so that none waits for
    another's. What a source said stays fresh while the bench lasts: only the gateway refreshes what it keeps."""
    shutil.copytree(monde.environnement["GATEWAY_CONFIG"], dossier)
    for fichier in (dossier / "partenaires").glob("*.toml"):
        texte = fichier.read_text(encoding="utf-8")
        sans = texte if COURTE in texte else f"{texte}\n[cache]\n{COURTE}"
        fichier.write_text(sans.replace(COURTE, LONGUE), encoding="utf-8")
    return {**monde.environnement, "GATEWAY_CONFIG": str(dossier)}


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


@contextmanager
def lancer(
    nom: str, commande: Sequence[str], env: Mapping[str, str], coeur: Coeur, dossier: Path = RACINE
) -> Iterator[Serveur]:
    """A server that listens on PORT, ended with the block."""
    port = port_libre()
    propre = environnement({**env, "HOST": HOTE, "PORT": str(port)})
    with (
        TemporaryFile() as journal,
        subprocess.Popen(  # noqa: S603
            [*epingle(coeur), *commande],
            cwd=dossier,
            env=propre,
            stdout=journal,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as processus,
    ):
        try:
            if not _ecoute(port, processus):
                journal.seek(0)
                raise ChargeImpossible(f"{nom} did not start: {journal.read()[-MOTS:].decode(errors='replace')}")
            yield Serveur(nom, f"http://{HOTE}:{port}/graphql", processus.pid)
        finally:
            _arreter(processus)


def _ecoute(port: int, processus: "subprocess.Popen[bytes]") -> bool:
    limite = time.monotonic() + PRET
    while time.monotonic() < limite and processus.poll() is None:
        try:
            socket.create_connection((HOTE, port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def _arreter(processus: "subprocess.Popen[bytes]") -> None:
    processus.terminate()
    try:
        processus.wait(ARRET)
    except subprocess.TimeoutExpired:
        processus.kill()


def demander(serveur: Serveur, corps: bytes) -> dict[str, Any]:
    """The JSON that a server answers."""
    entetes = {"content-type": "application/json"}
    if serveur.jeton:
        entetes["authorization"] = f"Bearer {serveur.jeton}"
    with client_http("") as http:
        lu: dict[str, Any] = http.post(serveur.url, content=corps, headers=entetes).json()
    return lu


def pret(serveur: Serveur) -> None:
    """Wait until a gateway has opened what it needs. Raises ChargeImpossible."""
    limite = time.monotonic() + PRET
    with client_http(serveur.url.removesuffix("/graphql")) as http:
        while time.monotonic() < limite:
            if http.get("/health/ready").is_success:
                return
            time.sleep(0.05)
    raise ChargeImpossible(f"{serveur.nom} is not ready")
