"""The example of front-end (exemples/front) in a real browser, on a real gateway, as an adviser would use it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Request, Route, ViewportSize, expect

from fixtures.front_example import FOLDER, admit_front, is_built, origin_of, serve_front
from fixtures.gateway_process import LaunchedGateway
from fixtures.servers import free_port
from fixtures.world import World
from tests.support.e2e.browser import PHONE, WIDE, browsing, overflow, require, violations
from tests.support.e2e.changes import small_world
from tests.support.e2e.page import Visit, capture, opened
from tests.support.node import installed
from tests.support.waiting import waiting

LONG = 60_000  # milliseconds: a busy machine
WAIT = 8.0  # seconds of an answer
LIST = "{ ruptures(first: 1, tri: PRIORITE) { totalCount nodes { jeune { nom prenom } } } }"
FOLLOWED = "{ ruptures(first: 20, tri: PRIORITE) { nodes { id jeune { id suivi { date } } } } }"
WRITTEN = "{ ecritures(first: 500) { totalCount } }"


@dataclass(frozen=True)
class Served:
    """The front, and the gateway that it asks."""

    address: str
    gateway: LaunchedGateway
    world: World

    def ask(self, query: str) -> Any:
        for _ in range(20):  # until every source has answered, however slow this machine is
            response = self.gateway.graphql(self.world.token("ml"), query)
            if "errors" not in response:
                return response["data"]
        return pytest.fail(f"the sources never all answered: {response['errors'][0]['message']}")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    require(is_built(), "the example of front-end is not built: make front")
    yield from browsing(tmp_path_factory.mktemp("profil"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(tmp_path_factory.mktemp("front")) as world:
        world.harvest()
        yield world


@contextmanager
def serving(world: World, folder: Path) -> Iterator[Served]:
    """A gateway that just started, and the front beside it."""
    port, configuration = free_port(), waiting(world, folder, WAIT)
    admit_front(Path(configuration), origin_of(port))
    # A stream whose page was closed keeps its place until a sign of life is refused, a beat: each test opens its own.
    with (Path(configuration) / "gateway.toml").open("a", encoding="utf-8") as file:
        file.write("\n[flux]\npar_compte = 100\n")
    with (
        world.gateway(GATEWAY_CONFIG=configuration) as launched,
        serve_front(port, launched.url, world.identity_url) as address,
    ):
        yield Served(address, launched, world)


@pytest.fixture(scope="module")
def served(small: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(small, tmp_path_factory.mktemp("patiente")) as opened_front:
        small.check.subscribe("aimaira", f"{opened_front.gateway.url}/evenements/aimaira")
        yield opened_front
        small.check.subscribe("aimaira", "")


@pytest.fixture
def visit(browser: BrowserContext, served: Served) -> Iterator[Visit]:
    served.ask(LIST)
    yield from opened(browser, served.address)


def sign_in(page: Page) -> None:
    """As the adviser of the Mission locale of the demo, until the list is there."""
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("link", name="(ml)").click()
    ready(page)


def ready(page: Page) -> None:
    expect(page.get_by_text("En direct", exact=True)).to_be_visible(timeout=LONG)
    expect(cards(page).first).to_be_visible(timeout=LONG)
    expect(page.locator(".cartes")).not_to_have_attribute("aria-busy", "true", timeout=LONG)


def cards(page: Page) -> Locator:
    return page.get_by_role("region", name="Liste des ruptures").get_by_role("listitem")


def banner(page: Page) -> Locator:
    """What the page says of the last answer."""
    return page.get_by_role("status").first


def open_record(page: Page, rank: int = 0) -> Locator:
    cards(page).nth(rank).get_by_role("button").click()
    record = page.get_by_role("region", name="Fiche du jeune")
    expect(record.get_by_role("heading", name="Identité")).to_be_visible(timeout=LONG)
    return record


def note(page: Page, situation: str, comment: str = "") -> None:
    page.get_by_label("Situation").select_option(situation)
    page.get_by_label("Commentaire").fill(comment)
    page.get_by_role("button", name="Noter", exact=True).click()


def errors_of(visit: Visit) -> list[str]:
    return [error for error in visit.errors if "404" not in error]  # the identity provider has no icon


def test_an_adviser_signs_in_and_reads_the_list_of_the_territory(visit: Visit, served: Served) -> None:
    page, bodies = visit.page, list[str]()
    page.on("request", lambda request: _keep_body(request, bodies))
    sign_in(page)
    told = served.ask(LIST)["ruptures"]
    who = told["nodes"][0]["jeune"]
    expect(cards(page).first.get_by_role("button")).to_have_text(f"{who['prenom']} {who['nom']}")
    expect(page.locator(".compte")).to_have_text(f"{min(told['totalCount'], 20)} sur {told['totalCount']}")
    expect(banner(page)).to_contain_text("Tous les systèmes ont répondu.")
    banner(page).locator("summary").click()
    expect(banner(page)).to_contain_text("registre des contrats\u00a0: copie d’il y a")
    assert page.url == f"{served.address}/"  # the code is taken out of the address
    assert page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])") == "[{},{}]"
    assert bodies
    assert [body for body in bodies if '"query"' in body] == []  # trusted documents only
    places = (served.address, served.gateway.url, served.world.identity_url)
    assert visit.hotes == {address.removeprefix("http://") for address in places}
    assert errors_of(visit) == []


def _keep_body(request: Request, bodies: list[str]) -> None:
    if request.method == "POST" and request.url.endswith("/graphql"):
        bodies.append(request.post_data or "")


def test_a_rupture_that_a_partner_tells_arrives_in_the_list(visit: Visit, served: Served) -> None:
    page = visit.page
    sign_in(page)
    before = served.ask(LIST)["ruptures"]["totalCount"]
    who = served.world.check.break_one(served.world.clients["ml"].organisation)
    expect(page.get_by_text("Une rupture vient d’arriver.")).to_be_visible(timeout=LONG)
    expect(cards(page).first.get_by_role("button")).to_have_text(f"{who['prenom']} {who['nom']}")
    expect(cards(page).first).to_contain_text("Nouvelle")
    expect(cards(page).first).to_contain_text("hier")
    assert served.ask(LIST)["ruptures"]["totalCount"] == before + 1
    capture(page, "arrivee", "front")
    page.get_by_role("button", name="Ouvrir sa fiche").click()
    expect(page.get_by_role("region", name="Fiche du jeune")).to_contain_text("Aimaira", timeout=LONG)
    assert errors_of(visit) == []


def test_a_follow_up_is_written_once_though_the_answer_was_lost(visit: Visit, served: Served) -> None:
    page, lost = visit.page, list[int]()
    sign_in(page)
    written = served.ask(WRITTEN)["ecritures"]["totalCount"]
    open_record(page)

    def lose(route: Route) -> None:
        """The gateway receives it and answers; the answer does not come."""
        if "situation" in (route.request.post_data or "") and not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    page.route("**/graphql", lose)
    note(page, "RDV_PRIS", "Rendez-vous mardi.")
    expect(page.get_by_text("La passerelle ne répond pas.")).to_be_visible(timeout=LONG)
    assert page.get_by_label("Commentaire").input_value() == "Rendez-vous mardi."
    page.get_by_role("button", name="Noter", exact=True).click()
    expect(page.get_by_text("Suivi noté.")).to_contain_text("rien n’est écrit deux fois", timeout=LONG)
    assert lost == [200]
    assert served.ask(WRITTEN)["ecritures"]["totalCount"] == written + 1
    expect(page.locator(".suivi")).to_contain_text("Rendez-vous pris")
    expect(page.locator(".suivi")).to_contain_text("Rendez-vous mardi.")
    expect(page.locator(".carte.ouverte")).to_contain_text("Traitée")
    assert page.get_by_label("Commentaire").input_value() == ""


def test_what_the_adviser_can_mend_is_told_at_its_field_and_nothing_is_written(visit: Visit, served: Served) -> None:
    page = visit.page
    sign_in(page)
    written = served.ask(WRITTEN)["ecritures"]["totalCount"]
    open_record(page)
    page.get_by_role("button", name="Noter", exact=True).click()
    expect(page.get_by_label("Situation")).to_have_accessible_description(
        "Choisissez une situation, ou écrivez un commentaire."
    )
    note(page, "AUTRE")
    precise = page.get_by_label("Laquelle ?")
    expect(precise).to_have_attribute("aria-invalid", "true", timeout=LONG)
    expect(precise).to_be_focused()
    assert page.locator("#situationAutre-erreur").inner_text() != ""
    assert served.ask(WRITTEN)["ecritures"]["totalCount"] == written
    assert violations(page) == []


def test_a_note_over_what_somebody_else_noted_is_a_conflict_that_shows_it(visit: Visit, served: Served) -> None:
    page = visit.page
    sign_in(page)
    everybody = served.ask(FOLLOWED)["ruptures"]["nodes"]
    # Followed before today: two notes of one instant have no order, and the clock of this world stands still.
    followed = [row for row in everybody if (row["jeune"]["suivi"] or {}).get("date", "2026-10-15") < "2026-10-15"]
    page.locator(f'[data-id="{followed[0]["id"]}"]').get_by_role("button").click()
    record, ident = page.get_by_role("region", name="Fiche du jeune"), followed[0]["jeune"]["id"]
    expect(record.get_by_role("heading", name="Identité")).to_be_visible(timeout=LONG)
    body = (
        'mutation { noterSuivi(saisie: { cle: "11111111-2222-4333-8444-555555555555", jeune: "%s", situation: REORIENTATION })'
        " { ecriture { etat } } }"
    )
    served.ask(body % ident)
    note(page, "RDV_PRIS")
    expect(record.locator(".dit")).to_contain_text("Quelqu’un a noté autre chose entre-temps", timeout=LONG)
    expect(record.locator(".suivi")).to_contain_text("Change d’orientation")
    note(page, "RDV_PRIS")
    expect(page.get_by_text("Suivi noté.")).to_be_visible(timeout=LONG)


def test_a_refused_field_is_told_apart_from_an_absent_one(visit: Visit) -> None:
    sign_in(visit.page)
    record = open_record(visit.page)
    identity = record.locator("dl div").filter(has_text="Identifiant national (INE)")
    expect(identity).to_contain_text("Refusé à votre profil")
    expect(record.locator("dl div").filter(has_text="Téléphone")).not_to_contain_text("Refusé")


def test_a_partial_answer_says_which_system_lacks_and_what_may_be_missing(
    browser: BrowserContext, small: World, tmp_path: Path
) -> None:
    small.check.fault("imilo", "refuse")
    try:
        with serving(small, tmp_path) as cold:
            for visit in opened(browser, cold.address):
                page = visit.page
                sign_in(page)
                expect(banner(page)).to_contain_text("Réponse partielle : i-milo ne répond pas.")
                expect(banner(page)).to_contain_text("Une absence n’est pas une preuve.")
                banner(page).locator("summary").click()
                expect(banner(page)).to_contain_text("i-milo\u00a0: pas de réponse")
                expect(cards(page).first).to_contain_text("Suivi inconnu")
                capture(page, "partielle", "front")
                assert violations(page) == []
                record = open_record(page)
                expect(record.locator(".suivi")).to_have_text("Inconnu : un système ne répond pas")
    finally:
        small.check.lift_faults()


def test_a_territory_that_is_being_prepared_is_said_and_asked_again(visit: Visit) -> None:
    page = visit.page
    sign_in(page)
    number = cards(page).count()
    late = {"message": "", "path": ["ruptures"], "extensions": {"code": "SOURCE_DELAI_DEPASSE", "source": "ypareo"}}
    progress = {"sources": [], "cout": 1, "preparation": {"unites": 412, "sur": 837}}
    body = {"errors": [late], "data": {"ruptures": None}, "extensions": progress}
    page.route("**/graphql", lambda route: route.fulfill(json=body, headers={"access-control-allow-origin": "*"}))
    page.get_by_label("Trier").select_option("NOM_ASC")
    expect(banner(page)).to_contain_text("Votre territoire se prépare : 412 établissements lus sur 837.", timeout=LONG)
    capture(page, "preparation", "front")
    assert violations(page) == []
    page.unroute("**/graphql")
    expect(banner(page)).to_contain_text("Tous les systèmes ont répondu.", timeout=LONG)
    assert cards(page).count() == number


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (503, "SURCHARGE", "La passerelle est momentanément indisponible. Réessayez dans 30 s."),
        (429, "QUOTA_ATTEINT", "Trop de demandes pour le moment. Réessayez dans 30 s."),
    ],
)
def test_an_answer_that_cannot_be_given_says_when_to_come_back(visit: Visit, status: int, code: str, told: str) -> None:
    page = visit.page
    sign_in(page)
    number = cards(page).count()
    headers = {"access-control-allow-origin": "*", "access-control-expose-headers": "retry-after", "retry-after": "30"}
    body = {"errors": [{"message": "Non.", "extensions": {"code": code}}]}
    page.route("**/graphql", lambda route: route.fulfill(status=status, json=body, headers=headers))
    page.get_by_label("Trier").select_option("NOM_ASC")
    expect(banner(page)).to_contain_text(told)
    assert cards(page).count() == number  # what was read is still there
    page.unroute("**/graphql")
    banner(page).get_by_role("button", name="Réessayer").click()
    expect(banner(page)).to_contain_text("Tous les systèmes ont répondu.", timeout=LONG)


def test_a_token_that_ended_brings_back_to_the_door(visit: Visit) -> None:
    page = visit.page
    sign_in(page)
    headers = {"access-control-allow-origin": "*"}
    body = {"errors": [{"message": "Jeton périmé.", "extensions": {"code": "NON_AUTHENTIFIE"}}]}
    page.route("**/graphql", lambda route: route.fulfill(status=401, json=body, headers=headers))
    page.get_by_label("Trier").select_option("NOM_ASC")
    expect(page.get_by_role("alert")).to_have_text("Votre accès a pris fin. Reconnectez-vous.")
    expect(page.get_by_role("button", name="Se connecter")).to_be_visible()


def test_a_stream_that_was_cut_is_opened_again_where_it_was(visit: Visit, served: Served) -> None:
    page = visit.page
    sign_in(page)
    page.context.set_offline(True)
    page.get_by_label("Afficher").select_option("traitees")  # asks for another stream, which cannot be opened
    expect(page.get_by_text("Direct interrompu")).to_be_visible(timeout=LONG)
    page.context.set_offline(False)
    expect(page.get_by_text("En direct", exact=True)).to_be_visible(timeout=LONG)


def test_all_of_it_is_done_by_keyboard(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("button", name="Se connecter").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="(ml)").click()
    ready(page)
    page.get_by_label("Trier").focus()
    page.keyboard.press("Tab")
    first = cards(page).first.get_by_role("button")
    expect(first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Fiche du jeune").get_by_role("heading", level=2)).to_be_focused()
    expect(page.get_by_role("heading", name="Identité")).to_be_visible(timeout=LONG)
    page.keyboard.press("Escape")
    expect(first).to_be_focused()
    expect(page.get_by_role("region", name="Fiche du jeune")).to_be_hidden()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["1280", "375"])
def test_no_state_of_the_page_has_a_mistake_that_a_tool_sees(visit: Visit, size: ViewportSize) -> None:
    page = visit.page
    page.set_viewport_size(size)
    look(page, f"accueil-{size['width']}")
    sign_in(page)
    look(page, f"liste-{size['width']}")
    open_record(page)
    look(page, f"fiche-{size['width']}")
    note(page, "CONTACTE_SANS_RETOUR", "Message laissé.")
    # Noted, or in conflict with the note of another test: both are states of the page.
    expect(page.locator(".dit")).not_to_be_empty(timeout=LONG)
    look(page, f"note-{size['width']}")


def look(page: Page, name: str) -> None:
    assert violations(page) == [], name
    assert overflow(page) == 0, name
    capture(page, name, "front")


def test_what_is_generated_from_the_schema_is_current_and_the_types_hold() -> None:
    node = installed(FOLDER, "typescript")  # the build of the page leaves it out
    generated = sorted((FOLDER / "src" / "graphe").iterdir())
    before = {file: file.read_bytes() for file in generated}
    for script, *rest in (
        ("@graphql-codegen/cli/cjs/bin.js", "--silent", "--config", "codegen.config.mjs"),
        ("typescript/bin/tsc",),
    ):
        done = subprocess.run(
            [node, f"node_modules/{script}", *rest], cwd=FOLDER, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    stale = [file.name for file in generated if file.read_bytes() != before[file]]
    for file, content in before.items():
        file.write_bytes(content)
    assert stale == [], "npm run graphe, in exemples/front"
