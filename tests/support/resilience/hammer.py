"""A process that asks for departures as fast as it is let, for some seconds, and prints when each left (system clock).

Run by `test_quota_window.py`: python -m tests.support.resilience.hammer <redis URL> <source> <quota a second> <seconds>
"""

import asyncio
import sys
import time

from gateway.redis_client import open_redis
from gateway.sources.partners.file_format import LimitsTable
from gateway.sources.resilience.budgets import Clock, Pacer
from gateway.sources.resilience.shared_pacing import SharedPacer
from tests.support.redis_server import redis_breaker

STRIKERS = 8


async def _strike(pacer: Pacer, key: str, fin: float, shared_pacer: list[float]) -> None:
    while time.monotonic() < fin:
        if waiting := await pacer.depart(key):
            await asyncio.sleep(waiting)
        else:
            shared_pacer.append(time.monotonic())


async def hammer(url: str, source: str, quota: float, seconds: float) -> list[float]:
    """When each departure left, from several tasks and two tenants."""
    departures = list[float]()
    async with open_redis(url) as client:
        shared = SharedPacer(client, redis_breaker(), str.lower)
        pacer = Pacer(source, LimitsTable(par_seconde=quota), Clock(shared=shared))
        fin = time.monotonic() + seconds
        await asyncio.gather(*(_strike(pacer, f"T{n % 2}", fin, departures) for n in range(STRIKERS)))
    return departures


if __name__ == "__main__":
    url, source, quota, seconds = sys.argv[1:]
    print(*asyncio.run(hammer(url, source, float(quota), float(seconds))))
