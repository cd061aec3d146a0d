"""The GraphiQL page in a real browser, on a real gateway: what a newcomer does, and what must never leave the page."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect, sync_playwright

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from gateway.web.graphiql import DIST
from tests.support.examples import Example, examples

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
CAPTURES = Path("var")
VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation', e => console.error('violation ' + e.violatedDirective))"
)
RESPONSE = ".graphiql-response"


@dataclass
class Visit:
    """A page and what it did: hosts asked, console errors."""

    page: Page
    hotes: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def note(self, request: Request) -> None:
        adresse = urlsplit(request.url)
        if adresse.scheme not in ("data", "blob"):
            self.hotes.add(adresse.netloc)


def _require(present: bool, missing: str) -> None:
    """Where a tool is missing the test says so and is skipped; in CI it must run."""
    if not present and os.environ.get("CI"):
        pytest.fail(missing)
    if not present:
        pytest.skip(missing)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    _require(chromium is not None, "chromium is not installed: the GraphiQL page is not tried in a browser")
    _require((DIST / "index.html").is_file(), "the GraphiQL page is not built: make graphiql")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profil"),
            executable_path=chromium,
            args=list(ARGUMENTS),
            viewport={"width": 1440, "height": 900},
            locale="fr-FR",
        )
        yield context
        context.close()


@pytest.fixture
def visit(browser: BrowserContext, gateway: LaunchedGateway) -> Iterator[Visit]:
    page = browser.new_page()
    visit = Visit(page)
    page.add_init_script(VIOLATIONS)
    page.on("request", visit.note)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("console", lambda told: visit.errors.append(told.text) if told.type == "error" else None)
    page.goto(f"{gateway.url}/graphql")
    yield visit
    page.close()


def _execute(page: Page) -> None:
    """The button does nothing until both editors are there, which takes a busy machine a while."""
    for editor in (".graphiql-query-editor", RESPONSE):
        expect(page.locator(f"{editor} .view-lines")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Execute query").click()


def _paste(page: Page, token: str) -> None:
    page.get_by_label("Jeton").fill(token)


def _capture(page: Page, nom: str) -> None:
    CAPTURES.mkdir(exist_ok=True)
    page.screenshot(path=CAPTURES / f"graphiql-{nom}.png")


def _warm_again(gateway: LaunchedGateway, token: str) -> int:
    """Ask the default query until every source has answered it, however slow this machine is; how many ruptures."""
    for _ in range(20):
        response = gateway.graphql(token, examples()[0].partner_request)
        if "errors" not in response:
            return int(response["data"]["ruptures"]["totalCount"])
    pytest.fail(f"the sources never all answered: {response['errors'][0]['message']}")


def test_a_newcomer_reads_the_ruptures_of_its_territory(visit: Visit, gateway: LaunchedGateway, world: World) -> None:
    page = visit.page
    token = world.token("ml")
    count = _warm_again(gateway, token)
    expect(page.get_by_role("status")).to_contain_text("Collez un jeton")
    _paste(page, token)
    expect(page.get_by_role("status")).to_contain_text("Jeton valable jusqu’à")
    with page.expect_response(lambda response: "MesRuptures" in (response.request.post_data or "")) as expected:
        _execute(page)
    list_query = expected.value.json()["data"]["ruptures"]
    expect(page.locator(RESPONSE)).to_contain_text(f'"totalCount": {count}')
    expect(page.locator(RESPONSE)).to_contain_text(f'"date": "{list_query["edges"][0]["node"]["date"]}"')
    expect(page.locator(RESPONSE)).to_contain_text(f'"nom": "{list_query["edges"][0]["node"]["jeune"]["nom"]}"')
    _capture(page, "ruptures")
    assert len(list_query["edges"]) == min(count, 20) > 0
    assert visit.hotes == {urlsplit(gateway.url).netloc}
    assert visit.errors == []


def test_the_page_says_that_a_token_is_missing_and_asks_nothing(visit: Visit) -> None:
    page = visit.page
    sendings: list[str] = []
    page.on("request", lambda request: sendings.append(request.url) if request.method == "POST" else None)
    _execute(page)
    expect(page.locator(RESPONSE)).to_contain_text("Aucun jeton")
    assert sendings == []
    assert visit.errors == []


def test_the_page_says_that_a_token_is_refused(visit: Visit, world: World) -> None:
    page = visit.page
    header, body, signature = world.token("ml").split(".")
    _paste(page, f"{header}.{body}.{signature[::-1]}")
    expect(page.get_by_role("status")).to_contain_text("La passerelle refuse ce jeton")
    _capture(page, "refus")


def test_an_example_opens_in_the_editor_and_runs(visit: Visit, world: World) -> None:
    page = visit.page
    _paste(page, world.token("admin"))
    page.get_by_role("button", name="L’état des systèmes partenaires").click()
    expect(page.locator(".graphiql-query-editor")).to_contain_text("EtatDesSources")
    _execute(page)
    expect(page.locator(RESPONSE)).to_contain_text('"nom": "aimaira"', timeout=20_000)
    _capture(page, "exemple")
    assert visit.errors == []


def test_nothing_typed_outlives_the_tab(visit: Visit, world: World) -> None:
    page = visit.page
    _paste(page, world.token("admin"))
    _execute(page)
    expect(page.locator(RESPONSE)).to_contain_text("CHAMP_REFUSE")
    assert page.evaluate("localStorage.length") == 0
    assert page.context.cookies() == []


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.title)
def test_an_example_is_refused_nothing_to_those_it_is_for(
    example: Example, gateway: LaunchedGateway, world: World
) -> None:
    assert example.clients
    for client in example.clients:
        response = gateway.graphql(world.token(client), example.partner_request)
        codes = {error["extensions"]["code"] for error in response.get("errors", [])}
        assert codes <= {"SOURCE_DELAI_DEPASSE"}, (client, codes)
        assert None not in response["data"].values(), client
