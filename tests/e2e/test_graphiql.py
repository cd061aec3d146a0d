"""The GraphiQL page in a real browser, on a real gateway: what a newcomer does, and what must never leave the page."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from gateway.web.graphiql import DIST
from tests.support.e2e.browser import browsing, require
from tests.support.e2e.page import (
    EDITOR,
    NAMES,
    NARROW,
    RESPONSE,
    Visit,
    capture,
    open_example,
    opened,
    present,
    report,
    run,
    wait_for_both,
)
from tests.support.examples import examples, persons_of

# Words of GraphiQL that a reader would meet; those of monaco's own menus are not the page's.
ENGLISH = re.compile("Show|Hide|Execute|Prettify|Merge|Copy query|History|Settings|Close|New tab|Headers|Docs")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    require((DIST / "index.html").is_file(), "the GraphiQL page is not built: make graphiql")
    yield from browsing(tmp_path_factory.mktemp("profil"))


@pytest.fixture
def visit(browser: BrowserContext, gateway: LaunchedGateway) -> Iterator[Visit]:
    yield from opened(browser, f"{gateway.url}/graphql")


def _warm_again(gateway: LaunchedGateway, token: str, *dead: str) -> int:
    """Ask the first example until all sources but dead ones have answered it, however slow this machine is; how many ruptures."""
    for _ in range(20):
        response = gateway.graphql(token, examples()[0].query)
        if {error["extensions"]["source"] for error in response.get("errors", ())} == set(dead):
            return int(response["data"]["ruptures"]["totalCount"])
    pytest.fail(f"the sources never all answered: {response['errors'][0]['message']}")


def test_a_newcomer_chooses_a_profile_and_reads_the_ruptures_of_its_territory(
    visit: Visit, gateway: LaunchedGateway, world: World
) -> None:
    page = visit.page
    count = _warm_again(gateway, world.token("ml"))
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("link", name="(ml)").click()
    wait_for_both(page)
    assert page.url == f"{gateway.url}/graphql"  # the code is taken out of the address
    expect(page.get_by_role("banner")).to_contain_text("Jeton valable jusqu’à")
    list_query = run(page, "MesRuptures")["data"]["ruptures"]
    expect(page.locator(RESPONSE)).to_contain_text(f'"totalCount": {count}')
    expect(page.locator(RESPONSE)).to_contain_text(f'"date": "{list_query["edges"][0]["node"]["date"]}"')
    expect(report(page)).to_contain_text("Réponse complète.")
    expect(report(page)).to_contain_text("registre : copie relevée il y a")
    expect(report(page)).to_contain_text("imilo : données d’il y a")
    capture(page, "ruptures")
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
    capture(page, "accueil")
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
    wait_for_both(page)
    assert run(page, "EtatDesSources")["data"]["sources"]
    assert set(sent) == {("cle-de-machine", None)}
    assert "cle-de-machine" not in page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")


def test_examples_share_one_tab_fill_their_variables_and_run_at_once(visit: Visit, world: World) -> None:
    page = visit.page
    present(page, world.token("ml"))
    for title, operation in (
        ("Reprendre la liste, page par page", "Reprendre"),
        ("Ce jeune est-il de mon territoire ?", "ChercherUnJeune"),
        ("Qui appeler d’abord", "AppelerDAbord"),
    ):
        open_example(page, title)
        assert persons_of(run(page, operation)["data"]) > 0, title
        expect(page.get_by_role("tab")).to_have_count(1)
    expect(page.get_by_role("region", name="Variables")).to_contain_text('"etat"')
    capture(page, "exemple")
    assert visit.errors == []


def test_an_example_that_still_searches_its_values_is_what_runs(visit: Visit, world: World) -> None:
    page = visit.page
    present(page, world.token("ml"))
    page.get_by_role("button", name="La fiche d’un jeune").click()
    assert persons_of(run(page, "FicheDunJeune")["data"]) == 1


def test_a_text_of_ones_own_is_kept_beside_an_example(visit: Visit, world: World) -> None:
    page = visit.page
    present(page, world.token("admin"))
    page.locator(f"{EDITOR} .view-lines").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("{ moi { profil")
    page.wait_for_timeout(800)  # the tab is kept half a second after the last key
    open_example(page, "Qui suis-je, que puis-je lire ?")
    expect(page.get_by_role("tab")).to_have_count(2)


def test_the_history_reopens_the_variables_too(visit: Visit, world: World) -> None:
    page = visit.page
    present(page, world.token("ml"))
    open_example(page, "La fiche d’un jeune")
    run(page, "FicheDunJeune")
    open_example(page, "Qui suis-je, que puis-je lire ?")
    expect(page.get_by_role("region", name="Variables")).not_to_contain_text('"id"')
    page.get_by_role("button", name="Afficher Historique").click()
    page.get_by_role("button", name="Reprendre FicheDunJeune").click()
    expect(page.get_by_role("region", name="Variables")).to_contain_text('"id"')


def test_purposes_offered_are_those_granted_and_a_refused_field_is_told(visit: Visit, world: World) -> None:
    page = visit.page
    present(page, world.token("ml-deux-finalites"))
    offered = page.get_by_label("Finalité").locator("option").all_inner_texts()
    assert offered == ["à choisir", "ACCOMPAGNEMENT", "PILOTAGE"]
    run(page, "MesRuptures")
    expect(report(page)).to_contain_text("ruptures")
    expect(report(page)).to_contain_text("X-Finalite")
    page.get_by_label("Finalité").select_option("ACCOMPAGNEMENT")
    assert persons_of(run(page, "MesRuptures")["data"]) > 0


def test_a_partial_answer_says_which_source_lacks(browser: BrowserContext, world: World, patient: str) -> None:
    try:
        with world.gateway(GATEWAY_CONFIG=patient) as launched:
            world.check.fault("imilo", "refuse")
            _warm_again(launched, world.token("ml"), "imilo")
            for visit in opened(browser, f"{launched.url}/graphql"):
                present(visit.page, world.token("ml"))
                run(visit.page, "MesRuptures")
                expect(report(visit.page)).to_contain_text("Réponse partielle : imilo manque.")
                expect(report(visit.page)).to_contain_text("imilo : n’a pas répondu")
                expect(report(visit.page)).to_contain_text("imilo : partenaire injoignable")
                expect(report(visit.page).get_by_role("status")).to_have_attribute("aria-live", "polite")
                capture(visit.page, "partielle")
    finally:
        world.check.lift_faults()


def test_the_page_works_in_the_width_of_a_phone(visit: Visit, world: World) -> None:
    page = visit.page
    page.set_viewport_size(NARROW)
    present(page, world.token("ml"))
    open_example(page, "La fiche d’un jeune")
    page.get_by_role("button", name="Exécuter la requête").click()
    expect(page.locator(RESPONSE)).to_contain_text('"nom"')
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for part in (EDITOR, RESPONSE, ".graphiql-plugin"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["width"] > 300, part
        assert box["height"] > 150, part
    capture(page, "etroit")


def test_the_page_is_in_french_and_its_parts_have_names(visit: Visit, world: World) -> None:
    page = visit.page
    expect(page.get_by_role("button", name="Se connecter")).to_be_visible()  # drawn: there is something to go to
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Se connecter")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Jeton d’accès")).to_be_focused()
    present(page, world.token("ml"))
    for role in ("banner", "main"):
        expect(page.get_by_role(role)).to_have_count(1)
    names = page.evaluate(NAMES)
    assert [name for name in names if not name] == []
    assert [name for name in names if ENGLISH.search(name)] == []
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
        for visit in opened(browser, f"{gateway.url}/api/graphql"):
            present(visit.page, world.token("admin"))
            assert run(visit.page, "EtatDesSources")["data"]["sources"]
            assert visit.errors == []
    finally:
        browser.unroute(f"{gateway.url}/**")
    assert {path for path in paths if not path.startswith("/api/graphql")} == set()
    assert any(path.startswith("/api/graphql/assets/") and "worker" in path for path in paths)


def test_nothing_typed_outlives_the_tab(visit: Visit, world: World) -> None:
    page = visit.page
    present(page, world.token("admin"))
    run(page, "EtatDesSources")
    assert page.evaluate("localStorage.length") == 0
    assert page.context.cookies() == []
