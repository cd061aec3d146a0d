"""What unit tests share: a database of their own, of each kind that stores are served on; a ledger of links in it."""

from collections.abc import AsyncIterator

import pytest

from gateway.stores.links import LinkStore
from tests.support.unit.links import UnitReader, reader


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[LinkStore]:
    opened = LinkStore(url)
    yield opened
    await opened.close()


@pytest.fixture
def here(ledger: LinkStore) -> UnitReader:
    return reader(ledger)
