"""What the tests of misbehaving partners share."""

from collections.abc import AsyncIterator, Iterator

import pytest
import respx

from tests.sources_aide import Banc, banc, transport


@pytest.fixture
def routeur() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as routes:
        yield routes


@pytest.fixture
async def essai(routeur: respx.MockRouter) -> AsyncIterator[Banc]:
    async with banc(transport(routeur)) as ouvert:
        yield ouvert
