"""Fixed windows counted in Redis, by all processes together. Knows no allowance, and believes of Redis only what it may hold.

A count that is no count (text, another type, negative) is as good as absent; a window that would last longer than itself is cut
to its length.
"""

from redis.asyncio import Redis

from gateway.redis_breaker import RedisBreaker
from gateway.redis_client import refuse_cluster

USE = "debits"
PREFIX = "passerelle:c:"
PROBE, PROBE_WINDOW = "essai", 60.0  # seconds

# A whole number that expires with its window. {count, milliseconds left, altered}.
SCRIPT = """
local units, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local told = redis.pcall('GETRANGE', KEYS[1], 0, 31)
local text = type(told) == 'string'
local count = text and string.match(told, '^%d+$') and #told <= 15 and tonumber(told)
local altered = (not count and told ~= '') and 1 or 0
if not count then redis.call('DEL', KEYS[1]) end
local left = count and redis.call('PTTL', KEYS[1]) or window
if left < 0 or left > window then
  left = window
  redis.call('PEXPIRE', KEYS[1], window)
end
count = count or 0
if units > 0 then
  count = count + units
  redis.call('SET', KEYS[1], string.format('%.0f', count), 'PX', math.max(1, left))
end
return {string.format('%.0f', count), left, altered}
"""


class SharedCounters:
    """The counts that the processes over one Redis share."""

    def __init__(self, redis: Redis, redis_breaker: RedisBreaker) -> None:
        self._redis, self._script = redis, redis.register_script(SCRIPT)
        self._redis_breaker = redis_breaker

    @property
    def available(self) -> bool:
        """Whether Redis answers all its uses."""
        return self._redis_breaker.available

    async def open(self) -> None:
        """Raises ConfigurationError for a Redis that cannot serve: a Cluster."""
        await refuse_cluster(self._redis)

    async def add(self, name: str, window: float, units: int = 0) -> tuple[int, float] | None:
        """Count units in a window of so many seconds; what it counts now, and the seconds left. None: Redis does not tell."""
        # A name holds what callers sign: whatever they sign is a name.
        key, milliseconds = f"{PREFIX}{name}".encode(errors="surrogatepass"), round(window * 1000)
        told = await self._redis_breaker.use(USE, lambda: self._script(keys=[key], args=[units, milliseconds]))
        if told is None:
            return None
        count, left, altered = told
        if altered:
            self._redis_breaker.altered(USE)
        return int(count), left / 1000

    async def answers(self) -> bool:
        """Whether Redis serves its uses now, which one that answers and refuses to write does not."""
        await self.add(PROBE, PROBE_WINDOW, 1)
        return self._redis_breaker.available
