"""The cache that processes share, over a real Redis: sealed, leased, purged, and never an error (docs/security.md C08-C10)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cache.interface import CacheKey, Entry, LocalCache, MemoryBackend, canonical_key
from gateway.cache.redis import RedisBackend
from gateway.cache.sealed import Codec, SealedCodec
from gateway.cache.shared import SharedCache
from gateway.connectors.base import Record
from gateway.domain.seal import Sealer
from gateway.errors import ConfigurationError
from gateway.redis_client import open_redis
from gateway.schema.nouns import Adresse, Contrat, Jeune, Rupture, Sexe
from gateway.sources.codec import codec
from gateway.sources.units import CacheStatus, Resource, Unit, UnitResult
from tests.support.figures import note
from tests.support.redis_server import redis_breaker
from tests.support.sources import INSTANT

pytestmark = pytest.mark.anyio
UN, AUTRE = Sealer(b"1" * 32), Sealer(b"2" * 32)
KEY = CacheKey(canonical_key("erp", "cfa", "0590001F"), "erp")


def jeune(nom: str) -> Jeune:
    broken = Contrat(date_debut=date(2025, 9, 1), rupture=Rupture(date=date(2026, 1, 2), cause="MALADIE"))
    return Jeune(nom=nom, sexe=Sexe.F, telephone="0639980001", adresse=Adresse(voie="1 rue"), contrats=[broken])


def result(nom: str = "ZZTOPNOM", version: str = "v1") -> UnitResult:
    records = (Record("1", jeune(nom), INSTANT), Record("2", Jeune(autres_noms=("A", "B"))))
    return UnitResult(Unit("erp", Resource.CFA, "0590001F"), records, INSTANT, CacheStatus.MISSED, version)


@dataclass
class Processes:
    """What one process holds: its memory, and its way to the cache that all share."""

    cache: SharedCache
    seconds: list[float]

    async def keep(self, key: CacheKey = KEY, parsed: UnitResult | None = None) -> None:
        parsed = parsed or result()
        said_at = self.seconds[0]
        await self.cache.keep(
            key, Entry(parsed, parsed.version, said_at, said_at + 60, await self.cache.generation("erp"), 1)
        )

    async def read(self, key: CacheKey = KEY) -> UnitResult | None:
        (kept,) = await self.cache.read([key])
        return kept.value if kept else None


def sealed_codec(*sealers: Sealer, shape: Codec | None = None) -> SealedCodec:
    return SealedCodec(sealers or (UN,), shape or codec(UnitResult))


@asynccontextmanager
async def processus(url: str, *sealers: Sealer, shape: Codec | None = None) -> AsyncIterator[Processes]:
    seconds = [1_000_000.0]
    timer: Callable[[], float] = lambda: seconds[0]  # noqa: E731
    local = LocalCache(MemoryBackend(100, 10_000_000, timer), timer)
    cache = SharedCache(RedisBackend(open_redis(url)), sealed_codec(*sealers, shape=shape), local, redis_breaker(timer))
    try:
        yield Processes(cache, seconds)
    finally:
        await cache.aclose()


@pytest.fixture
def empty(redis_url: str) -> str:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    return redis_url


def entries(url: str) -> dict[bytes, bytes]:
    with redis.Redis.from_url(url) as client:
        return {name: client.get(name) or b"" for name in client.keys("*")}


async def test_what_a_process_keeps_another_reads(empty: str) -> None:
    async with processus(empty) as one, processus(empty) as other:
        await one.keep()
        assert await other.read() == result()
        await one.keep(parsed=result("NOUVEAU", "v2"))
        assert await other.read() == result("NOUVEAU", "v2")


async def test_what_was_invalidated_while_it_did_not_answer_is_told_when_it_does(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The defect: its marks, which it had not been told, unsaid those of the process, and the old answer was fresh again."""

    async def silent(_: object) -> None:
        return None

    async with processus(empty) as one, processus(empty) as other:
        await one.keep()
        await other.read()
        with monkeypatch.context() as down:
            down.setattr(one.cache, "_use", silent)
            assert not await one.cache.invalidate(KEY)
            assert [entry and entry.invalidated for entry in await one.cache.read([KEY])] == [True]
        for process in (one, other):
            assert [entry and entry.invalidated for entry in await process.cache.read([KEY])] == [True]
        assert await one.cache.mark(KEY) == await other.cache.mark(KEY)


async def test_a_body_already_opened_is_not_read_again(empty: str) -> None:
    async with processus(empty) as one, processus(empty) as other:
        await one.keep()
        await other.read()
        (body,) = [name for name in entries(empty) if b":v:" in name]
        with redis.Redis.from_url(empty) as client:
            client.delete(body)
        assert await other.read() == result()


async def test_c09_nothing_of_a_person_nor_of_a_tenant_is_readable(empty: str) -> None:
    async with processus(empty) as one:
        await one.keep()
    everything = b"".join(name + value for name, value in entries(empty).items())
    assert entries(empty)
    for plain in (b"ZZTOPNOM", b"0639980001", b"MALADIE", b"0590001F", b"erp", KEY.name.encode()):
        assert plain not in everything


async def test_c09_every_entry_has_an_end(empty: str) -> None:
    async with processus(empty) as one:
        await one.keep()
        await one.cache.acquire(KEY, 30.0)
    with redis.Redis.from_url(empty) as client:
        ends = {name.split(b":")[1]: client.ttl(name) for name in client.keys("*")}
    assert {kind: fin > 0 for kind, fin in ends.items()} == {b"b": True, b"g": True, b"t": True, b"v": True}
    assert ends[b"v"] <= 60
    assert ends[b"t"] <= 60


ALTERATIONS: dict[str, Callable[[bytes], bytes]] = {
    "tronquée": lambda sealed: sealed[: len(sealed) // 2],
    "vide": lambda _: b"",
    "un bit": lambda sealed: bytes([sealed[0] ^ 1]) + sealed[1:],
    "pickle": lambda _: b"cos\nsystem\n(S'true'\ntR.",
}


@pytest.mark.parametrize("alter", ALTERATIONS.values(), ids=ALTERATIONS.keys())
async def test_c08_an_altered_value_is_an_absence(empty: str, alter: Callable[[bytes], bytes]) -> None:
    async with processus(empty) as one, processus(empty) as other:
        await one.keep()
        ((body, sealed),) = [(name, value) for name, value in entries(empty).items() if b":v:" in name]
        with redis.Redis.from_url(empty) as client:
            client.set(body, alter(sealed))
        assert await other.read() is None


async def test_c08_a_value_moved_under_another_key_is_an_absence(empty: str) -> None:
    elsewhere = CacheKey(canonical_key("erp", "cfa", "0590002G"), "erp")
    async with processus(empty) as one, processus(empty) as other:
        await one.keep()
        await one.keep(elsewhere, result("AUTRE", "v2"))
        names = one.cache._names("v", [KEY.name, elsewhere.name])
        with redis.Redis.from_url(empty) as client:
            client.set(names[1], client.get(names[0]) or b"")
        assert (await other.read(elsewhere), await other.read()) == (None, result())


async def test_c08_another_version_of_the_format_is_an_absence(empty: str) -> None:
    same = codec(UnitResult)
    async with processus(empty) as one, processus(empty, shape=Codec("autre", same.write, same.read)) as other:
        await one.keep()
        assert await other.read() is None


async def test_two_releases_side_by_side_have_each_its_own_entry(empty: str, caplog: pytest.LogCaptureFixture) -> None:
    """The defect: of one name, each took the other's for an altered value, told so, and asked the partner again at every turn."""
    same = codec(UnitResult)
    async with processus(empty) as one, processus(empty, shape=Codec("autre", same.write, same.read)) as other:
        await one.keep()
        await other.keep(parsed=result("NOUVEAU", "v2"))
        async with processus(empty) as third, processus(empty, shape=Codec("autre", same.write, same.read)) as fourth:
            assert (await third.read(), await fourth.read()) == (result(), result("NOUVEAU", "v2"))
    assert "altérée" not in caplog.text


async def test_c08_another_key_finds_nothing_and_a_rotation_loses_nothing(empty: str) -> None:
    async with (
        processus(empty, UN) as before,
        processus(empty, AUTRE, UN) as during,
        processus(empty, AUTRE) as without,
    ):
        await before.keep()
        assert await during.read() == result()
        assert await without.read() is None
        await during.keep(parsed=result("NOUVEAU", "v2"))
        assert await before.read() == result()  # sealed by a key it has not: its own goes on until it expires


async def test_a_purge_holds_for_all(empty: str) -> None:
    async with processus(empty) as one, processus(empty) as other:
        await one.keep()
        await other.read()
        assert await one.cache.purge("erp")
        assert (await one.read(), await other.read()) == (None, None)


async def test_a_forgotten_generation_brings_nothing_back(empty: str) -> None:
    async with processus(empty) as one:
        await one.keep()
        with redis.Redis.from_url(empty) as client:
            client.delete(*one.cache._names("g", ["erp"]))
        assert await one.read() is None
        await one.cache.generation("erp")
        assert await one.read() is None


async def test_t2_one_alone_has_the_lease_and_it_alone_gives_it_back(empty: str) -> None:
    async with processus(empty) as one, processus(empty) as other:
        lease = await one.cache.acquire(KEY, 30.0)
        assert lease
        assert await other.cache.acquire(KEY, 30.0) is None
        await other.cache.release(KEY, "un autre")
        assert await other.cache.acquire(KEY, 30.0) is None
        await one.cache.release(KEY, lease)
        assert await other.cache.acquire(KEY, 30.0)


async def test_t2_a_lease_expires(empty: str) -> None:
    async with processus(empty) as one, processus(empty) as other:
        assert await one.cache.acquire(KEY, 0.05)
        await asyncio.sleep(0.1)
        assert await other.cache.acquire(KEY, 30.0)


async def test_c10_without_redis_each_has_its_own_and_no_value_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with processus("redis://:motdepasse@127.0.0.1:1/0") as single:
            await single.keep()
            assert await single.read() == result()
            assert await single.cache.acquire(KEY, 30.0)
            assert not await single.cache.purge("erp")
    for secret in ("ZZTOPNOM", KEY.name, "motdepasse", "127.0.0.1"):
        assert secret not in "".join(line.getMessage() for line in caplog.records if line.name != "asyncio")
    assert len([line for line in caplog.records if line.name == "gateway.redis"]) == 1  # then left alone


async def test_c10_a_redis_that_answers_no_more_is_bypassed_then_found_again(empty: str) -> None:
    async with processus(empty) as one, processus(empty) as other:
        await one.keep()
        with redis.Redis.from_url(empty) as client:
            client.execute_command("CLIENT", "PAUSE", "700", "ALL")
            debut = asyncio.get_running_loop().time()
            assert await one.read() == result()
            first = asyncio.get_running_loop().time() - debut
            debut = asyncio.get_running_loop().time()
            assert await one.read() == result()
            note(
                f"cache : Redis muet, première lecture {first * 1000:.0f} ms (délai 250 ms), "
                f"suivante {(asyncio.get_running_loop().time() - debut) * 1000:.1f} ms"
            )
            client.execute_command("CLIENT", "UNPAUSE")
        one.seconds[0] += 2.0
        await one.keep(parsed=result("NOUVEAU", "v2"))
        assert await other.read() == result("NOUVEAU", "v2")


async def test_c10_an_empty_redis_is_an_absence(empty: str) -> None:
    async with processus(empty) as one:
        await one.keep()
        with redis.Redis.from_url(empty) as client:
            client.flushdb()
        assert await one.read() is None
        await one.keep()
        assert await one.read() == result()


async def test_c10_a_full_redis_is_an_absence(empty: str) -> None:
    async with processus(empty) as one, processus(empty) as other:
        with redis.Redis.from_url(empty) as client:
            client.config_set("maxmemory", "1")
            await one.keep()
            client.config_set("maxmemory", "0")
        assert (await one.read(), await other.read()) == (result(), None)


@pytest.mark.parametrize("url", ["redis://a:port", "http://127.0.0.1", "memcached://127.0.0.1"])
def test_an_unknown_cache_address_stops_the_startup(url: str) -> None:
    with pytest.raises(ConfigurationError, match="GATEWAY_CACHE_URL"):
        open_redis(url)


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        Jeune,
        nom=st.none() | st.text(),
        rqth=st.none() | st.booleans(),
        age=st.none() | st.integers(),
        sexe=st.none() | st.sampled_from(Sexe),
        date_naissance=st.none() | st.dates(),
        autres_noms=st.lists(st.text()).map(tuple),
        contrats=st.none() | st.lists(st.builds(Contrat, date_fin=st.none() | st.dates(), annule=st.booleans())),
    )
)
def test_what_is_written_is_read_back(told: Jeune) -> None:
    written = codec(Record)
    record = Record("1", told, INSTANT, "59")
    assert written.read(written.write(record)) == record


def test_a_number_of_any_size_is_kept() -> None:
    written, record = codec(Record), Record("1", Jeune(age=10**30), INSTANT, "59")
    assert written.read(written.write(record)) == record


@pytest.mark.parametrize("bytes_", [b"", b"{", b"null", b'{"cle": 1, "jeune": {}}', b'{"cle": "1"}', b"\xff"])
def test_bytes_that_are_no_record_are_refused(bytes_: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        codec(Record).read(bytes_)


def test_one_more_field_changes_the_version() -> None:
    assert codec(UnitResult).version == codec(UnitResult).version != codec(Record).version


def test_f7_the_cache_does_not_import_pickle() -> None:
    for file in (*Path("gateway/cache").glob("*.py"), Path("gateway/sources/codec.py")):
        assert "pickle" not in file.read_text(encoding="utf-8")
