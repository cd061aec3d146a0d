"""The public page of figures, full of figures, in a browser: no mistake that a tool sees, at 1280 and 375 pixels and at 400 %, by
keyboard, and on paper."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Route, ViewportSize

from gateway.statistiques.public_figures import PublicFigures
from gateway.statistiques.public_page import public_page
from gateway.stores.quota_counters import RateLimits
from gateway.web.statistics_page import HEADERS, page_html, read_sheet
from tests.support.e2e.browser import PHONE, WIDE, browsing, overflow, violations
from tests.support.published_world import blocks, draw_counts, published_world

ADDRESS = "http://passerelle.test/statistiques"
ZOOMED = ViewportSize(width=320, height=256)  # 1280 by 1024 at 400 %
A4 = ViewportSize(width=718, height=1047)  # 210 mm by 297, but margins of a centimetre
LOTS = draw_counts(Random(7), most=200)


async def _written(folder: Path) -> bytes:
    """The page over a snapshot of two years."""
    async with published_world(folder, LOTS, blocks(LOTS)) as world:
        statistics, directory = world.world.gateway.statistics, world.world.gateway.directory
        figures = PublicFigures(world.published, lambda: statistics.known(directory()), RateLimits())
        return bytes(page_html(await public_page(figures)).body)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return asyncio.run(_written(tmp_path_factory.mktemp("blocs")))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    yield from browsing(tmp_path_factory.mktemp("profil"))


@pytest.fixture(scope="module")
def page(written: bytes, browser: BrowserContext) -> Page:
    asked: set[str] = set()

    def answer(route: Route) -> None:
        asked.add(path := urlsplit(route.request.url).path)
        if path.endswith("style.css"):
            route.fulfill(body=read_sheet(None), content_type="text/css", headers=HEADERS)
        else:
            route.fulfill(body=written, content_type="text/html; charset=utf-8", headers=HEADERS)

    page = browser.new_page()
    page.route("**/*", answer)
    page.goto(ADDRESS)
    assert {"/statistiques", "/statistiques/style.css"} <= asked
    assert page.locator("figure svg").count() > 1
    return page


@pytest.mark.parametrize("unfolded", [False, True], ids=["folded", "unfolded"])
@pytest.mark.parametrize("size", [WIDE, PHONE, ZOOMED], ids=["1280", "375", "400 %"])
def test_the_page_of_figures_has_no_mistake_that_a_tool_sees(page: Page, size: ViewportSize, unfolded: bool) -> None:
    """Nor does it scroll sideways: what is wide scrolls by itself."""
    page.set_viewport_size(size)
    page.evaluate(f"document.querySelectorAll('details').forEach(one => one.open = {str(unfolded).lower()})")
    assert violations(page) == []
    assert overflow(page) == 0


def test_each_table_and_file_is_reached_and_unfolded_by_keyboard(page: Page) -> None:
    page.set_viewport_size(WIDE)
    page.goto(ADDRESS)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "evitement"
    seen = 0
    for _ in range(page.locator("a, summary, [tabindex]").count() * 2):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('details:not([open]) > summary')"):
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.parentElement.open")
            seen += 1
    assert seen == page.locator("summary").count() > 0


def test_on_paper_nothing_is_cut_at_the_edge(page: Page) -> None:
    page.set_viewport_size(A4)
    page.emulate_media(media="print")
    try:
        assert overflow(page) == 0
        assert not page.locator(".evitement").is_visible()
        for plot in page.locator("figure svg").all():
            box = plot.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= A4["width"]
        assert page.pdf(format="A4").startswith(b"%PDF")
    finally:
        page.emulate_media(media="screen")
