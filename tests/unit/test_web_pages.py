"""The page and its files: served from here, under a policy that lets nothing out."""

import gzip
import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.config import SignInSettings
from gateway.web import graphiql

FORBIDDEN = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}


PROVIDER = {"autorisation": "https://id.invalid/a?x=1", "jeton": "https://id.invalid:8443/t", "client": "page<&>"}
SIGN_IN = SignInSettings.model_validate(PROVIDER)


async def _page(request: Request) -> Response:
    return await graphiql.page_graphiql(None)


async def _page_that_signs_in(request: Request) -> Response:
    return await graphiql.page_graphiql(SIGN_IN)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/graphql", _page), Route("/avec", _page_that_signs_in), *graphiql.static_routes()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://passerelle") as opened:
        yield opened


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/index-a1.js").write_text("export {}")
    (tmp_path / "index.html").write_text("<title>Construite</title>")
    (tmp_path / "secret.txt").write_text("hors des fichiers")
    monkeypatch.setattr(graphiql, "DIST", tmp_path)
    return tmp_path


def _directives(reponse: httpx.Response) -> dict[str, list[str]]:
    chunks = (directive.split() for directive in reponse.headers["content-security-policy"].split(";"))
    return {name: values for name, *values in chunks}


@pytest.mark.anyio
async def test_the_page_and_its_files_are_served_with_their_headers(built: Path, client: httpx.AsyncClient) -> None:
    page = await client.get("/graphql")
    file = await client.get("/graphql/assets/index-a1.js")
    assert (page.status_code, page.text) == (200, "<title>Construite</title>")
    assert (file.status_code, file.text) == (200, "export {}")
    assert page.headers["cache-control"] == "no-cache"
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    for response in (page, file):
        assert FORBIDDEN.items() <= dict(response.headers).items()


@pytest.mark.anyio
async def test_a_file_that_was_compressed_is_served_so_to_who_takes_it_and_again_only_when_it_changed(
    built: Path, client: httpx.AsyncClient
) -> None:
    (built / "assets/index-a1.js.gz").write_bytes(gzip.compress(b"export {}"))
    address = "/graphql/assets/index-a1.js"
    packed = await client.get(address, headers={"accept-encoding": "gzip, br"})
    plain = await client.get(address, headers={"accept-encoding": "identity"})
    assert (packed.headers.get("content-encoding"), plain.headers.get("content-encoding")) == ("gzip", None)
    assert packed.text == plain.text == "export {}"
    assert packed.headers["content-type"] == plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert packed.headers["etag"] != plain.headers["etag"]
    known = {"accept-encoding": "gzip", "if-none-match": packed.headers["etag"]}
    assert (await client.get(address, headers=known)).status_code == 304


@pytest.mark.anyio
async def test_the_policy_names_no_other_host(built: Path, client: httpx.AsyncClient) -> None:
    directives = _directives(await client.get("/graphql"))
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == ["'self'"]
    assert directives["connect-src"] == ["'self'"]
    assert directives["frame-ancestors"] == directives["base-uri"] == directives["form-action"] == ["'none'"]
    allowed = {"'none'", "'self'", "'unsafe-inline'", "data:"}
    assert {value for values in directives.values() for value in values} == allowed
    assert [name for name, values in directives.items() if "'unsafe-inline'" in values] == ["style-src"]


@pytest.mark.anyio
async def test_nothing_outside_the_files_is_served(built: Path, client: httpx.AsyncClient) -> None:
    for path in ("/graphql/assets/absent.js", "/graphql/assets/%2e%2e/secret.txt", "/graphql/assets/"):
        assert (await client.get(path)).status_code == 404


@pytest.mark.anyio
async def test_without_a_build_the_page_says_how_to_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient
) -> None:
    monkeypatch.setattr(graphiql, "DIST", tmp_path / "absente")
    page = await client.get("/graphql")
    assert page.status_code == 200
    assert "make graphiql" in page.text
    assert FORBIDDEN.items() <= dict(page.headers).items()
    assert (await client.get("/graphql/assets/index-a1.js")).status_code == 404


@pytest.mark.anyio
async def test_the_icon_is_here(client: httpx.AsyncClient) -> None:
    icon = await client.get("/favicon.ico")
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")
    assert (await client.get("/graphql/favicon.ico")).text == icon.text  # under the prefix of a proxy


@pytest.mark.anyio
async def test_the_page_is_told_of_the_provider_and_may_ask_its_token_address_only(
    built: Path, client: httpx.AsyncClient
) -> None:
    (built / "index.html").write_text('<meta name="connexion" content="">')
    page = await client.get("/avec")
    (told,) = re.findall('content="(.*)">', page.text)
    assert json.loads(html.unescape(told)) == {**PROVIDER, "portee": "openid"}
    assert not set("<>") & set(told)
    assert _directives(page)["connect-src"] == ["'self'", "https://id.invalid:8443"]
    assert _directives(page)["script-src"] == ["'self'"]


@pytest.mark.parametrize(
    ("query", "served"),
    [
        (b"code=a&state=b", True),
        (b"error=access_denied&state=b&iss=https%3A%2F%2Fid.invalid", True),
        (b"code=a", False),
        (b"code=a&state=b&query=%7Bmoi%7D", False),
        (b"query=%7Bmoi%7D", False),
    ],
)
def test_only_the_return_of_a_provider_may_be_in_the_address(query: bytes, served: bool) -> None:
    assert graphiql.is_return(query, SIGN_IN) is served
    assert graphiql.is_return(query, None) is False
