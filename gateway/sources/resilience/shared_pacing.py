"""Departures counted in Redis, by its clock: what all processes together ask of a partner. Knows no partner and no pace.

A Redis that fails is left alone for a moment, and tells nothing: each process then keeps to its part.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.sources.resilience.pacing import Departure, WindowQuota

TIMEOUT = 1.0  # seconds; an asker holds a place meanwhile, and no caller waits for it beyond its own deadline
REST = 5.0  # seconds

# The same rule as `quota_window.depart`, in one step. Each list holds the departures of a period, oldest first, in microseconds.
SCRIPT = """
local heure = redis.call('TIME')
local instant = heure[1] * 1000000 + heure[2]
local function libre(nom, nombre, periode)
  local premier = redis.call('LINDEX', nom, 0)
  while premier and premier + periode <= instant do
    redis.call('LPOP', nom)
    premier = redis.call('LINDEX', nom, 0)
  end
  local pris = redis.call('LLEN', nom)
  if pris < nombre then return instant end
  return redis.call('LINDEX', nom, pris - nombre) + periode
end
local depart = libre(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]))
local autorise = libre(KEYS[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
if autorise > depart then return {0, autorise - instant} end
for i = 1, 2 do
  redis.call('RPUSH', KEYS[i], string.format('%.0f', depart))
  redis.call('PEXPIRE', KEYS[i], math.ceil((depart - instant + ARGV[2 * i]) / 1000))
end
return {1, depart - instant}
"""

logger = logging.getLogger("gateway.sources")


class SharedPacer:
    """The count that the processes over one Redis share. `stand_in` gives the pseudonym of a tenant, which is no public name."""

    def __init__(self, url: str, stand_in: Callable[[str], str]) -> None:
        # No timeout of its own: under Python 3.11 the client's loses a cancellation that comes as a command is sent.
        self._redis = Redis.from_url(url, socket_timeout=None, socket_connect_timeout=None)
        self._script = self._redis.register_script(SCRIPT)
        self._stand_in = stand_in
        self._rest_until = 0.0

    async def depart(self, source: str, key: str, quotas: tuple[WindowQuota, WindowQuota]) -> Departure | None:
        """The next departure for a tenant; None while Redis does not tell. Names hold a partner, and a tenant's pseudonym."""
        if time.monotonic() < self._rest_until:
            return None
        names = [f"passerelle:d:{{{source}}}", f"passerelle:d:{{{source}}}:{self._stand_in(key)}"]
        bounds = [bound for quota in quotas for bound in (quota.number, round(quota.periode * 1_000_000))]
        try:
            async with asyncio.timeout(TIMEOUT):
                permit, waiting = await self._script(keys=names, args=bounds)
        except (RedisError, OSError) as error:
            self._rest_until = time.monotonic() + REST
            logger.warning("cadence : Redis ne répond pas (%s), chacun s'en tient à sa part", type(error).__name__)
            return None
        return Departure(bool(permit), waiting / 1_000_000)

    async def aclose(self) -> None:
        await self._redis.aclose()
