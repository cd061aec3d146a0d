"""The gateway of the edge's tests, opened once."""

from collections.abc import Iterator

import pytest

from fixtures.world import World
from tests.support.security.edge import Edge, open_edge


@pytest.fixture(scope="session")
def edge(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """In the production profile, in this process."""
    with open_edge(world, tmp_path_factory.mktemp("bord")) as opened:
        yield opened
