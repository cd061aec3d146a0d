"""The GraphiQL page in a real browser, on a real gateway: what a newcomer does, and what must never leave the page."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect, sync_playwright

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from gateway.web.pages import DIST

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
VIOLATIONS = "document.addEventListener('securitypolicyviolation', e => console.error('violation ' + e.violatedDirective))"
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
    page.get_by_role("button", name="Execute query").click()


def _coller(page: Page, jeton: str) -> None:
    page.get_by_label("Jeton").fill(jeton)


def _capturer(page: Page, nom: str) -> None:
    CAPTURES.mkdir(exist_ok=True)
    page.screenshot(path=CAPTURES / f"graphiql-{nom}.png")


def test_a_newcomer_reads_the_ruptures_of_its_territory(
    visite: Visite, passerelle: PasserelleLancee, monde: Monde
) -> None:
    page = visite.page
    expect(page.get_by_role("status")).to_contain_text("Collez un jeton")
    _coller(page, monde.jeton("ml"))
    expect(page.get_by_role("status")).to_contain_text("Jeton valable jusqu’à")
    _executer(page)
    expect(page.locator(REPONSE)).to_contain_text('"joursDepuis"', timeout=20_000)
    expect(page.locator(REPONSE)).to_contain_text('"complet": true')
    _capturer(page, "ruptures")
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
    expect(page.locator(REPONSE)).to_contain_text('"nom": "registre"', timeout=20_000)
    _capturer(page, "exemple")
    assert visite.erreurs == []


def test_nothing_typed_outlives_the_tab(visite: Visite, monde: Monde) -> None:
    page = visite.page
    _coller(page, monde.jeton("ml"))
    _executer(page)
    expect(page.locator(REPONSE)).to_contain_text('"complet"', timeout=20_000)
    gardes: dict[str, Any] = page.evaluate("Object.fromEntries(Object.entries(localStorage))")
    assert gardes == {}
    assert navigateur_cookies(page) == []


def navigateur_cookies(page: Page) -> list[Any]:
    return list(page.context.cookies())
