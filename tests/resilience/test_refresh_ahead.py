"""Perimeters in use stay young within what partners can spare: decisions, then counts of requests over virtual hours."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import httpx
import pytest
import respx

from gateway.cache.interface import Cache, Entry
from gateway.connectors.base import Tenant
from gateway.sources.partners.file_format import CacheTable, LimitsTable
from gateway.sources.partners.load import Partner
from gateway.sources.partners.tenants import TenantConfig
from gateway.sources.refresh_ahead import RefreshAhead, dues, to_refetch
from gateway.sources.resilience.budgets import SpareCapacity
from gateway.sources.units import CacheStatus, Resource, Unit, UnitFailure
from tests.resilience.test_revalidation import cache_de
from tests.support.figures import note
from tests.support.sources import BASE, UAI_A, UAI_B, SourcesHarness, partner, sources_harness, transport, unit

pytestmark = pytest.mark.anyio
URL_A = f"{BASE}/liste/{UAI_A}"
A, B = unit(UAI_A), unit(UAI_B)
IMILO = Unit("imilo", Resource.STRUCTURE, "STRUCT-1")


def test_what_is_still_used_is_reviewed_the_last_read_first() -> None:
    last_read = {A: 1000.0, B: 1100.0, IMILO: 1100.0, unit("0590003H"): 99.0}
    assert dues(last_read, {}, "erp", 1200.0) == [B, A]
    assert dues(last_read, {B: 1200.1}, "erp", 1200.0) == [A]
    assert dues(last_read, {B: 1200.0}, "erp", 1900.0) == [B]  # A was last read fifteen minutes ago


def test_an_answer_is_asked_again_before_its_freshness_ends() -> None:
    kept = Entry(None, "v", 1000.0, 4600.0, "g", 1)
    assert to_refetch(kept, CacheTable()) == 1240.0
    assert to_refetch(replace(kept, invalidated=True), CacheTable()) == 1000.0


def test_nothing_starts_while_a_request_is_under_way() -> None:
    spare_capacity = SpareCapacity(10.0, 600.0)
    with spare_capacity.request("a", 0.0):
        assert not spare_capacity.allows("b", 0.0)
    assert spare_capacity.allows("b", 0.0)


def test_half_of_the_quotas_is_left_to_those_who_may_come() -> None:
    spare_capacity = SpareCapacity(par_seconde=2.0, par_minute_locataire=4.0)
    for key in "abbcdefghi":
        assert spare_capacity.allows(key, 0.0)
        with spare_capacity.request(key, 0.0):
            pass
    assert not spare_capacity.allows("z", 9.9)  # ten in ten seconds: half of what the partner allows
    assert spare_capacity.allows("z", 10.0)
    assert not spare_capacity.allows("b", 59.9)  # two in a minute: half of its own
    assert spare_capacity.allows("b", 60.0)


@dataclass
class Watch:
    """A gateway's sources and their upkeep; `sleep` turns the hand of the clock."""

    attempt: SourcesHarness
    refresh_ahead: RefreshAhead

    @classmethod
    def de(cls, attempt: SourcesHarness) -> "Watch":
        async def sleep(duration: float) -> None:
            attempt.seconds[0] += duration
            await asyncio.sleep(0)

        return cls(attempt, RefreshAhead(attempt.sources, cache(attempt), sleep))

    async def spend(self, seconds: float) -> None:
        """Let time pass, with a turn every ten seconds."""
        fin = self.attempt.seconds[0] + seconds
        while self.attempt.seconds[0] < fin:
            self.attempt.seconds[0] += 10
            await self.refresh_ahead.sweep("erp")

    async def read(self, *units: Unit) -> list[CacheStatus | None]:
        results = await self.attempt.sources.read(units or (A,), 5.0)
        return [None if isinstance(result, UnitFailure) else result.cache for result in results]


def cache(attempt: SourcesHarness) -> Cache:
    return attempt.sources._deps.cache


def rows(uai: str = UAI_A) -> httpx.Response:
    return httpx.Response(200, json=[{"cle": "1", "uai": uai}], headers={"ETag": '"a"'})


def answer(request: httpx.Request) -> httpx.Response:
    if "If-None-Match" in request.headers:
        return httpx.Response(304)
    return rows(request.url.path.rpartition("/")[2])


@pytest.fixture
def watch(attempt: SourcesHarness) -> Watch:
    return Watch.de(attempt)


async def test_a_perimetre_in_use_never_grows_old(router: respx.MockRouter, watch: Watch) -> None:
    """Read every minute for an hour: always young, a request every four minutes; left, fifteen minutes later nothing."""
    route = router.get(URL_A).mock(side_effect=answer)
    seen = [*await watch.read()]
    for _ in range(60):
        await watch.spend(60)
        seen += await watch.read()
    moment = route.call_count
    await watch.spend(3600)
    assert seen == [CacheStatus.MISSED, *[CacheStatus.HIT] * 60]
    assert moment == 1 + 3600 // 240
    assert route.call_count - moment == 3  # in the fifteen minutes that follow the last reading
    assert watch.attempt.sources.last_read == {}
    note(
        f"entretien : lu chaque minute une heure, {moment} demandes, 0 lecture périmée ; puis {route.call_count - moment}"
    )


async def test_what_contains_nobody_is_not_kept_fresh(router: respx.MockRouter, watch: Watch) -> None:
    route = router.get(URL_A).respond(json=[])
    await watch.read()
    await watch.spend(600)
    assert route.call_count == 1


async def test_a_caller_who_waits_goes_first(router: respx.MockRouter, watch: Watch) -> None:
    """B is asked by somebody and does not come: A, due, is left alone until it has."""
    arrival, route_a = asyncio.Event(), router.get(URL_A).mock(side_effect=answer)

    async def wait(_: httpx.Request) -> httpx.Response:
        await arrival.wait()
        return rows(UAI_B)

    router.get(f"{BASE}/liste/{UAI_B}").mock(side_effect=wait)
    await watch.read(A)
    reading = asyncio.create_task(watch.read(B))
    for _ in range(5):
        await asyncio.sleep(0.001)
    await watch.spend(280)
    assert route_a.call_count == 1
    arrival.set()
    assert await reading == [CacheStatus.MISSED]
    await watch.spend(10)
    assert route_a.call_count == 2


async def test_refresh_ahead_takes_only_half_of_the_quota(router: respx.MockRouter) -> None:
    """A hundred CFAs due at once, two requests a second allowed: ten in ten seconds, the last read first."""
    uais = [f"059{rank:04}A" for rank in range(100)]
    route = router.get(url__startswith=BASE).mock(side_effect=answer)
    abonnes = {uai: TenantConfig(Tenant(uai, code=uai)) for uai in uais}
    slow: Partner = partner(abonnes=abonnes, limites=LimitsTable(par_seconde=2.0, simultanes=50))
    async with sources_harness(transport(router), slow) as attempt:
        watch = Watch.de(attempt)
        await watch.read(*map(unit, uais))
        attempt.seconds[0] += 240
        await watch.read(*map(unit, uais[:10]))
        departure = attempt.seconds[0]
        await watch.refresh_ahead.sweep("erp")
        duration, made = attempt.seconds[0] - departure, route.call_count - 100
        first = {call.request.url.path.rpartition("/")[2] for call in list(route.calls)[100:110]}
    assert first == set(uais[:10])
    assert (made, round(duration)) == (
        20,
        16,
    )  # two windows of ten seconds; the 80 that wait are left to the next turn
    note(f"entretien : {made} demandes en {duration:.0f} s pour un quota de 2 par seconde, le reste aux appelants")


async def test_a_failing_partner_is_left_in_peace(router: respx.MockRouter, watch: Watch) -> None:
    """Three refusals in a row: nothing is asked any more of what nobody waits for."""
    route = router.get(URL_A).mock(side_effect=answer)
    await watch.read()
    route.mock(side_effect=httpx.ConnectError("refus"))
    await watch.spend(900)
    assert route.call_count == 1 + 3
    assert watch.attempt.sources._readers["erp"].state().value == "INDISPONIBLE"


async def test_one_refresh_ahead_for_two_processes(router: respx.MockRouter, redis_url: str) -> None:
    """Both use the same CFAs: each is asked once, by one of them, and is young for both."""
    route = router.get(url__startswith=BASE).mock(side_effect=answer)
    minute = [1_000_000.0]
    async with AsyncExitStack() as stack:
        caches = [cache_de(redis_url, f"entretien-{id(router)}", minute) for _ in range(2)]
        attempts = [
            await stack.enter_async_context(sources_harness(transport(router), cache=cache)) for cache in caches
        ]
        watches = [Watch.de(attempt) for attempt in attempts]
        for watch in watches:
            await watch.read(A, B)
        minute[0] += 240
        for _ in range(2):
            await asyncio.gather(*(watch.refresh_ahead.sweep("erp") for watch in watches))
        seen = [await watch.read(A, B) for watch in watches]
    assert seen == [[CacheStatus.HIT] * 2] * 2
    assert route.call_count == 2 + 2
