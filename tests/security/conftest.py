"""The gateway of the edge's tests, opened once."""

from collections.abc import Iterator

import pytest

from fixtures.monde import Monde
from tests.security.bord import Bord, ouvrir


@pytest.fixture(scope="session")
def bord(monde: Monde, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bord]:
    """In the production profile, in this process."""
    with ouvrir(monde, tmp_path_factory.mktemp("bord")) as ouvert:
        yield ouvert
