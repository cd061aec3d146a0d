"""The GraphiQL page in a real browser, on a real gateway: what a newcomer does, and what must never leave the page."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Request, Route, expect, sync_playwright

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from gateway.web.graphiql import DIST
from tests.support.examples import Example, examples, persons_of

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
EDITOR = ".graphiql-query-editor"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
READY = 60_000  # milliseconds: both editors take a busy machine a while
CALLERS = (
    "ml",
    "cfa",
    "reseau",
    "dreets",
    "ddets",
    "academie",
    "france-travail",
    "si-partenaire",
    "si-partenaire-cfa",
    "arml",
    "admin",
)
# Words of GraphiQL that a reader would meet; those of monaco's own menus are not the page's.
ENGLISH = (
    "Show",
    "Hide",
    "Execute",
    "Prettify",
    "Merge",
    "Copy query",
    "History",
    "Settings",
    "Close",
    "New tab",
    "Headers",
    "Docs",
)


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


# The name of each control in sight, as a reader of screens is told it; monaco's own apart.
NAMES = """() => [...document.querySelectorAll('button, input, select, [role=tab], section')]
    .filter((e) => e.checkVisibility() && !e.closest('.monaco-editor'))
    .map((e) => (e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || '').trim())"""


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
            viewport={"width": 1280, "height": 800},
            locale="fr-FR",
        )
        yield context
        context.close()


@pytest.fixture
def visit(browser: BrowserContext, gateway: LaunchedGateway) -> Iterator[Visit]:
    yield from _visit(browser, f"{gateway.url}/graphql")


def _visit(browser: BrowserContext, address: str) -> Iterator[Visit]:
    page = browser.new_page()
    page.set_viewport_size({"width": 1280, "height": 800})
    visit = Visit(page)
    page.add_init_script(VIOLATIONS)
    page.on("request", visit.note)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("console", lambda told: visit.errors.append(told.text) if told.type == "error" else None)
    page.goto(address)
    yield visit
    page.close()


def _present(page: Page, token: str) -> None:
    """Present a token, and wait until the editors are there."""
    page.get_by_label("Jeton d’accès").fill(token)
    page.get_by_label("Jeton d’accès").press("Enter")
    _await_editors(page)


def _await_editors(page: Page) -> None:
    for editor in (EDITOR, RESPONSE):
        expect(page.locator(f"{editor} .view-lines")).to_be_visible(timeout=READY)
    expect(page.locator(EDITOR)).to_contain_text("query", timeout=READY)


def _report(page: Page) -> Locator:
    return page.get_by_role("region", name="Compte rendu de la réponse")


def _run(page: Page, operation: str) -> Any:
    """Ctrl + Enter: the answer to that operation, as it travelled."""
    with page.expect_response(lambda response: operation in (response.request.post_data or "")) as expected:
        page.keyboard.press("Control+Enter")
    return expected.value.json()


def _open_example(page: Page, title: str) -> None:
    page.get_by_role("button", name=title, exact=True).click()
    expect(page.get_by_text(f"« {title} » est dans l’éditeur")).to_be_visible(timeout=READY)


def _capture(page: Page, nom: str) -> None:
    CAPTURES.mkdir(exist_ok=True)
    page.screenshot(path=CAPTURES / f"graphiql-{nom}.png")


def _warm_again(gateway: LaunchedGateway, token: str) -> int:
    """Ask the first example until every source has answered it, however slow this machine is; how many ruptures."""
    for _ in range(20):
        response = gateway.graphql(token, examples()[0].query)
        if "errors" not in response:
            return int(response["data"]["ruptures"]["totalCount"])
    pytest.fail(f"the sources never all answered: {response['errors'][0]['message']}")


def test_a_newcomer_chooses_a_profile_and_reads_the_ruptures_of_its_territory(
    visit: Visit, gateway: LaunchedGateway, world: World
) -> None:
    page = visit.page
    count = _warm_again(gateway, world.token("ml"))
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("link", name="(ml)").click()
    _await_editors(page)
    assert page.url == f"{gateway.url}/graphql"  # the code is taken out of the address
    expect(page.get_by_role("banner")).to_contain_text("Jeton valable jusqu’à")
    list_query = _run(page, "MesRuptures")["data"]["ruptures"]
    expect(page.locator(RESPONSE)).to_contain_text(f'"totalCount": {count}')
    expect(page.locator(RESPONSE)).to_contain_text(f'"date": "{list_query["edges"][0]["node"]["date"]}"')
    expect(_report(page)).to_contain_text("Réponse complète.")
    expect(_report(page)).to_contain_text("registre : copie relevée il y a")
    expect(_report(page)).to_contain_text("imilo : données d’il y a")
    _capture(page, "ruptures")
    assert len(list_query["edges"]) == min(count, 20) > 0
    assert visit.hotes == {urlsplit(gateway.url).netloc, urlsplit(world.identity_url).netloc}
    assert [error for error in visit.errors if "404" not in error] == []  # the provider has no icon


def test_a_return_that_this_tab_did_not_ask_for_is_refused(visit: Visit, gateway: LaunchedGateway) -> None:
    visit.page.goto(f"{gateway.url}/graphql?code=vole&state=dun-autre")
    expect(visit.page.get_by_role("status")).to_contain_text("n’a pas été demandée par cet onglet")
    assert visit.page.url == f"{gateway.url}/graphql"
    assert visit.hotes == {urlsplit(gateway.url).netloc}


def test_before_anybody_is_known_the_page_says_so_in_a_sentence_and_asks_nothing(visit: Visit) -> None:
    page = visit.page
    sendings: list[str] = []
    page.on("request", lambda request: sendings.append(request.url) if request.method == "POST" else None)
    expect(page.get_by_role("status")).to_have_text("Personne n’est encore connecté.")
    page.keyboard.press("Control+Enter")
    assert "{" not in page.locator("body").inner_text()
    _capture(page, "accueil")
    assert sendings == []
    assert visit.errors == []


def test_the_page_says_that_a_token_is_refused(visit: Visit, world: World) -> None:
    page = visit.page
    header, body, signature = world.token("ml").split(".")
    page.get_by_label("Jeton d’accès").fill(f"{header}.{body}.{signature[::-1]}")
    page.get_by_role("button", name="Utiliser").first.click()
    expect(page.get_by_role("status")).to_contain_text("Accès refusé")
    assert page.evaluate("sessionStorage.getItem('passerelle:jeton')") == ""


def test_an_api_key_travels_in_its_own_header_and_is_not_kept(visit: Visit, world: World) -> None:
    page, sent = visit.page, []
    token = world.token("admin")

    def as_the_register_would(route: Route) -> None:
        headers = dict(route.request.headers)
        sent.append((headers.pop("x-cle-api", None), headers.get("authorization")))
        route.continue_(headers={**headers, "authorization": f"Bearer {token}"})

    page.route("**/graphql", as_the_register_would)
    page.get_by_label("Clé d’API").fill("cle-de-machine")
    page.get_by_label("Clé d’API").press("Enter")
    _await_editors(page)
    assert _run(page, "EtatDesSources")["data"]["sources"]
    assert set(sent) == {("cle-de-machine", None)}
    assert "cle-de-machine" not in page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")


def test_examples_share_one_tab_fill_their_variables_and_run_at_ctrl_enter(visit: Visit, world: World) -> None:
    page = visit.page
    _present(page, world.token("ml"))
    for title, operation in (
        ("Reprendre la liste, page par page", "Reprendre"),
        ("Ce jeune est-il de mon territoire ?", "ChercherUnJeune"),
        ("Qui appeler d’abord", "AppelerDAbord"),
    ):
        _open_example(page, title)
        assert persons_of(_run(page, operation)["data"]) > 0, title
        variables = page.evaluate(
            "JSON.parse(JSON.parse(sessionStorage['graphiql:tabState'] ?? '{}').tabs?.[0].variables || '{}')"
        )
        assert variables or operation, title
        expect(page.get_by_role("tab")).to_have_count(1)
    expect(page.get_by_role("region", name="Variables")).to_contain_text('"etat"')
    _capture(page, "exemple")
    assert visit.errors == []


def test_an_example_still_looking_for_its_values_is_what_ctrl_enter_runs(visit: Visit, world: World) -> None:
    page = visit.page
    _present(page, world.token("ml"))
    page.get_by_role("button", name="La fiche d’un jeune").click()
    assert persons_of(_run(page, "FicheDunJeune")["data"]) == 1


def test_a_text_of_ones_own_is_not_overwritten_by_an_example(visit: Visit, world: World) -> None:
    page = visit.page
    _present(page, world.token("admin"))
    page.locator(f"{EDITOR} .view-lines").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("{ moi { profil")
    page.wait_for_timeout(800)  # the tab is kept half a second after the last key
    _open_example(page, "Qui suis-je, que puis-je lire ?")
    expect(page.get_by_role("tab")).to_have_count(2)


def test_the_history_reopens_the_variables_too(visit: Visit, world: World) -> None:
    page = visit.page
    _present(page, world.token("ml"))
    _open_example(page, "La fiche d’un jeune")
    _run(page, "FicheDunJeune")
    _open_example(page, "Qui suis-je, que puis-je lire ?")
    expect(page.get_by_role("region", name="Variables")).not_to_contain_text('"id"')
    page.get_by_role("button", name="Afficher Historique").click()
    page.get_by_role("button", name="Reprendre FicheDunJeune").click()
    expect(page.get_by_role("region", name="Variables")).to_contain_text('"id"')


def test_purposes_offered_are_those_granted_and_a_refused_field_is_told(visit: Visit, world: World) -> None:
    page = visit.page
    _present(page, world.token("ml-deux-finalites"))
    offered = page.get_by_label("Finalité").locator("option").all_inner_texts()
    assert offered == ["à choisir", "ACCOMPAGNEMENT", "PILOTAGE"]
    _run(page, "MesRuptures")
    expect(_report(page)).to_contain_text("ruptures")
    expect(_report(page)).to_contain_text("X-Finalite")
    page.get_by_label("Finalité").select_option("ACCOMPAGNEMENT")
    assert persons_of(_run(page, "MesRuptures")["data"]) > 0


def test_a_partial_answer_says_which_source_lacks(browser: BrowserContext, world: World, patient: str) -> None:
    try:
        with world.gateway(GATEWAY_CONFIG=patient) as launched:
            world.check.fault("imilo", "refuse")
            for visit in _visit(browser, f"{launched.url}/graphql"):
                _present(visit.page, world.token("ml"))
                _run(visit.page, "MesRuptures")
                expect(_report(visit.page)).to_contain_text("Réponse partielle : imilo manque.")
                expect(_report(visit.page)).to_contain_text("imilo : n’a pas répondu")
                expect(_report(visit.page)).to_contain_text("imilo : partenaire injoignable")
                expect(_report(visit.page).get_by_role("status")).to_have_attribute("aria-live", "polite")
                _capture(visit.page, "partielle")
    finally:
        world.check.lift_faults()


def test_the_page_works_at_390_pixels(visit: Visit, world: World) -> None:
    page = visit.page
    page.set_viewport_size({"width": 390, "height": 844})
    _present(page, world.token("ml"))
    _open_example(page, "La fiche d’un jeune")
    page.get_by_role("button", name="Exécuter la requête").click()
    expect(page.locator(RESPONSE)).to_contain_text('"nom"')
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for part in (EDITOR, RESPONSE, ".graphiql-plugin"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["width"] > 300, part
        assert box["height"] > 150, part
    _capture(page, "etroit")


def test_the_page_is_in_french_and_its_parts_have_names(visit: Visit, world: World) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Se connecter")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Jeton d’accès")).to_be_focused()
    _present(page, world.token("ml"))
    for role in ("banner", "main"):
        expect(page.get_by_role(role)).to_have_count(1)
    names = page.evaluate(NAMES)
    assert [name for name in names if not name] == []
    assert [name for name in names if any(word in name for word in ENGLISH)] == []
    page.get_by_role("button", name="Réglages").click()
    expect(page.get_by_role("dialog")).to_contain_text("Couleurs de la page.")
    assert visit.errors == []


def test_the_page_works_under_any_prefix(browser: BrowserContext, gateway: LaunchedGateway, world: World) -> None:
    paths: list[str] = []

    def proxy(route: Route) -> None:
        """What a proxy does that takes /api away."""
        paths.append(urlsplit(route.request.url).path)
        route.fulfill(response=route.fetch(url=route.request.url.replace("/api/", "/", 1)))

    browser.route(f"{gateway.url}/**", proxy)
    try:
        for visit in _visit(browser, f"{gateway.url}/api/graphql"):
            _present(visit.page, world.token("admin"))
            assert _run(visit.page, "EtatDesSources")["data"]["sources"]
            assert visit.errors == []
    finally:
        browser.unroute(f"{gateway.url}/**")
    assert {path for path in paths if not path.startswith("/api/graphql")} == set()
    assert any(path.startswith("/api/graphql/assets/") and "worker" in path for path in paths)


def test_nothing_typed_outlives_the_tab(visit: Visit, world: World) -> None:
    page = visit.page
    _present(page, world.token("admin"))
    _run(page, "EtatDesSources")
    assert page.evaluate("localStorage.length") == 0
    assert page.context.cookies() == []


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.title)
def test_an_example_finds_somebody_for_each_profile_it_is_for(
    example: Example, gateway: LaunchedGateway, world: World
) -> None:
    """But for the fields that the page leaves out: those that a caller's graph has not are refused here."""
    for client in (name for name in CALLERS if example.is_for(world.clients[name].profil)):
        variables = _values(example, gateway, world.token(client))
        response = _until_heard(gateway, world.token(client), example.query, variables)
        assert persons_of(response["data"]) > 0, client


def _values(example: Example, gateway: LaunchedGateway, token: str) -> dict[str, Any]:
    """As the page finds them: the first row that says every variable."""
    if example.search is None:
        return {}
    (found,) = _until_heard(gateway, token, example.search, {})["data"].values()
    rows = [row.get("node", row) for row in found["edges"]]
    return next(row for row in rows if all(row[name] is not None for name in example.variables))


def _until_heard(gateway: LaunchedGateway, token: str, query: str, variables: dict[str, Any]) -> Any:
    for _ in range(20):
        response = gateway.graphql(token, query, variables)
        if not any("source" in error["extensions"] for error in response.get("errors", [])):
            return response
    pytest.fail(json.dumps(response["errors"], ensure_ascii=False))
