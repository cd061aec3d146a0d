"""A prober who knows every word of schema.graphql learns no value, nor a word hidden from his introspection (G10)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import print_schema

from fixtures.world import World
from gateway.auth.authorization.visible_schema import VisibleSchemas
from gateway.auth.policy.rules import Profil
from gateway.schema.query import build, core_schema
from tests.support.access.tools import POLICY, viewer
from tests.support.figures import note
from tests.support.security.edge import Edge

SCHEMA = Path("schema.graphql").read_text(encoding="utf-8")
WORDS = sorted(set(re.findall(r"[_A-Za-z][_A-Za-z0-9]*", re.sub(r'"""(.|\n)*?"""', "", SCHEMA))))
# What a refusal says of why a field is not read, never of what else there is; and words of French that are also fields.
TOLD = frozenset(
    {"STATISTIQUES", "PILOTAGE", "PARCOURS", "RUPTURE", "CONTRAT", "TECHNIQUE"}
    | {"champ", "champs", "type", "finalite", "profil", "nom", "valeur", "date", "texte"}
)
# What introspection shows to the prober.
SHAPE = VisibleSchemas(core_schema(build()), POLICY).for_viewer(viewer(Profil.STATISTIQUES))
OWN = frozenset(re.findall(r"[_A-Za-z][_A-Za-z0-9]*", re.sub(r'"""(.|\n)*?"""', "", print_schema(SHAPE))))


def _attempts(word: str) -> Iterator[str]:
    """Where a word may be tried: as a field at several levels, an argument, a type, a criterion, a sort key."""
    for written in (word, word + "s", word[:-1] or "x"):
        yield f"{{ {written} }}"
        yield f"{{ jeunes(first: 1) {{ edges {{ node {{ {written} }} }} }} }}"
    yield f'{{ node(id: "x") {{ ... on {word} {{ {word} }} }} }}'
    yield f"{{ ruptures(filtre: {{ {word}: 1 }}, first: 1) {{ totalCount }} }}"
    yield f"{{ ruptures(tri: {word}, first: 1) {{ totalCount }} }}"
    yield f"query {word}($v: {word}) {{ ruptures({word}: $v) {{ totalCount }} }}"


def _values(data: Any) -> Iterator[object]:
    if isinstance(data, dict):
        for inside in data.values():
            yield from _values(inside)
    elif isinstance(data, list):
        for inside in data:
            yield from _values(inside)
    elif data is not None:
        yield data


def _learnt(message: str, sent: str) -> set[str]:
    """The words of the graph that a message says, and that who reads nobody had neither sent nor in his own graph."""
    words = re.compile(r"[_A-Za-z0-9]+")
    return set(words.findall(message)) & set(WORDS) - set(words.findall(sent)) - OWN - TOLD


def test_g10_the_whole_vocabulary_obtains_no_value_and_no_name_that_introspection_hides(
    edge: Edge, world: World
) -> None:
    holder = f"Bearer {world.token('statistiques')}"
    attempts = [attempt for word in WORDS for attempt in _attempts(word)]
    learnt: dict[str, str] = {}
    for attempt in attempts:
        result = edge.request(attempt, authorization=holder).json
        assert list(_values(result.get("data"))) == [], attempt
        learnt |= {word: attempt for error in result.get("errors", []) for word in _learnt(error["message"], attempt)}
    assert learnt == {}
    note(f"vocabulaire : {len(WORDS)} mots, {len(attempts)} essais, 0 valeur, 0 nom caché")


def test_g10_a_stranger_learns_nothing_at_all(edge: Edge) -> None:
    responses = {edge.request(f"{{ {word} }}", authorization="").json["errors"][0]["message"] for word in WORDS}
    assert responses == {"Jeton d'accès absent, invalide ou expiré."}


@pytest.mark.parametrize(
    "partner_request",
    [
        "{ jeuns { totalCount } }",
        "{ jeunes(firs: 1) { totalCount } }",
        "{ node(id: 1) { ... on Jeun { id } } }",
        "{ ruptures(tri: DATE_DES) { totalCount } }",
        "{ ruptures(filtre: { depui: 1 }) { totalCount } }",
        "query MesRuptures { moi { profil } } query Autre { moi { profil } }",
        "{ moi { profil @skp(if: true) } }",
        "{ moi { ...Inconnu } } fragment Inconu on Moi { profil }",
    ],
)
def test_g10_no_hidden_name_is_suggested_wherever_it_is_misspelt(
    edge: Edge, world: World, partner_request: str
) -> None:
    document = {"query": partner_request, "operationName": "MesRupture"}
    (error, *_) = edge.graphql(document, authorization=f"Bearer {world.token('statistiques')}").json["errors"]
    assert _learnt(error["message"], partner_request) == set()
    assert "Did you mean" not in error["message"]


NIR = "199055555555564"


@pytest.mark.parametrize(
    "document",
    [
        {"query": f'{{ jeunes(first: "{NIR}") {{ totalCount }} }}'},
        {"query": f'{{ ruptures(filtre: {{ depuis: "{NIR}" }}) {{ totalCount }} }}'},
        {"query": f'{{ cfa(uai: "{NIR}") {{ nom }} }}'},
        {"query": f'{{ jeunes(after: "{NIR}") {{ totalCount }} }}'},
        {"query": f'{{ "{NIR}" }}'},
        {"query": "query($n: Int!) { jeunes(first: $n) { totalCount } }", "variables": {"n": NIR}},
        {
            "query": "query($d: FiltreRuptures) { ruptures(filtre: $d) { totalCount } }",
            "variables": {"d": {"depuis": NIR}},
        },
        {"query": "query($u: UAI) { cfa(uai: $u) { nom } }", "variables": {"u": NIR}},
        {"query": "{ moi { profil } }", "operationName": NIR},
    ],
)
def test_g12_no_value_of_the_caller_comes_back_or_is_logged(
    edge: Edge, document: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        assert NIR not in edge.graphql(document).body.decode()
    assert NIR not in caplog.text
