"""Looking somebody up by identity, over a real world: who is found, how surely, and by whom."""

from datetime import date, timedelta
from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.queries import until_complete
from tests.support.e2e.without_asking import without_asking

SEARCH = """query R($nom: String!, $prenom: String!, $naissance: Date!) {
 rechercheJeune(nom: $nom, prenom: $prenom, dateNaissance: $naissance) {
  score niveau sources indices { champ accord poids sources niveau } jeune { id nom prenom dateNaissance telephone } } }"""


def search(gateway: LaunchedGateway, token: str, person: dict[str, Any], **change: str) -> dict[str, Any]:
    wanted = {"nom": person["nom"], "prenom": person["prenom"], "naissance": person["dateNaissance"]}
    return until_complete(gateway, token, SEARCH, **{**wanted, **change})


@pytest.fixture(scope="module")
def anais(world: World, gateway: LaunchedGateway) -> dict[str, Any]:
    """Somebody of the Mission locale whom three sources know, with a surname long enough for a slip of the hand."""
    partner_request = (
        "{ jeunes(first: 200) { edges { node { id nom prenom dateNaissance provenance { source champ } } } } }"
    )
    nodes = [a["node"] for a in until_complete(gateway, world.token("ml"), partner_request)["data"]["jeunes"]["edges"]]
    known = [n for n in nodes if len({p["source"] for p in n["provenance"]}) >= 3 and len(n["nom"]) > 6]
    return min(known, key=lambda node: str(node["id"]))


def test_a_young_person_is_found_however_the_name_is_written(
    world: World, gateway: LaunchedGateway, anais: dict[str, Any]
) -> None:
    written = {"nom": anais["nom"].lower(), "prenom": anais["prenom"].upper()}
    found = search(gateway, world.token("ml"), anais, **written)["data"]["rechercheJeune"]
    assert found[0]["jeune"]["id"] == anais["id"]
    assert (found[0]["niveau"], found[0]["score"] > 0.99) == ("CERTAIN", True)
    assert len(found[0]["sources"]) >= 3
    assert {(clue["champ"], clue["accord"]) for clue in found[0]["indices"]} >= {
        ("nom", "identique"),
        ("prenom", "identique"),
        ("dateNaissance", "identique"),
    }


def test_a_slip_of_the_hand_still_finds_and_says_what_differs(
    world: World, gateway: LaunchedGateway, anais: dict[str, Any]
) -> None:
    name = anais["nom"][:3] + anais["nom"][4:]
    found = search(gateway, world.token("ml"), anais, nom=name)["data"]["rechercheJeune"]
    assert found[0]["jeune"]["id"] == anais["id"]
    assert found[0]["niveau"] == "PROBABLE"
    assert ("nom", "proche") in {(clue["champ"], clue["accord"]) for clue in found[0]["indices"]}


def test_nobody_is_found_by_the_first_name_alone(world: World, gateway: LaunchedGateway, anais: dict[str, Any]) -> None:
    elsewhere = (date.fromisoformat(anais["dateNaissance"]) - timedelta(days=20_000)).isoformat()
    assert search(gateway, world.token("ml"), anais, nom="Zzyzx", naissance=elsewhere)["data"] == {"rechercheJeune": []}


def test_out_of_perimeter_is_absence(world: World, gateway: LaunchedGateway, anais: dict[str, Any]) -> None:
    matches = search(gateway, world.token("ml-voisine"), anais)["data"]["rechercheJeune"]
    assert anais["id"] not in [found["jeune"]["id"] for found in matches]
    assert all(found["jeune"]["nom"] != anais["nom"] for found in matches)


@pytest.mark.parametrize("profil", ["arml", "statistiques", "admin"])
def test_who_reads_no_identity_searches_none(
    world: World, gateway: LaunchedGateway, anais: dict[str, Any], profil: str
) -> None:
    response = without_asking(world, lambda: search(gateway, world.token(profil), anais))
    assert response["data"] == {"rechercheJeune": None}
    assert {error["extensions"]["code"] for error in response["errors"]} == {"CHAMP_REFUSE"}


def test_a_name_without_letters_is_refused_with_what_to_do(
    world: World, gateway: LaunchedGateway, anais: dict[str, Any]
) -> None:
    response = search(gateway, world.token("ml"), anais, nom="??")
    assert [error["extensions"]["code"] for error in response["errors"]] == ["REQUETE_INVALIDE"]
    assert "lettres" in response["errors"][0]["message"]


def test_what_joined_the_records_of_a_person_is_told_to_those_who_read_technical_data(
    world: World, gateway: LaunchedGateway, anais: dict[str, Any]
) -> None:
    partner_request = "query J($id: ID!) { jeune(id: $id) { rapprochements { champ accord poids sources niveau } } }"
    rows = until_complete(gateway, world.token("ml"), partner_request, id=anais["id"])["data"]["jeune"][
        "rapprochements"
    ]
    assert {"nom", "prenom", "dateNaissance"} <= {line["champ"] for line in rows}
    assert all(len(line["sources"]) == 2 and line["poids"] for line in rows)
    assert {line["niveau"] for line in rows} <= {"CERTAIN", "PROBABLE", "A_CONFIRMER"}
