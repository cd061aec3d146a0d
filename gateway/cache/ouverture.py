"""From a URL to a cache. Knows which kinds there are."""

import time
from collections.abc import Callable

from gateway.cache.coffre import Coffre
from gateway.cache.partage import CachePartage
from gateway.cache.redis import CacheRedis
from gateway.cache.seam import Cache, cache_local


def ouvrir_cache(url: str, coffre: Coffre, secondes: Callable[[], float] = time.time) -> Cache:
    """memory:// is this process's own; redis:// and rediss:// are shared, sealed. Raises ErreurConfiguration."""
    local = cache_local(secondes)
    return local if url == "memory://" else CachePartage(CacheRedis(url), coffre, local)
