"""The edge as strangers meet it: statuses, media types, refusals that tell nothing."""

from collections.abc import Iterator

import httpx
import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee

MOI = {"query": "{ moi { profil finalite categories } }"}
GRAPHQL = "application/graphql-response+json"


@pytest.fixture
def http(monde: Monde, passerelle: PasserelleLancee) -> Iterator[httpx.Client]:
    entetes = {"Authorization": f"Bearer {monde.jeton('ml')}"}
    with httpx.Client(base_url=passerelle.url, headers=entetes, trust_env=False) as client:
        yield client


def codes(reponse: httpx.Response) -> list[str]:
    return [erreur["extensions"]["code"] for erreur in reponse.json()["errors"]]


def test_who_am_i_is_the_first_query_of_an_integrator(http: httpx.Client) -> None:
    reponse = http.post("/graphql", json=MOI)
    assert reponse.status_code == 200
    moi = reponse.json()["data"]["moi"]
    assert (moi["profil"], moi["finalite"]) == ("MISSION_LOCALE", "ACCOMPAGNEMENT")
    assert "IDENTITE" in moi["categories"]
    assert "IDENTIFIANT_NATIONAL" not in moi["categories"]


@pytest.mark.parametrize("jeton", [None, "Bearer", "Bearer x.y.z", "Basic bWw6ZGVtbw=="])
def test_without_a_good_token_401_and_one_message(http: httpx.Client, jeton: str | None) -> None:
    reponse = http.post("/graphql", json=MOI, headers={"Authorization": jeton or ""})
    assert reponse.status_code == 401
    assert reponse.headers["www-authenticate"].startswith("Bearer")
    assert codes(reponse) == ["NON_AUTHENTIFIE"]


def test_a_query_never_travels_in_a_url(http: httpx.Client) -> None:
    reponse = http.get("/graphql", params={"query": "{ moi { profil } }"}, headers={"Accept": "*/*"})
    assert (reponse.status_code, reponse.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("corps", "statut"), [(b"[]", 400), (b"{", 400), (b"\xff", 400), (b"1", 400), (b'{"query": "{"}', 200)]
)
def test_a_bad_body_is_never_a_failure_of_ours(http: httpx.Client, corps: bytes, statut: int) -> None:
    reponse = http.post("/graphql", content=corps, headers={"Content-Type": "application/json"})
    assert reponse.status_code == statut
    assert codes(reponse) == ["REQUETE_INVALIDE"]


def test_an_invalid_document_is_400_for_the_media_type_that_says_so(http: httpx.Client) -> None:
    reponse = http.post("/graphql", json={"query": "{ inconnu }"}, headers={"Accept": GRAPHQL})
    assert reponse.status_code == 400
    assert reponse.headers["content-type"].startswith(GRAPHQL)
    assert "data" not in reponse.json()


def test_g12_a_literal_of_the_wrong_type_is_not_echoed(http: httpx.Client) -> None:
    for requete in ('{ jeunes(first: "199055555555564") { totalCount } }', '{ cfa(uai: "199055555555564") { nom } }'):
        reponse = http.post("/graphql", json={"query": requete})
        assert "199055555555564" not in reponse.text
        assert codes(reponse) == ["REQUETE_INVALIDE"]
    variable = {"query": "query($n: Int!) { jeunes(first: $n) { totalCount } }", "variables": {"n": "199055555555564"}}
    assert "199055555555564" not in http.post("/graphql", json=variable).text


def test_g10_no_name_is_suggested(http: httpx.Client) -> None:
    for requete in ("{ jeuns { totalCount } }", "{ jeunes(firs: 1) { totalCount } }", "{ jeunes { totalCoun } }"):
        reponse = http.post("/graphql", json={"query": requete})
        assert "jeunes" not in reponse.json()["errors"][0]["message"].replace("Query.jeunes", "")
        assert "totalCount" not in reponse.text
        assert "Did you mean" not in reponse.text


def test_too_heavy_is_refused_before_any_work(http: httpx.Client, monde: Monde) -> None:
    monde.controle.remettre_a_zero()
    lourde = "{ jeunes(first: 500) { edges { node { contrats { jeune { contrats { jeune { parcours { depuis } } } } } } } } }"
    assert codes(http.post("/graphql", json={"query": lourde})) == ["REQUETE_TROP_COUTEUSE"]
    assert monde.controle.total() == 0


def test_health_and_metrics_answer_without_a_token_and_hold_no_person(http: httpx.Client, monde: Monde) -> None:
    assert http.get("/health/live").status_code == 200
    assert http.get("/health/ready").status_code == 200
    mesures = http.get("/metrics").text
    assert "passerelle_appels_total" in mesures
    assert not any(personne.courriel in mesures for personne in monde.population.personnes[:500])
