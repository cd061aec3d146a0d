"""Partner requests are those of the plan: they depend on the perimeter, never on the rows, and stop when warm."""

from collections.abc import Iterator

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from tests.chiffres import noter
from tests.e2e.requetes import TOUT, jusqu_a_complete


@pytest.fixture
def froide(monde: Monde) -> Iterator[PasserelleLancee]:
    """A gateway whose cache is empty, and counters at zero."""
    with monde.gateway() as lancee:
        monde.controle.remettre_a_zero()
        yield lancee


def demandes(monde: Monde) -> set[str]:
    """The partners that were asked anything."""
    return {nom for nom, operations in monde.controle.compteurs().items() if sum(operations.values())}


def total(compteurs: dict[str, dict[str, int]]) -> int:
    return sum(nombre for operations in compteurs.values() for nombre in operations.values())


def test_fifty_ruptures_with_everything_nested_cold_then_warm(monde: Monde, froide: PasserelleLancee) -> None:
    jeton = monde.jeton("ml")
    reponse = jusqu_a_complete(froide, jeton, TOUT, n=50)
    assert "errors" not in reponse
    assert reponse["data"]["ruptures"]["complet"] is True
    a_froid = monde.controle.compteurs()
    monde.controle.remettre_a_zero()
    chaude = jusqu_a_complete(froide, jeton, TOUT, n=50)
    noter(f"appels : ruptures(first: 50), tout imbriqué, à froid {total(a_froid)}")
    noter("         " + ", ".join(f"{nom} {sum(operations.values())}" for nom, operations in sorted(a_froid.items())))
    noter(f"         à chaud {monde.controle.total()}")
    assert monde.controle.total() == 0
    assert "errors" not in chaude
    assert {source["cache"] for source in chaude["extensions"]["sources"]} == {"touche", "moisson"}
    assert chaude["data"] == reponse["data"]


def test_calls_do_not_grow_with_the_page(monde: Monde) -> None:
    comptes = []
    for n in (10, 100):
        with monde.gateway() as lancee:
            monde.controle.remettre_a_zero()
            assert "errors" not in jusqu_a_complete(lancee, monde.jeton("ml"), TOUT, n=n)
            comptes.append({p: o for p, o in monde.controle.compteurs().items() if p != "referentiel"})
    assert comptes[0] == comptes[1]


def test_the_registry_is_never_asked_by_a_query(monde: Monde, froide: PasserelleLancee) -> None:
    froide.graphql(monde.jeton("ml"), TOUT, {"n": 10})
    assert "registre" not in demandes(monde)


def test_a_selection_that_no_follow_up_needs_asks_no_follow_up(monde: Monde, froide: PasserelleLancee) -> None:
    requete = "{ ruptures(first: 5) { totalCount edges { node { date contrat { dateDebut } } } } }"
    assert "errors" not in jusqu_a_complete(froide, monde.jeton("cfa"), requete)
    assert "imilo" not in demandes(monde)
    avec = "{ ruptures(first: 5) { totalCount edges { node { date jeune { collaboration { demandeeLe } } } } } }"
    assert "errors" not in jusqu_a_complete(froide, monde.jeton("cfa"), avec)
    assert "imilo" in demandes(monde)


def test_public_data_ask_no_partner(monde: Monde, froide: PasserelleLancee) -> None:
    code = monde.clients["ml"].organisation
    uai = monde.clients["cfa"].organisation
    requete = f'{{ moi {{ profil }} missionLocale(code: "{code}") {{ nom }} cfa(uai: "{uai}") {{ nom }} }}'
    reponse = froide.graphql(monde.jeton("ml"), requete)
    assert reponse["data"]["missionLocale"]["nom"].startswith("Mission locale de ")
    assert reponse["data"]["cfa"]["nom"].startswith("CFA ")
    assert monde.controle.total() == 0


def test_the_first_query_joins_three_systems(monde: Monde, passerelle: PasserelleLancee) -> None:
    reponse = jusqu_a_complete(passerelle, monde.jeton("ml"), TOUT, n=100)
    noeuds = [arete["node"] for arete in reponse["data"]["ruptures"]["edges"]]
    sources = {ligne["source"] for noeud in noeuds for ligne in noeud["jeune"]["provenance"] if ligne["retenue"]}
    assert {"registre", "imilo"} <= sources
    assert sources & {"ypareo", "gestibase", "aimaira"}
    complets = [
        noeud
        for noeud in noeuds
        if noeud["contrat"]["employeur"]["denomination"] and noeud["contrat"]["cfa"]["nom"] and noeud["jeune"]["suivi"]
    ]
    assert complets
