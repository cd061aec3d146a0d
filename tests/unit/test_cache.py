"""The cache of one process: bounds, lifetimes, keys, generations (docs/security.md F5-F7, C02, C07, C11)."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cache.interface import CacheKey, Entry, LocalCache, MemoryBackend, canonical_key

pytestmark = pytest.mark.anyio


class Shown:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def cache(entries: int = 10, bytes_: int = 1000, shown: Callable[[], float] | None = None) -> LocalCache:
    shown = shown or Shown()
    return LocalCache(MemoryBackend(entries, bytes_, shown), shown)


def key(nom: str, label: str = "erp") -> CacheKey:
    return CacheKey(nom, label)


async def keep(kept: LocalCache, nom: str, value: object, duration: float = 5.0, bytes_: int = 1) -> None:
    said_at = kept.now()
    entry = Entry(value, str(value), said_at, said_at + duration, await kept.generation("erp"), bytes_)
    await kept.keep(key(nom), entry)


async def read(kept: LocalCache, *noms: str) -> list[object]:
    return [result.value if result else None for result in await kept.read([key(name) for name in noms])]


async def test_a_value_is_kept_for_its_duration() -> None:
    shown = Shown()
    kept = cache(shown=shown)
    await keep(kept, "a", ("valeur",))
    shown.seconds = 4.9
    assert await read(kept, "a", "b") == [("valeur",), None]
    shown.seconds = 5.0
    assert await read(kept, "a") == [None]


async def test_a_value_replaced_takes_its_new_duration() -> None:
    shown = Shown()
    kept = cache(shown=shown)
    await keep(kept, "a", 1)
    shown.seconds = 4.0
    await keep(kept, "a", 2)
    shown.seconds = 8.0
    assert await read(kept, "a") == [2]


@pytest.mark.parametrize("duration", [0.0, -1.0, float("nan")])
async def test_f6_a_zero_duration_is_not_forever(duration: float) -> None:
    """aiocache takes 0 for ever: what is over before it is kept is not kept, and the backend refuses it."""
    kept = cache()
    await keep(kept, "a", 1, duration)
    assert await read(kept, "a") == [None]
    with pytest.raises(ValueError, match="lifetime above zero"):
        await MemoryBackend(10, 1000).set("a", 1, ttl=duration)


async def test_c07_entries_are_bounded_the_least_read_leaves() -> None:
    kept = cache(entries=3)
    for name in "abc":
        await keep(kept, name, name)
    await read(kept, "a")
    await keep(kept, "d", "d")
    assert await read(kept, "a", "b", "c", "d") == ["a", None, "c", "d"]


async def test_c07_bytes_are_bounded() -> None:
    kept = cache(entries=10, bytes_=1000)
    await keep(kept, "a", "a", bytes_=600)
    await keep(kept, "b", "b", bytes_=600)
    assert await read(kept, "a", "b") == [None, "b"]


async def test_a_value_larger_than_the_cache_is_not_kept() -> None:
    kept = cache(bytes_=1000)
    await keep(kept, "a", "a", bytes_=1001)
    assert await read(kept, "a") == [None]


async def test_c07_twenty_thousand_keys_stay_bounded() -> None:
    shown = Shown()
    interne = MemoryBackend(100, 1_000_000, shown)
    kept = LocalCache(interne, shown)
    for numero in range(20_000):
        await keep(kept, str(numero), numero)
    assert len(interne._entries) == 100


async def test_c11_what_is_kept_does_not_change() -> None:
    kept = cache()
    await keep(kept, "a", "a")
    (result,) = await kept.read([key("a")])
    assert result
    with pytest.raises(FrozenInstanceError):
        result.value = "b"  # type: ignore[misc]


async def test_a_purged_tag_loses_everything_and_it_alone() -> None:
    kept = cache()
    await keep(kept, "a", "a")
    other = Entry("b", "b", 0.0, 5.0, await kept.generation("autre"), 1)
    await kept.keep(key("b", "autre"), other)
    assert await kept.purge("erp")
    assert [result and result.value for result in await kept.read([key("a"), key("b", "autre")])] == [None, "b"]


async def test_an_answer_asked_before_the_purge_does_not_undo_it() -> None:
    kept = cache()
    before = await kept.generation("erp")
    await kept.purge("erp")
    await kept.keep(key("a"), Entry("a", "a", 0.0, 5.0, before, 1))
    assert await read(kept, "a") == [None]


async def test_aiocache_disabled_by_the_environment_stays_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOCACHE_DISABLE", "1")
    assert await read(cache(), "a", "b") == [None, None]


@given(st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4))
def test_c02_two_keys_are_equal_when_their_parts_are(one: list[str], other: list[str]) -> None:
    assert (canonical_key(*one) == canonical_key(*other)) == (one == other)


def test_c02_where_the_parts_are_cut_matters() -> None:
    assert canonical_key("ml:1", "2") != canonical_key("ml", "1:2")
    assert canonical_key("a", "") != canonical_key("", "a")
