"""B11: no input of a client is answered 500 or more. B12: what cannot be answered is refused before any source is asked.

The oracle is the specification of GraphQL (a null where null may not stand is an error of the request) and docs/graphe.md.
"""

import json
import time
from random import Random
from typing import Any

import pytest

from tests.support.figures import note
from tests.support.security.hostile import Demo
from tests.support.security.inputs import draw_request, read_graph

CLIENTS = ("ml", "dreets", "france-travail", "cfa", "ml-deux-finalites", "si-partenaire", "admin", "statistiques")


def _refused(served: Demo, text: str, variables: dict[str, Any], told: str) -> None:
    """Refused whole, by a message that says `told`, and no source was asked."""
    response = served.post("ml", text, variables)
    body = response.json()
    assert response.status_code < 500, body
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "REQUETE_INVALIDE"
    assert told in error["message"]
    assert "data" not in body
    assert "sources" not in body.get("extensions", {})


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("query($x: Int = 5) @fraicheur(maxSecondes: $x) { moi { profil } }", {"x": None}),
        ("query($n: Int = 5) { jeunes(first: $n) { totalCount } }", {"n": None}),
        ("query($n: Int) { ruptures(first: $n) { totalCount } }", {"n": None}),
        ('query($c: CodeInsee = "44109") { jeunes(filtre: {communes: [$c]}) { totalCount } }', {"c": None}),
    ],
)
def test_b11_a_null_where_null_may_not_stand_is_the_caller_s_mistake(
    served: Demo, text: str, variables: dict[str, Any]
) -> None:
    _refused(served, text, variables, f"${next(iter(variables))}")


def test_b11_a_default_still_stands_for_what_is_not_given(served: Demo) -> None:
    text = "query($x: Int = 5) @fraicheur(maxSecondes: $x) { moi { profil } }"
    assert served.graphql("ml", text)["data"] == {"moi": {"profil": "MISSION_LOCALE"}}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("query @fraicheur(maxSecondes: -1) { jeunes { totalCount } }", "maxSecondes"),
        ("query { jeunes(first: 501) { totalCount } }", "first va de 0 à 500"),
        ("query { contrats(first: -1) { totalCount } }", "first va de 0 à 500"),
        ("query { contrats(last: 501) { totalCount } }", "last va de 0 à 500"),
        ("query { communes(first: 501) { code } }", "first va de 0 à 500"),
        ("query { ruptures(first: 2, last: 2) { totalCount } }", "first et last"),
        ('query { contrats(filtre: {recherche: "a b"}) { totalCount } }', "3 lettres"),
        ('query { ruptures(filtre: {depuis: "2026-03-02", jusqua: "2026-03-01"}) { totalCount } }', "depuis"),
        (
            'query { contrats(filtre: {debutDepuis: "2026-03-02", debutJusqua: "2026-03-01"}) { totalCount } }',
            "debutDepuis",
        ),
        ("query { cfa { nom } jeunes { totalCount } }", "uai ou siret"),
        ("query { contrat { id } }", "id ou numero"),
        ('query { jeunes(filtre: {nom: "ab"}) { totalCount } }', "3 lettres"),
        (
            'query { rechercheJeune(nom: "1", prenom: "x", dateNaissance: "2008-01-01") { score } }',
            "lettres",
        ),
    ],
)
def test_b12_what_cannot_be_answered_is_refused_before_any_source_is_asked(
    served: Demo, arguments: str, told: str
) -> None:
    _refused(served, arguments, {}, told)
    # The same from within a fragment, and by variables.
    inside = arguments.partition("{")[2].rpartition("}")[0]
    header = arguments.partition("{")[0]
    _refused(served, f"{header} {{ ...F }} fragment F on Query {{ {inside} }}", {}, told)


@pytest.mark.parametrize(
    ("text", "variables", "told"),
    [
        ("query($x: Int!) @fraicheur(maxSecondes: $x) { jeunes { totalCount } }", {"x": -1}, "maxSecondes"),
        ("query($n: Int!) { jeunes(first: $n) { totalCount } }", {"n": 501}, "first va de 0 à 500"),
        (
            "query($f: FiltreRuptures) { ruptures(filtre: $f) { totalCount } }",
            {"f": {"depuis": "2026-03-02", "jusqua": "2026-03-01"}},
            "depuis",
        ),
        (
            'query($d: Date) { ruptures(filtre: {depuis: $d, jusqua: "2026-03-01"}) { totalCount } }',
            {"d": "2026-03-02"},
            "depuis",
        ),
        ("query($u: UAI) { cfa(uai: $u) { nom } }", {}, "uai ou siret"),
        ("query($u: UAI) { cfa(uai: $u) { nom } }", {"u": None}, "uai ou siret"),
        ("query($n: String) { jeunes(filtre: {nom: $n}) { totalCount } }", {"n": "N" * 101}, "100 caractères"),
    ],
)
def test_b12_variables_are_held_to_the_same(served: Demo, text: str, variables: dict[str, Any], told: str) -> None:
    _refused(served, text, variables, told)


def test_b12_what_is_just_within_the_bounds_is_answered(served: Demo) -> None:
    text = """query($n: Int!) @fraicheur(maxSecondes: 3600) {
      jeunes(first: $n) { totalCount } contrats(first: 500) { totalCount }
      ruptures(filtre: {depuis: "2026-03-01", jusqua: "2026-03-01"}, first: 0) { totalCount } }"""
    answer = served.graphql("ml", text, {"n": 0})
    assert set(answer["data"]) == {"jeunes", "contrats", "ruptures"}


def _draw(served: Demo, seed: str, number: int) -> None:
    randomness, graph = Random(seed), read_graph(served)
    for _ in range(number):
        client = randomness.choice(CLIENTS)
        text, variables = draw_request(randomness, graph)
        response = served.post(client, text, variables)
        codes = {error["extensions"]["code"] for error in response.json().get("errors", [])}
        said = f"{seed} {client} {text} {json.dumps(variables)} {response.text[:300]}"
        assert response.status_code < 500, said
        assert "ERREUR_INTERNE" not in codes, said
    note(f"entrées : {number} requêtes tirées des arguments du graphe, 0 réponse de 500 ou plus (graine {seed})")


def test_b11_no_drawn_input_is_answered_500(served: Demo) -> None:
    _draw(served, str(time.time_ns()), 300)


@pytest.mark.chaos
def test_b11_ten_thousand_drawn_inputs(served: Demo) -> None:
    _draw(served, str(time.time_ns()), 10_000)
