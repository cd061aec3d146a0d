"""For every profile and every governed field: what may not be read is in no byte, and asking only that asks nobody."""

import json
from functools import cache
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from gateway.schema.query import build, core_schema
from tests.support.e2e.queries import until_complete
from tests.support.figures import note

# docs/graphe.md, Droits, typed again: profile → what it may read of somebody at least.
READ = {
    "ml": "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE REPRESENTANT CONTRAT RUPTURE SUIVI COLLABORATION TECHNIQUE"
    " SANS_CONTRAT",
    "cfa": "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE REPRESENTANT IDENTIFIANT_NATIONAL CONTRAT RUPTURE COLLABORATION"
    " TECHNIQUE SUIVI",
    "reseau": "PARCOURS IDENTITE IDENTIFIANT_NATIONAL CONTRAT RUPTURE",
    "dreets": "PARCOURS IDENTITE CONTACT",
    "ddets": "PARCOURS IDENTITE CONTACT",
    "academie": "PARCOURS IDENTITE CONTACT",
    "france-travail": "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE SANS_CONTRAT",
    "si-partenaire": "PARCOURS IDENTITE CONTACT CONTRAT RUPTURE SUIVI",
    "arml": "",
    "statistiques": "",
    "admin": "TECHNIQUE",
}
# Field of Jeune → category, typed again from the contract of the graph.
OF_THE_JEUNE = {
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
    "sansContrat": "SANS_CONTRAT",
    "etatSansContrat": "SUIVI",
    "suivi": "SUIVI",
    "collaboration": "COLLABORATION",
    "provenance": "TECHNIQUE",
    "rapprochements": "TECHNIQUE",
}
WITH = {"contrats": "dateDebut", "ruptures": "date"}
PROFILES = sorted(READ)


@cache
def selection(champ: str) -> str:
    """The field with the scalars below it, or one of its own category where what is below has others."""
    if champ in WITH:
        return f"{champ} {{ {WITH[champ]} }}"
    type_ = get_named_type(core_schema(build()).type_map["Jeune"].fields[champ].type)  # type: ignore[attr-defined]
    return champ + _leaves(type_)


def _leaves(type_: Any) -> str:
    if not isinstance(type_, GraphQLObjectType):
        return ""
    names = [name for name, f in type_.fields.items() if not isinstance(get_named_type(f.type), GraphQLObjectType)]
    return " { " + " ".join(name for name in names if name != "id") + " }"


@pytest.fixture(scope="module")
def world(default_world: World) -> World:
    return default_world


@pytest.fixture(scope="module")
def gateway(default_gateway: LaunchedGateway) -> LaunchedGateway:
    return default_gateway


def readable_fields(profil: str) -> set[str]:
    return set(READ[profil].split())


def test_the_table_names_every_field() -> None:
    champs = core_schema(build()).type_map["Jeune"].fields  # type: ignore[attr-defined]
    assert set(champs) == {"id", *OF_THE_JEUNE}


@pytest.mark.parametrize("profil", PROFILES)
def test_no_value_of_a_category_not_granted_is_in_any_byte(world: World, gateway: LaunchedGateway, profil: str) -> None:
    token = world.token(profil)
    for champ, categorie in OF_THE_JEUNE.items():
        partner_request = f"{{ jeunes(first: 50) {{ edges {{ node {{ age {selection(champ)} }} }} }} }}"
        response = until_complete(gateway, token, partner_request)
        list_query = response["data"]["jeunes"]
        nodes = [] if list_query is None else [edge["node"] for edge in list_query["edges"]]
        refused = [line["chemin"] for line in response["extensions"].get("refus", []) if line["code"] == "CHAMP_REFUSE"]
        if "PARCOURS" not in readable_fields(profil):
            assert list_query is None
            assert refused
        elif categorie in readable_fields(profil):
            assert nodes
            assert not refused
        else:
            assert nodes
            assert all(node[champ] is None for node in nodes)
            assert ["jeunes", "edges", "node", champ] in refused


@pytest.mark.parametrize("profil", PROFILES)
def test_a_query_of_refused_fields_only_asks_no_partner_and_its_control_does(counted: World, profil: str) -> None:
    refused = [champ for champ, categorie in OF_THE_JEUNE.items() if categorie not in readable_fields(profil)]
    if not refused:
        pytest.skip("this profile reads every category")
    partner_request = f"{{ jeunes(first: 5) {{ edges {{ node {{ {' '.join(map(selection, refused))} }} }} }} }}"
    with counted.gateway() as cold:
        counted.check.reset_all()
        response = cold.graphql(counted.token(profil), partner_request)
        assert response["data"] == {"jeunes": None}
        assert {e["extensions"]["code"] for e in response["errors"]} == {"CHAMP_REFUSE"}
        assert counted.check.total() == 0
        if "PARCOURS" in readable_fields(profil):
            cold.graphql(counted.token(profil), "{ jeunes(first: 5) { edges { node { age } } } }")
            assert counted.check.total() > 0


def test_values_of_the_truth_are_in_no_byte_that_may_not_hold_them(world: World, gateway: LaunchedGateway) -> None:
    """Telephones, e-mails and first names of the whole truth, looked for in the raw answers of profiles without them."""
    truth = list(world.check.truth())
    telephones = {person["telephone"] for person in truth}
    courriels = {person["courriel"] for person in truth}
    everything = " ".join(selection(champ) for champ in OF_THE_JEUNE)
    content = {}
    for profil in PROFILES:
        response = until_complete(
            gateway, world.token(profil), f"{{ jeunes(first: 100) {{ edges {{ node {{ {everything} }} }} }} }}"
        )
        content[profil] = json.dumps(response, ensure_ascii=False)
        seen = {t for t in telephones if f'"{t}"' in content[profil]} | {c for c in courriels if c in content[profil]}
        assert bool(seen) == ("CONTACT" in readable_fields(profil)), profil
    note(f"fuites  : {len(PROFILES)} profils × {len(OF_THE_JEUNE)} champs, 0 octet non accordé")
    assert len(content) == len(READ)


def test_only_statuses_of_the_policy_are_seen(world: World, gateway: LaunchedGateway) -> None:
    partner_request = "{ jeunes(first: 500) { totalCount edges { node { statut { valeur } } } } }"
    for profil, admitted in {"dreets": {"INSCRIT", "RUPTURANT", "ABANDON"}, "france-travail": {"INSCRIT"}}.items():
        list_query = until_complete(gateway, world.token(profil), partner_request)["data"]["jeunes"]
        assert {edge["node"]["statut"]["valeur"] for edge in list_query["edges"]} == admitted


def test_two_purposes_and_none_declared_is_finalite_requise(world: World, gateway: LaunchedGateway) -> None:
    token = world.token("ml-deux-finalites")
    partner_request = "{ jeunes(first: 1) { totalCount edges { node { nom } } } }"
    without = gateway.graphql(token, partner_request)
    assert [e["extensions"]["code"] for e in without["errors"]] == ["FINALITE_REQUISE"]
    with_contrat = gateway.graphql(token, partner_request, x_finalite="ACCOMPAGNEMENT")
    assert with_contrat["data"]["jeunes"]["totalCount"] > 0
    other = gateway.graphql(token, partner_request, x_finalite="GESTION_CFA")
    assert [e["extensions"]["code"] for e in other["errors"]] == ["FINALITE_REQUISE"]


def test_a_filter_on_what_may_not_be_read_refuses_the_whole_operation(world: World, gateway: LaunchedGateway) -> None:
    partner_request = '{ moi { profil } jeunes(filtre: {communes: ["60057"]}) { totalCount } }'
    response = gateway.graphql(world.token("dreets"), partner_request)
    assert response.get("data") is None
    assert [e["extensions"]["code"] for e in response["errors"]] == ["ARGUMENT_REFUSE"]
