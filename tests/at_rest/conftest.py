"""What every test of data at rest may ask for."""

from collections.abc import Iterator

import pytest

from tests.at_rest.opened import Migrated


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migrated]:
    """The data of versions, migrated."""
    kept = Migrated(tmp_path_factory.mktemp("migrées"))
    yield kept
    kept.close()
