"""What the tests of misbehaving partners share."""

from collections.abc import AsyncIterator, Iterator

import pytest
import respx

from tests.support.sources import Bench, bench_, transport


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as routes:
        yield routes


@pytest.fixture
async def attempt(router: respx.MockRouter) -> AsyncIterator[Bench]:
    async with bench_(transport(router)) as opened:
        yield opened
