"""Departures counted in Redis, by its clock: what all processes together ask of a partner. Knows no partner and no pace.

A Redis that does not answer tells nothing: each process then keeps to its part. A list that is none of ours, or that tells of
departures nobody can have counted, is as good as absent.
"""

from collections.abc import Callable

from redis.asyncio import Redis

from gateway.redis_breaker import RedisBreaker
from gateway.sources.resilience.budgets import Departure, WindowQuota

USE = "cadence"
# What a list of ours never passes: departures waiting beyond the quota, microseconds before the last of them.
WAITING_MAX, AHEAD_MAX = 10_000, 2 * 3600 * 1_000_000

# The same rule as `quota_window.depart`, in one step. Each list holds the departures of a period, oldest first, in microseconds.
SCRIPT = """
local heure = redis.call('TIME')
local instant = heure[1] * 1000000 + heure[2]
local altered = 0
local function forget(nom)
  redis.call('DEL', nom)
  altered = 1
end
local function value(told)
  local number = #told <= 32 and tonumber(told)
  return number and number >= 0 and number <= instant + tonumber(ARGV[6]) and number
end
local function check(nom, nombre)
  local kind = redis.call('TYPE', nom).ok
  if kind == 'none' then return end
  if kind ~= 'list' or redis.call('LLEN', nom) > nombre + tonumber(ARGV[5]) then return forget(nom) end
  for _, rank in ipairs({-nombre, -1}) do
    local told = redis.call('LINDEX', nom, rank)
    if told and not value(told) then return forget(nom) end
  end
end
local function first(nom)
  local told = redis.call('LINDEX', nom, 0)
  local found = told and value(told)
  if told and not found then forget(nom) end
  return found
end
local function libre(nom, nombre, periode)
  check(nom, nombre)
  local premier = first(nom)
  while premier and premier + periode <= instant do
    redis.call('LPOP', nom)
    premier = first(nom)
  end
  local pris = redis.call('LLEN', nom)
  if pris < nombre then return instant end
  return redis.call('LINDEX', nom, pris - nombre) + periode
end
local depart = libre(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]))
local autorise = libre(KEYS[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
if autorise > depart then return {0, autorise - instant, altered} end
for i = 1, 2 do
  redis.call('RPUSH', KEYS[i], string.format('%.0f', depart))
  redis.call('PEXPIRE', KEYS[i], math.ceil((depart - instant + ARGV[2 * i]) / 1000))
end
return {1, depart - instant, altered}
"""


class SharedPacer:
    """The count that the processes over one Redis share. `stand_in` gives the pseudonym of a tenant, which is no public name."""

    def __init__(self, redis: Redis, redis_breaker: RedisBreaker, stand_in: Callable[[str], str]) -> None:
        self._script = redis.register_script(SCRIPT)
        self._redis_breaker = redis_breaker
        self._stand_in = stand_in

    async def depart(self, source: str, key: str, quotas: tuple[WindowQuota, WindowQuota]) -> Departure | None:
        """The next departure for a tenant; None while Redis does not tell. Names hold a partner, and a tenant's pseudonym."""
        names = [f"passerelle:d:{{{source}}}", f"passerelle:d:{{{source}}}:{self._stand_in(key)}"]
        bounds = [bound for quota in quotas for bound in (quota.number, round(quota.periode * 1_000_000))]
        args = [*bounds, WAITING_MAX, AHEAD_MAX]
        told = await self._redis_breaker.use(USE, lambda: self._script(keys=names, args=args))
        if told is None:
            return None
        permit, waiting, altered = told
        if altered:
            self._redis_breaker.altered(USE)
        return Departure(bool(permit), waiting / 1_000_000)
