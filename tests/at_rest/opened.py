"""A copy of the data that a version wrote, opened by the gateway of the day: its partners away, its token issuer replaced.

A version is a directory: `configuration/` with the data directory (SQLite files, referential, key set), `postgresql.sql` with
the same tables of a PostgreSQL database, `redis.json` with what it kept in Redis, and `expected.json` with what it answered.
"""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from fixtures.identite import Identite
from fixtures.passerelle import RACINE, PasserelleLancee, environnement, servir
from fixtures.serveurs import HOTE, Serveurs, port_libre, reserver
from fixtures.telecommande import client_http
from tests.paire import une_base

VERSIONS = Path(__file__).parent
PARTNERS, ISSUER = f"{HOTE}:1", f"{HOTE}:2"  # as written in the kept configuration: nobody listens there
KINDS = ("sqlite", "postgresql")
TOUTES = '{depuis: "2024-01-01", statut: [INSCRIT, APPRENTI, RUPTURANT, ABANDON, FIN_DE_FORMATION]}'
LISTS = {
    "jeunes": "{ jeunes(first: 100, tri: NOM_ASC) { edges { cursor node { id nom prenom dateNaissance } } } }",
    "contrats": "{ contrats(first: 100) { edges { cursor node { id numero dateDebut } } } }",
    "ruptures": "{ ruptures(first: 100, filtre: "
    + TOUTES
    + ") { edges { cursor node { id date jeune { id nom } } } } }",
}
JEUNE = "query J($id: ID!) { jeune(id: $id) { id nom prenom dateNaissance contrats { id numero dateDebut } } }"
NODE = "query N($id: ID!) { node(id: $id) { __typename id } }"
APRES = "query A($after: String!) { jeunes(first: 2, tri: NOM_ASC, after: $after) { edges { node { id nom } } } }"


@dataclass(frozen=True, slots=True)
class Opened:
    """A copy of a version's data, and the environment that opens it."""

    dossier: Path
    environment: Mapping[str, str]
    expected: Mapping[str, Any]

    def command(self, *arguments: str) -> str:
        """The output of `python -m gateway`, which must succeed."""
        done = run(self.environment, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    @contextmanager
    def gateway(self, **env: str) -> Iterator[PasserelleLancee]:
        """A gateway that serves this data."""
        with ExitStack() as pile:
            prise = pile.enter_context(reserver(0))
            issuer = f"{HOTE}:{prise.getsockname()[1]}"
            configuration = self.dossier / "gateway.toml"
            texte = configuration.read_text(encoding="utf-8")
            configuration.write_text(texte.replace(ISSUER, issuer), encoding="utf-8")
            pile.enter_context(Serveurs([(prise, Identite(f"http://{issuer}", ()).application())]))
            journal = self.dossier / "passerelle.log"
            yield pile.enter_context(servir({**self.environment, **env}, port_libre(), journal))


def run(env: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`python -m gateway` with these arguments, to its end."""
    commande = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(
        commande, cwd=RACINE, env=environnement(env), capture_output=True, text=True, timeout=60, check=False
    )


def copy(version: Path, dossier: Path, kind: str, databases: Mapping[str, str] | None = None) -> Opened:
    """Copy a version's data into a directory; `databases` are the variables that name its PostgreSQL database."""
    shutil.copytree(version / "configuration", dossier, dirs_exist_ok=True)
    expected = json.loads((version / "expected.json").read_text(encoding="utf-8"))
    env = {**expected["environment"], "GATEWAY_CONFIG": str(dossier), **(databases or {})}
    return Opened(dossier, env, {"cle_api": expected["cle_api"], **expected[kind]})


def ask(passerelle: PasserelleLancee, cle_api: str, requete: str, **variables: str) -> dict[str, Any]:
    """The data of a query of the holder of an API key."""
    with client_http(passerelle.url) as http:
        corps = {"query": requete, "variables": variables}
        reponse = http.post("/graphql", json=corps, headers={"X-Cle-Api": cle_api})
    assert reponse.status_code == 200, reponse.text
    data = reponse.json()["data"]
    assert isinstance(data, dict), reponse.text
    return data


def answers(passerelle: PasserelleLancee, cle_api: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """What is answered to the ids and the cursor that were given when the data was written."""
    return {
        "jeunes": {un: ask(passerelle, cle_api, JEUNE, id=un)["jeune"] for un in known["ids"]["jeunes"]},
        "nodes": {
            un: ask(passerelle, cle_api, NODE, id=un)["node"]
            for liste in ("contrats", "ruptures")
            for un in known["ids"][liste]
        },
        "after": ask(passerelle, cle_api, APRES, after=known["cursor"])["jeunes"],
    }


@contextmanager
def loaded(version: Path) -> Iterator[str]:
    """The URL of a PostgreSQL database that holds what the version wrote there."""
    with une_base() as url:
        asyncio.run(_load(url.replace("+asyncpg", ""), (version / "postgresql.sql").read_text(encoding="utf-8")))
        yield url


async def _load(url: str, script: str) -> None:
    connexion = await asyncpg.connect(url)
    try:
        await connexion.execute(script)
    finally:
        await connexion.close()


@contextmanager
def opened(version: Path, dossier: Path, kind: str) -> Iterator[Opened]:
    """A copy of the data of a version on a kind of database."""
    if kind == "sqlite":
        yield copy(version, dossier, kind)
        return
    with loaded(version) as url:
        yield copy(version, dossier, kind, {"GATEWAY_DATABASE_URL": url, "GATEWAY_JOURNAL_URL": url})
