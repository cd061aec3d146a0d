"""From a URL to a cache. Knows which kinds there are."""

import time
from collections.abc import Callable

from gateway.cache.redis import RedisBackend
from gateway.cache.sealed import SealedCodec
from gateway.cache.seam import Cache, cache_local
from gateway.cache.shared import SharedCache


def open_cache(url: str, sealed_codec: SealedCodec, seconds: Callable[[], float] = time.time) -> Cache:
    """memory:// is this process's own; redis:// and rediss:// are shared, sealed. Raises ConfigurationError."""
    local = cache_local(seconds)
    return local if url == "memory://" else SharedCache(RedisBackend(url), sealed_codec, local)
