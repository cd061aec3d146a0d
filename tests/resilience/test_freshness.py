"""What the age of a kept answer allows: stale while asked again, stale when the partner fails, fresher on demand.

docs/fiabilite.md (staleness), docs/security.md C01, C04, C12; docs/architecture.md. Time is the cache's own, turned by hand.
"""

import asyncio
from dataclasses import replace

import httpx
import pytest
import respx

from gateway.errors import SourceError, SourceTimedOut, SourceUnavailable
from gateway.sources.freshness import cache_status
from gateway.sources.partners.file_format import CacheTable
from gateway.sources.units import CacheStatus, UnitFailure, UnitResult
from tests.support.sources import BASE, UAI_A, UAI_B, SourcesHarness, partner, sources_harness, transport, unit

pytestmark = pytest.mark.anyio
URL_A = f"{BASE}/liste/{UAI_A}"
RULES = CacheTable()


def rows(*keys: str) -> httpx.Response:
    return httpx.Response(200, json=[{"cle": key, "uai": UAI_A} for key in keys])


async def read(attempt: SourcesHarness, timeout: float = 5.0, age_max: float | None = None) -> UnitResult | UnitFailure:
    (result,) = await attempt.sources.read([unit()], timeout, age_max)
    return result


async def settle() -> None:
    """Let the flights behind come to their end."""
    for _ in range(100):
        await asyncio.sleep(0.001)


def seen(parsed: UnitResult | UnitFailure) -> tuple[list[str], CacheStatus, float]:
    assert isinstance(parsed, UnitResult), parsed
    return [record.key for record in parsed.records], parsed.cache, parsed.age


def covered_by_fallback(parsed: UnitResult | UnitFailure) -> tuple[type[SourceError], list[str], CacheStatus, float]:
    assert isinstance(parsed, UnitFailure)
    assert parsed.fallback
    return (type(parsed.error), *seen(parsed.fallback))


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0.0, CacheStatus.HIT),
        (299.9, CacheStatus.HIT),
        (300.0, CacheStatus.STALE),
        (899.9, CacheStatus.STALE),
        (900.0, CacheStatus.MISSED),
        (3599.9, CacheStatus.MISSED),
    ],
)
def test_the_ages_of_an_answer(age: float, expected: CacheStatus) -> None:
    assert cache_status(age, False, True, RULES) is expected


def test_c12_an_absence_is_fresh_for_a_minute_only() -> None:
    assert [cache_status(age, True, True, RULES) for age in (59.9, 60.0)] == [CacheStatus.HIT, CacheStatus.MISSED]


def test_what_was_read_the_day_before_is_fresh_no_more() -> None:
    assert cache_status(1.0, False, False, RULES) is CacheStatus.STALE


@pytest.mark.parametrize(
    ("age", "age_max", "expected"),
    [
        (59.0, 60.0, CacheStatus.HIT),
        (60.0, 60.0, CacheStatus.MISSED),
        (9.9, 0.0, CacheStatus.HIT),  # the partner is spared
        (10.0, 0.0, CacheStatus.MISSED),
        (300.0, 86_400.0, CacheStatus.MISSED),  # asking for less never makes a stale answer fresh
    ],
)
def test_a_requested_freshness(age: float, age_max: float, expected: CacheStatus) -> None:
    assert cache_status(age, False, True, RULES, age_max) is expected


async def test_a_stale_answer_serves_while_it_is_asked_again(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    route = router.get(URL_A).mock(side_effect=[rows("1"), rows("1", "2")])
    await read(attempt)
    attempt.seconds[0] += 301
    assert seen(await read(attempt)) == (["1"], CacheStatus.STALE, 301.0)
    await settle()
    assert route.call_count == 2
    assert seen(await read(attempt)) == (["1", "2"], CacheStatus.HIT, 0.0)


async def test_c06_twenty_readers_of_a_stale_answer_one_call(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    route = router.get(URL_A).mock(return_value=rows("1"))
    await read(attempt)
    attempt.seconds[0] += 301
    results = await asyncio.gather(*(read(attempt) for _ in range(20)))
    await settle()
    assert {seen(result)[1] for result in results} == {CacheStatus.STALE}
    assert route.call_count == 2


async def test_a_fault_leaves_the_previous_answer_and_its_age(
    router: respx.MockRouter, attempt: SourcesHarness
) -> None:
    router.get(URL_A).mock(side_effect=[rows("1"), httpx.Response(500)])
    await read(attempt)
    attempt.seconds[0] += 1200
    assert covered_by_fallback(await read(attempt)) == (SourceUnavailable, ["1"], CacheStatus.STALE, 1200.0)


async def test_a_known_fault_is_told_with_the_stale_answer(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    router.get(URL_A).mock(side_effect=[rows("1"), httpx.Response(500), rows("1"), rows("1")])
    await read(attempt)
    attempt.seconds[0] += 301
    assert seen(await read(attempt))[1] is CacheStatus.STALE  # nobody knows yet
    await settle()
    assert covered_by_fallback(await read(attempt)) == (SourceUnavailable, ["1"], CacheStatus.STALE, 301.0)
    await settle()
    assert seen(await read(attempt))[1] is CacheStatus.HIT


async def test_a_slow_partner_leaves_the_previous_answer(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    router.get(URL_A).mock(return_value=rows("1"))
    await read(attempt)
    router.get(URL_A).mock(side_effect=never)
    attempt.seconds[0] += 1200
    assert covered_by_fallback(await read(attempt, timeout=0.01)) == (SourceTimedOut, ["1"], CacheStatus.STALE, 1200.0)


async def test_beyond_an_hour_nothing_replaces_the_partner(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    router.get(URL_A).mock(side_effect=[rows("1"), httpx.Response(500)])
    await read(attempt)
    attempt.seconds[0] += 3600
    result = await read(attempt)
    assert isinstance(result, UnitFailure)
    assert result.fallback is None


async def test_a_requested_freshness_waits_for_the_partner(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    route = router.get(URL_A).mock(side_effect=[rows("1"), rows("2"), httpx.Response(500)])
    await read(attempt)
    attempt.seconds[0] += 30
    assert seen(await read(attempt, age_max=60)) == (["1"], CacheStatus.HIT, 30.0)
    assert seen(await read(attempt, age_max=20)) == (["2"], CacheStatus.MISSED, 0.0)
    attempt.seconds[0] += 9
    assert seen(await read(attempt, age_max=0)) == (["2"], CacheStatus.HIT, 9.0)
    attempt.seconds[0] += 9
    assert covered_by_fallback(await read(attempt, age_max=0)) == (SourceUnavailable, ["2"], CacheStatus.STALE, 18.0)
    assert route.call_count == 3


async def test_a_purge_has_it_asked_again(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    route = router.get(URL_A).mock(return_value=rows("1"))
    await read(attempt)
    await attempt.sources.purge("erp")
    assert seen(await read(attempt))[1] is CacheStatus.MISSED
    assert route.call_count == 2


async def test_c12_an_incomplete_reading_is_not_kept(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    """A second page that fails is a failure of the whole."""
    route = router.get(URL_A).mock(side_effect=[httpx.Response(429), rows("1")])
    assert isinstance(await read(attempt), UnitFailure)
    assert seen(await read(attempt)) == (["1"], CacheStatus.MISSED, 0.0)
    assert route.call_count == 2


async def test_c01_two_tenants_share_nothing(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    router.get(URL_A).mock(return_value=rows("1"))
    router.get(f"{BASE}/liste/{UAI_B}").respond(json=[{"cle": "9", "uai": UAI_B}])
    for _ in range(2):
        results = await attempt.sources.read([unit(UAI_B), unit()], 5.0)
        assert [seen(result)[0] for result in results] == [["9"], ["1"]]


async def test_the_rules_are_those_of_the_partner(router: respx.MockRouter) -> None:
    rules = CacheTable(duree_secondes=10, perime_secondes=10, secours_secondes=20)
    route = router.get(URL_A).mock(side_effect=[rows("1"), rows("2"), httpx.Response(500)])
    async with sources_harness(transport(router), replace(partner(), cache=rules)) as attempt:
        await read(attempt)
        attempt.seconds[0] += 10
        assert seen(await read(attempt))[0] == ["2"]
        attempt.seconds[0] += 20
        assert (await read(attempt)).fallback is None  # type: ignore[union-attr]
    assert route.call_count == 3
