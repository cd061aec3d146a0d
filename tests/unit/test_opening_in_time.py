"""A start waits for its database so long, and for itself as long as it takes."""

import asyncio
import time

import pytest

from gateway.errors import ConfigurationError
from gateway.server import lifecycle

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "OPENING_TIMEOUT", 0.2)


async def test_a_database_that_answers_nothing_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match=r"^journal : la base ne répond pas en 0 s$"):
        await lifecycle._in_time("journal", asyncio.sleep(3600))


async def test_a_first_start_that_imports_longer_than_its_database_may_wait_goes_on() -> None:
    opened = []

    async def opening() -> None:
        time.sleep(0.5)  # noqa: ASYNC251 - as an import does, it holds the loop
        await asyncio.sleep(0)
        opened.append(True)

    await lifecycle._in_time("journal", opening())
    assert opened == [True]


async def test_what_a_database_refuses_is_raised_as_it_is() -> None:
    async def opening() -> None:
        raise ConfigurationError("journal : base antérieure")

    with pytest.raises(ConfigurationError, match="antérieure"):
        await lifecycle._in_time("journal", opening())
