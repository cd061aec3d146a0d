"""The GraphiQL page in a browser: opened, watched, and used as somebody would."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Locator, Page, Request, ViewportSize, expect

CAPTURES = Path("var")
VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation', e => console.error('violation ' + e.violatedDirective))"
)
RESPONSE = ".graphiql-response"
EDITOR = ".graphiql-query-editor"
WIDE, NARROW = ViewportSize(width=1280, height=800), ViewportSize(width=390, height=844)
READY = 60_000  # milliseconds: both editors take a busy machine a while
# The name of each control in sight, as a reader of screens is told it; monaco's own apart.
NAMES = """() => [...document.querySelectorAll('button, input, select, [role=tab], section')]
    .filter((e) => e.checkVisibility() && !e.closest('.monaco-editor'))
    .map((e) => (e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || '').trim())"""


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


def opened(browser: BrowserContext, address: str) -> Iterator[Visit]:
    """The page at that address, once; what its policy forbids is among its errors."""
    page = browser.new_page()
    page.set_viewport_size(WIDE)
    visit = Visit(page)
    page.add_init_script(VIOLATIONS)
    page.on("request", visit.note)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("console", lambda told: visit.errors.append(told.text) if told.type == "error" else None)
    page.goto(address)
    yield visit
    page.close()


def present(page: Page, token: str) -> None:
    """Present a token, and wait until the editors are there."""
    page.get_by_label("Jeton d’accès").fill(token)
    page.get_by_label("Jeton d’accès").press("Enter")
    wait_for_both(page)


def wait_for_both(page: Page) -> None:
    """Until the editors are there, and the first example with them."""
    for editor in (EDITOR, RESPONSE):
        expect(page.locator(f"{editor} .view-lines")).to_be_visible(timeout=READY)
    expect(page.locator(EDITOR)).to_contain_text("query", timeout=READY)


def report(page: Page) -> Locator:
    """What the page says of the last answer."""
    return page.get_by_role("region", name="Compte rendu de la réponse")


def run(page: Page, operation: str) -> Any:
    """Ctrl + Enter: the answer to that operation, as it travelled."""
    with page.expect_response(lambda response: operation in (response.request.post_data or "")) as expected:
        page.keyboard.press("Control+Enter")
    return expected.value.json()


def open_example(page: Page, title: str) -> None:
    """Click an example, until it is in the editor."""
    page.get_by_role("button", name=title, exact=True).click()
    expect(page.get_by_text(f"« {title} » est dans l’éditeur")).to_be_visible(timeout=READY)


def capture(page: Page, nom: str, subject: str = "graphiql") -> None:
    """A picture in `var/`, to be looked at."""
    CAPTURES.mkdir(exist_ok=True)
    page.screenshot(path=CAPTURES / f"{subject}-{nom}.png")
