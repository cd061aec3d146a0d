"""From a URL to a cache. Knows which kinds there are."""

import time
from collections.abc import Callable
from functools import partial

from gateway.cache.redis import RedisBackend
from gateway.cache.sealed import SealedCodec
from gateway.cache.seam import Cache, cache_local
from gateway.cache.shared import USE, SharedCache
from gateway.suspension import Suspension


def open_cache(
    url: str, sealed_codec: SealedCodec, suspension: Suspension, seconds: Callable[[], float] = time.time
) -> Cache:
    """memory:// is this process's own; redis:// and rediss:// are shared, sealed. Raises ConfigurationError."""
    local = cache_local(seconds)
    if url == "memory://":
        return local
    return SharedCache(RedisBackend(url, partial(suspension.altered, USE)), sealed_codec, local, suspension)
