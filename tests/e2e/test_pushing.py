"""A CFA that only transmits, beside the six systems: the same young people, told by the v3 contract, give the same answers."""

import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.queries import until_complete
from tests.support.figures import note

PEOPLE = """query Jeunes($after: String) { jeunes(first: 500, after: $after) { complet totalCount pageInfo { endCursor hasNextPage } nodes {
  nom prenom dateNaissance sexe
  statut { valeur depuis } sansContrat { depuis echeance contratPrevu }
  formations { dateDebut dateFin rncp cfa { uai } }
  contrats { dateDebut dateFin cfa { uai } rupture { date sources } }
} } }"""
OWN = """{ jeunes(first: 500) { totalCount nodes { nom statut { valeur } provenance { source } } }
  cfas { source { nom mode etat derniereReponse fraicheurSecondes } } sources { nom etat } }"""


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
    assert {"transmissions", "registre"} <= told <= {"transmissions", "registre", "imilo", "ypareo", "aimaira"}
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


def until(look: Any, tries: int = 200) -> Any:
    """What it finds, once it finds something."""
    for _ in range(tries):
        if found := look():
            return found
    return []
