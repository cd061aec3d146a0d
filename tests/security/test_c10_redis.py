"""Redis fails in every way while callers come: each answer is what it would be without it, and no value is logged (C10)."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from random import Random

import pytest
import redis

from gateway.cache.interface import Cache, cache_local
from gateway.cache.redis import RedisBackend
from gateway.cache.sealed import SealedCodec
from gateway.cache.shared import SharedCache
from gateway.domain.seal import Sealer
from gateway.redis_client import open_redis
from gateway.sources.codec import codec
from gateway.sources.units import UnitResult
from tests.support.access.small_world import CALLERS, draw_from
from tests.support.figures import note
from tests.support.redis_server import redis_breaker, redis_server
from tests.support.security.cached_world import CachedWorld

pytestmark = pytest.mark.anyio
TEXT = "{ jeunes(first: 20) { totalCount edges { node { nom telephone adresse { voie } ruptures { date } } } } }"
QUESTIONS = [viewer for viewer in CALLERS if viewer.finalite]
Fault = Callable[[redis.Redis], object]
FAULTS: dict[str, Fault] = {
    "absent": lambda client: client.shutdown(nosave=True),
    "muet": lambda client: client.client_pause(1500),
    "vidé": lambda client: client.flushdb(),
    "plein": lambda client: client.config_set("maxmemory", "1"),
    "fermé": lambda client: client.config_set("requirepass", "autre"),
}
LONG_ONES = ("muet", "vidé", "fermé")


@pytest.fixture
def url() -> Iterator[str]:
    with redis_server() as adresse:
        yield adresse


def shared(url: str) -> Callable[[Callable[[], float]], Cache]:
    sealer = Sealer(hashlib.sha256(b"c10").digest())
    return lambda seconds: SharedCache(
        RedisBackend(open_redis(url)),
        SealedCodec([sealer], codec(UnitResult)),
        cache_local(seconds),
        redis_breaker(seconds),
    )


async def all_values(world: CachedWorld) -> list[str]:
    """Everybody at once."""
    return list(await asyncio.gather(*(world.request(viewer, TEXT) for viewer in QUESTIONS)))


def nothing_logged(caplog: pytest.LogCaptureFixture) -> None:
    told_values = "".join(line.getMessage() for line in caplog.records if line.name != "asyncio")
    assert not any(secret in told_values for secret in ("Nom0", "Contact0", "0600001A", "redis://"))


@pytest.mark.parametrize("nom", ["absent", "plein", *(pytest.param(n, marks=pytest.mark.chaos) for n in LONG_ONES)])
async def test_c10_redis_falls_under_load(url: str, nom: str, caplog: pytest.LogCaptureFixture) -> None:
    world = CachedWorld(draw_from(Random(4), 8), shared(url))
    expected = [await world.without_cache(viewer, TEXT) for viewer in QUESTIONS]
    returned: list[list[str]] = []
    with caplog.at_level(logging.DEBUG):
        assert await all_values(world) == expected
        charge = [asyncio.create_task(all_values(world)) for _ in range(3)]
        with redis.Redis.from_url(url) as client:
            FAULTS[nom](client)
        for passed in (0.5, 2.0, 301.0, 3601.0):  # left alone, tried again, stale, asked again
            returned += await asyncio.gather(*charge)  # an answer under way has this clock too
            await world.grow_older(passed)
            charge = [asyncio.create_task(all_values(world)) for _ in range(2)]
        returned += await asyncio.gather(*charge)
    await world.sources.aclose()
    for responses in returned:
        assert responses == expected
    nothing_logged(caplog)
    note(f"C10 : {len(returned) * len(QUESTIONS)} réponses pendant que Redis est {nom}, toutes égales, 0 erreur")


@asynccontextmanager
async def moves() -> AsyncIterator[str]:
    """A node of a cluster that has moved everything elsewhere."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            writer.write(b"-MOVED 3999 127.0.0.1:1\r\n")
            await writer.drain()
        writer.close()

    subscription = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{subscription.sockets[0].getsockname()[1]}/0"
    finally:
        subscription.close()


async def test_c10_a_displaced_redis_is_bypassed(caplog: pytest.LogCaptureFixture) -> None:
    async with moves() as url:
        world = CachedWorld(draw_from(Random(4), 8), shared(url))
        with caplog.at_level(logging.DEBUG):
            returned = await all_values(world)
        assert returned == [await world.without_cache(viewer, TEXT) for viewer in QUESTIONS]
        await world.sources.aclose()
    nothing_logged(caplog)
