"""R3: what an operation makes the gateway walk is priced, and said in `extensions.cout` (docs/graphe.md, Coût et limites).

The oracle is the decision taken on the finding: a tenth of the people of the perimeter, by root whose list is not kept.
"""

from random import Random
from typing import Any

import pytest
from graphql import get_introspection_query

from tests.support.security.hostile import Demo, codes_of_communes, communes

ROOTS = 10
WALL = (
    "{" + " ".join(f"r{n}: jeunes(first: 0, filtre: {{communes: $c{n}}}) {{ totalCount }}" for n in range(ROOTS)) + "}"
)
HEADER = "query(" + ", ".join(f"$c{n}: [CodeInsee!]" for n in range(ROOTS)) + ") "


def _communes(seed: str) -> dict[str, list[str]]:
    """So many communes for each root that all of them come to 1,900, like no others."""
    randomness = Random(seed)
    return {f"c{n}": codes_of_communes(randomness, 190) for n in range(ROOTS)}


def _people(served: Demo, client: str) -> int:
    """The people of the perimeter, once nothing of it is late any more."""
    while True:
        told = served.graphql(client, "{ jeunes(first: 0) { totalCount complet } }")["data"]["jeunes"]
        if told and told["complet"]:
            return int(told["totalCount"])


@pytest.mark.parametrize("client", ["ml", "cfa"])
def test_r3_ten_roots_over_a_perimeter_cost_what_they_walk(served: Demo, client: str) -> None:
    people = _people(served, client)
    assert people > 50
    variables = _communes(client)
    first = served.graphql(client, HEADER + WALL, variables)
    assert first["extensions"]["cout"] == ROOTS + ROOTS * (people // 10)
    again = served.graphql(client, HEADER + WALL, variables)
    assert again["extensions"]["cout"] == ROOTS  # the lists are kept: nothing is walked
    assert again["data"] == first["data"]


def test_r3_what_is_walked_is_taken_from_the_minute(served: Demo) -> None:
    _people(served, "ml")
    before = served.post("ml", "{ moi { profil } }")
    walked = served.post("ml", HEADER + WALL, _communes("minute"))
    left = [int(answer.headers["ratelimit-remaining"]) for answer in (before, walked)]
    if left[1] < left[0]:  # else a new minute began between the two
        assert left[0] - left[1] == 10 + walked.json()["extensions"]["cout"]
    assert walked.json()["extensions"]["cout"] > ROOTS


def test_r3_the_limit_of_an_operation_is_not_lowered_by_what_it_walks(served: Demo) -> None:
    _people(served, "ml")
    heavy = "{ ruptures(first: 500, filtre: {ageMax: 25}) { edges { node { " + " ".join(_aliases(59)) + " } } } }"
    answer = served.graphql("ml", heavy)
    assert "errors" not in answer or answer["data"]["ruptures"] is not None
    assert answer["extensions"]["cout"] >= 1 + 500 * 61


def _aliases(number: int) -> list[str]:
    return [f"a{n}: date" for n in range(number)]


def test_r3_the_same_list_written_in_a_text_costs_the_same(served: Demo) -> None:
    people = _people(served, "ml")
    text = f"{{ jeunes(first: 0, filtre: {{communes: {communes(Random('texte'))}}}) {{ totalCount }} }}"
    assert served.graphql("ml", text)["extensions"]["cout"] == 1 + people // 10
    assert served.graphql("ml", text)["extensions"]["cout"] == 1


def test_r3_an_introspection_is_priced_then_kept(served: Demo) -> None:
    text = get_introspection_query() + " # first"
    costs = [served.graphql("ml-voisine", text) for _ in range(2)]
    assert 100 < costs[0]["extensions"]["cout"] <= 1500
    assert costs[1]["extensions"]["cout"] == 0
    assert costs[0]["data"] == costs[1]["data"]


def test_r3_data_and_graph_asked_together_are_each_answered(served: Demo) -> None:
    text = '{ __type(name: "Jeune") { name } jeunes(first: 1) { totalCount edges { node { id } } } t: __typename }'
    answers: list[dict[str, Any]] = [served.graphql("ml", text)["data"] for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert list(answers[0]) == ["__type", "jeunes", "t"]
    assert answers[0]["__type"] == {"name": "Jeune"}
    assert answers[0]["jeunes"]["edges"]


def test_r3_a_filter_of_sets_keeps_what_a_filter_of_lists_kept(served: Demo) -> None:
    rows = "edges { node { commune { code } } }"
    whole = served.graphql("ml", f"{{ jeunes(first: 500) {{ {rows} }} }}")["data"]["jeunes"]["edges"]
    places = [edge["node"]["commune"] and edge["node"]["commune"]["code"] for edge in whole]
    wanted = sorted({place for place in places if place})[:3]
    text = f"query($c: [CodeInsee!]) {{ jeunes(first: 500, filtre: {{communes: $c}}) {{ totalCount {rows} }} }}"
    kept = served.graphql("ml", text, {"c": wanted})["data"]["jeunes"]
    assert len(wanted) == 3
    assert kept["edges"]
    if len(whole) < 500:
        assert kept["totalCount"] == sum(place in wanted for place in places)
    assert {edge["node"]["commune"]["code"] for edge in kept["edges"]} <= set(wanted)
