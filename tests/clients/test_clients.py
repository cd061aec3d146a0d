"""The clients that people use, against one real gateway: Apollo, urql, Relay, graphql-request, graphql-codegen, gql, the JDK.

Each pages through a list, meets a refused field and a partner that is down, and names a trusted document (docs/clients.md).
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.world import World
from tests.support.e2e.queries import until_complete
from tests.support.node import execute, installed

FOLDER = Path(__file__).parent
RUPTURES = "query Ruptures { ruptures(first: 500) { edges { node { id } } } }"


@pytest.fixture(scope="module")
def context(world: World, patient: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    execute(FOLDER, "build", {})
    configuration = tmp_path_factory.mktemp("clients") / "configuration"
    shutil.copytree(patient, configuration)
    documents = configuration / "documents"
    documents.mkdir()
    for written in ("relay.json", "apollo.json", "gql/persisted-documents.json"):
        shutil.copy(FOLDER / "build" / written, documents / Path(written).name)
    trusted = "ml-" + world.clients["ml"].organisation
    register = configuration / "clients.toml"
    text = register.read_text()
    head = f"[clients.{trusted}]\n"
    assert head in text
    register.write_text(text.replace(head, head + 'documents = "enregistres"\n'))
    try:
        with world.gateway(GATEWAY_CONFIG=str(configuration)) as gateway:
            until_complete(gateway, world.token("ml"), RUPTURES)
            until_complete(gateway, world.token(trusted), RUPTURES)
    finally:
        world.check.lift_faults()
