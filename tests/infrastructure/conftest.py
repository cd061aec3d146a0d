"""What these tests share: a small world, harvested, and gateways over the databases that a test starts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.world import World
from tests.support.infrastructure.deployment import Deployment
from tests.support.resilience.lifecycle import that_warns
from tests.support.security.second_checkout import few_people


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with few_people(tmp_path_factory.mktemp("infrastructure") / "monde") as opened:
        yield opened


@pytest.fixture(scope="session")
def expected(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a gateway answers that has a file for a base and no Redis."""
    alone = Deployment(small_world, that_warns(small_world, tmp_path_factory.mktemp("seule")))
    with alone.gateway() as gateway:
        return alone.answer(gateway)


@pytest.fixture
def deployment(small_world: World, tmp_path: Path) -> Deployment:
    """Gateways of that world, whose log is the test's own."""
    return Deployment(small_world, that_warns(small_world, tmp_path))
