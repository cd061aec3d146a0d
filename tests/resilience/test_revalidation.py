"""What a partner confirms by 304, or says again word for word, is young again, unread; what it does not is read whole
(RFC 9110 §13). Time is virtual."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date, datetime, timedelta

import httpx
import pytest
import respx
from pydantic import SecretStr

from gateway.cache.interface import Cache, cache_local
from gateway.cache.redis import RedisBackend
from gateway.cache.sealed import SealedCodec
from gateway.cache.shared import SharedCache
from gateway.connectors.base import BodyFormat, PagingStyle, PartnerRequest, ReadingResult, ReadingSteps, Record, Tenant
from gateway.domain.seal import Sealer
from gateway.errors import SourceInvalid
from gateway.federation.collect.collector import Collector
from gateway.federation.collect.plan import SourcePlan
from gateway.federation.organisation_directory import Directory
from gateway.redis_client import open_redis
from gateway.schema.nouns import Jeune
from gateway.sources.codec import codec
from gateway.sources.http.decode import InvalidDocument, decode
from gateway.sources.http.page_answer import all_validators, page_validator
from gateway.sources.partners.load import AccessConfig
from gateway.sources.units import CacheStatus, UnitFailure, UnitResult
from tests.support.access.small_world import IDS, REFERENTIEL, RegistryStore
from tests.support.redis_server import redis_breaker
from tests.support.sources import (
    BASE,
    CONNECTOR,
    INSTANT,
    SECRET,
    UAI_A,
    UAI_B,
    SourcesHarness,
    partner,
    sources_harness,
    transport,
    unit,
)
from tests.support.sources import _record as record

pytestmark = pytest.mark.anyio
URL = f"{BASE}/liste/{UAI_A}"
PAGE_2 = f"{BASE}/liste/{UAI_A}?page=2"
UNCHANGED = httpx.Response(304)


def rows(*keys: str, uai: str = UAI_A, **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, json=[{"cle": key, "uai": uai} for key in keys], headers=names)


async def read(attempt: SourcesHarness, aged: float = 0.0) -> UnitResult | UnitFailure:
    """What is known once the partner was asked, if it has to be."""
    attempt.seconds[0] += aged
    (result,) = await attempt.sources.read([unit()], 5.0)
    return result


async def read_again(attempt: SourcesHarness) -> UnitResult:
    """The same, past its fresh lifetime, waited for."""
    result = await read(attempt, 901)
    assert isinstance(result, UnitResult), result
    return result


def keys(parsed: UnitResult | UnitFailure) -> list[str]:
    assert isinstance(parsed, UnitResult), parsed
    return [record.key for record in parsed.records]


def conditions(route: respx.Route) -> list[str | None]:
    return [call.request.headers.get("If-None-Match") for call in route.calls]


async def test_a_304_makes_what_is_kept_fresh_again(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    route = router.get(URL).mock(side_effect=[rows("1", ETag='"a"'), UNCHANGED, UNCHANGED])
    first = await read(attempt)
    for _ in range(2):
        result = await read_again(attempt)
        assert (keys(result), result.cache, result.age) == (["1"], CacheStatus.MISSED, 0.0)
        assert isinstance(first, UnitResult)
        assert (result.version, result.received_at) == (first.version, first.received_at)  # the views made of it hold
    again = await read(attempt, 299)
    assert (again.cache, again.age) == (CacheStatus.HIT, 299.0)  # type: ignore[union-attr]
    assert conditions(route) == [None, '"a"', '"a"']
    assert attempt.counter("passerelle_revalidations", partenaire="erp", issue="inchangee") == 2


async def test_what_is_told_again_word_for_word_keeps_its_version(
    router: respx.MockRouter, attempt: SourcesHarness
) -> None:
    """A partner without validators is read whole; the views made of what it says again hold all the same."""
    router.get(URL).mock(side_effect=[rows("1"), rows("1"), rows("1", "2")])
    first, same_again, changed = await read_again(attempt), await read_again(attempt), await read_again(attempt)
    assert (same_again.version, same_again.cache, same_again.age) == (first.version, CacheStatus.MISSED, 0.0)
    assert same_again.records is first.records
    assert (keys(changed), changed.version != first.version) == (["1", "2"], True)


def read_by_name(tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
    ((page,),) = yield [PartnerRequest("liste", f"/liste/{tenant.code}")]
    return ReadingResult(
        [Record(one["cle"], Jeune(nom="Zz", prenom="Yy", date_naissance=date(2008, 1, 2))) for one in page]
    )


@pytest.fixture
async def named(router: respx.MockRouter) -> AsyncIterator[SourcesHarness]:
    async with sources_harness(transport(router), connector=replace(CONNECTOR, cfa_records=read_by_name)) as opened:
        yield opened


async def test_what_was_made_of_it_holds_and_tells_the_age_of_the_moment(
    router: respx.MockRouter, named: SourcesHarness
) -> None:
    """What was heard is not heard again, warm or confirmed; its age is that of the partner's last word."""
    attempt = named
    router.get(URL).mock(side_effect=[rows("1", ETag='"a"'), UNCHANGED])
    moment = lambda: attempt.seconds[0]  # noqa: E731
    collector = Collector(attempt.sources, RegistryStore(), "registre", 3.0, moment, lambda _source, _number: None)
    plan, directory = SourcePlan(view=True, uais=(UAI_A,)), Directory(REFERENTIEL, IDS)
    first, ages = await collector.collect(plan, directory), []
    for passed in (100, 100, 101):  # young, young, stale: asked again behind
        attempt.seconds[0] += passed
        readings = await collector.collect(plan, directory)
        ages.append(
            (
                readings.freshness_by_source["erp"].status,
                attempt.seconds[0] - readings.freshness_by_source["erp"].said_at,
            )
        )
        for _ in range(50):
            await asyncio.sleep(0.001)
    attempt.seconds[0] += 2
    confirmed = await collector.collect(plan, directory)
    assert ages == [("touche", 100.0), ("touche", 200.0), ("perime", 301.0)]
    assert (
        confirmed.freshness_by_source["erp"].status,
        attempt.seconds[0] - confirmed.freshness_by_source["erp"].said_at,
    ) == (
        "touche",
        2.0,
    )
    assert confirmed.versions == first.versions
    assert all(one is other for one, other in zip(confirmed.sourced_records, first.sourced_records, strict=True))


async def test_what_changes_is_read_in_full(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    """What comes in place of a confirmation is what is read: it is not asked a second time."""
    following = [rows("1", ETag='"a"'), rows("1", "2", ETag='"b"'), UNCHANGED]
    route = router.get(URL).mock(side_effect=following)
    await read(attempt)
    assert keys(await read_again(attempt)) == ["1", "2"]
    assert keys(await read_again(attempt)) == ["1", "2"]
    assert conditions(route) == [None, '"a"', '"b"']
    assert attempt.counter("passerelle_revalidations", partenaire="erp", issue="changee") == 1


async def test_without_a_sure_validator_nothing_is_asked_conditionally(
    router: respx.MockRouter, attempt: SourcesHarness
) -> None:
    route = router.get(URL).mock(side_effect=[rows("1", ETag="sans guillemets"), rows("2", ETag='"a b"'), rows("3")])
    assert [keys(await read(attempt)), keys(await read_again(attempt)), keys(await read_again(attempt))] == [
        ["1"],
        ["2"],
        ["3"],
    ]
    assert conditions(route) == [None, None, None]


async def test_a_date_of_modification_serves_as_validator(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    yesterday, before = "Sun, 01 Mar 2026 08:00:00 GMT", "Sun, 01 Mar 2026 07:00:00 GMT"
    route = router.get(URL).mock(side_effect=[rows("1", Last_Modified=before, Date=yesterday), UNCHANGED])
    await read(attempt)
    assert keys(await read_again(attempt)) == ["1"]
    assert route.calls.last.request.headers["If-Modified-Since"] == before


@pytest.mark.parametrize(("modifie", "date"), [("Sun, 01 Mar 2026 08:00:00 GMT",) * 2, ("hier", "demain"), ("", "")])
def test_a_date_that_does_not_tell_all_is_no_validator(modifie: str, date: str) -> None:
    result = page_validator(PartnerRequest("liste", "/liste"), b"", {"Last-Modified": modifie, "Date": date})
    assert result is not None
    assert result.conditions == {}


def test_a_page_without_validator_has_everything_read_again() -> None:
    requested = PartnerRequest("liste", "/liste", params={"page": "1"}, shape=BodyFormat.CSV, encoding="latin-1")
    one = page_validator(requested, b"", {"ETag": 'W/"a"'})
    assert one
    assert (one.partner_request, one.conditions) == (requested, {"If-None-Match": 'W/"a"'})
    assert page_validator(PartnerRequest("liste", "/liste", "POST"), b"", {"ETag": '"a"'}) is None
    assert (all_validators([one, one]), all_validators([one, None]), all_validators([])) == ((one, one), (), ())


async def test_a_304_that_nobody_asked_for_is_an_error(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    router.get(URL).mock(side_effect=[UNCHANGED, rows("1")])
    result = await read(attempt)
    assert isinstance(result, UnitFailure)
    assert isinstance(result.error, SourceInvalid)
    assert result.fallback is None
    assert keys(await read(attempt)) == ["1"]


async def test_what_was_purged_is_not_confirmed(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    """Purged after it was looked at and before the partner was asked: we hold it, and must not keep it again."""
    route = router.get(URL).mock(side_effect=[rows("1", ETag='"a"'), rows("2", ETag='"b"')])
    await read(attempt)
    attempt.seconds[0] += 901
    reading = asyncio.create_task(attempt.sources.read([unit()], 5.0))
    await asyncio.sleep(0)
    await attempt.sources.purge("erp")
    (result,) = await reading
    assert keys(result) == ["2"]
    assert conditions(route) == [None, None]


async def test_a_304_for_what_was_purged_meanwhile_is_not_kept(
    router: respx.MockRouter, attempt: SourcesHarness
) -> None:
    async def purge(_: httpx.Request) -> httpx.Response:
        await attempt.sources.purge("erp")
        return UNCHANGED

    route = router.get(URL).mock(side_effect=[rows("1", ETag='"a"')])
    await read(attempt)
    route.mock(side_effect=purge)
    assert keys(await read_again(attempt)) == ["1"]  # true when it was asked
    route.mock(side_effect=[rows("2")])
    assert keys(await read(attempt)) == ["2"]
    assert conditions(route) == [None, '"a"', None]


async def test_a_304_for_what_was_forgotten_meanwhile_keeps_it_again(
    router: respx.MockRouter, attempt: SourcesHarness
) -> None:
    """Out of memory while the partner was asked: what was looked at is still in hand."""

    async def forget(_: httpx.Request) -> httpx.Response:
        attempt.sources._deps.cache._memory._entries.clear()  # type: ignore[attr-defined]
        return UNCHANGED

    route = router.get(URL).mock(side_effect=[rows("1", ETag='"a"')])
    await read(attempt)
    route.mock(side_effect=forget)
    assert keys(await read_again(attempt)) == ["1"]
    again = await read(attempt)
    assert (keys(again), again.cache) == (["1"], CacheStatus.HIT)  # type: ignore[union-attr]


async def test_what_was_read_the_day_before_is_read_again(router: respx.MockRouter) -> None:
    route = router.get(URL).mock(side_effect=[rows("1", ETag='"a"'), rows("1", ETag='"a"')])
    now = [INSTANT]

    def wall_clock() -> datetime:
        return now[0]

    async with sources_harness(transport(router), instant=wall_clock) as attempt:
        await read(attempt)
        now[0] += timedelta(days=1)
        assert keys(await read_again(attempt)) == ["1"]
    assert conditions(route) == [None, None]


async def test_c03_an_answer_mixed_with_others_is_never_confirmed(
    router: respx.MockRouter, attempt: SourcesHarness
) -> None:
    mixed = [{"cle": "1", "uai": UAI_A}, {"cle": "9", "uai": UAI_B}]
    route = router.get(URL).mock(return_value=httpx.Response(200, json=mixed, headers={"ETag": '"a"'}))
    for _ in range(2):
        result = await read(attempt)
        assert isinstance(result, UnitFailure)
        assert result.fallback is not None
        assert keys(result.fallback) == ["1"]
    assert conditions(route) == [None, None]


def chained(tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
    (pages,) = yield [PartnerRequest("liste", f"/liste/{tenant.code}", pages=PagingStyle.ODATA)]
    return ReadingResult([record(line) for page in pages for line in page["value"]])


def page(key: str, following: str | None = None) -> httpx.Response:
    rows = [{"cle": key, "uai": UAI_A}]
    return httpx.Response(200, json={"value": rows, "@odata.nextLink": following}, headers={"ETag": f'"{key}"'})


async def test_a_reading_of_two_pages_is_confirmed_page_by_page(router: respx.MockRouter) -> None:
    """Two requests when nothing changes, or the last page; when the first does, one more: the last only said unchanged."""
    one, two = router.get(PAGE_2), router.get(URL)  # the most precise first
    one.mock(side_effect=[page("2"), UNCHANGED, page("3"), UNCHANGED, page("3")])
    two.mock(side_effect=[page("1", PAGE_2), UNCHANGED, page("1", PAGE_2), page("0", PAGE_2)])
    results, calls = [], []
    async with sources_harness(transport(router), connector=replace(CONNECTOR, cfa_records=chained)) as attempt:
        for _ in range(4):
            before = one.call_count + two.call_count
            results.append(keys(await read(attempt, 901)))
            calls.append(one.call_count + two.call_count - before)
    assert results == [["1", "2"], ["1", "2"], ["1", "3"], ["0", "3"]]
    assert calls == [2, 2, 2, 3]


async def test_the_pages_of_a_list_are_asked_again_one_after_the_other(router: respx.MockRouter) -> None:
    """Two lists are asked again together, each a page at a time: a long one takes no more places than when it is read."""
    under_way, group = 0, 0

    def two_lists(tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
        lists = yield [
            PartnerRequest("liste", f"/liste/{name}", params={}, pages=PagingStyle.SIZE, size=2)
            for name in (tenant.code, "b")
        ]
        return ReadingResult([record(line) for pages in lists for page in pages for line in page])

    async def serve(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, group
        under_way += 1
        group = max(group, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        rank, name = int(request.url.params["page"]), request.url.path.rpartition("/")[2]
        return rows(*(f"{name}{key}" for key in range(2 * rank, 2 * rank + {4: 1, 5: 0}.get(rank, 2))))

    route = router.get(url__startswith=f"{BASE}/liste/").mock(side_effect=serve)
    async with sources_harness(transport(router), connector=replace(CONNECTOR, cfa_records=two_lists)) as attempt:
        first, same_again = await read_again(attempt), await read_again(attempt)
    assert (same_again.records is first.records, len(first.records), route.call_count) == (True, 14, 20)
    assert group == 2


def by_links(tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
    (pages,) = yield [PartnerRequest("liste", f"/liste/{tenant.code}", pages=PagingStyle.LINK)]
    return ReadingResult([record(line) for page in pages for line in page])


async def test_a_new_link_under_the_same_body_is_a_change(router: respx.MockRouter) -> None:
    """A full page stays as it was when another is added after it: only its header tells, of which no validator speaks."""
    one, two = router.get(PAGE_2), router.get(URL)
    one.mock(return_value=rows("2"))
    two.mock(side_effect=[rows("1", ETag='"a"'), rows("1", ETag='"a"', Link=f'<{PAGE_2}>; rel="next"')])
    async with sources_harness(transport(router), connector=replace(CONNECTOR, cfa_records=by_links)) as attempt:
        assert [keys(await read_again(attempt)), keys(await read_again(attempt))] == [["1"], ["1", "2"]]
    assert conditions(two) == [None, None]


DETAILS = f"{BASE}/details/{UAI_A}"


def in_two_steps(tenant: Tenant, _day: date) -> ReadingSteps[ReadingResult]:
    """Who there is, then what is told of them."""
    ((who,),) = yield [PartnerRequest("liste", f"/liste/{tenant.code}")]
    told_values = ",".join(line["cle"] for line in who)
    ((results,),) = yield [PartnerRequest("details", f"/details/{tenant.code}", params={"ids": told_values})]
    return ReadingResult([record(line) for line in results])


@pytest.fixture
async def suivi(router: respx.MockRouter) -> AsyncIterator[SourcesHarness]:
    async with sources_harness(transport(router), connector=replace(CONNECTOR, cfa_records=in_two_steps)) as opened:
        yield opened


async def test_what_was_read_in_two_steps_is_asked_again_in_one(
    router: respx.MockRouter, suivi: SourcesHarness
) -> None:
    """A partner without validators: both requests are under way together, and neither answer is decoded."""
    lists, details, group = router.get(URL), router.get(DETAILS), asyncio.Barrier(2)
    lists.mock(return_value=rows("1"))
    details.mock(return_value=rows("1"))
    first = await read_again(suivi)

    async def with_two(_: httpx.Request) -> httpx.Response:
        async with asyncio.timeout(1):  # one after the other, they would wait for ever
            await group.wait()
        return rows("1")

    lists.mock(side_effect=with_two)
    details.mock(side_effect=with_two)
    same_again = await read_again(suivi)
    assert (same_again.version, same_again.records is first.records) == (first.version, True)
    assert (lists.call_count, details.call_count) == (2, 2)


async def test_what_came_back_different_serves_the_reading(router: respx.MockRouter, suivi: SourcesHarness) -> None:
    """One page changed: the other, unchanged and not decoded, is read all the same; nothing is asked twice."""
    lists, details = router.get(URL), router.get(DETAILS)
    lists.mock(return_value=rows("1"))
    details.mock(side_effect=[rows("1"), rows("3")])
    assert [keys(await read_again(suivi)), keys(await read_again(suivi))] == [["1"], ["3"]]
    assert (lists.call_count, details.call_count) == (2, 2)


async def test_what_was_readable_and_is_no_more_is_an_error_of_the_partner(
    router: respx.MockRouter, suivi: SourcesHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept by a process whose code was laxer: the page is as it was, and cannot be decoded any more."""
    lists, details = router.get(URL), router.get(DETAILS)
    lists.mock(return_value=rows("1"))
    details.mock(side_effect=[rows("1"), rows("3")])
    await read_again(suivi)

    def refuse(body: bytes, partner_request: PartnerRequest) -> object:
        if partner_request.operation == "liste":
            raise InvalidDocument("JSON illisible")
        return decode(body, partner_request)

    monkeypatch.setattr("gateway.sources.http.transport.decode", refuse)
    result = await read(suivi, 901)
    assert isinstance(result, UnitFailure)
    assert isinstance(result.error, SourceInvalid)
    assert result.fallback is not None


async def test_u15_a_kept_page_does_not_retain_the_secret_that_a_link_repeats(router: respx.MockRouter) -> None:
    requested = router.get(url__startswith=URL).mock(
        side_effect=[rows("1", Link=f'<{PAGE_2}&cle={SECRET}>; rel="next"'), rows("2"), *[rows("1")] * 2]
    )
    erp = partner(acces={"defaut": AccessConfig("parametre", "cle", SecretStr(SECRET))})
    async with sources_harness(transport(router), erp, replace(CONNECTOR, cfa_records=by_links)) as attempt:
        result = await read_again(attempt)
    assert keys(result) == ["1", "2"]
    assert [call.request.url.params["cle"] for call in requested.calls] == [SECRET] * 2
    assert SECRET not in repr(result.validators)


async def test_what_came_back_unreadable_is_not_asked_again(router: respx.MockRouter, suivi: SourcesHarness) -> None:
    """The reading would ask the same page: its error is known."""
    lists, details = router.get(URL), router.get(DETAILS)
    lists.mock(return_value=rows("1"))
    details.mock(side_effect=[rows("1"), httpx.Response(200, content=b"<html>"), rows("1")])
    await read_again(suivi)
    result = await read(suivi, 901)
    assert isinstance(result, UnitFailure)
    assert isinstance(result.error, SourceInvalid)
    assert result.fallback is not None
    assert (lists.call_count, details.call_count) == (2, 2)
    assert keys(await read(suivi)) == ["1"]


async def test_a_page_that_is_no_more_does_not_prevent_reading_again(
    router: respx.MockRouter, suivi: SourcesHarness
) -> None:
    """What was asked before is of persons who left: the partner refuses it, and the list tells who there is."""
    router.get(URL).mock(side_effect=[rows("1"), rows("2")])
    former_ids, new = router.get(DETAILS, params={"ids": "1"}), router.get(DETAILS, params={"ids": "2"})
    former_ids.mock(side_effect=[rows("1"), httpx.Response(404)])
    new.mock(return_value=rows("2"))
    assert [keys(await read_again(suivi)), keys(await read_again(suivi))] == [["1"], ["2"]]
    assert (former_ids.call_count, new.call_count) == (2, 1)


async def test_what_a_process_has_confirmed_is_fresh_for_all(router: respx.MockRouter, redis_url: str) -> None:
    """Two processes over one Redis: the second asks nothing more, and what it has opened keeps its version."""
    name = f"erp-{id(router)}"  # keys of this test alone
    route = router.get(URL).mock(side_effect=[rows("1", ETag='"a"'), UNCHANGED])
    minute = [1_000_000.0]
    async with AsyncExitStack() as stack:
        caches = [cache_de(redis_url, name, minute) for _ in range(2)]
        one, other = [
            await stack.enter_async_context(sources_harness(transport(router), cache=cache)) for cache in caches
        ]
        results = [await read(one), await read(other)]
        minute[0] += 901
        results += [await read(one), await read(other)]
    assert [(keys(result), result.age) for result in results] == [(["1"], 0.0)] * 4  # type: ignore[union-attr]
    assert len({result.version for result in results}) == 1  # type: ignore[union-attr]
    assert conditions(route) == [None, '"a"']


def cache_de(url: str, nom: str, minute: list[float]) -> Cache:
    key = Sealer(hashlib.sha256(nom.encode()).digest())
    return SharedCache(
        RedisBackend(open_redis(url)),
        SealedCodec([key], codec(UnitResult)),
        cache_local(lambda: minute[0]),
        redis_breaker(),
    )


async def test_what_an_event_tells_changed_is_read_in_full(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    route = router.get(URL).mock(side_effect=[rows("1", ETag='"a"'), rows("2", ETag='"b"')])
    await read(attempt)
    await attempt.sources.invalidate(unit())
    assert keys(await read_again(attempt)) == ["2"]
    assert conditions(route) == [None, None]
