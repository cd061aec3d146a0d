"""The GraphiQL page in a real browser, on a real gateway: what a newcomer does, and what must never leave the page."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect, sync_playwright

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from gateway.web.pages import DIST
from tests.exemples import Exemple, exemples

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
REPONSE = ".graphiql-response"


@dataclass
class Visite:
    """A page and what it did: hosts asked, console errors."""

    page: Page
    hotes: set[str] = field(default_factory=set)
    erreurs: list[str] = field(default_factory=list)

    def noter(self, request: Request) -> None:
        adresse = urlsplit(request.url)
        if adresse.scheme not in ("data", "blob"):
            self.hotes.add(adresse.netloc)


def _exiger(present: bool, manque: str) -> None:
    """Where a tool is missing the test says so and is skipped; in CI it must run."""
    if not present and os.environ.get("CI"):
        pytest.fail(manque)
    if not present:
        pytest.skip(manque)


@pytest.fixture(scope="module")
def navigateur(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    _exiger(chromium is not None, "chromium is not installed: the GraphiQL page is not tried in a browser")
    _exiger((DIST / "index.html").is_file(), "the GraphiQL page is not built: make graphiql")
    with sync_playwright() as playwright:
        contexte = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profil"),
            executable_path=chromium,
            args=list(ARGUMENTS),
            viewport={"width": 1440, "height": 900},
            locale="fr-FR",
        )
        yield contexte
        contexte.close()


@pytest.fixture
def visite(navigateur: BrowserContext, passerelle: PasserelleLancee) -> Iterator[Visite]:
    page = navigateur.new_page()
    visite = Visite(page)
    page.add_init_script(VIOLATIONS)
    page.on("request", visite.noter)
    page.on("pageerror", lambda erreur: visite.erreurs.append(str(erreur)))
    page.on("console", lambda dit: visite.erreurs.append(dit.text) if dit.type == "error" else None)
    page.goto(f"{passerelle.url}/graphql")
    yield visite
    page.close()


def _executer(page: Page) -> None:
    """The button does nothing until both editors are there, which takes a busy machine a while."""
    for editeur in (".graphiql-query-editor", REPONSE):
        expect(page.locator(f"{editeur} .view-lines")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Execute query").click()


def _coller(page: Page, jeton: str) -> None:
    page.get_by_label("Jeton").fill(jeton)


def _capturer(page: Page, nom: str) -> None:
    CAPTURES.mkdir(exist_ok=True)
    page.screenshot(path=CAPTURES / f"graphiql-{nom}.png")


def _rechauffer(passerelle: PasserelleLancee, jeton: str) -> int:
    """Ask the default query until every source has answered it, however slow this machine is; how many ruptures."""
    for _ in range(20):
        reponse = passerelle.graphql(jeton, exemples()[0].requete)
        if "errors" not in reponse:
            return int(reponse["data"]["ruptures"]["totalCount"])
    pytest.fail(f"the sources never all answered: {reponse['errors'][0]['message']}")


def test_a_newcomer_reads_the_ruptures_of_its_territory(
    visite: Visite, passerelle: PasserelleLancee, monde: Monde
) -> None:
    page = visite.page
    jeton = monde.jeton("ml")
    combien = _rechauffer(passerelle, jeton)
    expect(page.get_by_role("status")).to_contain_text("Collez un jeton")
    _coller(page, jeton)
    expect(page.get_by_role("status")).to_contain_text("Jeton valable jusqu’à")
    with page.expect_response(lambda reponse: "MesRuptures" in (reponse.request.post_data or "")) as attendue:
        _executer(page)
    liste = attendue.value.json()["data"]["ruptures"]
    expect(page.locator(REPONSE)).to_contain_text(f'"totalCount": {combien}')
    expect(page.locator(REPONSE)).to_contain_text(f'"date": "{liste["edges"][0]["node"]["date"]}"')
    expect(page.locator(REPONSE)).to_contain_text(f'"nom": "{liste["edges"][0]["node"]["jeune"]["nom"]}"')
    _capturer(page, "ruptures")
    assert len(liste["edges"]) == min(combien, 20) > 0
    assert visite.hotes == {urlsplit(passerelle.url).netloc}
    assert visite.erreurs == []


def test_the_page_says_that_a_token_is_missing_and_asks_nothing(visite: Visite) -> None:
    page = visite.page
    envois: list[str] = []
    page.on("request", lambda request: envois.append(request.url) if request.method == "POST" else None)
    _executer(page)
    expect(page.locator(REPONSE)).to_contain_text("Aucun jeton")
    assert envois == []
    assert visite.erreurs == []


def test_the_page_says_that_a_token_is_refused(visite: Visite, monde: Monde) -> None:
    page = visite.page
    entete, corps, signature = monde.jeton("ml").split(".")
    _coller(page, f"{entete}.{corps}.{signature[::-1]}")
    expect(page.get_by_role("status")).to_contain_text("La passerelle refuse ce jeton")
    _capturer(page, "refus")


def test_an_example_opens_in_the_editor_and_runs(visite: Visite, monde: Monde) -> None:
    page = visite.page
    _coller(page, monde.jeton("admin"))
    page.get_by_role("button", name="L’état des systèmes partenaires").click()
    expect(page.locator(".graphiql-query-editor")).to_contain_text("EtatDesSources")
    _executer(page)
    expect(page.locator(REPONSE)).to_contain_text('"nom": "aimaira"', timeout=20_000)
    _capturer(page, "exemple")
    assert visite.erreurs == []


def test_nothing_typed_outlives_the_tab(visite: Visite, monde: Monde) -> None:
    page = visite.page
    _coller(page, monde.jeton("admin"))
    _executer(page)
    expect(page.locator(REPONSE)).to_contain_text("CHAMP_REFUSE")
    assert page.evaluate("localStorage.length") == 0
    assert page.context.cookies() == []


@pytest.mark.parametrize("exemple", exemples(), ids=lambda exemple: exemple.titre)
def test_an_example_is_refused_nothing_to_those_it_is_for(
    exemple: Exemple, passerelle: PasserelleLancee, monde: Monde
) -> None:
    for client in exemple.clients:
        reponse = passerelle.graphql(monde.jeton(client), exemple.requete)
        codes = {erreur["extensions"]["code"] for erreur in reponse.get("errors", [])}
        assert codes <= {"SOURCE_DELAI_DEPASSE"}, (client, codes)
        assert None not in reponse["data"].values(), client
