"""One demo for the tests of this folder that ask over HTTP."""

from collections.abc import Iterator

import pytest

from tests.support.security.hostile import Demo, demo


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo of this checkout, or of the one that AUTRE_DEPOT names."""
    with demo(tmp_path_factory.mktemp("demo")) as running:
        yield running
