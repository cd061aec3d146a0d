"""Departures counted in Redis, by its clock: what all processes together ask of a partner. Knows no partner and no pace.

A Redis that fails is left alone for a moment, and tells nothing: each process then keeps to its part.
"""

import asyncio
import logging
import time

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.sources.resilience.cadence import Depart, Quota

DELAI = 1.0  # seconds; an asker holds a place meanwhile, and no caller waits for it beyond its own deadline
REPOS = 5.0  # seconds

# The same rule as `cadence.partir`, in one step. Each list holds the departures of a period, oldest first, in microseconds.
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

journal = logging.getLogger("gateway.sources")


class Departs:
    """The count that the processes over one Redis share."""

    def __init__(self, url: str) -> None:
        # No timeout of its own: under Python 3.11 the client's loses a cancellation that comes as a command is sent.
        self._redis = Redis.from_url(url, socket_timeout=None, socket_connect_timeout=None)
        self._script = self._redis.register_script(SCRIPT)
        self._repos_jusqua = 0.0

    async def partir(self, source: str, cle: str, quotas: tuple[Quota, Quota]) -> Depart | None:
        """The next departure for a tenant; None while Redis does not tell. Names hold a partner and a tenant, no person."""
        if time.monotonic() < self._repos_jusqua:
            return None
        noms = [f"passerelle:d:{{{source}}}", f"passerelle:d:{{{source}}}:{cle}"]
        bornes = [borne for quota in quotas for borne in (quota.nombre, round(quota.periode * 1_000_000))]
        try:
            async with asyncio.timeout(DELAI):
                permis, attente = await self._script(keys=noms, args=bornes)
        except (RedisError, OSError) as erreur:
            self._repos_jusqua = time.monotonic() + REPOS
            journal.warning("cadence : Redis ne répond pas (%s), chacun s'en tient à sa part", type(erreur).__name__)
            return None
        return Depart(bool(permis), attente / 1_000_000)

    async def aclose(self) -> None:
        await self._redis.aclose()
