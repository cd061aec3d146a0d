"""A copy of the data that a version wrote, opened by the gateway of the day: its partners away, its token issuer replaced.

A version is a directory: `configuration/` with the data directory (SQLite files, referential, key set), `postgresql.sql` with
the same tables of a PostgreSQL database, `redis.json` with what it kept in Redis, and `expected.json` with what it answered.
Since 0.2.0 also `schema.graphql`, the contract it published, and `COMMIT`, from which its wheel is built again.
"""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg

from fixtures import gateway_process
from fixtures.gateway_process import ROOT, LaunchedGateway, serve
from fixtures.identity_provider import Identity
from fixtures.remote_control import client_http
from fixtures.servers import HOST, Servers, free_port, reserve
from tests.support.pair import a_database

VERSIONS = Path(__file__).parent
COMMAND = 300.0  # seconds for one: a busy machine takes a minute to import what it needs
PARTNERS, ISSUER = f"{HOST}:1", f"{HOST}:2"  # as written in the kept configuration: nobody listens there
KINDS = ("sqlite", "postgresql")
DATABASES = ("GATEWAY_DATABASE_URL", "GATEWAY_JOURNAL_URL")
ALL_ONES = '{depuis: "2024-01-01", statut: [INSCRIT, APPRENTI, RUPTURANT, ABANDON, FIN_DE_FORMATION]}'
LISTS = {
    "jeunes": "{ jeunes(first: 100, tri: NOM_ASC) { edges { cursor node { id nom prenom dateNaissance } } } }",
    "contrats": "{ contrats(first: 100) { edges { cursor node { id numero dateDebut } } } }",
    "ruptures": "{ ruptures(first: 100, filtre: "
    + ALL_ONES
    + ") { edges { cursor node { id date jeune { id nom } } } } }",
}
JEUNE = "query J($id: ID!) { jeune(id: $id) { id nom prenom dateNaissance contrats { id numero dateDebut } } }"
NODE = "query N($id: ID!) { node(id: $id) { __typename id } }"
APRES = "query A($after: String!) { jeunes(first: 2, tri: NOM_ASC, after: $after) { edges { node { id nom } } } }"


@dataclass(frozen=True, slots=True)
class Opened:
    """A copy of a version's data, and the environment that opens it."""

    record: Path
    environment: Mapping[str, str]
    expected: Mapping[str, Any]

    def command(self, *arguments: str, code: Path = ROOT) -> str:
        """The output of `python -m gateway`, of the package in that folder, which must succeed."""
        done = run(self.environment, *arguments, code=code)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    @contextmanager
    def gateway(self, code: Path = ROOT, **env: str) -> Iterator[LaunchedGateway]:
        """A gateway that serves this data."""
        with self.issuer(), self.beside(code, **env) as launched:
            yield launched

    @contextmanager
    def issuer(self) -> Iterator[None]:
        """Who signs tokens in the place of the one that is gone, for as long as gateways serve."""
        with ExitStack() as stack:
            taken = stack.enter_context(reserve(0))
            issuer = f"{HOST}:{taken.getsockname()[1]}"
            configuration = self.record / "gateway.toml"
            text = configuration.read_text(encoding="utf-8")
            configuration.write_text(text.replace(ISSUER, issuer), encoding="utf-8")
            stack.enter_context(Servers([(taken, Identity(f"http://{issuer}", ()).application())]))
            yield

    @contextmanager
    def beside(self, code: Path = ROOT, **env: str) -> Iterator[LaunchedGateway]:
        """One gateway of several over this data, their issuer being there."""
        journal = self.record / "passerelle.log"
        with serve({**self.environment, **env}, free_port(), journal, code=code) as launched:
            yield launched


def run(env: Mapping[str, str], *arguments: str, code: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """`python -m gateway` with these arguments, to its end."""
    return gateway_process.run(arguments, env, code)


def copy(version: Path, record: Path, kind: str, databases: Mapping[str, str] | None = None) -> Opened:
    """Copy a version's data into a directory; `databases` are the variables that name its PostgreSQL database."""
    shutil.copytree(version / "configuration", record, dirs_exist_ok=True)
    expected = json.loads((version / "expected.json").read_text(encoding="utf-8"))
    env = {**expected["environment"], "GATEWAY_CONFIG": str(record), **(databases or {})}
    of_all = {
        "cle_api": expected["cle_api"],
        "issuer": expected.get("issuer", ""),
    }  # 0.1.0 sealed its key set for no issuer
    return Opened(record, env, {**of_all, **expected[kind]})


def ask(gateway: LaunchedGateway, api_key: str, partner_request: str, **variables: str) -> dict[str, Any]:
    """The data of a query of the holder of an API key."""
    with client_http(gateway.url) as http:
        body = {"query": partner_request, "variables": variables}
        response = http.post("/graphql", json=body, headers={"X-Cle-Api": api_key})
    assert response.status_code == 200, response.text
    data = response.json()["data"]
    assert isinstance(data, dict), response.text
    return data


def answers(gateway: LaunchedGateway, api_key: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """What is answered to the ids and the cursor that were given when the data was written."""
    return {
        "jeunes": {one: ask(gateway, api_key, JEUNE, id=one)["jeune"] for one in known["ids"]["jeunes"]},
        "nodes": {
            one: ask(gateway, api_key, NODE, id=one)["node"]
            for list_query in ("contrats", "ruptures")
            for one in known["ids"][list_query]
        },
        "after": ask(gateway, api_key, APRES, after=known["cursor"])["jeunes"],
    }


@contextmanager
def loaded(version: Path) -> Iterator[str]:
    """The URL of a PostgreSQL database that holds what the version wrote there."""
    with a_database() as url:
        asyncio.run(_load(url.replace("+asyncpg", ""), (version / "postgresql.sql").read_text(encoding="utf-8")))
        yield url


async def _load(url: str, script: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


@contextmanager
def opened(version: Path, record: Path, kind: str) -> Iterator[Opened]:
    """A copy of the data of a version on a kind of database, migrated as docs/exploitation.md has it."""
    with as_written(version, record, kind) as data:
        data.command("base", "migrer")
        yield data


class Migrated:
    """The data of versions, each migrated once on a kind of database, then copied for whoever opens it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._kept: dict[tuple[str, str], Opened] = {}

    @contextmanager
    def opened(self, version: Path, record: Path, kind: str) -> Iterator[Opened]:
        """A copy that is one's own."""
        kept = self._of(version, kind)
        shutil.copytree(kept.record, record, dirs_exist_ok=True)
        own = {**kept.environment, "GATEWAY_CONFIG": str(record)}
        if kind == "sqlite":
            yield replace(kept, record=record, environment=own)
            return
        with a_database(like=kept.environment[DATABASES[0]]) as url:
            yield replace(kept, record=record, environment={**own, **dict.fromkeys(DATABASES, url)})

    def close(self) -> None:
        self._stack.close()

    def _of(self, version: Path, kind: str) -> Opened:
        if (version.name, kind) not in self._kept:
            record = self._folder / f"{version.name} {kind}"
            self._kept[version.name, kind] = self._stack.enter_context(opened(version, record, kind))
        return self._kept[version.name, kind]


@contextmanager
def as_written(version: Path, record: Path, kind: str) -> Iterator[Opened]:
    """The same, before it is migrated."""
    if kind == "sqlite":
        yield copy(version, record, kind)
        return
    with loaded(version) as url:
        yield copy(version, record, kind, dict.fromkeys(DATABASES, url))
