"""The site of documentation as the gateway serves it: where it is asked to, each page under the policy of what it holds."""

import base64
import gzip
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from gateway.web import documentation
from tools.site.finish import finish

INLINE = "document.documentElement.dataset.mode = '';"
PAGE = f"""<html><head><script>{INLINE}</script><style>p {{ color: red }}</style><script src="a.js"></script></head>
<body><article class="bd-article">Été</article></body></html>"""
CATALOGUE = 'Documentation.addTranslations({"locale": "fr", "plural_expr": "n > 1 ? 1 : 0"})'
DOCTOOLS = 'Documentation.PLURAL_EXPR = new Function("n", `return (${catalog.plural_expr})`);'


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site of two pages, made ready as `make docs` does."""
    rendered = tmp_path / "html"
    (rendered / "_static").mkdir(parents=True)
    (rendered / "decisions").mkdir()
    (rendered / "index.html").write_text(PAGE, encoding="utf-8")
    (rendered / "decisions" / "0001.html").write_text(PAGE, encoding="utf-8")
    (rendered / "_static" / "doctools.js").write_text(DOCTOOLS, encoding="utf-8")
    (rendered / "_static" / "translations.js").write_text(CATALOGUE, encoding="utf-8")
    (rendered / "_static" / "doctools.js.map").write_text("{}", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("hors des pages", encoding="utf-8")
    finish(rendered, tmp_path / "documentation")
    monkeypatch.setattr(documentation, "BUILT", tmp_path / "documentation")
    return tmp_path / "documentation"


@pytest.fixture
async def client(built: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=documentation.documentation_routes(True))
    app.router.redirect_slashes = False
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://passerelle") as opened:
        yield opened


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.anyio
async def test_a_page_is_under_the_policy_of_what_it_holds(client: httpx.AsyncClient) -> None:
    answer = await client.get("/documentation/")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert answer.status_code == 200
    assert "Été" in answer.text
    assert policy["script-src"] == f"'self' {digest(INLINE)}"
    assert policy["style-src"] == f"'self' {digest('p { color: red }')}"
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert not any("unsafe" in one for one in policy.values())


@pytest.mark.anyio
async def test_a_page_is_compressed_for_who_takes_it_so(client: httpx.AsyncClient, built: Path) -> None:
    packed = (built / "pages" / "index.html.gz").read_bytes()
    assert gzip.decompress(packed) == (built / "pages" / "index.html").read_bytes()
    for accepted, told in (("gzip", "gzip"), ("identity", None)):
        answer = await client.get("/documentation/index.html", headers={"accept-encoding": accepted})
        assert answer.headers.get("content-encoding") == told
        assert "Été" in answer.text
        assert (answer.headers["vary"], answer.headers["cache-control"]) == ("accept-encoding", "no-cache")


@pytest.mark.anyio
async def test_what_has_not_changed_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/documentation/index.html")
    again = await client.get("/documentation/index.html", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.anyio
async def test_the_address_without_its_last_mark_leads_to_the_first_page_under_any_prefix(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/documentation")
    assert (answer.status_code, answer.headers["location"]) == (308, "documentation/")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path", ["../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "../policies.json", "rien.html"]
)
async def test_nothing_outside_the_pages_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/documentation/{path}")).status_code == 404


@pytest.mark.anyio
async def test_only_what_pages_need_is_kept_and_english_is_said_to_be(client: httpx.AsyncClient, built: Path) -> None:
    assert (await client.get("/documentation/_static/doctools.js.map")).status_code == 404
    plurals = (await client.get("/documentation/_static/doctools.js")).text
    assert plurals == "Documentation.PLURAL_EXPR = (n) => (n > 1 ? 1 : 0);"
    assert '<article class="bd-article" lang="en">' in (await client.get("/documentation/decisions/0001.html")).text
    assert json.loads((built / "policies.json").read_text(encoding="utf-8")).keys() == {
        "index.html",
        "decisions/0001.html",
    }


def test_a_theme_that_changed_stops_the_build(tmp_path: Path) -> None:
    """What was taken out of it for its policy is not there any more: somebody looks, and nothing is served unseen."""
    (tmp_path / "html" / "_static").mkdir(parents=True)
    (tmp_path / "html" / "_static" / "doctools.js").write_text("autre chose", encoding="utf-8")
    (tmp_path / "html" / "_static" / "translations.js").write_text(CATALOGUE, encoding="utf-8")
    with pytest.raises(ValueError, match="doctools"):
        finish(tmp_path / "html", tmp_path / "documentation")


@pytest.mark.anyio
async def test_where_it_was_not_built_the_page_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documentation, "BUILT", tmp_path)
    app = Starlette(routes=documentation.documentation_routes(True))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://passerelle") as opened:
        answer = await opened.get("/documentation/")
    assert answer.status_code == 404
    assert "make docs" in answer.text


def test_it_is_served_only_where_it_is_asked_to_be() -> None:
    assert documentation.documentation_routes(False) == []
