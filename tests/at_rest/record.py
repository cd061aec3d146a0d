"""Writes what `opened` opens: `python -m tests.at_rest.record v0.2.0`, once a version, with the code of that version.

Needs redis-server, pg_dump and a PostgreSQL server (see tests/support/databases.py). Nobody in it exists:
the population is the demo's.
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

from fixtures.gateway_process import ROOT, LaunchedGateway
from fixtures.world import World
from gateway.cache.factory import open_cache
from gateway.cache.interface import CacheKey
from gateway.cache.sealed import SealedCodec
from gateway.domain.seal import Sealer
from gateway.redis_client import open_redis
from gateway.sources.codec import codec
from gateway.sources.units import UnitResult
from tests.at_rest.opened import ISSUER, KINDS, LISTS, PARTNERS, VERSIONS, answers, ask, opened, run
from tests.support.pair import a_database
from tests.support.redis_server import redis_breaker, redis_server

DAY = date(2026, 10, 15)
CLIENT = "si-partenaire"
IDS = 4  # of each list
SHARED_VALUES = re.compile(r"passerelle:[tv]:")  # a shared cache may start empty: what it kept is not kept here
KEPT_SQL = ("CREATE TABLE", "CREATE INDEX", "CREATE UNIQUE INDEX", "ALTER TABLE ONLY", "INSERT INTO")
LEASED, MARKED = CacheKey("leased", "aimaira"), CacheKey("marked", "aimaira")


def main(version: str) -> None:
    """Write the directory of a version, from nothing."""
    target = VERSIONS / version
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    with tempfile.TemporaryDirectory() as temporaire:
        record = Path(temporaire)
        with World.generated(record, jeunes=90, departements=("02",), today=DAY, noise=0.0) as world:
            expected = _write(world, target)
    (target / "expected.json").write_text(_json(expected), encoding="utf-8")
    _add_answers(target, expected)
    shutil.copy(ROOT / "schema.graphql", target)
    commit = subprocess.run(
        ["/usr/bin/env", "git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    (target / "COMMIT").write_text(commit, encoding="ascii")


def _write(world: World, target: Path) -> dict[str, Any]:
    """The data on SQLite and Redis, then on PostgreSQL; what the ids and the cursor given then were."""
    api_key = _create_key(world)
    expected: dict[str, Any] = {
        "environment": _environment(world),
        "cle_api": api_key,
        "issuer": world.identity_url,
    }
    with redis_server() as url:
        expected["sqlite"] = _live(world, api_key, url)
        (target / "redis.json").write_text(_json(_redis(world, url)), encoding="utf-8")
    assert world.record is not None
    _keep_configuration(world, target / "configuration")
    with a_database() as base:
        world.environment |= {"GATEWAY_DATABASE_URL": base, "GATEWAY_JOURNAL_URL": base}
        expected["postgresql"] = _live(world, api_key)
        (target / "postgresql.sql").write_text(_dump(base.replace("+asyncpg", "")), encoding="utf-8")
    return expected


def _create_key(world: World) -> str:
    """A new API key of CLIENT, in its register."""
    assert world.record is not None
    done = run(world.environment, "cle", "creer", CLIENT).stdout
    key, line = re.findall(r"pa_\S+", done)[0], re.findall(r"\{ empreinte.*\}", done)[0]
    clients, table = world.record / "clients.toml", f"[clients.{CLIENT}]\n"
    text = clients.read_text(encoding="utf-8")
    clients.write_text(text.replace(table, f"{table}cles = [{line}]\n"), encoding="utf-8")
    return str(key)


def _environment(world: World) -> dict[str, str]:
    return {name: value for name, value in world.environment.items() if name != "GATEWAY_CONFIG"}


def _live(world: World, api_key: str, cache: str = "memory://") -> dict[str, Any]:
    """Harvest, answer callers, be verified."""
    world.harvest()
    with world.gateway(GATEWAY_CACHE_URL=cache) as gateway:
        edges = {name: _edges(gateway, api_key, name) for name in LISTS}
        for client in ("ml", "cfa"):
            gateway.graphql(world.token(client, agent="a.dupont"), LISTS["jeunes"])
    ids = {name: [edge["node"]["id"] for edge in list_query][:IDS] for name, list_query in edges.items()}
    readers = run(world.environment, "journal", "personne", ids["jeunes"][0]).stdout.splitlines()
    verified = run(world.environment, "journal", "verifier").stdout.strip()
    cursor = edges["jeunes"][1]["cursor"]
    return {"ids": ids, "cursor": cursor, "readers": readers, "verified": verified, "anchor": verified.split()[-1]}


def _edges(gateway: LaunchedGateway, api_key: str, name: str) -> list[dict[str, Any]]:
    edges: list[dict[str, Any]] = ask(gateway, api_key, LISTS[name])[name]["edges"]
    assert edges, f"too few {name}: a larger population is needed"
    return edges


def _keep_configuration(world: World, target: Path) -> None:
    """The directory as it is, but for the addresses of those who are gone."""
    assert world.record is not None
    shutil.copytree(world.record, target, ignore=shutil.ignore_patterns("*.log"))
    partners, issuer = (url.removeprefix("http://") for url in (world.simulators_url, world.identity_url))
    for file in target.rglob("*.toml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(partners, PARTNERS).replace(issuer, ISSUER), encoding="utf-8")


def _redis(world: World, url: str) -> dict[str, Any]:
    """Every key but kept values, with a mark and a lease of our own: those of a gateway at work do not last."""
    mark = asyncio.run(_mark_and_lease(world, url))
    with redis.Redis.from_url(url) as client:
        names = sorted(name.decode() for name in client.scan_iter() if not SHARED_VALUES.match(name.decode()))
        keys = {name: {"ttl": client.ttl(name), **_value(client, name)} for name in names}
    return {"written_at": time.time(), "mark": mark, "keys": keys}


async def _mark_and_lease(world: World, url: str) -> str:
    sealed_codec = SealedCodec([Sealer.from_text(world.environment["GATEWAY_CLE"])], codec(UnitResult))
    cache = open_cache(open_redis(url), sealed_codec, redis_breaker())
    await cache.invalidate(MARKED)
    assert await cache.acquire(LEASED, 600.0)
    try:
        return await cache.mark(MARKED)
    finally:
        await cache.aclose()


def _value(client: Any, name: str) -> dict[str, Any]:
    kind = client.type(name).decode()
    values = client.lrange(name, 0, -1) if kind == "list" else [client.get(name)]
    return {"type": kind, "base64": [base64.b64encode(value).decode() for value in values]}


def _dump(url: str) -> str:
    """Tables, indexes and rows as plain SQL."""
    command = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    orders = re.findall(r"^[A-Z].*?;$", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(order for order in orders if order.startswith(KEPT_SQL)) + "\n"


def _add_answers(target: Path, expected: dict[str, Any]) -> None:
    """What the code that wrote the data answers when it opens it, its partners away."""
    for kind in KINDS:
        with ExitStack() as stack:
            record = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            gateway = stack.enter_context(stack.enter_context(opened(target, record, kind)).gateway())
            expected[kind]["answers"] = answers(gateway, expected["cle_api"], expected[kind])
    (target / "expected.json").write_text(_json(expected), encoding="utf-8")


def _json(valeur: Any) -> str:
    return json.dumps(valeur, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    main(sys.argv[1])
