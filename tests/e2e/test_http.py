"""The edge as strangers meet it: statuses, media types, refusals that tell nothing."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from fixtures.gateway_process import ROOT, LaunchedGateway
from fixtures.servers import NO_AUTHORITY
from fixtures.world import World
from tests.support.e2e.without_asking import without_asking
from tests.support.pair import metrics

ME = {"query": "{ moi { profil finalite categories } }"}
GRAPHQL = "application/graphql-response+json"


@pytest.fixture
def http(world: World, gateway: LaunchedGateway) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {world.token('ml')}"}
    with httpx.Client(base_url=gateway.url, headers=headers, trust_env=False, verify=NO_AUTHORITY) as client:
        yield client


def codes(reponse: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in reponse.json()["errors"]]


def test_who_am_i_is_the_first_query_of_an_integrator(http: httpx.Client) -> None:
    response = http.post("/graphql", json=ME)
    assert response.status_code == 200
    moi = response.json()["data"]["moi"]
    assert (moi["profil"], moi["finalite"]) == ("MISSION_LOCALE", "ACCOMPAGNEMENT")
    assert "IDENTITE" in moi["categories"]
    assert "IDENTIFIANT_NATIONAL" not in moi["categories"]


@pytest.mark.parametrize("token", [None, "Bearer", "Bearer x.y.z", "Basic bWw6ZGVtbw=="])
def test_without_a_good_token_401_and_one_message(http: httpx.Client, token: str | None) -> None:
    response = http.post("/graphql", json=ME, headers={"Authorization": token or ""})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert codes(response) == ["NON_AUTHENTIFIE"]


def test_a_query_never_travels_in_a_url(http: httpx.Client) -> None:
    response = http.get("/graphql", params={"query": "{ moi { profil } }"}, headers={"Accept": "*/*"})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("body", "statut"), [(b"[]", 400), (b"{", 400), (b"\xff", 400), (b"1", 400), (b'{"query": "{"}', 200)]
)
def test_a_bad_body_is_never_a_failure_of_ours(http: httpx.Client, body: bytes, statut: int) -> None:
    response = http.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == statut
    assert codes(response) == ["REQUETE_INVALIDE"]


def test_an_invalid_document_is_400_for_the_media_type_that_says_so(http: httpx.Client) -> None:
    response = http.post("/graphql", json={"query": "{ inconnu }"}, headers={"Accept": GRAPHQL})
    assert response.status_code == 400
    assert response.headers["content-type"].startswith(GRAPHQL)
    assert "data" not in response.json()


def test_g12_a_literal_of_the_wrong_type_is_not_echoed(http: httpx.Client) -> None:
    for partner_request in (
        '{ jeunes(first: "199055555555564") { totalCount } }',
        '{ cfa(uai: "199055555555564") { nom } }',
    ):
        response = http.post("/graphql", json={"query": partner_request})
        assert "199055555555564" not in response.text
        assert codes(response) == ["REQUETE_INVALIDE"]
    variable = {"query": "query($n: Int!) { jeunes(first: $n) { totalCount } }", "variables": {"n": "199055555555564"}}
    assert "199055555555564" not in http.post("/graphql", json=variable).text


def test_g10_names_are_suggested_to_who_reads_them_and_to_nobody_else(
    http: httpx.Client, world: World, gateway: LaunchedGateway
) -> None:
    for partner_request, nearest in (
        ("{ jeuns { totalCount } }", ["jeune", "jeunes"]),
        ("{ jeunes(firs: 1) { totalCount } }", ["first"]),
        ("{ jeunes { totalCoun } }", ["totalCount"]),
    ):
        (error,) = http.post("/graphql", json={"query": partner_request}).json()["errors"]
        assert error["extensions"]["suggestions"][: len(nearest)] == nearest
        (other,) = gateway.graphql(world.token("arml"), partner_request)["errors"]
        assert "suggestions" not in other["extensions"]
        assert not any(name in other["message"].replace("Query.jeunes", "") for name in nearest[1:])


def test_too_heavy_is_refused_before_any_work(http: httpx.Client, world: World) -> None:
    heavy = "{ jeunes(first: 500) { edges { node { contrats { jeune { contrats { jeune { parcours { depuis } } } } } } } } }"
    refused = without_asking(world, lambda: http.post("/graphql", json={"query": heavy}))
    assert codes(refused) == ["REQUETE_TROP_COUTEUSE"]


def test_health_and_metrics_answer_without_a_token_and_hold_no_person(
    http: httpx.Client, world: World, gateway: LaunchedGateway
) -> None:
    assert http.get("/health/live").status_code == 200
    assert http.get("/health/ready").status_code == 200
    figures = metrics(gateway)
    assert "passerelle_appels_total" in figures
    assert not any(person.courriel in figures for person in world.population.persons[:500])


def test_every_figure_of_the_board_is_told_by_a_gateway(gateway: LaunchedGateway) -> None:
    told = set(re.findall(r"^# TYPE (\S+)", metrics(gateway), re.MULTILINE))
    board = json.loads((ROOT / "deploy/grafana/passerelle.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    figures = (re.sub(r"\bby \([^)]*\)", "", query) for query in queries)  # without the labels
    asked = {name for query in figures for name in re.findall(r"\b(?:passerelle|process|http)_[a-z_]+", query)}
    assert len(asked) > 20
    assert {name for name in asked if not told & {name, re.sub("_(bucket|count)$", "", name)}} == set()
