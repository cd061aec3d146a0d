"""The site of documentation in a real browser, as the gateway serves it: nothing that its policy forbids, nothing that axe finds
wrong, nothing wider than the window, and a search that finds."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import BrowserContext, ViewportSize, expect
from starlette.applications import Starlette

from fixtures.gateway_process import LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.servers import free_port
from gateway.web.documentation import BUILT, POLICIES, documentation_routes
from tests.support.e2e.browser import PHONE, WIDE, browsing, overflow, require, violations
from tests.support.e2e.page import capture, opened

PAGES = sorted(path.relative_to(BUILT / "pages").as_posix() for path in (BUILT / "pages").rglob("*.html"))
# One of each kind: those of a kind differ by their words only. `make chaos` looks at all of them.
KINDS = (
    *("index.html", "premiers-pas.html", "guides/index.html", "guide-appelant.html", "exemples/README.html"),
    *("clients.html", "reference/operations.html", "reference/configuration.html", "reference/commandes.html"),
    *("aipd.html", "glossaire.html", "evidence.html", "decisions/README.html", "decisions/0012-reading-journal.html"),
    *("architecture.html", "depot/deploy/nginx.conf.html", "search.html"),
)
WIDTHS = (WIDE, PHONE)


@contextmanager
def _listening() -> Iterator[str]:
    app = Starlette(routes=documentation_routes(True))
    app.router.redirect_slashes = False
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    try:
        yield f"http://127.0.0.1:{server.config.port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The site alone, by the same routes as in a gateway."""
    require((BUILT / POLICIES).is_file(), "the site of documentation is not built: make docs")
    with _listening() as listening:
        yield f"{listening}/documentation"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    yield from browsing(tmp_path_factory.mktemp("documentation"))


def wrong(browser: BrowserContext, address: str, page: str, size: ViewportSize) -> list[str]:
    """What is wrong of a page in a window of that size."""
    told: list[str] = []
    for visit in opened(browser, f"{address}/{page}"):
        visit.page.set_viewport_size(size)
        visit.page.reload()  # as it comes in such a window: what slides there is known when the page is opened
        told += visit.errors
        told += [f"asked of {host}" for host in visit.hotes - {urlsplit(address).netloc}]
        told += [f"wider by {wider} pixels"] if (wider := overflow(visit.page)) else []
        told += violations(visit.page)
    return told


@pytest.mark.parametrize("size", WIDTHS, ids=lambda size: str(size["width"]))
@pytest.mark.parametrize("page", KINDS)
def test_nothing_is_wrong_of_a_page(browser: BrowserContext, address: str, page: str, size: ViewportSize) -> None:
    assert wrong(browser, address, page, size) == []


@pytest.mark.chaos
@pytest.mark.parametrize("size", WIDTHS, ids=lambda size: str(size["width"]))
@pytest.mark.parametrize("page", [page for page in PAGES if page not in KINDS])
def test_nothing_is_wrong_of_any_page(browser: BrowserContext, address: str, page: str, size: ViewportSize) -> None:
    assert wrong(browser, address, page, size) == []


def test_the_interface_is_in_french_and_the_search_finds(browser: BrowserContext, address: str) -> None:
    for visit in opened(browser, f"{address}/"):
        page = visit.page
        page.keyboard.press("Control+K")
        page.get_by_role("searchbox", name="Rechercher").fill("plafonds")
        page.keyboard.press("Enter")
        results = page.locator("#search-results")
        expect(page.get_by_text("Recherche terminée").first).to_be_visible(timeout=60_000)
        expect(results.get_by_role("link", name="Exploiter la passerelle").first).to_be_visible(timeout=60_000)
        expect(results).not_to_contain_text("Quotas are counted")  # what was decided is not searched
        capture(page, "documentation-recherche")
        assert visit.errors == []


def test_a_reader_of_a_phone_opens_the_menu(browser: BrowserContext, address: str) -> None:
    for visit in opened(browser, f"{address}/graphe.html"):
        visit.page.set_viewport_size(PHONE)
        visit.page.locator("button.primary-toggle").click()
        expect(visit.page.get_by_role("link", name="Régler un client").first).to_be_visible()
        assert visit.errors == []
        assert violations(visit.page) == []


def test_a_gateway_that_is_asked_to_serves_it(gateway: LaunchedGateway) -> None:
    """In a process of its own, with all its other headers; the index leads there."""
    require((BUILT / POLICIES).is_file(), "the site of documentation is not built: make docs")
    with client_http(gateway.url) as http:
        first = http.get("/documentation", follow_redirects=True)
        assert (first.status_code, first.url.path) == (200, "/documentation/")
        assert first.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self' 'sha256-")
        assert 'href="/documentation/"' in http.get("/").text


def test_each_kind_of_page_is_there() -> None:
    require((BUILT / POLICIES).is_file(), "the site of documentation is not built: make docs")
    assert {*KINDS} <= {*PAGES}
