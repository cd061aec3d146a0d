"""The gateway of the edge's tests, opened once."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fixtures.world import World
from tests.support.security.edge import Edge, open_edge


@pytest.fixture(scope="session")
def opened(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """In the production profile, in this process."""
    with open_edge(world, tmp_path_factory.mktemp("bord")) as edge:
        yield edge


@pytest.fixture
def edge(opened: Edge, world: World) -> Edge:
    """With a token of this test: one lives ten minutes, and the tests that share the gateway may be further apart."""
    return replace(opened, token=world.token("ml"))
