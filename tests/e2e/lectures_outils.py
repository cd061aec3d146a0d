"""How the tests of reading ask a gateway, and read or break the journal that it writes, wherever that is."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from fixtures.telecommande import client_http
from tests.bases import au_repos, ecrire, lire


def demander(passerelle: PasserelleLancee, jeton: str, requete: str) -> httpx.Response:
    with client_http(passerelle.url) as http:
        return http.post("/graphql", json={"query": requete}, headers={"Authorization": f"Bearer {jeton}"})


def journal_de(monde: Monde) -> str:
    """The URL of the world's journal."""
    assert monde.dossier is not None
    fichier = monde.dossier / "donnees" / "journal.sqlite"
    return monde.environnement.get("GATEWAY_JOURNAL_URL", f"sqlite+aiosqlite:///{fichier}")


def contenus(url: str) -> list[dict[str, Any]]:
    return [json.loads(contenu) for (contenu,) in lire(url, "SELECT contenu FROM journal_entrees")]


def entrees(url: str) -> dict[str, dict[str, Any]]:
    """The readings written, by request."""
    return {contenu["requete"]: contenu for contenu in contenus(url) if contenu["acte"] == "LECTURE"}


def octets_de(url: str) -> bytes:
    """The journal at rest: its files, or the database that holds it."""
    if url.startswith("postgresql"):
        return asyncio.run(au_repos(url))
    chemin = Path(url.removeprefix("sqlite+aiosqlite:///"))
    return b"".join(fichier.read_bytes() for fichier in chemin.parent.glob(f"{chemin.name}*"))


@contextmanager
def sans_entrees(url: str) -> Iterator[None]:
    """Nothing can be written in this journal during the block."""
    ecrire(url, "ALTER TABLE journal_entrees RENAME TO ailleurs")
    try:
        yield
    finally:
        ecrire(url, "ALTER TABLE ailleurs RENAME TO journal_entrees")
