"""The way to the partners in virtual time: what each is asked is counted at its door, and takes the time a model says.

The simulators answer in this process, whole bodies over ASGI: sockets would only cost switches. Durations are drawn: they
depend on the seed, the tenant and the rank of the request, never on the order in which others come.
"""

import asyncio
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

import httpx
from starlette.types import ASGIApp

from fixtures.population.model import Population
from fixtures.simulators.application import Partners
from fixtures.simulators.clock import PARIS, WallClock
from fixtures.simulators.common import Context

MEDIANS = {"ypareo": 0.25, "gestibase": 0.6, "aimaira": 0.3, "imilo": 0.2}  # seconds a request; others: 0.1
SPREAD = 0.5  # of the logarithm: one request in twenty takes 2.3 times the median
SLOW_SHARE, SLOWNESS = 0.03, 10.0  # tenants whose server is slow, and how much slower


@dataclass
class Window:
    """The most requests that fell within any `duration` seconds, by key."""

    duration: float
    maximum: Counter[str] = field(default_factory=Counter)
    _passages: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def note(self, key: str, instant: float) -> None:
        passages = self._passages[key]
        passages.append(instant)
        while passages[0] <= instant - self.duration + 1e-6:  # a pace of n a second lets one go exactly a second later
            passages.popleft()
        self.maximum[key] = max(self.maximum[key], len(passages))


@dataclass
class CounterDesk:
    """What reaches the partners: by hour, by second for each partner, by minute for each tenant."""

    by_hour: Counter[tuple[str, int]] = field(default_factory=Counter)
    par_seconde: Window = field(default_factory=lambda: Window(1.0))
    a_minute: Window = field(default_factory=lambda: Window(60.0))
    by_tenant: Counter[str] = field(default_factory=Counter)
    cpu: float = 0.0  # seconds that the simulators spent

    @property
    def total(self) -> int:
        return sum(self.by_hour.values())

    def note(self, partner: str, tenant: str, instant: float) -> int:
        """Count one request; its rank among those of its tenant."""
        self.by_hour[partner, int(instant // 3600)] += 1
        self.par_seconde.note(partner, instant)
        self.a_minute.note(tenant, instant)
        self.by_tenant[tenant] += 1
        return self.by_tenant[tenant]


class _DayClock(WallClock):
    """Of the day that is lived."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._now = now

    def now(self) -> datetime:
        return self._now().astimezone(PARIS)


def simulators(population: Population, now: Callable[[], datetime]) -> ASGIApp:
    """The partners of a population, quota of Gestibase included."""
    return Partners(Context(population, _DayClock(now)))


class Path(httpx.AsyncBaseTransport):
    """The network of the gateway."""

    def __init__(self, partners: ASGIApp, counter_desk: CounterDesk, seed: int) -> None:
        self._asgi = httpx.ASGITransport(partners)
        self._counter_desk, self._seed = counter_desk, seed

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        partner, tenant = recipient(request.url)
        rank = self._counter_desk.note(partner, tenant, asyncio.get_running_loop().time())
        debut = time.thread_time()
        response = await self._asgi.handle_async_request(request)  # suspends nowhere: nothing else runs meanwhile
        self._counter_desk.cpu += time.thread_time() - debut
        await asyncio.sleep(latency(self._seed, partner, tenant, rank))
        return response


def recipient(url: httpx.URL) -> tuple[str, str]:
    """The partner of an address, and whom it is asked about: its credential where that names the tenant, else its path."""
    chunks = url.path.strip("/").split("/")
    if chunks[0] == "imilo":
        return chunks[0], "/".join(chunks[:4])
    return chunks[0], f"{chunks[0]}/{url.params.get('cle', chunks[1])}"


def latency(seed: int, partner: str, tenant: str, rank: int) -> float:
    """Seconds that a request takes."""
    slow = Random(f"{seed}/{tenant}").random() < SLOW_SHARE
    draw = Random(f"{seed}/{tenant}/{rank}").lognormvariate(0.0, SPREAD)
    return MEDIANS.get(partner, 0.1) * draw * (SLOWNESS if slow else 1.0)
