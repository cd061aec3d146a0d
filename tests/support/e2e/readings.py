"""How the tests of reading ask a gateway, and read or break the journal that it writes, wherever that is."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from fixtures.gateway_process import LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.world import World
from tests.support.databases import at_rest, read, write


def request(gateway: LaunchedGateway, token: str, partner_request: str) -> httpx.Response:
    with client_http(gateway.url) as http:
        return http.post("/graphql", json={"query": partner_request}, headers={"Authorization": f"Bearer {token}"})


def journal_de(world: World) -> str:
    """The URL of the world's journal."""
    assert world.record is not None
    file = world.record / "donnees" / "journal.sqlite"
    return world.environment.get("GATEWAY_JOURNAL_URL", f"sqlite+aiosqlite:///{file}")


def contents(url: str) -> list[dict[str, Any]]:
    return [json.loads(content) for (content,) in read(url, "SELECT contenu FROM journal_entrees")]


def entries(url: str) -> dict[str, dict[str, Any]]:
    """The readings written, by request."""
    return {content["requete"]: content for content in contents(url) if content["acte"] == "LECTURE"}


def bytes_of(url: str) -> bytes:
    """The journal at rest: its files, or the database that holds it."""
    if url.startswith("postgresql"):
        return asyncio.run(at_rest(url))
    path = Path(url.removeprefix("sqlite+aiosqlite:///"))
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


@contextmanager
def without_entries(url: str) -> Iterator[None]:
    """Nothing can be written in this journal during the block."""
    write(url, "ALTER TABLE journal_entrees RENAME TO ailleurs")
    try:
        yield
    finally:
        write(url, "ALTER TABLE ailleurs RENAME TO journal_entrees")
