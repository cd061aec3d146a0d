"""Quotas that partners publish, held by one process and by several over one Redis: in every window, whoever looks."""

import asyncio
import subprocess
import sys
import uuid
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.gateway_process import ROOT
from gateway.redis_client import open_redis
from gateway.sources.partners.file_format import LimitsTable
from gateway.sources.resilience.budgets import CAUTION, DELAY, Clock, Departure, Pacer, QuotaWindow, WindowQuota, depart
from gateway.sources.resilience.shared_pacing import SharedPacer
from tests.support.figures import note
from tests.support.redis_server import redis_breaker, redis_server
from tests.support.sources import BASE, UAI_A, partner, sources_harness, transport, unit

pytestmark = pytest.mark.anyio
DEAD = "redis://127.0.0.1:9/0"


def largest_window(shared_pacer: Sequence[float], periode: float) -> int:
    """The most departures that any window of that length holds."""
    order = sorted(shared_pacer)
    return max((bisect_left(order, debut + periode) - rank for rank, debut in enumerate(order)), default=0)


@given(
    st.floats(0.2, 12),
    st.floats(2, 30),
    st.lists(st.tuples(st.floats(0, 1.5), st.sampled_from("AB"), st.floats(0, DELAY)), min_size=1, max_size=120),
)
@settings(max_examples=150, deadline=None)
def test_a_quota_is_exceeded_in_no_window(
    par_seconde: float, a_minute: float, requests: list[tuple[float, str, float]]
) -> None:
    """The partner's and each tenant's, whatever the rhythm of the asks, each leaving as late as it is allowed to."""
    commune = QuotaWindow(WindowQuota.de(par_seconde, 1.0))
    own = {key: QuotaWindow(WindowQuota.de(a_minute, 60.0)) for key in "AB"}
    instant, gone = 0.0, dict[str, list[float]](A=[], B=[])
    for pause, key, delay in requests:
        instant += pause
        departure = depart(commune, own[key], instant)
        if departure.permit:
            gone[key].append(instant + departure.waiting + delay)
        else:
            assert largest_window(gone[key], 60.0) == int(a_minute)
    group = gone["A"] + gone["B"]
    assert largest_window(group, max(1.0, 1 / par_seconde)) <= max(1, int(par_seconde))
    assert max(largest_window(gone[key], 60.0) for key in "AB") <= int(a_minute)


@dataclass
class Ensemble:
    """What Redis does, without Redis: one count for all, by hand; `fault` and it tells nothing."""

    fault: bool = False
    instant: float = 1000.0
    _cadences: dict[str, QuotaWindow] = field(default_factory=dict)

    async def depart(self, source: str, key: str, quotas: tuple[WindowQuota, WindowQuota]) -> Departure | None:
        if self.fault:
            return None
        shared, own = quotas
        commune = self._cadences.setdefault(source, QuotaWindow(shared))
        return depart(commune, self._cadences.setdefault(key, QuotaWindow(own)), self.instant)


async def _departures(set_: Ensemble, pacers: Sequence[Pacer], sleeps: list[float], rounds: int) -> list[float]:
    """When each process leaves, all asking at each turn of a tenth of a second."""
    shared_pacer = []
    for _ in range(rounds):
        for pacer in pacers:
            sleeps.clear()
            if not await pacer.depart("T"):
                shared_pacer.append(set_.instant + sum(sleeps))
        set_.instant += 0.1
    return shared_pacer


async def test_a_failing_redis_leaves_each_its_share() -> None:
    """Three processes for one quota of 30 a minute a tenant: together, then each its ten, then together again."""
    group, sleeps = Ensemble(), list[float]()

    async def sleep(duration: float) -> None:
        sleeps.append(duration)

    limits = LimitsTable(par_seconde=1000, par_minute_locataire=30)
    clock = Clock(lambda: group.instant, sleep, processus=3, shared=group)
    pacers = [Pacer("erp", limits, clock) for _ in range(3)]
    before = await _departures(group, pacers, sleeps, 1300)
    group.fault, fault = True, group.instant
    during = await _departures(group, pacers, sleeps, 1300)
    group.fault = False
    after = await _departures(group, pacers, sleeps, int(10 * CAUTION) + 1300)
    everything = before + during + after
    assert largest_window(before, 60.0) == 30
    assert largest_window(during, 60.0) == 30
    assert largest_window(during + after, 60.0) == 30  # what left while Redis was away is not forgotten
    proceed = largest_window([instant for instant in everything if abs(instant - fault) < 60.0], 60.0)
    assert proceed <= 30 + 20  # the one window in which Redis died: each had counted its own departures only
    note(f"quota 30 par minute, 3 processus : {largest_window(after, 60)} avec Redis, {proceed} quand il meurt")


async def test_an_absent_redis_is_neither_an_error_nor_a_licence() -> None:
    async with open_redis(DEAD) as client:
        shared = SharedPacer(client, redis_breaker(), str)
        pacer = Pacer("erp", LimitsTable(par_minute_locataire=9), Clock(processus=3, shared=shared))
        waits = [await pacer.depart("T") for _ in range(5)]
    assert waits[:3] == [0.0, 0.0, 0.0]
    assert all(59 < waiting <= 61 for waiting in waits[3:])


async def test_a_late_departure_is_asked_for_again() -> None:
    """A loop that was held up: what it was given has moved towards those who come next."""
    instant, delays = [0.0], [0.2, 0.2, 0.0]

    async def sleep(duration: float) -> None:
        instant[0] += duration + delays.pop(0)

    group = Ensemble()
    pacer = Pacer("erp", LimitsTable(par_seconde=1), Clock(lambda: instant[0], sleep))
    shared_pacer = []
    for _ in range(2):
        assert await pacer.depart("T") == 0.0
        shared_pacer.append(instant[0])
    assert not group.fault
    assert delays == []
    assert shared_pacer == [0.0, pytest.approx(1.06 * 3)]


async def test_three_processes_on_one_redis_count_together(redis_url: str) -> None:
    """Real processes, real time: eight tasks in each ask without a pause; the clock is the machine's."""
    source, quota, seconds = f"erp-{uuid.uuid4().hex}", 20, 3
    command = [sys.executable, "-m", "tests.support.resilience.hammer", redis_url, source, str(quota), str(seconds)]
    processes = [await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(3)]
    departures = [await one.communicate() for one in processes]
    each = [[float(word) for word in output.split()] for output, _ in departures]
    everything = [departure for shared_pacer in each for departure in shared_pacer]
    full = largest_window(everything, 1.0)
    note(f"quota {quota} par seconde, 3 processus, un Redis : {full} au plus en une seconde, {len(everything)} en tout")
    assert len(everything) > 2 * quota
    assert sum(bool(shared_pacer) for shared_pacer in each) >= 2
    assert full <= quota


async def test_two_gateways_share_the_quota_of_a_tenant(router: respx.MockRouter) -> None:
    """Two gateways, six readings each of a tenant that allows five a minute: five requests reach it. Then Redis dies."""
    route = router.get(f"{BASE}/liste/{UAI_A}").respond(json=[{"cle": "1", "uai": UAI_A}])
    configure = partner(limites=LimitsTable(par_minute_locataire=5, delai_secondes=0.5))
    shared = None
    with redis_server() as url:
        client = open_redis(url)
        for _ in range(2):
            shared = SharedPacer(client, redis_breaker(), str)
            async with sources_harness(transport(router), configure, shared=shared) as attempt:
                for _ in range(6):
                    await attempt.sources.read([unit(UAI_A)], 5.0)
                    await attempt.sources.purge("erp")
    assert route.call_count == 5
    assert shared is not None
    assert await shared.depart("erp", UAI_A, (WindowQuota.de(1, 1.0), WindowQuota.de(5, 60.0))) is None
    await client.aclose()
