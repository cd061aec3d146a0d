"""The world of the comparison over REST: two services that speak JSON, asked by the gateway and by Hive Gateway."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.http.launch import in_house, launch, python
from bench.http.node import PEERS, PeersMissing, install
from bench.http.query import STATUSES, depuis
from bench.http.wrk_load import Core, Server
from fixtures.clients import clients_demo
from fixtures.population.generator import generate
from fixtures.rest import PREFIX, Rest
from fixtures.servers import HOST, Servers, reserve
from fixtures.world import World

ROW = """jeune {{ nom prenom dateNaissance telephone courriel adresse {{ codePostal }} {suivi} }} {suivi_a_cote}
  contrat {{ dateDebut dateFin employeur {{ siret denomination }} formation {{ intitule }} cfa {{ uai }} }} date"""
SUIVI = "suivi { situation conseiller }"
OURS = f"""query Bench($n: Int!, $depuis: Date!) {{
  ruptures(first: $n, filtre: {{depuis: $depuis, statut: [{", ".join(statut.name for statut in STATUSES)}]}}) {{
    edges {{ node {{ {ROW.format(suivi=SUIVI, suivi_a_cote="")} }} }} }} }}"""
THEIRS = f"""query Bench($n: Int!, $code: String!) {{
  ruptures(code: $code, limite: $n) {{ {ROW.format(suivi="", suivi_a_cote=SUIVI)} }} }}"""
Row = dict[str, Any]
FILE = """nom = "{nom}"
genre = "{nom}"
base_url = "{url}"
[limites]
simultanes = 32
par_seconde = 4000.0
par_minute_locataire = 100000.0
[cache]
duree_secondes = 300
plancher_secondes = 0
[acces.defaut]
type = "entete"
nom = "X-Cle"
secret = "REST_CLE"
"""


@dataclass(slots=True)
class Timed:
    """Around the services: makes each call last, and remembers when one was in flight."""

    app: ASGIApp
    latence: float = 0.0  # seconds
    intervals: list[tuple[float, float]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        debut = time.perf_counter()
        await asyncio.sleep(self.latence)
        await self.app(scope, receive, send)
        self.intervals.append((debut, time.perf_counter()))

    def busy(self) -> float:
        """Seconds during which one call at least was in flight, since last asked."""
        total, fin = 0.0, 0.0
        for debut, after in sorted(self.intervals):
            total += max(0.0, after - max(debut, fin))
            fin = max(fin, after)
        self.intervals.clear()
        return total


@dataclass(frozen=True, slots=True)
class RestWorld:
    """The services, and the Mission locale whose ruptures are asked."""

    world: World
    source: Rest
    services: Timed
    url: str
    structure: str

    def token(self) -> str:
        return self.world.token("ml")

    def our_body(self, n: int) -> bytes:
        return self._body(OURS, n)

    def our_fresh_body(self, n: int) -> bytes:
        """The same page of fresh data: the services are asked."""
        return self._body(OURS.replace("Date!) {", "Date!) @fraicheur(maxSecondes: 0) {"), n)

    def change(self, rank: int) -> None:
        """Have one thing told otherwise of one of these young people."""
        self.source.change(self.structure, rank)

    def their_body(self, n: int) -> bytes:
        return orjson.dumps({"query": THEIRS, "variables": {"n": n, "code": self.structure}})

    def _body(self, text: str, n: int) -> bytes:
        told = {"n": n, "depuis": depuis(self.world.population.today)}
        return orjson.dumps({"query": text, "variables": told})


@contextmanager
def open_world(jeunes: int) -> Iterator[RestWorld]:
    """A world whose young people are told by the REST services only: the registry knows one, of elsewhere."""
    population = generate(jeunes=jeunes)
    at = clients_demo(population)["ml"].organisation
    at_registry = population.accounts["registre"][""]
    population.accounts["registre"] = {
        "": [account for account in at_registry if account.person.mission_locale != at][:1]
    }
    taken, source = reserve(0), Rest(population)
    services = Timed(source.application())
    with Servers([(taken, services)]), World(population) as world:
        world.harvest()
        yield RestWorld(world, source, services, f"http://{HOST}:{taken.getsockname()[1]}{PREFIX}", at)


@contextmanager
def gateway(rest: RestWorld, record: Path, core: Core) -> Iterator[Server]:
    """The gateway over the REST services alone, keeping what they say five minutes; a caller may want it fresher."""
    env = {**in_house(rest.world, record), "REST_CLE": "demo"}
    for name in ("ypareo", "gestibase", "aimaira", "imilo"):
        (record / "partenaires" / f"{name}.toml").unlink(missing_ok=True)
    for name in ("rest-contrats", "rest-suivis"):
        text = FILE.format(nom=name, url=f"{rest.url}/{name.removeprefix('rest-')}")
        (record / "partenaires" / f"{name}.toml").write_text(text, encoding="utf-8")
    with launch("gateway", python("bench.http.rest_gateway"), env, core) as server:
        yield server


@contextmanager
def hive(rest: RestWorld, record: Path, core: Core) -> Iterator[Server]:
    """Hive Gateway over the same services, composed by Mesh. Raises PeersMissing."""
    node, core_schema = install(), record / "supergraph.graphql"
    compose = [
        node,
        "node_modules/@graphql-mesh/compose-cli/esm/bin.js",
        "-c",
        "mesh.config.mjs",
        "-o",
        str(core_schema),
    ]
    env = {**os.environ, "REST": rest.url}
    finished = subprocess.run(compose, cwd=PEERS, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if finished.returncode:
        raise PeersMissing(f"mesh-compose failed: {finished.stderr[-300:]}")
    command = [node, "node_modules/@graphql-hive/gateway/dist/bin.js", "supergraph", str(core_schema)]
    with launch("Hive Gateway", command, {"NODE_ENV": "production"}, core, PEERS) as server:
        yield server


def our_rows(rendered: dict[str, Any]) -> list[Row]:
    return [edge["node"] for edge in rendered["data"]["ruptures"]["edges"]]


def their_rows(rendered: dict[str, Any]) -> list[Row]:
    """Their rows in the shape of ours: the follow-up stands in the young person, and one that says nothing is none."""
    return [_like_ours(dict(line)) for line in rendered["data"]["ruptures"]]


def _like_ours(line: Row) -> Row:
    suivi = line.pop("suivi")
    return {**line, "jeune": {**line["jeune"], "suivi": suivi if any(suivi.values()) else None}}
