"""From a Redis, or none, to a cache. Knows which kinds there are."""

import time
from collections.abc import Callable
from functools import partial

from redis.asyncio import Redis

from gateway.cache.interface import Cache, cache_local
from gateway.cache.redis import RedisBackend
from gateway.cache.sealed import SealedCodec
from gateway.cache.shared import USE, SharedCache
from gateway.redis_breaker import RedisBreaker


def open_cache(
    redis: Redis | None,
    sealed_codec: SealedCodec,
    redis_breaker: RedisBreaker,
    seconds: Callable[[], float] = time.time,
) -> Cache:
    """Shared and sealed where there is a Redis, which it closes in the end; else this process's own."""
    local = cache_local(seconds)
    if redis is None:
        return local
    return SharedCache(RedisBackend(redis, partial(redis_breaker.altered, USE)), sealed_codec, local, redis_breaker)
