"""Writes what `opened` opens: `python -m tests.at_rest.record v0.2.0`, once a version, with the code of that version.

Needs redis-server, pg_dump and a PostgreSQL server (see tests/bases.py). Nobody in it exists: the population is the demo's.
"""

import asyncio
import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import redis

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from gateway.cache.coffre import Coffre
from gateway.cache.ouverture import ouvrir_cache
from gateway.cache.seam import Cle
from gateway.domain.sceau import Sceau
from gateway.sources.codec import codec
from gateway.sources.unites import Resultat
from tests.at_rest.opened import ISSUER, KINDS, LISTS, PARTNERS, VERSIONS, answers, ask, opened, run
from tests.paire import une_base
from tests.redis_aide import serveur_redis

DAY = date(2026, 10, 15)
CLIENT = "si-partenaire"
IDS = 4  # of each list
SHARED_VALUES = re.compile(r"passerelle:[tv]:")  # a shared cache may start empty: what it kept is not kept here
KEPT_SQL = ("CREATE TABLE", "CREATE INDEX", "CREATE UNIQUE INDEX", "ALTER TABLE ONLY", "INSERT INTO")
LEASED, MARKED = Cle("leased", "aimaira"), Cle("marked", "aimaira")


def main(version: str) -> None:
    """Write the directory of a version, from nothing."""
    cible = VERSIONS / version
    shutil.rmtree(cible, ignore_errors=True)
    cible.mkdir()
    with tempfile.TemporaryDirectory() as temporaire:
        dossier = Path(temporaire)
        with Monde.genere(dossier, jeunes=90, departements=("02",), aujourdhui=DAY, bruit=0.0) as monde:
            expected = _write(monde, cible)
    (cible / "expected.json").write_text(_json(expected), encoding="utf-8")
    _add_answers(cible, expected)


def _write(monde: Monde, cible: Path) -> dict[str, Any]:
    """The data on SQLite and Redis, then on PostgreSQL; what the ids and the cursor given then were."""
    cle_api = _create_key(monde)
    expected: dict[str, Any] = {"environment": _environment(monde), "cle_api": cle_api}
    with serveur_redis() as url:
        expected["sqlite"] = _live(monde, cle_api, url)
        (cible / "redis.json").write_text(_json(_redis(monde, url)), encoding="utf-8")
    assert monde.dossier is not None
    _keep_configuration(monde, cible / "configuration")
    with une_base() as base:
        monde.environnement |= {"GATEWAY_DATABASE_URL": base, "GATEWAY_JOURNAL_URL": base}
        expected["postgresql"] = _live(monde, cle_api)
        (cible / "postgresql.sql").write_text(_dump(base.replace("+asyncpg", "")), encoding="utf-8")
    return expected


def _create_key(monde: Monde) -> str:
    """A new API key of CLIENT, in its register."""
    assert monde.dossier is not None
    done = run(monde.environnement, "cle", "creer", CLIENT).stdout
    cle, ligne = re.findall(r"pa_\S+", done)[0], re.findall(r"\{ empreinte.*\}", done)[0]
    clients, table = monde.dossier / "clients.toml", f"[clients.{CLIENT}]\n"
    texte = clients.read_text(encoding="utf-8")
    clients.write_text(texte.replace(table, f"{table}cles = [{ligne}]\n"), encoding="utf-8")
    return str(cle)


def _environment(monde: Monde) -> dict[str, str]:
    return {nom: valeur for nom, valeur in monde.environnement.items() if nom != "GATEWAY_CONFIG"}


def _live(monde: Monde, cle_api: str, cache: str = "memory://") -> dict[str, Any]:
    """Harvest, answer callers, be verified."""
    monde.moissonner()
    with monde.gateway(GATEWAY_CACHE_URL=cache) as passerelle:
        edges = {nom: _edges(passerelle, cle_api, nom) for nom in LISTS}
        for client in ("ml", "cfa"):
            passerelle.graphql(monde.jeton(client, agent="a.dupont"), LISTS["jeunes"])
    ids = {nom: [edge["node"]["id"] for edge in liste][:IDS] for nom, liste in edges.items()}
    readers = run(monde.environnement, "journal", "personne", ids["jeunes"][0]).stdout.splitlines()
    verified = run(monde.environnement, "journal", "verifier").stdout.strip()
    cursor = edges["jeunes"][1]["cursor"]
    return {"ids": ids, "cursor": cursor, "readers": readers, "verified": verified, "anchor": verified.split()[-1]}


def _edges(passerelle: PasserelleLancee, cle_api: str, nom: str) -> list[dict[str, Any]]:
    edges: list[dict[str, Any]] = ask(passerelle, cle_api, LISTS[nom])[nom]["edges"]
    assert edges, f"too few {nom}: a larger population is needed"
    return edges


def _keep_configuration(monde: Monde, cible: Path) -> None:
    """The directory as it is, but for the addresses of those who are gone."""
    assert monde.dossier is not None
    shutil.copytree(monde.dossier, cible, ignore=shutil.ignore_patterns("*.log"))
    partners, issuer = (url.removeprefix("http://") for url in (monde.url_simulateurs, monde.url_identite))
    for fichier in cible.rglob("*.toml"):
        texte = fichier.read_text(encoding="utf-8")
        fichier.write_text(texte.replace(partners, PARTNERS).replace(issuer, ISSUER), encoding="utf-8")


def _redis(monde: Monde, url: str) -> dict[str, Any]:
    """Every key but kept values, with a mark and a lease of our own: those of a gateway at work do not last."""
    mark = asyncio.run(_mark_and_lease(monde, url))
    with redis.Redis.from_url(url) as client:
        names = sorted(nom.decode() for nom in client.scan_iter() if not SHARED_VALUES.match(nom.decode()))
        keys = {nom: {"ttl": client.ttl(nom), **_value(client, nom)} for nom in names}
    return {"written_at": time.time(), "mark": mark, "keys": keys}


async def _mark_and_lease(monde: Monde, url: str) -> str:
    cache = ouvrir_cache(url, Coffre([Sceau.depuis_texte(monde.environnement["GATEWAY_CLE"])], codec(Resultat)))
    await cache.invalider(MARKED)
    assert await cache.prendre(LEASED, 600.0)
    try:
        return await cache.marque(MARKED)
    finally:
        await cache.aclose()


def _value(client: Any, nom: str) -> dict[str, Any]:
    kind = client.type(nom).decode()
    values = client.lrange(nom, 0, -1) if kind == "list" else [client.get(nom)]
    return {"type": kind, "base64": [base64.b64encode(value).decode() for value in values]}


def _dump(url: str) -> str:
    """Tables, indexes and rows as plain SQL."""
    commande = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", url]
    texte = subprocess.run(commande, capture_output=True, text=True, check=True).stdout
    ordres = re.findall(r"^[A-Z].*?;$", texte, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(ordre for ordre in ordres if ordre.startswith(KEPT_SQL)) + "\n"


def _add_answers(cible: Path, expected: dict[str, Any]) -> None:
    """What the code that wrote the data answers when it opens it, its partners away."""
    for kind in KINDS:
        with ExitStack() as pile:
            dossier = Path(pile.enter_context(tempfile.TemporaryDirectory()))
            passerelle = pile.enter_context(pile.enter_context(opened(cible, dossier, kind)).gateway())
            expected[kind]["answers"] = answers(passerelle, expected["cle_api"], expected[kind])
    (cible / "expected.json").write_text(_json(expected), encoding="utf-8")


def _json(valeur: Any) -> str:
    return json.dumps(valeur, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    main(sys.argv[1])
