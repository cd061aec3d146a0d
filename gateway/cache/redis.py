"""aiocache's Redis backend, over the one client. Knows kinds of names, and no value.

Whoever can write in that Redis is no friend: a value of another type, or longer than its kind may be, is as good as absent; one
that would never expire holds nobody's place.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from aiocache.backends.redis import RedisCache
from aiocache.serializers import NullSerializer
from redis.asyncio import Redis

from gateway.cache.interface import identity_key

PREFIX = "passerelle"
BODIES = f"{PREFIX}:v:"
BODY_MAX = 16 * 1024 * 1024  # bytes of a sealed body; the largest CFA measured makes half a megabyte
OTHER_MAX = 256  # bytes of any other value
LEASE_MAX = 2 * 3600.0  # seconds: no lease is longer; what expires later holds no place

# Each value within its bound; 0 in place of one of another type, or longer.
READ = """
local found = {}
for rank, name in ipairs(KEYS) do
  local value = redis.pcall('GETRANGE', name, 0, ARGV[rank])
  if type(value) ~= 'string' or #value > tonumber(ARGV[rank]) then found[rank] = 0
  else found[rank] = value ~= '' and value end
end
return found
"""
# 1: written; 0: somebody had before; 2: written over what nobody of ours can have written.
ADD = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
local left = redis.call('PTTL', KEYS[1])
local ours = redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('STRLEN', KEYS[1]) <= tonumber(ARGV[4])
if ours and left >= 0 and left <= tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 2
"""


class RedisBackend(RedisCache):  # type: ignore[misc]
    """Bytes by key. `altered` is told of each value that is not what was written there."""

    def __init__(self, client: Redis, altered: Callable[[], None] = lambda: None) -> None:
        # timeout: `redis_breaker` bounds every use
        super().__init__(serializer=NullSerializer(encoding=None), key_builder=identity_key, timeout=0)
        self.client = client  # aiocache makes its own, from parts that tell neither TLS nor the account
        logging.getLogger("aiocache").setLevel(logging.WARNING)
        self._altered = altered
        self._read, self._append = self.client.register_script(READ), self.client.register_script(ADD)

    async def _multi_get(self, keys: Sequence[str], encoding: str | None = None, _conn: object = None) -> list[Any]:
        values = await self._read(keys=keys, args=[bytes_max(key) for key in keys])
        for value in values:
            if isinstance(value, int):
                self._altered()
        return [None if isinstance(value, int) else value for value in values]

    async def _get(self, key: str, encoding: str | None = None, _conn: object = None) -> Any:
        (value,) = await self._multi_get([key])
        return value

    async def _add(self, key: str, value: bytes, ttl: float | None = None, _conn: object = None) -> bool:
        life = max(1, round((ttl or 0.0) * 1000))
        longest = max(life, round(LEASE_MAX * 1000))
        written = await self._append(keys=[key], args=[value, life, longest, bytes_max(key)])
        if written == 2:
            self._altered()
        if not written:
            raise ValueError("somebody had before")
        return True

    # aiocache's own calls `close`, which redis-py gave up for `aclose`.
    async def _close(self, *_: object, **__: object) -> None:
        await self.client.aclose()


def bytes_max(key: str) -> int:
    """The bytes that the value of a key may have."""
    return BODY_MAX if key.startswith(BODIES) else OTHER_MAX
