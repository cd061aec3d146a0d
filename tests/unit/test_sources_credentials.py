"""Each way to prove who we are, on the wire; the OAuth2 token is shared, renewed once, bounded (docs/security.md U13, U15)."""

import asyncio
import base64
from collections.abc import Iterator

import httpx
import pytest
import respx
from pydantic import SecretStr

from gateway.connectors.base import PartnerRequest
from gateway.errors import SourceUnavailable
from gateway.sources.http.credentials import Credential, credential
from gateway.sources.partners.load import AccessConfig
from tests.support.sources import BASE, SECRET, call, transport

pytestmark = pytest.mark.anyio
URL, TOKEN = BASE + "/liste", "https://idp.test/token"
OAUTH = AccessConfig("oauth2", "moi:x", url_jeton=TOKEN)


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as routes:
        yield routes


def made(acces: AccessConfig, secret: str = SECRET) -> Credential:
    return credential(acces, SecretStr(secret))


@pytest.mark.parametrize(
    ("acces", "header", "valeur"),
    [
        (AccessConfig("entete", "X-Auth-Token"), "X-Auth-Token", SECRET),
        (AccessConfig("porteur"), "Authorization", f"Bearer {SECRET}"),
        (AccessConfig("basic"), "Authorization", "Basic " + base64.b64encode(SECRET.encode()).decode()),
    ],
)
async def test_a_secret_in_a_header(router: respx.MockRouter, acces: AccessConfig, header: str, valeur: str) -> None:
    route = router.get(URL).respond(json=[])
    await transport(router).request(call(credential=made(acces)))
    assert route.calls.last.request.headers[header] == valeur


async def test_fixed_headers_go_with_the_key(router: respx.MockRouter) -> None:
    route = router.get(URL).respond(json=[])
    access = AccessConfig("entete", "X-Gravitee-Api-Key", headers={"operateur": "APPLICATION_CEJ"})
    await transport(router).request(call(credential=made(access)))
    sent = route.calls.last.request.headers
    assert (sent["operateur"], sent["X-Gravitee-Api-Key"]) == ("APPLICATION_CEJ", SECRET)


async def test_a_secret_in_a_parameter_replaces_the_one_of_a_link(router: respx.MockRouter) -> None:
    route = router.get(url__startswith=URL).respond(json=[])
    partner_request = PartnerRequest("liste", "/liste", params={"page": "2", "cle": "echo"})
    await transport(router).request(call(partner_request, credential=made(AccessConfig("parametre", "cle"), "a&b=c")))
    assert route.calls.last.request.url.params.multi_items() == [("page", "2"), ("cle", "a&b=c")]


async def test_oauth2_one_token_for_simultaneous_requests(router: respx.MockRouter) -> None:
    tokens = router.post(TOKEN).respond(json={"access_token": "t1", "token_type": "Bearer"})
    route = router.get(URL).respond(json=[])
    moi, network = made(OAUTH), transport(router)
    await asyncio.gather(*(network.request(call(credential=moi)) for _ in range(20)))
    assert (tokens.call_count, route.call_count) == (1, 20)
    assert route.calls.last.request.headers["Authorization"] == "Bearer t1"
    request = tokens.calls.last.request
    assert request.content == b"grant_type=client_credentials"
    account = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
    assert account == f"moi%3Ax:{SECRET}"


async def test_u13_oauth2_a_401_renews_once_for_all(router: respx.MockRouter) -> None:
    tokens = router.post(TOKEN).mock(
        side_effect=[httpx.Response(200, json={"access_token": token}) for token in ("t1", "t2")]
    )

    all_there = asyncio.Barrier(5)

    async def answer(request: httpx.Request) -> httpx.Response:
        await all_there.wait()
        return httpx.Response(200 if request.headers["Authorization"] == "Bearer t2" else 401, json=[])

    route = router.get(URL).mock(side_effect=answer)
    moi, network = made(OAUTH), transport(router)
    responses = await asyncio.gather(*(network.request(call(credential=moi)) for _ in range(5)))
    assert [response.document for response in responses] == [[]] * 5
    assert (tokens.call_count, route.call_count) == (2, 10)


async def test_u13_oauth2_a_second_401_stops(router: respx.MockRouter) -> None:
    tokens = router.post(TOKEN).mock(
        side_effect=[httpx.Response(200, json={"access_token": token}) for token in ("t1", "t2", "t3")]
    )
    route = router.get(URL).respond(401)
    with pytest.raises(SourceUnavailable, match="accès refusé"):
        await transport(router).request(call(credential=made(OAUTH)))
    assert (tokens.call_count, route.call_count) == (2, 2)


@pytest.mark.parametrize(
    "reponse",
    [
        httpx.Response(401, json={"access_token": "t"}),
        httpx.Response(200, json={}),
        httpx.Response(200, json=["t"]),
        httpx.Response(200, json={"access_token": "t\r\nX: 1"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(302, headers={"Location": "https://autre.test"}),
    ],
)
async def test_oauth2_without_a_token_the_partner_is_not_asked(
    router: respx.MockRouter, reponse: httpx.Response
) -> None:
    router.post(TOKEN).mock(return_value=reponse)
    route = router.get(URL).respond(json=[])
    with pytest.raises(SourceUnavailable, match="jeton refusé"):
        await transport(router).request(call(credential=made(OAUTH)))
    assert not route.called


async def test_u15_no_secret_in_repr() -> None:
    for type_ in ("entete", "parametre", "basic", "porteur", "oauth2"):
        assert SECRET not in repr(made(AccessConfig(type_, "nom", SecretStr(SECRET)))) + repr(
            AccessConfig(type_, "x", SecretStr(SECRET))
        )


async def test_oauth2_a_token_is_renewed_before_its_end(router: respx.MockRouter) -> None:
    """One that ends during a reading was refused in the middle of it."""
    instant = 1000.0
    answers = [{"access_token": f"jeton-{rank}", "expires_in": "300"} for rank in range(3)]
    token = router.post(TOKEN).mock(side_effect=[httpx.Response(200, json=one) for one in answers])
    route = router.get(URL).respond(json=[])
    own = credential(OAUTH, SecretStr(SECRET), "", lambda: instant)
    sent = []
    for later in (0.0, 269.0, 2.0, 271.0):
        instant += later
        await transport(router).request(call(credential=own))
        sent.append(route.calls.last.request.headers["Authorization"])
    assert sent == ["Bearer jeton-0", "Bearer jeton-0", "Bearer jeton-1", "Bearer jeton-2"]
    assert token.call_count == 3


async def test_oauth2_the_client_of_a_tenant_goes_in_the_form_with_a_scope(router: respx.MockRouter) -> None:
    token = router.post(TOKEN).respond(json={"access_token": "jeton"})
    router.get(URL).respond(json=[])
    access = AccessConfig("oauth2", "commun", url_jeton=TOKEN, scope="apprentis", in_form=True)
    await transport(router).request(call(credential=credential(access, SecretStr("s&1"), "cfa-bourg")))
    request = token.calls.last.request
    assert "Authorization" not in request.headers
    assert httpx.QueryParams(request.content.decode()).multi_items() == [
        ("grant_type", "client_credentials"),
        ("scope", "apprentis"),
        ("client_id", "cfa-bourg"),
        ("client_secret", "s&1"),
    ]
