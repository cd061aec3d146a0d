"""One unit told to have changed: asked again by the next reader, alone, in every process, and kept to stand in."""

import asyncio

import httpx
import pytest
import redis
import respx

from gateway.cache.interface import Entry, cache_local
from gateway.sources.freshness import cache_status
from gateway.sources.partners.file_format import CacheTable
from gateway.sources.shared_single_flight import Fetch, SharedSingleFlight
from gateway.sources.units import CacheStatus, Unit, UnitFailure, UnitResult
from tests.resilience.test_freshness import covered_by_fallback, read, rows, seen
from tests.resilience.test_shared_cache import KEY, processus, result
from tests.support.sources import BASE, UAI_A, UAI_B, SourcesHarness, partner, unit

pytestmark = pytest.mark.anyio
URL_A = f"{BASE}/liste/{UAI_A}"
RULES = CacheTable()


@pytest.mark.parametrize(
    ("age", "expected"), [(1.9, CacheStatus.HIT), (2.0, CacheStatus.MISSED), (3599.0, CacheStatus.MISSED)]
)
def test_what_is_invalidated_is_fresh_for_two_seconds_only(age: float, expected: CacheStatus) -> None:
    assert cache_status(age, False, True, RULES, invalidated=True) is expected


async def test_an_invalidated_unit_is_asked_again_it_alone(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    route = router.get(URL_A).mock(side_effect=[rows("1"), rows("1", "2")])
    neighbour = router.get(f"{BASE}/liste/{UAI_B}").respond(json=[{"cle": "9", "uai": UAI_B}])
    two = [unit(), unit(UAI_B)]
    await attempt.sources.read(two, 5.0)
    attempt.seconds[0] += 30
    assert await attempt.sources.invalidate(unit())
    assert [kept_version is None for kept_version in await attempt.sources.kept_versions(two)] == [True, False]
    result, other = await attempt.sources.read(two, 5.0)
    assert seen(result) == (["1", "2"], CacheStatus.MISSED, 0.0)
    assert seen(other) == (["9"], CacheStatus.HIT, 30.0)
    assert (route.call_count, neighbour.call_count) == (2, 1)


async def test_a_hundred_events_make_one_request_per_period_of_rest(
    router: respx.MockRouter, attempt: SourcesHarness
) -> None:
    """Ten seconds of events and of readers, ten of each a second: a request every two seconds, and the last change is read."""
    route = router.get(URL_A).mock(side_effect=[rows(str(rank)) for rank in range(9)])
    for _ in range(100):
        await attempt.sources.invalidate(unit())
        await read(attempt)
        attempt.seconds[0] += 0.1
    assert route.call_count == 5
    attempt.seconds[0] += 2
    assert seen(await read(attempt))[0] == ["5"]  # the sixth answer
    attempt.seconds[0] += 2
    assert seen(await read(attempt))[1] is CacheStatus.HIT


async def test_a_partner_failing_after_an_event_leaves_what_it_had_told(
    router: respx.MockRouter, attempt: SourcesHarness
) -> None:
    router.get(URL_A).mock(side_effect=[rows("1"), httpx.Response(500)])
    await read(attempt)
    attempt.seconds[0] += 30
    await attempt.sources.invalidate(unit())
    assert covered_by_fallback(await read(attempt))[1:] == (["1"], CacheStatus.STALE, 30.0)


async def test_what_was_asked_before_the_event_is_asked_again(
    router: respx.MockRouter, attempt: SourcesHarness
) -> None:
    """The event comes while the partner answers: its answer may be older, and is not believed for long."""
    arrival, following = asyncio.Event(), asyncio.Event()

    async def slow(_: httpx.Request) -> httpx.Response:
        arrival.set()
        await following.wait()
        return rows("avant")

    router.get(URL_A).mock(side_effect=slow)
    reading = asyncio.create_task(read(attempt))
    await arrival.wait()
    await attempt.sources.invalidate(unit())
    following.set()
    assert seen(await reading)[0] == ["avant"]
    router.get(URL_A).mock(return_value=rows("apres"))
    attempt.seconds[0] += 2
    assert seen(await read(attempt))[0] == ["apres"]


async def test_a_flight_that_has_just_landed_is_in_flight_no_more() -> None:
    """Who wakes in the same turn of the loop, before the flight is forgotten, gets another: the first may be too old."""
    departure = asyncio.Event()

    class Reader:
        def __init__(self) -> None:
            self.partner, self.readings = partner(), 0

        async def read(self, unit: Unit, known: UnitResult | None = None) -> UnitResult | UnitFailure:
            self.readings += 1
            await departure.wait()
            return result(version=str(self.readings))

    flights = SharedSingleFlight(cache_local(), {unit().source: Reader()}, lambda *_: True)
    fetch = Fetch(unit(), KEY)

    async def ask_again() -> tuple[bool, bool]:
        await departure.wait()
        return first.done(), flights.flight(fetch) is first

    first = flights.flight(fetch)
    await asyncio.sleep(0)  # it waits for the start before the other does
    second = asyncio.create_task(ask_again())
    await asyncio.sleep(0)
    departure.set()
    assert await second == (True, False)
    await flights.aclose()


async def test_an_invalidation_holds_for_all_the_processes(redis_url: str) -> None:
    async with processus(redis_url) as one, processus(redis_url) as other:
        await one.keep()
        assert await other.read() == result()
        assert await one.cache.invalidate(KEY)
        invalidated = [(await p.cache.read([KEY]))[0] for p in (one, other)]
        assert [kept is not None and kept.invalidated for kept in invalidated] == [True, True]
        assert await other.read() == result()  # to stand in
        fresh = result(version="v2")
        mark = await other.cache.mark(KEY)
        generation = await other.cache.generation("erp")
        await other.cache.keep(KEY, Entry(fresh, "v2", 1_000_000.0, 1_000_060.0, generation, 1, mark))
        (reading,) = await one.cache.read([KEY])
        assert reading is not None
        assert (reading.version, reading.invalidated) == ("v2", False)


async def test_a_mark_forgotten_by_redis_does_not_make_two_processes_differ(redis_url: str) -> None:
    """Each believes what the shared cache says, an absent mark included: one more request, then they agree."""
    async with processus(redis_url) as one, processus(redis_url) as other:
        await one.cache.invalidate(KEY)
        assert await other.cache.mark(KEY) == await one.cache.mark(KEY) != ""
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
        assert [await p.cache.mark(KEY) for p in (one, other)] == ["", ""]


async def test_an_invalidation_that_redis_does_not_hear_is_told(redis_url: str) -> None:
    """Whoever told it then tells it again."""
    async with processus(redis_url.replace("127.0.0.1", "127.0.0.2")) as deaf:
        assert not await deaf.cache.invalidate(KEY)
