"""Every root field of the graph over a real world: look-ups, lists, cursors, ids, what is out of perimeter."""

from typing import Any

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from tests.e2e.requetes import jusqu_a_complete, toutes_les_ruptures

PAGE = """query P($n: Int!, $apres: String) { ruptures(first: $n, after: $apres) { totalCount
 pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
 edges { cursor node { id date jeune { id } contrat { id } } } } }"""


def page(passerelle: PasserelleLancee, jeton: str, n: int, apres: str | None = None) -> dict[str, Any]:
    liste: dict[str, Any] = jusqu_a_complete(passerelle, jeton, PAGE, n=n, apres=apres)["data"]["ruptures"]
    return liste


def test_pages_follow_each_other_without_a_gap_or_a_repeat(monde: Monde, passerelle: PasserelleLancee) -> None:
    jeton = monde.jeton("ml")
    entiere = page(passerelle, jeton, 500)
    attendus = [arete["node"]["id"] for arete in entiere["edges"]]
    lus, apres = [], None
    while True:
        morceau = page(passerelle, jeton, 4, apres)
        lus += [arete["node"]["id"] for arete in morceau["edges"]]
        assert morceau["pageInfo"]["hasPreviousPage"] is (apres is not None)
        apres = morceau["pageInfo"]["endCursor"]
        if not morceau["pageInfo"]["hasNextPage"]:
            break
    assert lus == attendus
    assert len(lus) == entiere["totalCount"] == len(set(lus))
    dates = [arete["node"]["date"] for arete in entiere["edges"]]
    assert dates == sorted(dates, reverse=True)


def test_a04_a_cursor_serves_its_own_list_and_perimeter_only(monde: Monde, passerelle: PasserelleLancee) -> None:
    curseur = page(passerelle, monde.jeton("ml"), 2)["pageInfo"]["endCursor"]
    altere = ("A" if curseur[0] != "A" else "B") + curseur[1:]
    ailleurs = [
        (monde.jeton("ml-voisine"), PAGE, curseur),
        (monde.jeton("ml"), PAGE, altere),
        (monde.jeton("ml"), PAGE.replace("first: $n,", "first: $n, tri: DATE_ASC,"), curseur),
        (monde.jeton("ml"), PAGE.replace("first: $n,", "first: $n, filtre: {mineur: true},"), curseur),
    ]
    for jeton, requete, essai in ailleurs:
        reponse = jusqu_a_complete(passerelle, jeton, requete, n=2, apres=essai)
        assert [e["extensions"]["code"] for e in reponse["errors"]] == ["CURSEUR_INVALIDE"]
        assert reponse["data"] == {"ruptures": None}


def test_objects_are_found_again_by_their_ids(monde: Monde, passerelle: PasserelleLancee) -> None:
    jeton = monde.jeton("ml")
    noeud = page(passerelle, jeton, 1)["edges"][0]["node"]
    requete = """query R($r: ID!, $j: ID!, $c: ID!) { rupture(id: $r) { id date jeune { id } }
     jeune(id: $j) { id nom ruptures { id } } contrat(id: $c) { id numero }
     a: node(id: $r) { __typename id } b: node(id: $j) { __typename ... on Jeune { nom } } }"""
    variables = {"r": noeud["id"], "j": noeud["jeune"]["id"], "c": noeud["contrat"]["id"]}
    data = jusqu_a_complete(passerelle, jeton, requete, **variables)["data"]
    assert data["rupture"] == {"id": noeud["id"], "date": noeud["date"], "jeune": {"id": noeud["jeune"]["id"]}}
    assert noeud["id"] in [rupture["id"] for rupture in data["jeune"]["ruptures"]]
    assert data["contrat"]["id"] == noeud["contrat"]["id"]
    assert data["a"] == {"__typename": "Rupture", "id": noeud["id"]}
    assert data["b"] == {"__typename": "Jeune", "nom": data["jeune"]["nom"]}


def test_a01_out_of_perimeter_and_not_existing_are_the_same(monde: Monde, passerelle: PasserelleLancee) -> None:
    ici = {noeud["jeune"]["id"] for noeud in toutes_les_ruptures(passerelle, monde.jeton("ml"))}
    la_bas = {noeud["jeune"]["id"] for noeud in toutes_les_ruptures(passerelle, monde.jeton("ml-voisine"))}
    etranger = min(la_bas - ici)
    requete = "query J($id: ID!) { jeune(id: $id) { nom } node(id: $id) { id } contrat(id: $id) { numero } }"
    reponses = []
    for identifiant in (etranger, "n-existe-pas", etranger[:-2], ""):
        monde.controle.remettre_a_zero()
        reponse = jusqu_a_complete(passerelle, monde.jeton("ml"), requete, id=identifiant)
        reponses.append((reponse["data"], reponse.get("errors"), monde.controle.total()))
    assert reponses == [({"jeune": None, "node": None, "contrat": None}, None, 0)] * 4


def test_the_same_object_has_the_same_id_for_two_callers_and_after_a_restart(
    monde: Monde, passerelle: PasserelleLancee
) -> None:
    ml = {noeud["jeune"]["id"] for noeud in toutes_les_ruptures(passerelle, monde.jeton("ml"))}
    partenaire = """query L($n: Int!, $apres: String) { ruptures(first: $n, after: $apres) { totalCount
     pageInfo { hasNextPage endCursor } edges { node { id jeune { id } } } } }"""
    si = {noeud["jeune"]["id"] for noeud in toutes_les_ruptures(passerelle, monde.jeton("si-partenaire"), partenaire)}
    with monde.gateway() as autre:
        apres = {noeud["jeune"]["id"] for noeud in toutes_les_ruptures(autre, monde.jeton("ml"))}
    assert si <= ml
    assert apres == ml


def test_a_contract_is_found_by_its_number(monde: Monde, passerelle: PasserelleLancee) -> None:
    jeton = monde.jeton("ml")
    liste = jusqu_a_complete(passerelle, jeton, "{ contrats(first: 50) { edges { node { id numero } } } }")
    noeud = next(a["node"] for a in liste["data"]["contrats"]["edges"] if a["node"]["numero"])
    requete = "query C($n: String!) { contrat(numero: $n) { id } }"
    for numero in (noeud["numero"], noeud["numero"].lower()):
        assert jusqu_a_complete(passerelle, jeton, requete, n=numero)["data"]["contrat"] == {"id": noeud["id"]}
    assert jusqu_a_complete(passerelle, jeton, requete, n="000")["data"]["contrat"] is None


FILTRES = [
    ("{mineur: true}", lambda n: n["jeune"]["mineur"] is True),
    ("{ageMax: 19}", lambda n: n["jeune"]["age"] <= 19),
    ("{etat: TRAITE}", lambda n: n["etat"] == "TRAITE"),
    ("{prioritaire: true}", lambda n: n["prioritaire"] is True and n["motifsPriorite"]),
    ("{statut: [APPRENTI]}", lambda n: n["jeune"]["statut"]["valeur"] == "APPRENTI"),
    ("{statut: [APPRENTI, RUPTURANT]}", lambda n: n["jeune"]["statut"]["valeur"] in {"APPRENTI", "RUPTURANT"}),
    ('{depuis: "2026-09-01", jusqua: "2026-09-30"}', lambda n: n["date"].startswith("2026-09")),
]


@pytest.mark.parametrize(("filtre", "convient"), FILTRES, ids=[filtre for filtre, _ in FILTRES])
def test_filters_keep_exactly_what_they_say(
    monde: Monde, passerelle: PasserelleLancee, filtre: str, convient: Any
) -> None:
    champs = "id date etat prioritaire motifsPriorite jeune { age mineur statut { valeur } }"
    jeton = monde.jeton("ml")
    large = "{statut: [APPRENTI, RUPTURANT, ABANDON, FIN_DE_FORMATION, INSCRIT]}" if "statut" in filtre else "{}"

    def lire(voulu: str) -> dict[str, Any]:
        requete = f"{{ ruptures(first: 500, filtre: {voulu}) {{ edges {{ node {{ {champs} }} }} }} }}"
        liste = jusqu_a_complete(passerelle, jeton, requete)["data"]["ruptures"]
        return {arete["node"]["id"]: arete["node"] for arete in liste["edges"]}

    attendus = {cle for cle, noeud in lire(large).items() if convient(noeud)}
    assert set(lire(filtre)) == attendus
    assert attendus


def test_sources_tell_every_partner(monde: Monde, passerelle: PasserelleLancee) -> None:
    reponse = passerelle.graphql(monde.jeton("admin"), "{ sources { nom type mode etat } }")
    etats = {source["nom"]: (source["type"], source["mode"]) for source in reponse["data"]["sources"]}
    assert etats == {
        "ypareo": ("ERP_CFA", "INTERROGATION"),
        "gestibase": ("ERP_CFA", "INTERROGATION"),
        "aimaira": ("ERP_CFA", "INTERROGATION"),
        "imilo": ("MISSION_LOCALE", "INTERROGATION"),
        "registre": ("REGISTRE_CONTRATS", "MOISSON"),
        "referentiel": ("REFERENTIEL", "MOISSON"),
    }


def test_a_cfa_sees_its_own_contracts_only(monde: Monde, passerelle: PasserelleLancee) -> None:
    uai = monde.clients["cfa"].organisation
    siens = {uai} | {cfa.uai for cfa in monde.population.cfas.values() if cfa.responsable_uai == uai}
    requete = (
        "{ jeunes(first: 500) { totalCount edges { node { contrats { cfa { uai } } formations { cfa { uai } } } } } }"
    )
    liste = jusqu_a_complete(passerelle, monde.jeton("cfa"), requete)["data"]["jeunes"]
    vus = {
        porteur["cfa"]["uai"]
        for arete in liste["edges"]
        for porteur in [*arete["node"]["contrats"], *arete["node"]["formations"]]
    }
    assert liste["totalCount"] > 20
    assert vus <= siens
