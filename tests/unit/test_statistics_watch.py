"""When a gateway starts the nightly pass, and what it tells of the age of figures."""

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from gateway.server import statistics_watch
from gateway.server.statistics_watch import StatisticsMetrics, StatisticsWatch
from gateway.stores.blocks import BlockStore, Lot, LotState, Snapshot
from gateway.stores.blocks_writer import BlockWriter

pytestmark = pytest.mark.anyio

NOON, ONE_IN_PARIS = datetime(2026, 11, 30, 11, tzinfo=UTC), datetime(2026, 11, 30, 0, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture
async def store(url: str) -> AsyncIterator[BlockStore]:
    store = BlockStore(url)
    await store.open()
    yield store
    await store.close()


class Night:
    """A clock that a watch sleeps by, and the passes that it started."""

    def __init__(self, store: BlockStore, start: datetime, has_key: bool = True) -> None:
        self.now, self.started, self.metrics = start, list[datetime](), CollectorRegistry()
        gauges = StatisticsMetrics(self.metrics, lambda: self.now)
        self._watch = StatisticsWatch(store, gauges, lambda: self.now, has_key)

    async def go_on(self, duration: timedelta, monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
        end = self.now + duration

        async def sleep(seconds: float) -> None:
            self.now += timedelta(seconds=seconds)
            if self.now >= end:
                raise asyncio.CancelledError

        async def run_pass() -> None:
            self.started.append(self.now)

        monkeypatch.setattr(statistics_watch, "_run_pass", run_pass)
        with pytest.raises(asyncio.CancelledError):
            await self._watch.run(sleep)
        return self.started

    def figure(self, name: str, **labels: str) -> float | None:
        return self.metrics.get_sample_value(f"passerelle_statistiques_{name}", labels)


async def publish(store: BlockStore, as_of: date, minimum: int | None = 5) -> BlockWriter:
    writer = BlockWriter(store)
    assert await writer.lease.elect()
    lot = Lot("CFA:0750001A", "ypareo", NOON, LotState.ANCIEN, as_of)
    await writer.write_lot(lot, [], {"1a": "2020-01"})
    await writer.publish(Snapshot(1, as_of, ONE_IN_PARIS, 5, minimum), [])
    return writer


async def test_a_pass_starts_at_one_in_paris_and_once_an_hour_until_it_publishes(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Night(store, ONE_IN_PARIS - timedelta(hours=2))
    started = await night.go_on(timedelta(hours=24), monkeypatch)
    assert started == [ONE_IN_PARIS + timedelta(hours=hour) for hour in range(5)]


async def test_what_was_counted_today_is_not_counted_again(store: BlockStore, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = await publish(store, date(2026, 11, 30))
    assert await Night(store, ONE_IN_PARIS).go_on(timedelta(hours=5), monkeypatch) == []
    await writer.publish(Snapshot(2, date(2026, 12, 1), ONE_IN_PARIS, 5, 5), [])
    assert len(await Night(store, ONE_IN_PARIS + timedelta(days=2)).go_on(FIVE_MINUTES, monkeypatch)) == 1


async def test_without_its_key_no_pass_starts_by_itself_and_one_line_says_so(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert await Night(store, ONE_IN_PARIS, has_key=False).go_on(timedelta(hours=5), monkeypatch) == []
    assert [record.message for record in caplog.records] == [statistics_watch.NO_KEY]


async def test_figures_tell_the_age_the_lots_and_the_audit(store: BlockStore, monkeypatch: pytest.MonkeyPatch) -> None:
    night = Night(store, NOON)
    await night.go_on(FIVE_MINUTES, monkeypatch)
    assert night.figure("age_secondes") == math.inf
    assert math.isnan(night.figure("audit_minimum") or 0.0)
    writer = await publish(store, date(2026, 11, 30))
    await night.go_on(FIVE_MINUTES, monkeypatch)
    assert night.figure("age_secondes") == (night.now - ONE_IN_PARIS).total_seconds()
    assert [night.figure("lots", etat=state.value) for state in LotState] == [0, 1, 0]
    assert night.figure("audit_minimum") == 5
    await writer.refuse(2, NOON)
    await night.go_on(FIVE_MINUTES, monkeypatch)
    assert night.figure("audit_minimum") == 2
