"""The gateway that the second look attacks: ours, or that of another checkout, whose path AUTRE_DEPOT gives."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import gateway_process
from fixtures.gateway_process import LaunchedGateway
from fixtures.population.generator import generate
from fixtures.world import World
from tests.conftest import TODAY
from tests.support.security.edge_attacks import attacked
from tests.support.security.hostile import Demo, demo
from tests.support.security.second_checkout import few_people

OTHER = os.environ.get("AUTRE_DEPOT")
CHECKOUT = Path(OTHER) if OTHER else gateway_process.ROOT


@pytest.fixture(scope="session")
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, LaunchedGateway]]:
    """The session's world and gateway; a world of its own for another checkout, whose stores are not ours."""
    if not OTHER:
        yield request.getfixturevalue("world"), request.getfixturevalue("gateway")
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway_process, "ROOT", CHECKOUT)
        with World(generate(today=TODAY), tmp_path_factory.mktemp("autre")) as world:
            world.harvest()
            with world.gateway() as gateway:
                yield world, gateway


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A few people, where what is judged is what a gateway does, whoever is there."""
    with few_people(tmp_path_factory.mktemp("peu") / "m") as opened:
        yield opened


@pytest.fixture(scope="session")
def launched(world: World) -> Iterator[LaunchedGateway]:
    """A gateway of the session's world that nothing but attacks of its edge reaches."""
    with attacked(world) as opened:
        yield opened


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo of this checkout, or of the one that AUTRE_DEPOT names."""
    with demo(tmp_path_factory.mktemp("demo")) as running:
        yield running
