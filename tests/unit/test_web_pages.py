"""The page and its files: served from here, under a policy that lets nothing out."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from gateway.web import pages

INTERDITS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/graphql", pages.page_graphiql), *pages.fichiers()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://passerelle") as ouvert:
        yield ouvert


@pytest.fixture
def construite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/index-a1.js").write_text("export {}")
    (tmp_path / "index.html").write_text("<title>Construite</title>")
    (tmp_path / "secret.txt").write_text("hors des fichiers")
    monkeypatch.setattr(pages, "DIST", tmp_path)
    return tmp_path


def _directives(reponse: httpx.Response) -> dict[str, list[str]]:
    morceaux = (directive.split() for directive in reponse.headers["content-security-policy"].split(";"))
    return {nom: valeurs for nom, *valeurs in morceaux}


@pytest.mark.anyio
async def test_the_page_and_its_files_are_served_with_their_headers(
    construite: Path, client: httpx.AsyncClient
) -> None:
    page = await client.get("/graphql")
    fichier = await client.get("/graphql/assets/index-a1.js")
    assert (page.status_code, page.text) == (200, "<title>Construite</title>")
    assert (fichier.status_code, fichier.text) == (200, "export {}")
    assert page.headers["cache-control"] == "no-cache"
    assert fichier.headers["cache-control"] == "public, max-age=31536000, immutable"
    for reponse in (page, fichier):
        assert INTERDITS.items() <= dict(reponse.headers).items()


@pytest.mark.anyio
async def test_the_policy_names_no_other_host(construite: Path, client: httpx.AsyncClient) -> None:
    directives = _directives(await client.get("/graphql"))
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == ["'self'"]
    assert directives["connect-src"] == ["'self'"]
    assert directives["frame-ancestors"] == directives["base-uri"] == directives["form-action"] == ["'none'"]
    permises = {"'none'", "'self'", "'unsafe-inline'", "data:"}
    assert {valeur for valeurs in directives.values() for valeur in valeurs} == permises
    assert [nom for nom, valeurs in directives.items() if "'unsafe-inline'" in valeurs] == ["style-src"]


@pytest.mark.anyio
async def test_nothing_outside_the_files_is_served(construite: Path, client: httpx.AsyncClient) -> None:
    for chemin in ("/graphql/assets/absent.js", "/graphql/assets/%2e%2e/secret.txt", "/graphql/assets/"):
        assert (await client.get(chemin)).status_code == 404


@pytest.mark.anyio
async def test_without_a_build_the_page_says_how_to_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient
) -> None:
    monkeypatch.setattr(pages, "DIST", tmp_path / "absente")
    page = await client.get("/graphql")
    assert page.status_code == 200
    assert "make graphiql" in page.text
    assert INTERDITS.items() <= dict(page.headers).items()
    assert (await client.get("/graphql/assets/index-a1.js")).status_code == 404


@pytest.mark.anyio
async def test_the_icon_is_here(client: httpx.AsyncClient) -> None:
    icone = await client.get("/favicon.ico")
    assert (icone.status_code, icone.headers["content-type"]) == (200, "image/svg+xml")
