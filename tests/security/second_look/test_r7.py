"""Redis mute, altered, or hostile: one circuit breaker for all its uses, told, and never an error (docs/security.md)."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from prometheus_client import CollectorRegistry

from fixtures.gateway_process import LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.world import World
from gateway import redis_breaker as breaker_module
from gateway.cache.factory import open_cache
from gateway.cache.interface import Cache, CacheKey, Entry, canonical_key
from gateway.cache.sealed import SealedCodec
from gateway.domain.seal import Sealer
from gateway.redis_breaker import RedisBreaker
from gateway.redis_client import open_redis
from gateway.sources.codec import codec
from gateway.sources.resilience.budgets import WindowQuota
from gateway.sources.resilience.shared_pacing import SharedPacer
from gateway.sources.units import CacheStatus, Resource, Unit, UnitResult
from gateway.stores.quota_counters import Allowance, RateLimits
from gateway.stores.shared_counters import SharedCounters
from tests.support.figures import note
from tests.support.pair import admin
from tests.support.redis_server import redis_server
from tests.support.security.second_checkout import configuration, gateway
from tests.support.sources import INSTANT

LIST = "{ ruptures(first: 5) { totalCount edges { node { date jeune { nom } } } } }"

# ---------------------------------------------------------------- over HTTP


@dataclass
class Stage:
    """A gateway over a Redis of its own."""

    gateway: LaunchedGateway
    url: str
    token: str
    record: Path

    def ask(self, times: int) -> list[tuple[int, float]]:
        """The status of each answer, and the seconds it took."""
        told = []
        with client_http(self.gateway.url) as http:
            for _ in range(times):
                start = time.monotonic()
                headers = {"Authorization": f"Bearer {self.token}"}
                status = http.post("/graphql", json={"query": LIST}, headers=headers).status_code
                told.append((status, time.monotonic() - start))
        return told

    def get(self, path: str) -> Any:
        time.sleep(1.1)  # figures are kept a second
        with client_http(admin(self.gateway)) as http:
            response = http.get(path)
        return response.text if path == "/metrics" else response.json()

    def alter(self, pattern: str, change: Callable[[redis.Redis, bytes], object]) -> int:
        with redis.Redis.from_url(self.url) as client:
            names = client.keys(pattern)
            for name in names:
                change(client, name)
        return len(names)

    @contextlib.contextmanager
    def mute(self) -> Iterator[None]:
        """Redis is there and says nothing: its process is stopped."""
        with redis.Redis.from_url(self.url) as client:
            pid = int(client.info("server")["process_id"])
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def stage(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    record = configuration(small_world, tmp_path_factory.mktemp("redis") / "configuration")
    with redis_server() as url, gateway(small_world, record, GATEWAY_CACHE_URL=url) as launched:
        opened = Stage(launched, url, small_world.token("ml"), record)
        opened.ask(10)
        yield opened


def test_r7_a_mute_redis_costs_once_a_second_and_is_told(stage: Stage) -> None:
    quiet = stage.ask(10)
    with stage.mute():
        stage.ask(1)
        told = stage.ask(30)
        ready, figures = stage.get("/health/ready"), stage.get("/metrics")
    slow = sum(seconds > 0.2 for _, seconds in told)
    lasted = sum(seconds for _, seconds in told)
    note(
        f"R7 : Redis muet, {len(told)} requêtes en {lasted:.1f} s, {slow} ont attendu (avant : {max(quiet)[1]:.2f} s au plus)"
    )
    assert {status for status, _ in told} == {200}
    assert ready["degrade"] == ["redis"]
    assert "passerelle_redis_disponible 0.0" in figures
    assert slow <= 2 * (1 + lasted), "more than one request a second waits"
    limit = time.monotonic() + 60
    while stage.get("/health/ready")["degrade"] and time.monotonic() < limit:
        time.sleep(1.0)
    assert stage.get("/health/ready")["degrade"] == []
    assert "passerelle_redis_disponible 1.0" in stage.get("/metrics")
    log = (stage.record / "passerelle.log").read_text(encoding="utf-8")
    assert log.count("redis sans réponse") >= log.count("redis répond de nouveau") >= 1


HOSTILE: dict[str, Callable[[redis.Redis, bytes], object]] = {
    "text": lambda client, name: client.set(name, b"texte"),
    "empty": lambda client, name: client.set(name, b""),
    "binary": lambda client, name: client.set(name, b"\xff\x00\xfe\x80" * 8),
    "NUL": lambda client, name: client.set(name, b"\0"),
    "a number": lambda client, name: client.set(name, b"12"),
    "a negative number": lambda client, name: client.set(name, b"-9223372036854775808"),
    "the largest number": lambda client, name: client.set(name, b"9223372036854775807"),
    "not a finite number": lambda client, name: client.set(name, b"nan"),
    "long": lambda client, name: client.set(name, b"x" * 20_000_000),
    "a list": lambda client, name: (client.delete(name), client.rpush(name, b"a", b"b")),
    "a list of numbers to come": lambda client, name: (client.delete(name), client.rpush(name, *[b"9e18"] * 50)),
    "a hash": lambda client, name: (client.delete(name), client.hset(name, "a", "b")),
    "a set": lambda client, name: (client.delete(name), client.sadd(name, "a")),
    "eternal": lambda client, name: client.persist(name),
    "bits changed": lambda client, name: client.type(name) == b"string" and client.setrange(name, 0, b"\x01"),
    "cut": lambda client, name: client.type(name) == b"string" and client.set(name, client.getrange(name, 0, 3)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_r7_no_altered_value_of_any_key_is_an_error(stage: Stage, case: str) -> None:
    small = case == "long"
    for pattern in ("passerelle:c:*", "passerelle:d:*", "passerelle:[gi]:*", "passerelle:t:*", "passerelle:v:*"):
        changed = [0]

        def change(client: redis.Redis, name: bytes, changed: list[int] = changed) -> None:
            changed[0] += 1
            if not small or changed[0] <= 3:
                HOSTILE[case](client, name)

        stage.alter(pattern, change)
        statuses = [status for status, _ in stage.ask(3)]
        assert statuses == [200] * 3, (case, pattern)
    stage.alter("*", lambda client, name: client.delete(name))
    log = (stage.record / "passerelle.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert max(log.count(f"{told.name} redis : une valeur") for told in breaker_module.USES.values()) <= 1  # told once


# ---------------------------------------------------------------- one suite, memory and Redis

KEY = CacheKey(canonical_key("erp", "cfa", "0590001F"), "erp")
ALLOWANCE = Allowance("essai", 10)
NAMES = ["a", "a/b", "é", "\0", "\ud800", "x" * 10_000, "", "a\nb", "{a}", "%s"]


@dataclass
class Stores:
    """What a process keeps in Redis, or in its memory."""

    cache: Cache
    rate_limits: RateLimits
    redis_breaker: RedisBreaker
    client: redis.Redis | None

    def hostile(self, change: Callable[[redis.Redis, bytes], object]) -> None:
        """Alter all that is there, which nobody can do in memory."""
        for name in self.client.keys("*") if self.client else ():
            assert self.client
            change(self.client, name if isinstance(name, bytes) else name.encode())


@pytest.fixture(params=["memory", "redis"])
async def stores(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Stores]:
    shared, url = request.param == "redis", redis_url
    redis_breaker = RedisBreaker(registry=CollectorRegistry())
    sealed_codec = SealedCodec([Sealer(b"1" * 32)], codec(UnitResult))
    opened = open_redis(url) if shared else None
    cache = open_cache(opened, sealed_codec, redis_breaker)
    counters = SharedCounters(opened, redis_breaker) if opened else None
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield Stores(cache, RateLimits(counters), redis_breaker, client if shared else None)
    await cache.aclose()


def result() -> UnitResult:
    return UnitResult(Unit("erp", Resource.CFA, "0590001F"), (), INSTANT, CacheStatus.MISSED, "v1")


async def keep(cache: Cache) -> None:
    now, generation, mark = cache.now(), await cache.generation("erp"), await cache.mark(KEY)
    await cache.keep(KEY, Entry(result(), "v1", now, now + 60, generation, 1, mark))


async def usable(stores: Stores) -> None:
    """Whatever was done before: what is kept is read, what is invalidated is told so, leases and counts are given."""
    await keep(stores.cache)
    (kept,) = await stores.cache.read([KEY])
    assert kept is not None
    assert (kept.value, kept.invalidated) == (result(), False)
    assert await stores.cache.invalidate(KEY)
    (kept,) = await stores.cache.read([KEY])
    assert kept is not None
    assert kept.invalidated
    lease = await stores.cache.acquire(KEY, 5.0)
    assert lease is not None
    await stores.cache.release(KEY, lease)
    assert await stores.cache.purge("erp")
    assert await stores.cache.read([KEY]) == [None]
    assert await stores.rate_limits.spend(ALLOWANCE, "b", 3) is None
    balance = await stores.rate_limits.balance(ALLOWANCE, "b")
    assert (balance.limit, balance.left) == (10, 7)
    assert 0 <= balance.seconds <= 60
    assert stores.redis_breaker.available


@pytest.mark.anyio
@pytest.mark.parametrize("case", HOSTILE)
async def test_r7_memory_and_an_altered_redis_behave_alike(stores: Stores, case: str) -> None:
    await usable(stores)
    await stores.cache.acquire(KEY, 5.0)
    await keep(stores.cache)
    stores.hostile(HOSTILE[case])
    for _ in range(2):
        assert await stores.cache.read([KEY]) is not None
        await stores.cache.mark(KEY)
        await stores.cache.acquire(KEY, 5.0)
        assert (await stores.rate_limits.balance(ALLOWANCE, "b")).limit == 10
        await stores.rate_limits.spend(ALLOWANCE, "b", 0)
    if stores.client:  # what is well formed and false ends with its window, at most
        assert all(0 < stores.client.pttl(name) <= 60_000 for name in stores.client.keys("passerelle:c*"))
        stores.client.delete(
            *(stores.client.keys("passerelle:c*") or ["x"]), *(stores.client.keys("passerelle:b*") or ["x"])
        )
    else:
        stores.rate_limits = RateLimits()
    await usable(stores)


@pytest.mark.anyio
@pytest.mark.parametrize("who", NAMES, ids=ascii)
async def test_r7_whatever_name_a_caller_signs_is_counted_as_it_is(stores: Stores, who: str) -> None:
    assert await stores.rate_limits.spend(ALLOWANCE, who, 10) is None
    assert (await stores.rate_limits.balance(ALLOWANCE, who)).left == 0
    exceeded = await stores.rate_limits.spend(ALLOWANCE, who, 1)
    assert exceeded is not None
    assert exceeded.left == 0
    assert await stores.rate_limits.spend(ALLOWANCE, who + "+", 1) is None


@pytest.mark.anyio
async def test_r7_a_lease_that_nobody_gives_back_is_taken(stores: Stores) -> None:
    if stores.client is None:
        assert await stores.cache.acquire(KEY, 5.0) == ""
        return
    assert await stores.cache.acquire(KEY, 5.0)
    assert await stores.cache.acquire(KEY, 5.0) is None
    for change in ("text", "a list", "eternal"):
        stores.hostile(HOSTILE[change])
        assert await stores.cache.acquire(KEY, 5.0), change


@pytest.mark.anyio
@pytest.mark.parametrize("case", HOSTILE)
async def test_r7_altered_departures_delay_nobody_for_long(redis_url: str, case: str) -> None:
    redis_breaker = RedisBreaker(registry=CollectorRegistry())
    opened = open_redis(redis_url)
    pacer, quotas = SharedPacer(opened, redis_breaker, str), (WindowQuota(5, 1.0), WindowQuota(5, 60.0))
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        assert (await pacer.depart("erp", "T", quotas)) is not None
        for name in client.keys("*"):
            HOSTILE[case](client, name)
    for _ in range(3):
        departure = await pacer.depart("erp", "T", quotas)
        assert departure is not None
        assert 0 <= departure.waiting <= 3600
    await opened.aclose()
    assert redis_breaker.available


# ---------------------------------------------------------------- one state


@dataclass
class Line:
    """A use of Redis that the test breaks, and the clock it turns."""

    def __post_init__(self) -> None:
        self.seconds, self.asked, self.fails = 100.0, 0, True
        self.redis_breaker = RedisBreaker(lambda: self.seconds, CollectorRegistry())

    async def use(self, name: str = "cache") -> str | None:
        async def request() -> str:
            self.asked += 1
            await asyncio.sleep(0)
            if self.fails:
                raise ConnectionError
            return "oui"

        return await self.redis_breaker.use(name, request)


@pytest.mark.anyio
async def test_r7_one_failure_of_any_use_suspends_them_all() -> None:
    line = Line()
    assert await line.use("cadence") is None
    assert [await line.use(use) for use in breaker_module.USES] == [None] * 3
    assert (line.asked, line.redis_breaker.available) == (1, False)


@pytest.mark.anyio
async def test_r7_one_alone_tries_when_the_suspension_ends() -> None:
    line = Line()
    await line.use()
    line.seconds += breaker_module.REST
    assert await asyncio.gather(*(line.use() for _ in range(50))) == [None] * 50
    assert line.asked == 2
    line.seconds += breaker_module.REST
    line.fails = False
    told = await asyncio.gather(*(line.use() for _ in range(50)))
    assert (told.count("oui"), line.asked) == (1, 3)
    assert await line.use() == "oui"


@pytest.mark.anyio
async def test_r7_who_leaves_while_he_tries_lets_another_try() -> None:
    line = Line()
    await line.use()
    line.seconds += breaker_module.REST
    line.fails = False
    trial = asyncio.create_task(line.redis_breaker.use("cache", lambda: asyncio.sleep(60)))
    await asyncio.sleep(0)
    trial.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await trial
    assert await line.use() == "oui"


@pytest.mark.anyio
async def test_r7_a_redis_that_fails_now_and_then_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """It answers reads and refuses writes: its state must not change each second."""
    line = Line()
    with caplog.at_level(logging.INFO):
        for _ in range(20):
            line.fails = True
            await line.use()
            line.seconds += breaker_module.REST
            line.fails = False
            await line.use()
            assert not line.redis_breaker.available
        line.seconds += breaker_module.STEADY
        await line.use()
    assert line.redis_breaker.available
    assert [record.getMessage().partition(" (")[0] for record in caplog.records if record.name == "gateway.redis"] == [
        "redis sans réponse",
        "redis répond de nouveau",
    ]


@pytest.mark.anyio
async def test_r7_what_waits_is_given_up_in_time_whatever_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker_module, "TIMEOUT", 0.02)
    redis_breaker = RedisBreaker(registry=CollectorRegistry())

    async def stubborn() -> None:
        for _ in range(3):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.2)

    answer: object = await redis_breaker.use("cache", stubborn)
    assert answer is None
    assert not redis_breaker.available
