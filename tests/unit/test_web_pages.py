"""The page and its files: served from here, under a policy that lets nothing out."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from gateway.web import graphiql

FORBIDDEN = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/graphql", graphiql.page_graphiql), *graphiql.static_routes()])
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


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("identity", ""),
        ("br;q=0,gzip;q=0.0", ""),
    ],
)
async def test_b8_a_file_is_served_as_the_build_compressed_it(
    built: Path, client: httpx.AsyncClient, accept: str, encoding: str
) -> None:
    (built / "assets/index-a1.js.br").write_bytes(b"brotli")
    (built / "assets/index-a1.js.gz").write_bytes(gzip.compress(b"export {}"))
    async with client.stream("GET", "/graphql/assets/index-a1.js", headers={"accept-encoding": accept}) as answer:
        body = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers.get("content-encoding", "") == encoding
    assert {"": b"export {}", "br": b"brotli", "gzip": gzip.compress(b"export {}")}[encoding][10:] == body[10:]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["vary"] == "accept-encoding"
    assert FORBIDDEN.items() <= dict(answer.headers).items()


@pytest.mark.anyio
async def test_b8_a_file_that_the_browser_has_is_not_sent_again(built: Path, client: httpx.AsyncClient) -> None:
    (built / "assets/index-a1.js.gz").write_bytes(gzip.compress(b"export {}"))
    path, tags = "/graphql/assets/index-a1.js", set()
    for accept in ("gzip", "identity"):
        first = await client.get(path, headers={"accept-encoding": accept})
        tags.add(first.headers["etag"])
        again = await client.get(path, headers={"accept-encoding": accept, "if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert len(tags) == 2


@pytest.mark.anyio
async def test_b8_a_compressed_file_that_was_not_made_is_no_fault(built: Path, client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphql/assets/index-a1.js", headers={"accept-encoding": "br"})
    assert (answer.status_code, answer.text) == (200, "export {}")
    assert "content-encoding" not in answer.headers
