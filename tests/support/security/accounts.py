"""A gateway whose clients may take little, on either database and either shared store, and what is asked of it."""

import io
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from gateway.__main__ import main
from tests.support.databases import BASES
from tests.support.e2e.queries import until_complete
from tests.support.e2e.readings import request
from tests.support.pair import a_database

STORES = [(base, cache) for base in BASES for cache in ("memory", "redis")]
IDS = "{ jeunes(first: 60) { edges { node { id } } } }"
PROFILE = "{ moi { profil } }"


@dataclass(frozen=True, slots=True)
class FewPersons:
    """The gateway, the environment of its commands, and the ids of people whom its clients may see."""

    world: World
    gateway: LaunchedGateway
    environment: dict[str, str]
    ids: list[str]

    def read(self, client: str, agent: str, ids: Sequence[str]) -> httpx.Response:
        asked = " ".join(f'p{rank}: jeune(id: "{one}") {{ nom }}' for rank, one in enumerate(ids))
        return self.ask(client, agent, f"{{ {asked} }}")

    def ask(self, client: str, agent: str, query: str) -> httpx.Response:
        return request(self.gateway, self.world.token(client, agent=agent), query)

    def command(self, *arguments: str) -> tuple[int, str]:
        """`python -m gateway journal …` in this process: exit code, and what it prints."""
        printed = io.StringIO()
        with patch.dict(os.environ, self.environment), redirect_stdout(printed), redirect_stderr(printed):
            return main(["journal", *arguments]), printed.getvalue().strip()


@contextmanager
def few_persons(world: World, record: Path, base: str, cache: str, keys: str) -> Iterator[FewPersons]:
    """`keys`: what the register says of `ml` and of `ml-quota`, in place of what it said."""
    _configure(world, record, keys)
    with ExitStack() as stack:
        url = f"sqlite+aiosqlite:///{record / 'journal.sqlite'}"
        if base == "postgresql":
            url = stack.enter_context(a_database())
        env: dict[str, Any] = {"GATEWAY_CONFIG": str(record), "GATEWAY_JOURNAL_URL": url, "GATEWAY_CACHE_URL": cache}
        gateway = stack.enter_context(world.gateway(**env))
        found = until_complete(gateway, world.token("si-partenaire"), IDS)["data"]["jeunes"]["edges"]
        yield FewPersons(world, gateway, {**world.environment, **env}, [edge["node"]["id"] for edge in found])


def _configure(world: World, record: Path, keys: str) -> None:
    assert world.record is not None
    shutil.copytree(world.record / "partenaires", record / "partenaires")
    text = (world.record / "gateway.toml").read_text(encoding="utf-8")
    (record / "gateway.toml").write_text(text.replace('"donnees"', f'"{world.record / "donnees"}"'), encoding="utf-8")
    clients = re.sub(
        r"(?:quota_personnes_jour|introuvables_10_minutes) = .*\n",
        "",
        (world.record / "clients.toml").read_text(encoding="utf-8"),
    )
    for client in ("ml", "ml-quota"):
        clients = clients.replace(f"[clients.{client}]\n", f"[clients.{client}]\n{keys}\n")
    (record / "clients.toml").write_text(clients, encoding="utf-8")


def refusal(response: httpx.Response) -> str | None:
    """The text of a quota that was reached; None for an answer."""
    if response.status_code == 200:
        return None
    assert response.status_code == 429, response.text
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "QUOTA_ATTEINT"
    return str(error["message"])
