"""The pages that the server writes, in a browser: no mistake that a tool sees, by keyboard, in the width of a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, ViewportSize, expect

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.browser import PHONE, WIDE, browsing, overflow, violations
from tests.support.e2e.page import Visit, capture, opened

PAGES = ("/", "/etat", "/statistiques")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    yield from browsing(tmp_path_factory.mktemp("profil"))


@pytest.fixture
def visit(browser: BrowserContext, gateway: LaunchedGateway) -> Iterator[Visit]:
    yield from opened(browser, f"{gateway.url}/etat")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["1280", "375"])
def test_no_page_has_a_mistake_that_a_tool_sees(visit: Visit, gateway: LaunchedGateway, size: ViewportSize) -> None:
    page = visit.page
    page.set_viewport_size(size)
    for path in PAGES:
        page.goto(f"{gateway.url}{path}")
        assert violations(page) == [], path
        assert overflow(page) == 0, path
        capture(page, f"{path.strip('/') or 'accueil'}-{size['width']}", "pages")
    assert [error for error in visit.errors if "503" not in error] == []  # no figure is published in this world


def test_the_state_of_the_service_is_reached_from_the_index_by_keyboard(visit: Visit, gateway: LaunchedGateway) -> None:
    page = visit.page
    page.goto(gateway.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Aller au contenu")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="État du service")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("État du service")
    expect(page.get_by_role("listitem").first).to_contain_text("Registre des contrats")


def test_a_partner_that_is_down_is_told_to_everybody_in_french(
    browser: BrowserContext, world: World, patient: str
) -> None:
    query = "{ ruptures(first: 1) { totalCount } }"
    try:
        with world.gateway(GATEWAY_CONFIG=patient) as launched:
            world.check.fault("imilo", "refuse")
            for _ in range(6):
                launched.graphql(world.token("ml"), query)
            for visit in opened(browser, f"{launched.url}/etat"):
                system = visit.page.get_by_role("listitem").filter(has_text="i-milo, le système des Missions locales")
                expect(system).to_contain_text("Ne répond pas.")
                expect(system).to_contain_text("Des suivis peuvent manquer aux réponses.")
                expect(visit.page.locator(".bilan")).to_contain_text("Des réponses peuvent être partielles : i-milo")
                assert violations(visit.page) == []
                capture(visit.page, "etat-partiel", "pages")
    finally:
        world.check.lift_faults()
