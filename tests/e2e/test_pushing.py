"""A CFA that only transmits, beside the six systems: the same young people, told by the v3 contract, give the same answers."""

import subprocess
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ViewportSize, expect

from fixtures import gateway_process
from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.browser import browsing, overflow, violations
from tests.support.e2e.page import CAPTURES, opened
from tests.support.e2e.queries import until_complete
from tests.support.e2e.readings import contents, journal_de
from tests.support.examples import examples
from tests.support.figures import note

PEOPLE = """query Jeunes($after: String) { jeunes(first: 500, after: $after) {
  complet totalCount pageInfo { endCursor hasNextPage } nodes {
  nom prenom dateNaissance sexe
  statut { valeur depuis } sansContrat { depuis echeance contratPrevu }
  formations { dateDebut dateFin rncp cfa { uai } }
  contrats { dateDebut dateFin cfa { uai } rupture { date sources } }
} } }"""
OWN = """{ jeunes(first: 500) { totalCount nodes { nom statut { valeur } provenance { source } } }
  cfas { source { nom mode etat derniereReponse fraicheurSecondes } } sources { nom etat } }"""


@pytest.fixture(scope="module")
def world(default_world: World) -> World:
    return default_world


@pytest.fixture(scope="module")
def gateway(default_gateway: LaunchedGateway) -> LaunchedGateway:
    return default_gateway


@pytest.fixture(scope="module")
def pushing(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The population of the six systems, of which one CFA transmits in the place of its ERP."""
    with World(world.population, tmp_path_factory.mktemp("un monde qui transmet"), pushes=True) as opened:
        opened.harvest()
        opened.import_key()
        yield opened


@pytest.fixture(scope="module")
def receiving(pushing: World) -> Iterator[LaunchedGateway]:
    """A gateway that has received a night of that CFA."""
    assert pushing.pushing
    with pushing.gateway() as gateway:
        told = pushing.pushing.push(gateway.url)
        wrong = [one for one in told if one["has_error"]]
        assert len(told) >= len(pushing.pushing.accounts()) > 100
        assert {line["message"] for one in wrong for line in one["validation_errors"]} == {"Email non valide"}
        yield gateway


def people(world: World, gateway: LaunchedGateway, client: str) -> list[dict[str, Any]]:
    """Everybody that a client sees, in an order of their own."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = until_complete(gateway, world.token(client), PEOPLE, after=after)["data"]["jeunes"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return sorted(map(_comparable, found), key=str)
        after = page["pageInfo"]["endCursor"]


def _comparable(node: dict[str, Any]) -> dict[str, Any]:
    """Without what names the partner. Names as Gestibase cuts them, and in plain letters: of two ERPs that write one with and
    without its accents, the one that wrote last is believed, and they no longer write on the same days."""
    contrats = [{**one, "rupture": one["rupture"] and one["rupture"]["date"]} for one in node["contrats"]]
    return {**node, "nom": _plain(node["nom"])[:25].strip(), "prenom": _plain(node["prenom"]), "contrats": contrats}


def _plain(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c)).casefold()


def test_i13_the_same_young_people_told_by_the_contract_are_the_same(
    world: World, gateway: LaunchedGateway, pushing: World, receiving: LaunchedGateway
) -> None:
    assert pushing.pushing
    own = pushing.pushing.cfa.uai
    missions = sorted({f"ml-{account.person.mission_locale}" for account in pushing.pushing.accounts()})
    compared = of_it = 0
    for mission in missions[:6]:
        before, after = people(world, gateway, mission), people(pushing, receiving, mission)
        assert after == before
        compared += len(after)
        of_it += sum(any(one["cfa"]["uai"] == own for one in node["formations"]) for node in after)
    assert of_it > 100
    note(
        f"I13 : {compared} jeunes de {len(missions[:6])} Missions locales, dont {of_it} d'un CFA qui transmet, 0 écart"
    )


def test_the_cfa_reads_its_own_with_their_provenance_and_freshness(pushing: World, receiving: LaunchedGateway) -> None:
    answer = receiving.graphql(pushing.token("cfa-transmet"), OWN)
    data = answer["data"]
    told = {line["source"] for node in data["jeunes"]["nodes"] for line in node["provenance"]}
    assert {"transmissions", "registre"} <= told
    assert "gestibase" not in told
    (source,) = {one["source"]["nom"]: one["source"] for one in data["cfas"]}.values()
    assert (source["nom"], source["mode"], source["etat"]) == ("transmissions", "RECEPTION", "DISPONIBLE")
    line = next(one for one in answer["extensions"]["sources"] if one["nom"] == "transmissions")
    assert line["asOf"] == source["derniereReponse"]
    assert line["partiel"] is False


def test_a_night_changes_nothing_and_a_change_shows_within_seconds(pushing: World, receiving: LaunchedGateway) -> None:
    assert pushing.pushing
    token = pushing.token("cfa-transmet")
    query = "{ jeunes(first: 50) { nodes { id prenom } } }"
    before = receiving.graphql(token, query)["data"]
    pushing.pushing.push(receiving.url)
    assert receiving.graphql(token, query)["data"] == before
    dossier = next(one for one in pushing.pushing.dossiers() if "contrat_date_debut" not in one)
    try:
        pushing.pushing.push(receiving.url, [{**dossier, "prenom_apprenant": "Prénomnouveau"}])
        shown = until(lambda: _firsts(receiving, token))
        assert "Prénomnouveau" in shown
    finally:
        pushing.pushing.push(receiving.url, [dossier])


def _firsts(gateway: LaunchedGateway, token: str) -> list[str]:
    found = gateway.graphql(
        token, '{ jeunes(first: 500, filtre: { recherche: "Prénomnouveau" }) { nodes { prenom } } }'
    )
    return [node["prenom"] for node in found["data"]["jeunes"]["nodes"]]


def until(look: Any, seconds: float = 30.0) -> Any:
    """What it finds, once it finds something."""
    limit = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < limit:
        time.sleep(0.1)
    return found


REPORT = """{ transmissions(first: 5) { totalCount pageInfo { hasNextPage }
  nodes { jour recus acceptes partiels rejetes rejoues erreurs(first: 500) { idErp anneeScolaire champs message } }
  messages { message champs dossiers } } }"""


def test_the_cfa_and_the_support_of_its_erp_read_what_became_of_it(pushing: World, receiving: LaunchedGateway) -> None:
    assert pushing.pushing
    wrong = [one for one in pushing.pushing.dossiers() if one.get("email_contact") == "non communiqué"]
    (example,) = (one for one in examples() if "transmissions" in one.query)
    shown = receiving.graphql(pushing.token("cfa-transmet"), example.query)
    assert ("errors" in shown, shown["data"]["transmissions"]["messages"][0]["dossiers"]) == (False, len(wrong))
    told = {}
    for client in ("cfa-transmet", "erp-transmet"):
        answer = receiving.graphql(pushing.token(client), REPORT)
        assert "errors" not in answer
        told[client] = answer["data"]["transmissions"]
    assert told["cfa-transmet"] == told["erp-transmet"]
    (day,) = told["cfa-transmet"]["nodes"]
    assert day["jour"] == pushing.population.today.isoformat()
    assert {line["idErp"] for line in day["erreurs"]} == {one["id_erp_apprenant"] for one in wrong}
    assert told["cfa-transmet"]["messages"] == [
        {"message": "Email non valide", "champs": ["email_contact"], "dossiers": len(wrong)}
    ]


def test_nobody_else_reads_it(pushing: World, receiving: LaunchedGateway) -> None:
    """Other CFAs read their own, which is nothing; who is no CFA reads nothing; the support of an ERP reads no young person."""
    other = receiving.graphql(pushing.token("cfa"), REPORT)["data"]["transmissions"]
    assert (other["totalCount"], other["nodes"], other["messages"]) == (0, [], [])
    for client in ("ml", "admin"):
        assert receiving.graphql(pushing.token(client), REPORT)["data"] == {"transmissions": None}
    refused = receiving.graphql(pushing.token("dreets"), REPORT)
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["CHAMP_REFUSE"]
    support = receiving.graphql(pushing.token("erp-transmet"), "{ jeunes { totalCount } }")
    assert [error["extensions"]["code"] for error in support["errors"]] == ["CHAMP_REFUSE"]


def test_the_page_of_a_key_in_a_browser_wide_and_narrow(
    pushing: World, receiving: LaunchedGateway, tmp_path: Path
) -> None:
    assert pushing.pushing
    CAPTURES.mkdir(exist_ok=True)
    for browser in browsing(tmp_path / "profil"):
        for width in (1280, 375):
            visit = next(opened(browser, f"{receiving.url}/transmissions"))
            page = visit.page
            page.set_viewport_size(ViewportSize(width=width, height=800))
            page.screenshot(path=CAPTURES / f"transmissions-formulaire-{width}.png")
            assert violations(page) == []
            page.get_by_label("Clé de votre logiciel").fill(pushing.pushing.key)
            page.get_by_role("button", name="Voir le compte rendu").press("Enter")
            expect(page.get_by_role("heading", name="À corriger")).to_be_visible()
            expect(page.get_by_role("cell", name="Email non valide").first).to_be_visible()
            assert page.url == f"{receiving.url}/transmissions"
            assert overflow(page) == 0
            assert violations(page) == []
            assert pushing.pushing.key not in page.content()
            page.screenshot(path=CAPTURES / f"transmissions-{width}.png", full_page=False)
            assert (visit.hotes, visit.errors) == ({receiving.url.removeprefix("http://")}, [])


def erasing(world: World, person: dict[str, Any], *more: str) -> "subprocess.CompletedProcess[str]":
    identity = ("--nom", person["nom"], "--prenom", person["prenom"], "--naissance", person["dateNaissance"])
    return gateway_process.run(("personne", "effacer", *identity, *more), world.environment)


def test_an_officer_erases_one_person_and_no_night_brings_it_back(pushing: World, receiving: LaunchedGateway) -> None:
    assert pushing.pushing
    token = pushing.token("cfa-transmet")
    query = "{ jeunes(first: 500) { totalCount nodes { nom prenom dateNaissance provenance { source } } } }"
    before = receiving.graphql(token, query)["data"]["jeunes"]
    person = next(one for one in before["nodes"] if {line["source"] for line in one["provenance"]} == {"transmissions"})
    told = erasing(pushing, person)
    assert told.returncode == 0, told.stderr
    assert told.stdout.endswith("rien n'est effacé : ajouter --confirmer\n")
    assert person["nom"] not in told.stdout
    done = erasing(pushing, person, "--confirmer")
    assert "dossiers transmis : 1 effacé(s)\nliens : 1 effacé(s)\nles renvois de ces dossiers" in done.stdout
    for _ in range(2):
        assert until(lambda: _left(receiving, token, query, person)) == before["totalCount"] - 1
        pushing.pushing.push(receiving.url)
        time.sleep(1.5)  # longer than readings are held
    assert erasing(pushing, person).stdout == "rien n'est gardé\n"
    entries = [one for one in contents(journal_de(pushing)) if one["acte"] == "EFFACEMENT"]
    assert [(one["effaces"], set(one)) for one in entries] == [
        ({"dossiers transmis": 1, "liens": 1}, {"acte", "quand", "identifiant", "effaces"})
    ]


def _left(gateway: LaunchedGateway, token: str, query: str, person: dict[str, Any]) -> int:
    """How many are left, once the person is not among them."""
    told = gateway.graphql(token, query)["data"]["jeunes"]
    same = [one for one in told["nodes"] if (one["nom"], one["prenom"]) == (person["nom"], person["prenom"])]
    return 0 if same else int(told["totalCount"])
