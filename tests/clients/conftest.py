"""One gateway for all clients: its trusted documents are those their tools wrote, and one Mission locale lacks a partner."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.clients.documents import DOCUMENTS, hashed
from tests.support.e2e.queries import until_complete
from tests.support.node import build
from tests.support.today import TODAY
from tests.support.waiting import waiting

FOLDER = Path(__file__).parent
EXAMPLES = Path("docs/exemples")  # the programs that the site of documentation shows
PATIENCE = 8.0  # seconds of an answer
SOURCES = [Path("schema.graphql"), *FOLDER.glob("*.json"), *FOLDER.glob("*.mjs"), *FOLDER.glob("*/*.[jt]s")]
MANIFESTS = ("relay.json", "apollo.json", "gql/persisted-documents.json")
ALL = "query($n: Int!) { ruptures(first: $n) { complet edges { node { id } } } }"


@dataclass(frozen=True, slots=True)
class Context:
    """Where the gateway is, who calls, and all the ruptures that `ml` and `trusted` see, in order.

    `partial` is of a Mission locale whose i-milo is down; `trusted` is held to trusted documents.
    """

    url: str
    tokens: dict[str, str]
    ruptures: list[str]

    def environment(self) -> dict[str, str]:
        return {"CONTEXT": json.dumps({"url": self.url, "tokens": self.tokens, "ruptures": self.ruptures})}


@pytest.fixture(scope="session")
def built() -> Path:
    """What the compilers of these clients wrote."""
    return build(FOLDER, SOURCES)


@pytest.fixture(scope="session")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The default population, told by partners of its own: one of them stays down as long as the clients are tried, which no
    other test must meet, nor lift."""
    with World.generated(tmp_path_factory.mktemp("le monde des clients"), today=TODAY) as opened:
        opened.harvest()
        yield opened


@pytest.fixture(scope="session")
def context(own_world: World, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    world, trusted = own_world, f"ml-{own_world.clients['ml'].organisation}"
    configuration = Path(waiting(world, tmp_path_factory.mktemp("clients"), PATIENCE))
    _hold_to_documents(configuration, built, trusted)
    tokens = {"ml": world.token("ml"), "trusted": world.token(trusted), "partial": world.token("ml-voisine")}
    with world.gateway(GATEWAY_CONFIG=str(configuration)) as gateway:
        whole = until_complete(gateway, tokens["ml"], ALL, n=500)
        world.check.fault("imilo", "refuse")
        _until_only_imilo_lacks(gateway, tokens["partial"])
        edges = whole["data"]["ruptures"]["edges"]
        yield Context(f"{gateway.url}/graphql", tokens, [edge["node"]["id"] for edge in edges])


def _hold_to_documents(copy: Path, built: Path, trusted: str) -> None:
    """Its trusted documents are those that the clients' tools wrote; one client is held to them."""
    documents = copy / "documents"
    documents.mkdir()
    for written in MANIFESTS:
        shutil.copy(built / written, documents / Path(written).name)
    shutil.copy(EXAMPLES / "documents.json", documents / "exemples.json")
    (documents / "others.json").write_text(json.dumps({hashed(text): text for text in DOCUMENTS}), encoding="utf-8")
    register, head = copy / "clients.toml", f"[clients.{trusted}]\n"
    before, found, after = register.read_text(encoding="utf-8").partition(head)
    assert found
    register.write_text(f'{before}{head}documents = "enregistres"\n{after}', encoding="utf-8")


def _until_only_imilo_lacks(gateway: LaunchedGateway, token: str) -> None:
    """Its ERPs are read once, however busy this machine is."""
    answer: dict[str, Any] = until_complete(gateway, token, ALL, n=1)
    assert [error["extensions"]["source"] for error in answer["errors"]] == ["imilo"]
    assert answer["data"]["ruptures"]["complet"] is False
