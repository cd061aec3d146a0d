"""Every root field of the graph over a real world: look-ups, lists, cursors, ids, what is out of perimeter."""

from functools import partial
from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.queries import all_the_ruptures, until_complete
from tests.support.e2e.without_asking import without_asking

PAGE = """query P($n: Int!, $apres: String) { ruptures(first: $n, after: $apres) { totalCount
 pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
 edges { cursor node { id date jeune { id } contrat { id } } } } }"""


def page(gateway: LaunchedGateway, token: str, n: int, after: str | None = None) -> dict[str, Any]:
    list_query: dict[str, Any] = until_complete(gateway, token, PAGE, n=n, apres=after)["data"]["ruptures"]
    return list_query


def test_pages_follow_each_other_without_a_gap_or_a_repeat(world: World, gateway: LaunchedGateway) -> None:
    token = world.token("ml")
    whole = page(gateway, token, 500)
    awaited = [edge["node"]["id"] for edge in whole["edges"]]
    results, after = [], None
    while True:
        chunk = page(gateway, token, 4, after)
        results += [edge["node"]["id"] for edge in chunk["edges"]]
        assert chunk["pageInfo"]["hasPreviousPage"] is (after is not None)
        after = chunk["pageInfo"]["endCursor"]
        if not chunk["pageInfo"]["hasNextPage"]:
            break
    assert results == awaited
    assert len(results) == whole["totalCount"] == len(set(results))
    dates = [edge["node"]["date"] for edge in whole["edges"]]
    assert dates == sorted(dates, reverse=True)


def test_a04_a_cursor_serves_its_own_list_and_perimeter_only(world: World, gateway: LaunchedGateway) -> None:
    cursor = page(gateway, world.token("ml"), 2)["pageInfo"]["endCursor"]
    altered = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    elsewhere = [
        (world.token("ml-voisine"), PAGE, cursor),
        (world.token("ml"), PAGE, altered),
        (world.token("ml"), PAGE.replace("first: $n,", "first: $n, tri: DATE_ASC,"), cursor),
        (world.token("ml"), PAGE.replace("first: $n,", "first: $n, filtre: {mineur: true},"), cursor),
    ]
    for token, partner_request, attempt in elsewhere:
        response = until_complete(gateway, token, partner_request, n=2, apres=attempt)
        assert [e["extensions"]["code"] for e in response["errors"]] == ["CURSEUR_INVALIDE"]
        assert response["data"] == {"ruptures": None}


def test_objects_are_found_again_by_their_ids(world: World, gateway: LaunchedGateway) -> None:
    token = world.token("ml")
    node = page(gateway, token, 1)["edges"][0]["node"]
    partner_request = """query R($r: ID!, $j: ID!, $c: ID!) { rupture(id: $r) { id date jeune { id } }
     jeune(id: $j) { id nom ruptures { id } } contrat(id: $c) { id numero }
     a: node(id: $r) { __typename id } b: node(id: $j) { __typename ... on Jeune { nom } } }"""
    variables = {"r": node["id"], "j": node["jeune"]["id"], "c": node["contrat"]["id"]}
    data = until_complete(gateway, token, partner_request, **variables)["data"]
    assert data["rupture"] == {"id": node["id"], "date": node["date"], "jeune": {"id": node["jeune"]["id"]}}
    assert node["id"] in [rupture["id"] for rupture in data["jeune"]["ruptures"]]
    assert data["contrat"]["id"] == node["contrat"]["id"]
    assert data["a"] == {"__typename": "Rupture", "id": node["id"]}
    assert data["b"] == {"__typename": "Jeune", "nom": data["jeune"]["nom"]}


def test_a01_out_of_perimeter_and_not_existing_are_the_same(world: World, gateway: LaunchedGateway) -> None:
    here = {node["jeune"]["id"] for node in all_the_ruptures(gateway, world.token("ml"))}
    over_there = {node["jeune"]["id"] for node in all_the_ruptures(gateway, world.token("ml-voisine"))}
    foreign = min(over_there - here)
    partner_request = "query J($id: ID!) { jeune(id: $id) { nom } node(id: $id) { id } contrat(id: $id) { numero } }"
    responses = []
    for identifier in (foreign, "n-existe-pas", foreign[:-2], ""):
        ask = partial(until_complete, gateway, world.token("ml"), partner_request, id=identifier)
        response = without_asking(world, ask)
        responses.append((response["data"], response.get("errors")))
    assert responses == [({"jeune": None, "node": None, "contrat": None}, None)] * 4


def test_the_same_object_has_the_same_id_for_two_callers_and_after_a_restart(
    world: World, gateway: LaunchedGateway
) -> None:
    ml = {node["jeune"]["id"] for node in all_the_ruptures(gateway, world.token("ml"))}
    partner = """query L($n: Int!, $apres: String) { ruptures(first: $n, after: $apres) { totalCount
     pageInfo { hasNextPage endCursor } edges { node { id jeune { id } } } } }"""
    si = {node["jeune"]["id"] for node in all_the_ruptures(gateway, world.token("si-partenaire"), partner)}
    with world.gateway() as other:
        after = {node["jeune"]["id"] for node in all_the_ruptures(other, world.token("ml"))}
    assert si <= ml
    assert after == ml


def test_a_contract_is_found_by_its_number(world: World, gateway: LaunchedGateway) -> None:
    token = world.token("ml")
    list_query = until_complete(gateway, token, "{ contrats(first: 50) { edges { node { id numero } } } }")
    node = next(a["node"] for a in list_query["data"]["contrats"]["edges"] if a["node"]["numero"])
    partner_request = "query C($n: String!) { contrat(numero: $n) { id } }"
    for numero in (node["numero"], node["numero"].lower()):
        assert until_complete(gateway, token, partner_request, n=numero)["data"]["contrat"] == {"id": node["id"]}
    assert until_complete(gateway, token, partner_request, n="000")["data"]["contrat"] is None


FILTERS = [
    ("{mineur: true}", lambda n: n["jeune"]["mineur"] is True),
    ("{ageMax: 19}", lambda n: n["jeune"]["age"] <= 19),
    ("{etat: TRAITE}", lambda n: n["etat"] == "TRAITE"),
    ("{prioritaire: true}", lambda n: n["prioritaire"] is True and n["motifsPriorite"]),
    ("{statut: [APPRENTI]}", lambda n: n["jeune"]["statut"]["valeur"] == "APPRENTI"),
    ("{statut: [APPRENTI, RUPTURANT]}", lambda n: n["jeune"]["statut"]["valeur"] in {"APPRENTI", "RUPTURANT"}),
    ('{depuis: "2026-09-01", jusqua: "2026-09-30"}', lambda n: n["date"].startswith("2026-09")),
]


@pytest.mark.parametrize(("filtre", "suits"), FILTERS, ids=[filtre for filtre, _ in FILTERS])
def test_filters_keep_exactly_what_they_say(world: World, gateway: LaunchedGateway, filtre: str, suits: Any) -> None:
    champs = "id date etat prioritaire motifsPriorite jeune { age mineur statut { valeur } }"
    token = world.token("ml")
    large = "{statut: [APPRENTI, RUPTURANT, ABANDON, FIN_DE_FORMATION, INSCRIT]}" if "statut" in filtre else "{}"

    def read(wanted: str) -> dict[str, Any]:
        partner_request = f"{{ ruptures(first: 500, filtre: {wanted}) {{ edges {{ node {{ {champs} }} }} }} }}"
        list_query = until_complete(gateway, token, partner_request)["data"]["ruptures"]
        return {edge["node"]["id"]: edge["node"] for edge in list_query["edges"]}

    awaited = {key for key, node in read(large).items() if suits(node)}
    assert set(read(filtre)) == awaited
    assert awaited


def test_sources_tell_every_partner(world: World, gateway: LaunchedGateway) -> None:
    response = gateway.graphql(world.token("admin"), "{ sources { nom type mode etat } }")
    states = {source["nom"]: (source["type"], source["mode"]) for source in response["data"]["sources"]}
    assert states == {
        "ypareo": ("ERP_CFA", "INTERROGATION"),
        "gestibase": ("ERP_CFA", "INTERROGATION"),
        "aimaira": ("ERP_CFA", "INTERROGATION"),
        "scform": ("ERP_CFA", "INTERROGATION"),
        "digiforma": ("ERP_CFA", "INTERROGATION"),
        "imilo": ("MISSION_LOCALE", "INTERROGATION"),
        "registre": ("REGISTRE_CONTRATS", "MOISSON"),
        "referentiel": ("REFERENTIEL", "MOISSON"),
    }


def test_what_is_to_be_mended_is_told_to_who_can(world: World, gateway: LaunchedGateway) -> None:
    """Its own establishment for a CFA and for a Mission locale; every one for who operates the gateway; never a value."""
    query = "{ sources { nom qualite { etablissement dossiers defauts { nature genre champ nombre } } } }"
    cfa, structure = world.clients["cfa"].organisation, world.clients["ml"].organisation
    places = {cfa} | {place.uai for place in world.population.cfas.values() if place.responsable_uai == cfa}

    def told(account: str) -> dict[str, list[dict[str, Any]]]:
        sources = gateway.graphql(world.token(account), query)["data"]["sources"]
        return {line["etablissement"]: line["defauts"] for source in sources for line in source["qualite"]}

    for account in ("cfa", "ml"):
        until_complete(gateway, world.token(account), "{ jeunes { totalCount } }")
    by_cfa, by_structure, by_admin = told("cfa"), told("ml"), told("admin")
    assert by_cfa.keys()
    assert by_cfa.keys() <= places
    assert by_structure.keys() == {structure}
    assert by_cfa.keys() | by_structure.keys() < by_admin.keys()
    lines = [line for defects in by_admin.values() for line in defects]
    assert lines
    assert {line["nature"] for line in lines} <= {"REPAREE", "DOUTEUSE", "ECARTEE", "ORPHELINE", "DOUBLON", "DERIVE"}


def test_a_cfa_sees_its_own_contracts_only(world: World, gateway: LaunchedGateway) -> None:
    uai = world.clients["cfa"].organisation
    own = {uai} | {cfa.uai for cfa in world.population.cfas.values() if cfa.responsable_uai == uai}
    partner_request = (
        "{ jeunes(first: 500) { totalCount edges { node { contrats { cfa { uai } } formations { cfa { uai } } } } } }"
    )
    list_query = until_complete(gateway, world.token("cfa"), partner_request)["data"]["jeunes"]
    seen = {
        holder["cfa"]["uai"]
        for edge in list_query["edges"]
        for holder in [*edge["node"]["contrats"], *edge["node"]["formations"]]
    }
    assert list_query["totalCount"] > 20
    assert seen <= own


@pytest.mark.parametrize(
    ("criteria", "named"),
    [
        ('departements: ["60", "097"]', "filtre.departements[1]"),
        ('departements: ["Oise"]', "filtre.departements[0]"),
        ('communes: ["99999"]', "filtre.communes[0]"),
    ],
)
def test_an_unknown_territory_is_told_to_the_caller_by_its_argument(
    world: World, gateway: LaunchedGateway, criteria: str, named: str
) -> None:
    response = until_complete(gateway, world.token("ml"), f"{{ ruptures(filtre: {{{criteria}}}) {{ totalCount }} }}")
    (error,) = response["errors"]
    assert error["extensions"]["code"] == "REQUETE_INVALIDE"
    assert named in error["message"]


def test_a_department_is_one_in_every_form_and_a_contract_number_too(world: World, gateway: LaunchedGateway) -> None:
    query = "query T($d: [String!]) { ruptures(filtre: {departements: $d}) { totalCount edges { node { contrat { numero } } } } }"
    token = world.token("ml")
    whole = until_complete(
        gateway, token, "{ ruptures { edges { node { jeune { commune { departement { code } } } } } } }"
    )
    code = next(
        edge["node"]["jeune"]["commune"]["departement"]["code"]
        for edge in whole["data"]["ruptures"]["edges"]
        if edge["node"]["jeune"]["commune"]
    )
    told = [until_complete(gateway, token, query, d=[form])["data"]["ruptures"] for form in (code, f"0{code}")]
    assert told[0] == told[1]
    assert told[0]["totalCount"] > 0
    numeros = [edge["node"]["contrat"]["numero"] for edge in told[0]["edges"]]
    numero = next(numero for numero in numeros if numero and numero.startswith("0"))
    ask = "query C($n: String!) { contrat(numero: $n) { numero } }"
    for written in (numero, numero[1:], f"{numero[:3]} {numero[3:]}"):
        assert until_complete(gateway, token, ask, n=written)["data"] == {"contrat": {"numero": numero}}
    refused = until_complete(gateway, token, ask, n="EN COURS")
    assert ["numero" in error["message"] for error in refused["errors"]] == [True]
