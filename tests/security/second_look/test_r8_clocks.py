"""R8: a clock set back a day lengthens nothing and makes no age negative: rates, keys, leases, kept answers."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.auth.authentication.jwks import KeySet
from gateway.domain.seal import Sealer
from gateway.federation.collect.kept_readings import Freshness
from gateway.stores.quota_counters import Allowance, RateLimits
from gateway.stores.registry import RegistryStore
from gateway.stores.registry_writer import RegistryWriter
from tests.support.sources import INSTANT

pytestmark = pytest.mark.anyio
DAY = 86_400.0


class WallClock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now


async def test_r8_a_rate_window_ends_though_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who spent his minute was refused for a day."""
    clock = WallClock()
    monkeypatch.setattr("time.time", clock.time)
    limits, allowance = RateLimits(), Allowance("cout", 10)
    assert await limits.spend(allowance, "ml", 10) is None
    assert await limits.spend(allowance, "ml", 1) is not None
    clock.now -= DAY
    assert await limits.spend(allowance, "ml", 10) is None
    exceeded = await limits.spend(allowance, "ml", 1)
    assert exceeded is not None
    assert 0 <= exceeded.seconds <= 60


async def test_r8_keys_are_read_again_though_the_clock_was_set_back() -> None:
    """A set read "tomorrow" was believed for a day more, a withdrawn key with it."""
    clock, read = WallClock(), 0

    async def read_set() -> object:
        nonlocal read
        read += 1
        raise OSError

    keys = KeySet(read_set, clock.time)
    keys._read_at = clock.now  # a set was read just now
    assert await keys.is_usable()
    clock.now -= DAY
    assert not await keys.is_usable()
    assert read == 1


async def test_r8_a_lease_of_the_future_is_nobodys(tmp_path: Path) -> None:
    """The process that harvested died, and the clock was set back: nobody could harvest for a day."""
    clock = WallClock()
    store = RegistryStore(f"sqlite+aiosqlite:///{tmp_path / 'r.sqlite'}", Sealer(bytes(32)))
    await store.open()
    dead, alive = (RegistryWriter(store, clock.time) for _ in range(2))
    assert await dead.elect()
    assert not await alive.elect()
    clock.now -= DAY
    assert await alive.elect()
    assert not await dead.elect()
    await store.close()


def test_r8_no_age_is_negative() -> None:
    told = Freshness("moisson", 0.0, INSTANT + timedelta(days=1)).line(0.0, INSTANT)
    assert told["ageSecondes"] == 0
