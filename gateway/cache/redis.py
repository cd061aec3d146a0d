"""aiocache's Redis backend at a URL: account, TLS and database included. Knows no key and no value."""

import logging

from aiocache.backends.redis import RedisCache
from aiocache.serializers import NullSerializer
from redis.asyncio.connection import parse_url

from gateway.cache.memory import identity_key
from gateway.errors import ConfigurationError

TIMEOUT = 0.25  # seconds; a cache that takes longer is not one


class RedisBackend(RedisCache):  # type: ignore[misc]
    """Bytes by key. Each operation ends within TIMEOUT, or raises TimeoutError."""

    def __init__(self, url: str) -> None:
        # aiocache takes the parts of an address and not the address: TLS and the account would be lost without these.
        try:
            options = dict(parse_url(url))
        except ValueError:
            raise ConfigurationError(
                "GATEWAY_CACHE_URL : memory:// ou redis[s]://[compte:secret@]hôte:port/base"
            ) from None
        super().__init__(
            endpoint=options.pop("host", "127.0.0.1"),
            port=options.pop("port", 6379),
            db=options.pop("db", 0),
            password=options.pop("password", None),
            connection_pool_kwargs=options,
            serializer=NullSerializer(encoding=None),
            key_builder=identity_key,
            timeout=TIMEOUT,
        )
        logging.getLogger("aiocache").setLevel(logging.WARNING)

    # aiocache's own calls `close`, which redis-py gave up for `aclose`.
    async def _close(self, *_: object, **__: object) -> None:
        await self.client.aclose()
