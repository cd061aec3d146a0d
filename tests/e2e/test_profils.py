"""For every profile and every governed field: what may not be read is in no byte, and asking only that asks nobody."""

import json
from functools import cache
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from gateway.schema.build import construire, graphe
from tests.chiffres import noter
from tests.e2e.requetes import jusqu_a_complete

# ANSWERS 11, typed again: profile → what it may read of somebody at least.
LUES = {
    "ml": "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE REPRESENTANT CONTRAT RUPTURE SUIVI COLLABORATION TECHNIQUE",
    "cfa": "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE REPRESENTANT IDENTIFIANT_NATIONAL CONTRAT RUPTURE COLLABORATION"
    " TECHNIQUE SUIVI",
    "reseau": "PARCOURS IDENTITE IDENTIFIANT_NATIONAL CONTRAT RUPTURE",
    "dreets": "PARCOURS IDENTITE CONTACT",
    "ddets": "PARCOURS IDENTITE CONTACT",
    "academie": "PARCOURS IDENTITE CONTACT",
    "france-travail": "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE",
    "si-partenaire": "PARCOURS IDENTITE CONTACT CONTRAT RUPTURE SUIVI",
    "arml": "",
    "statistiques": "",
    "admin": "TECHNIQUE",
}
# Field of Jeune → category, typed again from the contract of the graph.
DU_JEUNE = {
    "nom": "IDENTITE",
    "prenom": "IDENTITE",
    "dateNaissance": "IDENTITE",
    "sexe": "IDENTITE",
    "age": "PARCOURS",
    "mineur": "PARCOURS",
    "ine": "IDENTIFIANT_NATIONAL",
    "rqth": "SENSIBLE",
    "telephone": "CONTACT",
    "courriel": "CONTACT",
    "adresse": "ADRESSE",
    "representants": "REPRESENTANT",
    "commune": "ADRESSE",
    "missionLocale": "PARCOURS",
    "missionsLocalesPossibles": "PARCOURS",
    "statut": "PARCOURS",
    "parcours": "PARCOURS",
    "formations": "PARCOURS",
    "contrats": "CONTRAT",
    "ruptures": "RUPTURE",
    "suivi": "SUIVI",
    "collaboration": "COLLABORATION",
    "provenance": "TECHNIQUE",
    "rapprochements": "TECHNIQUE",
}
AVEC = {"contrats": "dateDebut", "ruptures": "date"}
PROFILS = sorted(LUES)


@cache
def selection(champ: str) -> str:
    """The field with the scalars below it, or one of its own category where what is below has others."""
    if champ in AVEC:
        return f"{champ} {{ {AVEC[champ]} }}"
    type_ = get_named_type(graphe(construire()).type_map["Jeune"].fields[champ].type)  # type: ignore[attr-defined]
    return champ + _feuilles(type_)


def _feuilles(type_: Any) -> str:
    if not isinstance(type_, GraphQLObjectType):
        return ""
    noms = [nom for nom, f in type_.fields.items() if not isinstance(get_named_type(f.type), GraphQLObjectType)]
    return " { " + " ".join(nom for nom in noms if nom != "id") + " }"


def lues(profil: str) -> set[str]:
    return set(LUES[profil].split())


def test_the_table_names_every_field() -> None:
    champs = graphe(construire()).type_map["Jeune"].fields  # type: ignore[attr-defined]
    assert set(champs) == {"id", *DU_JEUNE}


@pytest.mark.parametrize("profil", PROFILS)
def test_no_value_of_a_category_not_granted_is_in_any_byte(
    monde: Monde, passerelle: PasserelleLancee, profil: str
) -> None:
    jeton = monde.jeton(profil)
    for champ, categorie in DU_JEUNE.items():
        requete = f"{{ jeunes(first: 50) {{ edges {{ node {{ age {selection(champ)} }} }} }} }}"
        reponse = jusqu_a_complete(passerelle, jeton, requete)
        liste = reponse["data"]["jeunes"]
        noeuds = [] if liste is None else [arete["node"] for arete in liste["edges"]]
        refuses = [e["path"] for e in reponse.get("errors", []) if e["extensions"]["code"] == "CHAMP_REFUSE"]
        if "PARCOURS" not in lues(profil):
            assert liste is None
            assert refuses
        elif categorie in lues(profil):
            assert noeuds
            assert not refuses
        else:
            assert noeuds
            assert all(noeud[champ] is None for noeud in noeuds)
            assert ["jeunes", "edges", "node", champ] in refuses


@pytest.mark.parametrize("profil", PROFILS)
def test_a_query_of_refused_fields_only_asks_no_partner_and_its_control_does(monde: Monde, profil: str) -> None:
    refuses = [champ for champ, categorie in DU_JEUNE.items() if categorie not in lues(profil)]
    if not refuses:
        pytest.skip("this profile reads every category")
    requete = f"{{ jeunes(first: 5) {{ edges {{ node {{ {' '.join(map(selection, refuses))} }} }} }} }}"
    with monde.gateway() as froide:
        monde.controle.remettre_a_zero()
        reponse = froide.graphql(monde.jeton(profil), requete)
        assert reponse["data"] == {"jeunes": None}
        assert {e["extensions"]["code"] for e in reponse["errors"]} == {"CHAMP_REFUSE"}
        assert monde.controle.total() == 0
        if "PARCOURS" in lues(profil):
            froide.graphql(monde.jeton(profil), "{ jeunes(first: 5) { edges { node { age } } } }")
            assert monde.controle.total() > 0


def test_values_of_the_truth_are_in_no_byte_that_may_not_hold_them(monde: Monde, passerelle: PasserelleLancee) -> None:
    """Telephones, e-mails and first names of the whole truth, looked for in the raw answers of profiles without them."""
    verite = list(monde.controle.verite())
    telephones = {personne["telephone"] for personne in verite}
    courriels = {personne["courriel"] for personne in verite}
    toutes = " ".join(selection(champ) for champ in DU_JEUNE)
    octets = {}
    for profil in PROFILS:
        reponse = jusqu_a_complete(
            passerelle, monde.jeton(profil), f"{{ jeunes(first: 100) {{ edges {{ node {{ {toutes} }} }} }} }}"
        )
        octets[profil] = json.dumps(reponse, ensure_ascii=False)
        vus = {t for t in telephones if f'"{t}"' in octets[profil]} | {c for c in courriels if c in octets[profil]}
        assert bool(vus) == ("CONTACT" in lues(profil)), profil
    noter(f"fuites  : {len(PROFILS)} profils × {len(DU_JEUNE)} champs, 0 octet non accordé")
    assert len(octets) == len(LUES)


def test_only_statuses_of_the_policy_are_seen(monde: Monde, passerelle: PasserelleLancee) -> None:
    requete = "{ jeunes(first: 500) { totalCount edges { node { statut { valeur } } } } }"
    for profil, admis in {"dreets": {"INSCRIT", "RUPTURANT", "ABANDON"}, "france-travail": {"INSCRIT"}}.items():
        liste = jusqu_a_complete(passerelle, monde.jeton(profil), requete)["data"]["jeunes"]
        assert {arete["node"]["statut"]["valeur"] for arete in liste["edges"]} == admis


def test_two_purposes_and_none_declared_is_finalite_requise(monde: Monde, passerelle: PasserelleLancee) -> None:
    jeton = monde.jeton("ml-deux-finalites")
    requete = "{ jeunes(first: 1) { totalCount edges { node { nom } } } }"
    sans = passerelle.graphql(jeton, requete)
    assert [e["extensions"]["code"] for e in sans["errors"]] == ["FINALITE_REQUISE"]
    avec = passerelle.graphql(jeton, requete, x_finalite="ACCOMPAGNEMENT")
    assert avec["data"]["jeunes"]["totalCount"] > 0
    autre = passerelle.graphql(jeton, requete, x_finalite="GESTION_CFA")
    assert [e["extensions"]["code"] for e in autre["errors"]] == ["FINALITE_REQUISE"]


def test_a_filter_on_what_may_not_be_read_refuses_the_whole_operation(
    monde: Monde, passerelle: PasserelleLancee
) -> None:
    requete = '{ moi { profil } jeunes(filtre: {communes: ["60057"]}) { totalCount } }'
    reponse = passerelle.graphql(monde.jeton("dreets"), requete)
    assert reponse.get("data") is None
    assert [e["extensions"]["code"] for e in reponse["errors"]] == ["ARGUMENT_REFUSE"]
