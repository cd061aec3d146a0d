"""A store of writes on each kind of database."""

from collections.abc import AsyncIterator

import pytest

from gateway.stores.write_store import WriteStore


@pytest.fixture
async def store(url: str) -> AsyncIterator[WriteStore]:
    opened = WriteStore(url)
    await opened.open()
    yield opened
    await opened.close()
