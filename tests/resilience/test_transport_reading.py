"""Reading units: one flight for all, a fetch that outlives its asker, deadlines, what is kept and what is not.

docs/architecture.md; docs/security.md C03, C06, C12, U08, U10, U13.
"""

import asyncio
import logging
from dataclasses import replace

import httpx
import pytest
import respx

from gateway.connectors.base import (
    BodyFormat,
    Connector,
    PagingStyle,
    PartnerRequest,
    ReadingResult,
    ReadingSteps,
    Tenant,
)
from gateway.errors import SourceClosed, SourceError, SourceInvalid, SourceTimedOut, SourceUnavailable
from gateway.schema.organisations import EtatSource, TypeSource
from gateway.sources.partners.file_format import CacheTable, LimitsTable
from gateway.sources.units import CacheStatus, Resource, Unit, UnitFailure, UnitResult
from tests.support.sources import (
    BASE,
    CONNECTOR,
    SECRET,
    UAI_A,
    UAI_B,
    UAI_SITE,
    SourcesHarness,
    partner,
    sources_harness,
    transport,
    unit,
)

pytestmark = pytest.mark.anyio
URL_A = f"{BASE}/liste/{UAI_A}"
ROWS = [{"cle": "1", "uai": UAI_A}]


class Authenticator:
    """A partner that answers only once it is opened."""

    def __init__(self, reponse: httpx.Response | None = None) -> None:
        self.requested, self.is_open = asyncio.Event(), asyncio.Event()
        self._response = reponse or httpx.Response(200, json=ROWS)

    async def __call__(self, _: httpx.Request) -> httpx.Response:
        self.requested.set()
        await self.is_open.wait()
        return self._response


async def read(
    attempt: SourcesHarness, requested: Unit | None = None, timeout: float = 5.0
) -> UnitResult | UnitFailure:
    (result,) = await attempt.sources.read([requested or unit()], timeout)
    return result


def keys(parsed: UnitResult | UnitFailure) -> list[str]:
    assert isinstance(parsed, UnitResult), parsed
    return [record.key for record in parsed.records]


async def failure(attempt: SourcesHarness, requested: Unit | None = None, timeout: float = 5.0) -> SourceError:
    result = await read(attempt, requested, timeout)
    assert isinstance(result, UnitFailure)
    assert result.unit == (requested or unit())
    return result.error


async def test_a_unit_is_read_then_served_from_the_cache(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    route = router.get(URL_A).respond(json=ROWS)
    first, second = await read(attempt), await read(attempt)
    assert (keys(first), keys(second), route.call_count) == (["1"], ["1"], 1)
    assert isinstance(first, UnitResult)
    assert isinstance(second, UnitResult)
    assert (first.cache, second.cache) == (CacheStatus.MISSED, CacheStatus.HIT)
    assert first.version == second.version
    assert route.calls.last.request.headers["X-Cle"] == SECRET


async def test_a_stale_unit_is_asked_again_with_another_version(
    router: respx.MockRouter, attempt: SourcesHarness
) -> None:
    route = router.get(URL_A).mock(side_effect=[httpx.Response(200, json=ROWS), httpx.Response(200, json=[])])
    first = await read(attempt)
    attempt.seconds[0] += 900.0
    second = await read(attempt)
    assert route.call_count == 2
    assert isinstance(first, UnitResult)
    assert isinstance(second, UnitResult)
    assert (second.cache, second.version != first.version) == (CacheStatus.MISSED, True)


async def test_each_unit_keeps_its_place(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    router.get(URL_A).respond(json=ROWS)
    router.get(f"{BASE}/liste/{UAI_B}").respond(500)
    results = await attempt.sources.read([unit(UAI_B), unit(), unit(UAI_B), unit()], 5.0)
    assert [type(result) for result in results] == [UnitFailure, UnitResult, UnitFailure, UnitResult]
    assert [result.unit.key for result in results] == [UAI_B, UAI_A, UAI_B, UAI_A]
    assert router.calls.call_count == 2


async def test_c06_fifty_askers_one_call(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    authenticator = Authenticator()
    route = router.get(URL_A).mock(side_effect=authenticator)
    requests = [asyncio.create_task(read(attempt)) for _ in range(50)]
    await authenticator.requested.wait()
    authenticator.is_open.set()
    assert [keys(result) for result in await asyncio.gather(*requests)] == [["1"]] * 50
    assert route.call_count == 1


async def test_c06_an_asker_who_leaves_stops_nothing(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    authenticator = Authenticator()
    route = router.get(URL_A).mock(side_effect=authenticator)
    first, second = asyncio.create_task(read(attempt)), asyncio.create_task(read(attempt))
    await authenticator.requested.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    authenticator.is_open.set()
    assert keys(await second) == ["1"]
    assert route.call_count == 1


async def test_all_gone_the_call_still_fills_the_cache(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    authenticator = Authenticator()
    route = router.get(URL_A).mock(side_effect=authenticator)
    single = asyncio.create_task(read(attempt))
    await authenticator.requested.wait()
    single.cancel()
    await asyncio.gather(single, return_exceptions=True)
    authenticator.is_open.set()
    while isinstance(result := await read(attempt), UnitResult) and result.cache is CacheStatus.MISSED:
        pass
    assert (keys(result), route.call_count) == (["1"], 1)


async def test_u02_an_answer_past_its_deadline_is_served_afterwards(
    router: respx.MockRouter, attempt: SourcesHarness
) -> None:
    authenticator = Authenticator()
    route = router.get(URL_A).mock(side_effect=authenticator)
    assert type(await failure(attempt, timeout=0.01)) is SourceTimedOut
    assert type(await failure(attempt, timeout=-1.0)) is SourceTimedOut
    authenticator.is_open.set()
    assert keys(await read(attempt)) == ["1"]
    assert route.call_count == 1


async def test_u02_past_the_deadline_of_the_partner_the_slot_is_given_back(router: respx.MockRouter) -> None:
    authenticator = Authenticator()
    router.get(URL_A).mock(side_effect=authenticator)
    limits = LimitsTable(par_seconde=10_000, simultanes=1, delai_secondes=0.05)
    async with sources_harness(transport(router), partner(limites=limits)) as attempt:
        assert type(await failure(attempt)) is SourceTimedOut
        authenticator.is_open.set()
        assert keys(await read(attempt)) == ["1"]


async def test_c12_an_error_is_not_kept(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    router.get(URL_A).mock(side_effect=[httpx.Response(500), httpx.Response(200, json=ROWS)])
    assert type(await failure(attempt)) is SourceUnavailable
    assert keys(await read(attempt)) == ["1"]


async def test_u13_who_says_later_is_not_asked_again(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    route = router.get(URL_A).respond(429, headers={"Retry-After": "40"})
    other = router.get(f"{BASE}/liste/{UAI_B}").respond(json=[])
    for _ in range(3):
        error = await failure(attempt)
        assert isinstance(error, SourceUnavailable)
        assert error.retry_after == 40.0
    assert keys(await read(attempt, unit(UAI_B))) == []
    assert (route.call_count, other.call_count) == (1, 1)


async def test_u13_after_a_pause_the_partner_is_asked_again(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    debut = attempt.seconds[0]
    closed = httpx.Response(503, headers={"Retry-After": "86400"})
    route = router.get(URL_A).mock(side_effect=[closed, closed, httpx.Response(200, json=ROWS)])
    assert type(await failure(attempt)) is SourceClosed
    for elapsed, calls in ((59.0, 1), (60.0, 2), (119.0, 2)):
        attempt.seconds[0] = debut + elapsed
        assert type(await failure(attempt)) is SourceClosed
        assert route.call_count == calls
    attempt.seconds[0] = debut + 120.0
    assert keys(await read(attempt)) == ["1"]


async def test_u10_the_records_of_another_establishment_are_set_aside(
    router: respx.MockRouter, attempt: SourcesHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """Those of the tenant are shown, with an error: who answers for others may have left some out."""
    rows = [*ROWS, {"cle": "2", "uai": UAI_B}, {"cle": "3", "uai": UAI_SITE}, {"cle": "4"}]
    router.get(URL_A).respond(json=rows)
    with caplog.at_level(logging.WARNING):
        result = await read(attempt)
    assert isinstance(result, UnitFailure)
    assert type(result.error) is SourceInvalid
    assert [record.key for record in result.fallback.records] == ["1", "3", "4"] if result.fallback else False
    assert attempt.counter("passerelle_hors_locataire", partenaire="erp", ressource="cfa") == 1.0
    assert "source erp : 1 dossiers d'un autre établissement" in caplog.text


async def test_c03_an_answer_all_for_another_is_an_error(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    route = router.get(URL_A).respond(json=[{"cle": "2", "uai": UAI_B}])
    assert type(await failure(attempt)) is SourceInvalid
    assert type(await failure(attempt)) is SourceInvalid
    assert route.call_count == 2


@pytest.mark.parametrize("body", [{"pas": "une liste"}, [3], [{"sans": "clé"}]])
async def test_u04_an_unexpected_shape_is_an_error_without_a_value(
    router: respx.MockRouter, attempt: SourcesHarness, body: object, caplog: pytest.LogCaptureFixture
) -> None:
    router.get(URL_A).respond(json=body)
    with caplog.at_level(logging.DEBUG):
        error = await failure(attempt)
    assert str(error) == "réponse du partenaire d'une forme inattendue"
    assert "sans" not in caplog.text


async def test_an_unknown_establishment_is_not_asked(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    assert type(await failure(attempt, unit(UAI_SITE))) is SourceInvalid
    assert router.calls.call_count == 0


async def test_a_request_the_connector_does_not_have(router: respx.MockRouter) -> None:
    async with sources_harness(transport(router), connector=replace(CONNECTOR, cfa_records=None)) as attempt:
        assert type(await failure(attempt)) is SourceInvalid


async def test_a_partner_without_tenants_is_asked_by_structure(router: respx.MockRouter) -> None:
    router.get(f"{BASE}/liste/59010").respond(json=[{"cle": "1"}])
    async with sources_harness(transport(router), partner(abonnes=None)) as attempt:
        assert keys(await read(attempt, Unit("erp", Resource.STRUCTURE, "59010"))) == ["1"]


@pytest.mark.parametrize("key", ["", "59/010", "..", "%2e%2e", "59?a=1", "59;x", "59\r\nX: 1", "'", "$ne", "*", "é"])
async def test_u17_a_key_that_is_not_one_is_not_asked(router: respx.MockRouter, key: str) -> None:
    async with sources_harness(transport(router), partner(abonnes=None)) as attempt:
        requested = Unit("erp", Resource.STRUCTURE, key)
        assert type(await failure(attempt, requested)) is SourceInvalid
    assert router.calls.call_count == 0


async def test_u17_a_path_is_encoded(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    def reading() -> ReadingSteps[None]:
        yield [PartnerRequest("x", "/a b;c=$ne", params={"d": "e&f=%2f"})]

    route = router.get(url__startswith=BASE).respond(json=[])
    await attempt.sources.execute("erp", reading(), Tenant(""))
    assert route.calls.last.request.url.raw_path == b"/erp/a%20b%3Bc%3D%24ne?d=e%26f%3D%252f"


async def test_an_absent_access_sends_nothing(router: respx.MockRouter) -> None:
    access = {"autre": partner().acces["defaut"]}
    async with sources_harness(transport(router), partner(acces=access)) as attempt:
        assert str(await failure(attempt)) == "accès « defaut » non configuré"
    assert router.calls.call_count == 0


async def test_figures_are_counted_by_partner_and_operation(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    router.get(URL_A).mock(side_effect=[httpx.Response(500), httpx.Response(200, json=ROWS)])
    for _ in range(3):
        await read(attempt)
    call = {"partenaire": "erp", "operation": "liste"}
    by_unit = {"partenaire": "erp", "ressource": "cfa"}
    assert attempt.counter("passerelle_appels", **call, issue="OK") == 1.0
    assert attempt.counter("passerelle_appels", **call, issue="SOURCE_INDISPONIBLE") == 1.0
    assert attempt.counter("passerelle_rejets", **by_unit) == 1.0
    assert attempt.counter("passerelle_champs_ignores", **by_unit) == 2.0
    assert attempt.counter("passerelle_lectures", **by_unit, cache="touche") == 1.0


async def test_the_state_follows_the_calls(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    (before,) = attempt.sources.states()
    assert (before.nom, before.etat, before.taux_erreur) == ("erp", EtatSource.DISPONIBLE, None)
    router.get(URL_A).respond(500)
    for _ in range(3):
        await read(attempt)
    (after,) = attempt.sources.states()
    assert (after.etat, after.taux_erreur, after.derniere_reponse) == (EtatSource.INDISPONIBLE, 1.0, None)


async def test_who_serves_whom(attempt: SourcesHarness) -> None:
    sources = attempt.sources
    assert (sources.partner_of_cfa(UAI_A), sources.partner_of_cfa(UAI_SITE)) == ("erp", None)
    assert sources.uais("erp") == (UAI_A, UAI_B)
    assert sources.sources_of(TypeSource.ERP_CFA) == ("erp",)
    assert sources.sources_of(TypeSource.MISSION_LOCALE) == ()


async def test_closing_stops_the_readings_in_flight(router: respx.MockRouter) -> None:
    authenticator = Authenticator()
    router.get(URL_A).mock(side_effect=authenticator)
    async with sources_harness(transport(router)) as attempt:
        request = asyncio.create_task(read(attempt))
        await authenticator.requested.wait()
    with pytest.raises(asyncio.CancelledError):
        await request


async def test_simultaneous_calls_are_bounded(router: respx.MockRouter) -> None:
    group, peak = 0, 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal group, peak
        group += 1
        peak = max(peak, group)
        await asyncio.sleep(0)
        group -= 1
        return httpx.Response(200, json=[])

    router.get(url__startswith=BASE).mock(side_effect=answer)
    limits = LimitsTable(par_seconde=10_000, simultanes=3)
    async with sources_harness(transport(router), partner(abonnes=None, limites=limits)) as attempt:
        units = [Unit("erp", Resource.STRUCTURE, str(numero)) for numero in range(20)]
        assert [keys(result) for result in await attempt.sources.read(units, 5.0)] == [[]] * 20
    assert peak == 3


async def test_u09_a_format_where_nothing_is_readable_any_more_is_an_error(router: respx.MockRouter) -> None:
    """A required field was renamed: every record is lost, which must not look like nobody."""

    def reading(tenant: Tenant, _day: object) -> ReadingSteps[ReadingResult]:
        ((rows,),) = yield [PartnerRequest("liste", f"/liste/{tenant.code}")]
        return ReadingResult(rejects=len(rows))

    router.get(URL_A).respond(json=[{"autre": "1"}])
    async with sources_harness(transport(router), connector=replace(CONNECTOR, cfa_records=reading)) as attempt:
        assert type(await failure(attempt)) is SourceInvalid
        assert attempt.counter("passerelle_rejets", partenaire="erp", ressource="cfa") == 1.0


async def test_u08_a_record_that_comes_back_is_only_one(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    router.get(URL_A).respond(json=[*ROWS, *ROWS])
    assert keys(await read(attempt)) == ["1"]


def paged(partner_request: PartnerRequest) -> Connector:
    """A connector whose only answer is how many documents each page gave."""

    def reading(_: Tenant, __: object) -> ReadingSteps[ReadingResult]:
        (documents,) = yield [partner_request]
        return ReadingResult(ignored_fields=len(documents))

    return replace(CONNECTOR, cfa_records=reading)


async def pages_read(
    router: respx.MockRouter, partner_request: PartnerRequest, pages_max: int = 5
) -> float | SourceError:
    limits = LimitsTable(par_seconde=10_000, pages_max=pages_max)
    configure = partner(limites=limits, cache=CacheTable())
    async with sources_harness(transport(router), configure, paged(partner_request)) as attempt:
        result = await read(attempt)
        if isinstance(result, UnitFailure):
            return result.error
        return attempt.counter("passerelle_champs_ignores", partenaire="erp", ressource="cfa")


async def test_pages_by_link(router: respx.MockRouter) -> None:
    link = {"Link": f'<{BASE}/csv?page=2&cle=echo>; rel="next"'}
    router.get(BASE + "/csv", params={"page": "2"}).respond(text="a;b\n2;2\nTOTAL;1")
    router.get(BASE + "/csv").respond(text="a;b\n1;1\nTOTAL;1", headers=link)
    assert await pages_read(router, PartnerRequest("csv", "/csv", pages=PagingStyle.LINK, shape=BodyFormat.CSV)) == 2.0


async def test_u07_a_link_to_elsewhere_is_not_followed(router: respx.MockRouter) -> None:
    elsewhere = router.get("https://autre.test/csv").respond(text="a\n1")
    router.get(BASE + "/csv").respond(text="a\n1", headers={"Link": '<https://autre.test/csv>; rel="next"'})
    error = await pages_read(router, PartnerRequest("csv", "/csv", pages=PagingStyle.LINK, shape=BodyFormat.CSV))
    assert type(error) is SourceInvalid
    assert not elsewhere.called


async def test_numbered_pages_are_asked_together(router: respx.MockRouter) -> None:
    """The first page tells three; the others are asked at once, and one more because the total has grown."""
    expected = asyncio.Barrier(2)

    async def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page_index"])
        if page in {1, 2}:
            await expected.wait()
        rows = [2 * page, 2 * page + 1][: 1 if page == 3 else 2]
        return httpx.Response(200, json={"data": rows, "pagination": {"total": 6 if page < 2 else 7}})

    route = router.get(BASE + "/c").mock(side_effect=answer)
    assert await pages_read(router, PartnerRequest("c", "/c", pages=PagingStyle.INDEX, size=2)) == 4.0
    assert route.call_count == 4


async def test_u08_a_total_that_grows_without_end_is_bounded(router: respx.MockRouter) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page_index"])
        return httpx.Response(200, json={"data": [page], "pagination": {"total": page + 2}})

    route = router.get(BASE + "/c").mock(side_effect=answer)
    error = await pages_read(router, PartnerRequest("c", "/c", pages=PagingStyle.INDEX, size=1))
    assert str(error) == "pages du partenaire invalides : plus de 5 pages"
    assert route.call_count == 5


async def test_u08_an_enormous_total_is_not_followed(router: respx.MockRouter) -> None:
    route = router.get(BASE + "/c").respond(json={"pagination": {"total": 10**9}})
    assert type(await pages_read(router, PartnerRequest("c", "/c", pages=PagingStyle.INDEX, size=1))) is SourceInvalid
    assert route.call_count == 1


async def test_u08_a_page_that_repeats_itself_stops_all(router: respx.MockRouter) -> None:
    route = router.get(BASE + "/o").respond(json={"value": [1], "@odata.nextLink": f"{BASE}/o?$skip=1"})
    error = await pages_read(router, PartnerRequest("o", "/o", pages=PagingStyle.ODATA))
    assert str(error) == "pages du partenaire invalides : page répétée ou manquante"
    assert route.call_count == 2


async def test_u08_links_without_end_are_bounded(router: respx.MockRouter) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        following = int(request.url.params.get("$skip", 0)) + 1
        return httpx.Response(200, json={"value": [following], "@odata.nextLink": f"{BASE}/o?$skip={following}"})

    route = router.get(BASE + "/o").mock(side_effect=answer)
    assert type(await pages_read(router, PartnerRequest("o", "/o", pages=PagingStyle.ODATA))) is SourceInvalid
    assert route.call_count == 6


async def test_a_full_page_then_nothing_stops(router: respx.MockRouter) -> None:
    router.get(BASE + "/t", params={"page": "2"}).respond(200)
    router.get(BASE + "/t").respond(json=[1, 2])
    partner_request = PartnerRequest("t", "/t", pages=PagingStyle.SIZE, size=2, empty_is_absence=True)
    assert await pages_read(router, partner_request) == 1.0


async def test_an_absent_first_document_gives_no_document(router: respx.MockRouter) -> None:
    router.get(BASE + "/t").respond(200)
    partner_request = PartnerRequest("t", "/t", pages=PagingStyle.SIZE, size=2, empty_is_absence=True)
    assert await pages_read(router, partner_request) == 0.0


async def test_run_reads_without_cache_and_tells_the_failure(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    def reading() -> ReadingSteps[list[object]]:
        documents = yield [PartnerRequest("x", "/x"), PartnerRequest("y", "/y")]
        return [document for (document,) in documents]

    router.get(BASE + "/x").respond(json=[1])
    route = router.get(BASE + "/y").respond(json=[2])
    for _ in range(2):
        assert await attempt.sources.execute("erp", reading(), Tenant("")) == [[1], [2]]
    route.respond(503, headers={"Retry-After": "3600"})
    with pytest.raises(SourceClosed) as raised_error:
        await attempt.sources.execute("erp", reading(), Tenant(""))
    assert raised_error.value.retry_after == 3600.0
