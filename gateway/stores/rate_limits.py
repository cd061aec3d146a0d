"""Counters that forget, in memory or in Redis: what a client spent this minute, what an account guessed. Knows no rule."""

import logging
import math
import time
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

logger = logging.getLogger("gateway.stores.debits")

REDIS_WAIT = 0.5  # seconds: beyond, the request goes on uncounted


@dataclass(frozen=True, slots=True)
class Allowance:
    """An allowance: `limit` units by `minutes`."""

    name: str
    limit: int
    minutes: int = 1


@dataclass(frozen=True, slots=True)
class Balance:
    """The units left of an allowance, and the seconds until it is whole again."""

    limit: int
    left: int
    seconds: int


class RateLimits:
    """Fixed windows, of one process or, by a Redis URL, of all of them. A Redis that fails lets requests go, and says so:
    quotas of persons are counted elsewhere, and exactly."""

    def __init__(self, url: str) -> None:
        self._connections = _connections(url) if url.startswith(("redis://", "rediss://")) else None
        store = _redis(url, self._connections) if self._connections else MemoryStorage()
        self._windows = FixedWindowRateLimiter(store)

    async def close(self) -> None:
        if self._connections is not None:
            await self._connections.aclose()

    async def spend(self, allowance: Allowance, who: str, units: int) -> Balance | None:
        """Spend, even beyond the limit. None when the limit is not exceeded, else what is left and when to come back."""
        try:
            permit = await self._windows.hit(_window(allowance), allowance.name, who, cost=units)
            return None if permit else await self.balance(allowance, who)
        except StorageError:
            logger.warning("débits : Redis ne répond pas, la requête n'est pas comptée")
            return None

    async def balance(self, allowance: Allowance, who: str) -> Balance:
        """The balance of an allowance. A storage that fails answers as if nothing was spent."""
        try:
            state = await self._windows.get_window_stats(_window(allowance), allowance.name, who)
        except StorageError:
            return Balance(allowance.limit, allowance.limit, 0)
        return Balance(allowance.limit, max(0, state.remaining), max(0, math.ceil(state.reset_time - time.time())))


def _connections(url: str) -> ConnectionPool:
    return ConnectionPool.from_url(url, socket_timeout=REDIS_WAIT, socket_connect_timeout=REDIS_WAIT)


def _redis(url: str, connections: ConnectionPool) -> RedisStorage:
    """Over connections of our own, that we close; what Redis says wrong is a StorageError."""
    options: dict[str, Any] = {"connection_pool": connections}
    return RedisStorage(url, wrap_exceptions=True, implementation="redispy", **options)


def _window(allowance: Allowance) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(allowance.limit, allowance.minutes)
