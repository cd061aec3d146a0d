"""What the tests of a process's life share: a gateway that gives notice, and what it says of itself."""

import shutil
import time
from pathlib import Path

import httpx

from fixtures.monde import Monde
from fixtures.telecommande import client_http

PREAVIS = 2.0  # seconds: a busy machine is late to see it


def qui_previent(monde: Monde, dossier: Path) -> Path:
    """The world's configuration over the same data, in `dossier`: a notice before the end, and answers that wait longer,
    however busy this machine is."""
    assert monde.dossier is not None
    shutil.copytree(monde.dossier / "partenaires", dossier / "partenaires")
    shutil.copy(monde.dossier / "clients.toml", dossier)
    texte = (monde.dossier / "gateway.toml").read_text(encoding="utf-8")
    texte = texte.replace('"donnees"', f'"{monde.dossier / "donnees"}"')
    texte = texte.replace("preavis_secondes = 0", f"preavis_secondes = {PREAVIS}")
    assert str(PREAVIS) in texte
    (dossier / "gateway.toml").write_text(f"{texte}\n[reponse]\ndelai_secondes = 15.0\n", encoding="utf-8")
    return dossier


def poster(url: str, jeton: str, requete: str) -> httpx.Response:
    with client_http(url) as http:
        return http.post("/graphql", json={"query": requete}, headers={"Authorization": f"Bearer {jeton}"})


def pret(url: str) -> tuple[int, list[str]]:
    with client_http(url) as http:
        reponse = http.get("/health/ready")
    return reponse.status_code, reponse.json()["manque"]


def en_cours(url: str) -> int:
    with client_http(url) as http:
        lignes = http.get("/metrics").text.splitlines()
    (ligne,) = [ligne for ligne in lignes if ligne.startswith("passerelle_requetes_en_cours ")]
    return int(float(ligne.split()[1]))


def attendre(url: str, nombre: int) -> float:
    """The seconds until so many requests are under way."""
    debut = time.monotonic()
    while (compte := en_cours(url)) != nombre:
        assert time.monotonic() - debut < 60, f"{compte} requests under way, not {nombre}"
        time.sleep(0.01)
    return time.monotonic() - debut
