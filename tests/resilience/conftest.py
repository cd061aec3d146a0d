"""What the tests of misbehaving partners share."""

from collections.abc import AsyncIterator, Iterator

import pytest
import respx

from tests.support.sources import SourcesHarness, sources_harness, transport


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as routes:
        yield routes


@pytest.fixture
async def attempt(router: respx.MockRouter) -> AsyncIterator[SourcesHarness]:
    async with sources_harness(transport(router)) as opened:
        yield opened
