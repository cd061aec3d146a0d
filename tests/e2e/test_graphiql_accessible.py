"""GraphiQL in the eyes of a tool of accessibility, in the states that one meets; and its French, which the build holds."""

import json
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from gateway.web.graphiql import DIST
from tests.support.e2e.browser import PHONE, WIDE, browsing, overflow, require, violations
from tests.support.e2e.page import Visit, opened, present, run
from tests.support.node import installed

# GraphiQL's own: a tab that holds the button that closes it. docs/accessibilite.md declares it.
TABS = "nested-interactive"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    require((DIST / "index.html").is_file(), "the GraphiQL page is not built: make graphiql")
    yield from browsing(tmp_path_factory.mktemp("profil"))


@pytest.fixture
def visit(browser: BrowserContext, gateway: LaunchedGateway) -> Iterator[Visit]:
    yield from opened(browser, f"{gateway.url}/graphql")


def mistakes(page: Page) -> list[str]:
    return [one for one in violations(page) if not one.startswith(f"{TABS} : ")]


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["1280", "375"])
def test_the_states_of_the_page_have_no_mistake_but_the_one_declared(
    visit: Visit, world: World, size: ViewportSize
) -> None:
    page = visit.page
    page.set_viewport_size(size)
    expect(page.get_by_role("button", name="Se connecter")).to_be_visible()
    assert mistakes(page) == [], "before anybody is known"
    present(page, world.token("ml"))
    run(page, "MesRuptures")
    assert mistakes(page) == [], "an answer"
    assert overflow(page) == 0
    page.get_by_role("button", name="Afficher Historique").click()
    assert mistakes(page) == [], "the history"
    page.get_by_role("button", name="Afficher Documentation").click()
    expect(page.get_by_role("link", name="Query")).to_be_visible()
    assert mistakes(page) == [], "the documentation"
    page.get_by_role("button", name="Réglages").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert mistakes(page) == [], "the settings"


SCRIPT = """
import { francais } from './francais.js';
const plugin = francais();
const fail = (work) => { try { work(); return ''; } catch (error) { return error.message; } };
const told = [];
plugin.buildEnd.call({ error: (text) => told.push(text) });
console.log(JSON.stringify({
  moved: fail(() => plugin.transform('children: "Themes"', '/node_modules/graphiql/dist/ui/sidebar.js')),
  other: plugin.transform('children: "Theme"', '/node_modules/graphiql/dist/ui/other.js'),
  unread: told[0],
}));
"""


def test_a_word_that_a_new_version_moved_stops_the_build() -> None:
    source = DIST.parent / "source"
    node = installed(source)
    done = subprocess.run(
        [node, "--input-type=module", "--eval", SCRIPT], cwd=source, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert told["moved"] == "francais.js : `Re-fetch GraphQL schema ( n’est plus dans graphiql/dist/ui/sidebar.js"
    assert told["other"] is None
    assert told["unread"].startswith("francais.js : jamais lus : graphiql/dist/GraphiQL.js, ")
