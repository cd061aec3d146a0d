"""The circuit breaker of Redis: one state for all that is kept there (cache, leases, events, rate limits, pacing). Knows no name.

A Redis that fails any use is left alone by all for REST seconds; then one request tries, and nobody else waits. It costs at most
TIMEOUT seconds once in REST seconds therefore, whatever is asked. What it holds may be altered: such a value is as good as
absent, is counted, and told once.

Told (`available`, the gauge, the log): in failure from the first one, and again available only after STEADY seconds without any:
a Redis that answers reads and refuses writes does not change state each second.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge
from redis.exceptions import ResponseError

from gateway.redis_client import cause

T = TypeVar("T")
TIMEOUT = 0.25  # seconds: a cache that takes longer is not one
# The wait is cut in parts: a loop that is held up during one sees in the next the answer that came meanwhile.
PARTS = 10
REST = 1.0  # seconds
STEADY = 5.0  # seconds
USES = {  # what is kept in Redis, and where its altered values are logged
    "cache": logging.getLogger("gateway.cache"),
    "debits": logging.getLogger("gateway.stores.debits"),
    "cadence": logging.getLogger("gateway.sources"),
}
# What Redis says of a value that is not what was written there. Anything else it says is a failure of its own.
ALTERED = ("WRONGTYPE", "not an integer")
logger = logging.getLogger("gateway.redis")


class RedisBreaker:
    """The state of the one Redis. `seconds` is a clock."""

    def __init__(
        self, seconds: Callable[[], float] = time.monotonic, registry: CollectorRegistry | None = None
    ) -> None:
        self._seconds = seconds
        self._failed_at = self._rest_until = float("-inf")
        self._suspended = self._trying = False
        self.available = True
        self._told: set[str] = set()
        self._cause = ""  # last told
        text = "1 si Redis répond à tous ses usages, ou si aucun n'est configuré."
        Gauge("passerelle_redis_disponible", text, registry=registry).set_function(lambda: float(self.available))
        text = "Valeurs de Redis altérées, prises pour absentes."
        self._altered = Counter("passerelle_redis_valeurs_ecartees", text, ("usage",), registry=registry)
        for use in USES:
            self._altered.labels(use)

    async def use(self, use: str, request: Callable[[], Awaitable[T]]) -> T | None:
        """The answer to a request, None when there is none: Redis is left alone, does not answer, or holds an altered value."""
        if self._suspended and (self._trying or self._seconds() < self._rest_until):
            return None
        trial = self._trying = self._suspended
        try:
            answer = await _in_time(request)
        except ResponseError as error:
            if not any(told in str(error) for told in ALTERED):
                self._fail(error)
                return None
            self.altered(use)
            answer = None
        except Exception as error:  # Redis is never worth an answer
            self._fail(error)
            return None
        finally:
            if trial:
                self._trying = False
        self._succeed()
        return answer

    def altered(self, use: str, number: int = 1) -> None:
        """Count values that are not what was written, or were written otherwise; the first of a use is told."""
        self._altered.labels(use).inc(number)
        if use not in self._told:
            self._told.add(use)
            logger.warning(
                "redis (%s) : une valeur illisible ou altérée est écartée ; les suivantes sont comptées", use
            )

    def _fail(self, error: Exception) -> None:
        self._failed_at = self._seconds()
        self._rest_until, self._suspended = self._failed_at + REST, True
        if self.available or cause(error) != self._cause:
            self.available, self._cause = False, cause(error)
            logger.warning("redis sans réponse (%s) : laissé en paix, essayé une fois par seconde", self._cause)

    def _succeed(self) -> None:
        self._suspended = False
        if not self.available and self._seconds() - self._failed_at >= STEADY:
            self.available = True
            logger.warning("redis répond de nouveau")


async def _in_time(request: Callable[[], Awaitable[T]]) -> T:
    """The answer, within TIMEOUT. Raises TimeoutError."""
    asked = asyncio.ensure_future(request())
    try:
        for _ in range(PARTS):
            done, _ = await asyncio.wait({asked}, timeout=TIMEOUT / PARTS)
            if done:
                return asked.result()
    finally:
        if not asked.done():
            asked.cancel()
            asked.add_done_callback(_ignore)
    raise TimeoutError


def _ignore(asked: "asyncio.Future[T]") -> None:
    """What a request given up says in the end; asyncio would print it where nobody reads it."""
    if not asked.cancelled():
        asked.exception()
