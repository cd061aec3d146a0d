"""The guarded client against a partner that answers anything (docs/security.md U03-U06, U13, U15): bytes given by a mock."""

import gzip
import logging

import httpx
import pytest
import respx

from gateway.connectors.base import BodyFormat, PartnerRequest
from gateway.errors import SourceClosed, SourceError, SourceInvalid, SourceUnavailable
from gateway.sources.http.credentials import Credential, QueryCredential
from gateway.sources.http.transport import Transport
from tests.support.sources import BASE, SECRET, call, transport

pytestmark = pytest.mark.anyio
URL = BASE + "/liste"


async def refusal(network: Transport, partner_request: PartnerRequest | None = None, **champs: object) -> SourceError:
    with pytest.raises(SourceError) as raised_error:
        await network.request(call(partner_request, **champs))
    assert raised_error.value.__cause__ is None
    return raised_error.value


async def test_a_document_is_read(router: respx.MockRouter) -> None:
    route = router.get(URL, params={"a": "é&b"}).respond(json={"x": [1]})
    partner_request = PartnerRequest("liste", "/liste", params={"a": "é&b"})
    response = await transport(router).request(call(partner_request, credential=Credential({"X-Cle": SECRET})))
    assert response.document == {"x": [1]}
    sent = route.calls.last.request
    assert (sent.headers["X-Cle"], sent.headers["Accept-Encoding"]) == (SECRET, "gzip")


async def test_a_body_leaves_as_json(router: respx.MockRouter) -> None:
    router.post(URL, json={"page": 1}).respond(json=[])
    response = await transport(router).request(call(PartnerRequest("c", "/liste", "POST", body={"page": 1})))
    assert response.document == []


async def test_a_gzip_is_read(router: respx.MockRouter) -> None:
    router.get(URL).respond(content=gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"})
    assert (await transport(router).request(call())).document == [1]


async def test_u03_a_bomb_is_refused(router: respx.MockRouter) -> None:
    bomb = gzip.compress(b"[" + b" " * 50_000_000 + b"]", 9)
    flux = httpx.Response(200, stream=Flux(bomb), headers={"Content-Encoding": "gzip"})
    router.get(URL).mock(return_value=flux)
    assert str(await refusal(transport(router))) == "réponse du partenaire invalide : réponse trop volumineuse"


class Flux(httpx.AsyncByteStream):
    """A body given as it is, so that the mock itself decodes nothing."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        for i in range(0, len(self._body), 65_536):
            yield self._body[i : i + 65_536]


@pytest.mark.parametrize("encoding", ["br", "zstd"])
async def test_u03_a_compression_nobody_asked_for_is_refused(router: respx.MockRouter, encoding: str) -> None:
    flux = httpx.Response(200, stream=Flux(b"xxxx"), headers={"Content-Encoding": encoding})
    router.get(URL).mock(return_value=flux)
    assert isinstance(await refusal(transport(router)), SourceInvalid)


@pytest.mark.parametrize(
    ("statut", "body"),
    [
        (200, b"<html>page de connexion</html>"),
        (200, b""),
        (200, b" \n"),
        (204, b""),
        (200, b"null"),
        (200, b'{"a": 1'),
    ],
    ids=["HTML", "vide", "blancs", "204", "null", "moitié"],
)
async def test_u04_a_success_without_data_is_an_error(router: respx.MockRouter, statut: int, body: bytes) -> None:
    router.get(URL).respond(statut, content=body)
    error = await refusal(transport(router))
    assert isinstance(error, SourceInvalid)
    assert (error.source, error.code.value) == ("erp", "SOURCE_INVALIDE")


@pytest.mark.parametrize("statut", [200, 204])
async def test_an_empty_answer_is_an_absence_when_the_partner_means_it_so(
    router: respx.MockRouter, statut: int
) -> None:
    router.get(URL).respond(statut)
    response = await transport(router).request(call(PartnerRequest("l", "/liste", empty_is_absence=True)))
    assert response.document is None


async def test_404_is_not_an_absence(router: respx.MockRouter) -> None:
    router.get(URL).respond(404)
    error = await refusal(transport(router), PartnerRequest("l", "/liste", empty_is_absence=True))
    assert isinstance(error, SourceInvalid)


@pytest.mark.parametrize(
    "towards", ["http://169.254.169.254/latest", "https://autre.test/liste", "file:///etc/passwd", URL, "/liste"]
)
async def test_u06_a_redirect_is_not_followed(router: respx.MockRouter, towards: str) -> None:
    route, rest = router.get(URL), router.route().respond(json=[])
    for statut in (301, 302, 307, 308):
        route.respond(statut, headers={"Location": towards})
        error = await refusal(transport(router), credential=Credential({"X-Cle": SECRET}))
        assert str(error) == "redirection refusée"
    assert (route.call_count, rest.called) == (4, False)


async def test_u13_429_and_503_say_when_to_come_back(router: respx.MockRouter) -> None:
    router.get(URL).mock(
        side_effect=[
            httpx.Response(429, headers={"Retry-After": "3"}),
            httpx.Response(503, headers={"Retry-After": "Mon, 02 Mar 2026 09:00:30 GMT"}),
        ]
    )
    network = transport(router)
    quota, closed = await refusal(network), await refusal(network)
    assert isinstance(quota, SourceUnavailable)
    assert isinstance(closed, SourceClosed)
    assert (quota.retry_after, closed.retry_after) == (3.0, 30.0)


async def test_a_quota_announced_under_a_success_is_an_unavailability(router: respx.MockRouter) -> None:
    router.get(URL).respond(json={"erreur": "quota"})
    error = await refusal(transport(router), PartnerRequest("l", "/liste", shape=BodyFormat.CSV))
    assert isinstance(error, SourceUnavailable)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (httpx.ConnectError, SourceUnavailable),
        (httpx.ReadError, SourceUnavailable),
        (ConnectionResetError, SourceUnavailable),
        (httpx.RemoteProtocolError, SourceUnavailable),
        (httpx.ConnectTimeout, SourceUnavailable),
    ],
)
async def test_u15_a_failure_tells_neither_url_nor_secret_nor_body(
    router: respx.MockRouter, fault: type[Exception], kind: type[SourceError], caplog: pytest.LogCaptureFixture
) -> None:
    router.get(URL).mock(side_effect=fault(f"echo of {URL}?cle={SECRET}"))
    with caplog.at_level(logging.DEBUG):
        error = await refusal(transport(router), credential=QueryCredential("cle", SECRET, {}))
    assert type(error) is kind
    told = repr(error) + str(error) + caplog.text
    assert SECRET not in told
    assert "127.0.0.1" not in told


async def test_u15_an_error_body_that_repeats_our_headers_stays_unknown(
    router: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    router.get(URL).respond(401, json={"recu": SECRET})
    with caplog.at_level(logging.DEBUG):
        error = await refusal(transport(router), credential=Credential({"X-Cle": SECRET}))
    assert str(error) == "accès refusé par le partenaire"
    assert SECRET not in caplog.text + repr(call(credential=Credential({"X-Cle": SECRET})))


async def test_no_cookie_is_kept(router: respx.MockRouter) -> None:
    route = router.get(URL).respond(json=[], headers={"Set-Cookie": "session=1; Path=/"})
    network = transport(router)
    await network.request(call())
    await network.request(call())
    assert "Cookie" not in route.calls.last.request.headers


async def test_a_large_document_is_read_apart(router: respx.MockRouter) -> None:
    router.get(URL).respond(content=b"[" + b"1," * 200_000 + b"1]")
    assert len((await transport(router).request(call())).document) == 200_001
