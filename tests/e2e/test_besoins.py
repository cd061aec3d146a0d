"""Needs of the field where the real answer matters (the others: `tests/unit/test_besoins.py`)."""

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from tests.e2e.requetes import jusqu_a_complete

COMPTES = """{ tous: ruptures(first: 500) { totalCount edges { node { id } } }
 aTraiter: ruptures(filtre: {etat: A_TRAITER}) { totalCount } injoignables: ruptures(filtre: {etat: INJOIGNABLE}) { totalCount }
 traitees: ruptures(filtre: {etat: TRAITE}) { totalCount } prioritaires: ruptures(filtre: {prioritaire: true}) { totalCount }
 autres: ruptures(filtre: {prioritaire: false}) { totalCount } }"""


def test_besoin_14_les_compteurs_d_une_mission_locale_font_sa_liste(monde: Monde, passerelle: PasserelleLancee) -> None:
    listes = jusqu_a_complete(passerelle, monde.jeton("ml"), COMPTES)["data"]
    comptes = {nom: liste["totalCount"] for nom, liste in listes.items()}
    tous = {arete["node"]["id"] for arete in listes["tous"]["edges"]}
    assert comptes["tous"] == len(tous) > 5
    assert comptes["aTraiter"] + comptes["injoignables"] + comptes["traitees"] == comptes["tous"]
    assert comptes["prioritaires"] + comptes["autres"] == comptes["tous"]
