"""What the simulation and the matrix found, played again by itself: a promise each, broken before."""

import itertools
from collections.abc import Sequence

import httpx
import pytest
import respx

from gateway.cache.interface import CacheKey, Entry, LocalCache, MemoryBackend
from gateway.sources.partners.file_format import CacheTable
from gateway.sources.units import CacheStatus, UnitResult
from tests.support.sources import BASE, UAI_A, partner, sources_harness, transport, unit

pytestmark = pytest.mark.anyio


class Leases(LocalCache):
    """A cache that notes for how long it is asked to keep others away."""

    requests: list[float]

    async def acquire(self, key: CacheKey, duration: float) -> str | None:
        self.requests.append(duration)
        return await super().acquire(key, duration)


async def test_the_lease_of_a_flight_lasts_longer_than_its_reading(router: respx.MockRouter) -> None:
    """Another process asked the partner for the same in the last hundredths of a second of a reading that was late."""
    router.get(f"{BASE}/liste/{UAI_A}").respond(json=[])
    cache = Leases(MemoryBackend(100, 1_000_000))
    cache.requests = []
    async with sources_harness(transport(router), cache=cache) as attempt:
        await attempt.sources.read([unit()], 5.0)
    assert cache.requests == [partner().limites.delai_secondes + 2.0]


async def test_an_answer_stale_before_it_is_kept_is_served(router: respx.MockRouter) -> None:
    """Half a second of life, and a clock that moves by one each time it is looked at: it was an error 500."""
    router.get(f"{BASE}/liste/{UAI_A}").respond(json=[{"cle": "1", "uai": UAI_A}])
    seconds = itertools.count(1_000_000.0)
    timer = lambda: next(seconds)  # noqa: E731
    cache = LocalCache(MemoryBackend(100, 1_000_000, timer), timer)
    rules = CacheTable(duree_secondes=0.5, perime_secondes=0.5, secours_secondes=0.5)
    async with sources_harness(transport(router), partner(cache=rules), cache=cache) as attempt:
        (result,) = await attempt.sources.read([unit()], 5.0)
    assert isinstance(result, UnitResult)
    assert [record.key for record in result.records] == ["1"]


class Distrait(LocalCache):
    """A cache that others share, whose next reading brings nothing, as when it does not answer."""

    silent = False

    async def acquire(self, key: CacheKey, duration: float) -> str | None:
        return "bail"

    async def read(self, keys: Sequence[CacheKey]) -> list[Entry | None]:
        if self.silent:
            self.silent = False
            return [None] * len(keys)
        return await super().read(keys)


@pytest.mark.parametrize(
    ("aged", "key", "age", "etat"),
    [(5.1, "maintenant", 0.0, CacheStatus.MISSED), (4.0, "avant", 4.0, CacheStatus.HIT)],
    ids=["vieille", "jeune"],
)
async def test_a_copy_the_cache_did_not_give_back_is_not_a_fresh_answer(
    router: respx.MockRouter, aged: float, key: str, age: float, etat: CacheStatus
) -> None:
    """The flight found it. Past its life, it was given as what a partner had just said; young, it was told as asked for."""
    router.get(f"{BASE}/liste/{UAI_A}").mock(side_effect=[reponse("avant"), reponse("maintenant")])
    instant = [1_000_000.0]
    cache = Distrait(MemoryBackend(100, 1_000_000, lambda: instant[0]), lambda: instant[0])
    async with sources_harness(
        transport(router), partner(cache=CacheTable(duree_secondes=5.0)), cache=cache
    ) as attempt:
        (first,) = await attempt.sources.read([unit()], 5.0)
        instant[0] += aged
        cache.silent = True
        (result,) = await attempt.sources.read([unit()], 5.0)
        readings_journal = [
            attempt.counter("passerelle_lectures", partenaire="erp", ressource="cfa", cache=one.value)
            for one in (CacheStatus.MISSED, CacheStatus.HIT)
        ]
    assert isinstance(first, UnitResult)
    assert isinstance(result, UnitResult)
    assert ([record.key for record in result.records], result.age, result.cache) == ([key], age, etat)
    assert readings_journal == ([2, 0] if etat is CacheStatus.MISSED else [1, 1])


def reponse(key: str) -> httpx.Response:
    return httpx.Response(200, json=[{"cle": key, "uai": UAI_A}])
