"""Looking somebody up by identity, over a real world: who is found, how surely, and by whom."""

from datetime import date, timedelta
from typing import Any

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from tests.e2e.requetes import jusqu_a_complete

RECHERCHE = """query R($nom: String!, $prenom: String!, $naissance: Date!) {
 rechercheJeune(nom: $nom, prenom: $prenom, dateNaissance: $naissance) {
  score niveau sources indices { champ accord poids sources niveau } jeune { id nom prenom dateNaissance telephone } } }"""


def chercher(passerelle: PasserelleLancee, jeton: str, personne: dict[str, Any], **change: str) -> dict[str, Any]:
    voulu = {"nom": personne["nom"], "prenom": personne["prenom"], "naissance": personne["dateNaissance"]}
    return jusqu_a_complete(passerelle, jeton, RECHERCHE, **{**voulu, **change})


@pytest.fixture(scope="module")
def anais(monde: Monde, passerelle: PasserelleLancee) -> dict[str, Any]:
    """Somebody of the Mission locale whom three sources know, with a surname long enough for a slip of the hand."""
    requete = "{ jeunes(first: 200) { edges { node { id nom prenom dateNaissance provenance { source champ } } } } }"
    noeuds = [a["node"] for a in jusqu_a_complete(passerelle, monde.jeton("ml"), requete)["data"]["jeunes"]["edges"]]
    connus = [n for n in noeuds if len({p["source"] for p in n["provenance"]}) >= 3 and len(n["nom"]) > 6]
    return min(connus, key=lambda noeud: str(noeud["id"]))


def test_a_young_person_is_found_however_the_name_is_written(
    monde: Monde, passerelle: PasserelleLancee, anais: dict[str, Any]
) -> None:
    ecrit = {"nom": anais["nom"].lower(), "prenom": anais["prenom"].upper()}
    trouves = chercher(passerelle, monde.jeton("ml"), anais, **ecrit)["data"]["rechercheJeune"]
    assert trouves[0]["jeune"]["id"] == anais["id"]
    assert (trouves[0]["niveau"], trouves[0]["score"] > 0.99) == ("CERTAIN", True)
    assert len(trouves[0]["sources"]) >= 3
    assert {(indice["champ"], indice["accord"]) for indice in trouves[0]["indices"]} >= {
        ("nom", "identique"),
        ("prenom", "identique"),
        ("dateNaissance", "identique"),
    }


def test_a_slip_of_the_hand_still_finds_and_says_what_differs(
    monde: Monde, passerelle: PasserelleLancee, anais: dict[str, Any]
) -> None:
    nom = anais["nom"][:3] + anais["nom"][4:]
    trouves = chercher(passerelle, monde.jeton("ml"), anais, nom=nom)["data"]["rechercheJeune"]
    assert trouves[0]["jeune"]["id"] == anais["id"]
    assert trouves[0]["niveau"] == "PROBABLE"
    assert ("nom", "proche") in {(indice["champ"], indice["accord"]) for indice in trouves[0]["indices"]}


def test_nobody_is_found_by_the_first_name_alone(
    monde: Monde, passerelle: PasserelleLancee, anais: dict[str, Any]
) -> None:
    ailleurs = (date.fromisoformat(anais["dateNaissance"]) - timedelta(days=20_000)).isoformat()
    assert chercher(passerelle, monde.jeton("ml"), anais, nom="Zzyzx", naissance=ailleurs)["data"] == {
        "rechercheJeune": []
    }


def test_out_of_perimeter_is_absence(monde: Monde, passerelle: PasserelleLancee, anais: dict[str, Any]) -> None:
    trouves = chercher(passerelle, monde.jeton("ml-voisine"), anais)["data"]["rechercheJeune"]
    assert anais["id"] not in [trouve["jeune"]["id"] for trouve in trouves]
    assert all(trouve["jeune"]["nom"] != anais["nom"] for trouve in trouves)


@pytest.mark.parametrize("profil", ["arml", "statistiques", "admin"])
def test_who_reads_no_identity_searches_none(
    monde: Monde, passerelle: PasserelleLancee, anais: dict[str, Any], profil: str
) -> None:
    monde.controle.remettre_a_zero()
    reponse = chercher(passerelle, monde.jeton(profil), anais)
    assert reponse["data"] == {"rechercheJeune": None}
    assert {erreur["extensions"]["code"] for erreur in reponse["errors"]} == {"CHAMP_REFUSE"}
    assert not any(sum(operations.values()) for operations in monde.controle.compteurs().values())


def test_a_name_without_letters_is_refused_with_what_to_do(
    monde: Monde, passerelle: PasserelleLancee, anais: dict[str, Any]
) -> None:
    reponse = chercher(passerelle, monde.jeton("ml"), anais, nom="??")
    assert [erreur["extensions"]["code"] for erreur in reponse["errors"]] == ["REQUETE_INVALIDE"]
    assert "lettres" in reponse["errors"][0]["message"]


def test_what_joined_the_records_of_a_person_is_told_to_those_who_read_technical_data(
    monde: Monde, passerelle: PasserelleLancee, anais: dict[str, Any]
) -> None:
    requete = "query J($id: ID!) { jeune(id: $id) { rapprochements { champ accord poids sources niveau } } }"
    lignes = jusqu_a_complete(passerelle, monde.jeton("ml"), requete, id=anais["id"])["data"]["jeune"]["rapprochements"]
    assert {"nom", "prenom", "dateNaissance"} <= {ligne["champ"] for ligne in lignes}
    assert all(len(ligne["sources"]) == 2 and ligne["poids"] for ligne in lignes)
    assert {ligne["niveau"] for ligne in lignes} <= {"CERTAIN", "PROBABLE", "A_CONFIRMER"}
