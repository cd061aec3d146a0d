"""Ten thousand bodies that no client should send: each is answered, none is a failure of ours (docs/security.md G14)."""

import json
import random
from collections import Counter
from typing import Any

import pytest

from tests.support.figures import note
from tests.support.security.edge import Edge

SEED = 20_261_015
IN_SHORT, IN_FULL = 10_000, 200_000
LIGHT_ONES: list[dict[str, Any]] = [
    {"query": "{ moi { profil finalite categories perimetre { nom } } }"},
    {"query": "query M($a: Boolean = true) { moi { profil @include(if: $a) } }", "variables": {"a": False}},
    {"query": "query C($u: UAI) { cfa(uai: $u) { nom commune { code } } }", "variables": {"u": "0750736T"}},
    {"query": "query J($i: ID!) { jeune(id: $i) { nom ...F } } fragment F on Jeune { age }", "variables": {"i": "x"}},
    {"query": '{ node(id: "x") { id ... on Contrat { numero } __typename } }', "operationName": None},
    {"query": '{ __schema { queryType { name } } t: __type(name: "Jeune") { fields { name } } }'},
    {"query": '{ sources { nom etat } missionLocale(code: "x") { nom } }', "extensions": {}},
    {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ab" * 32}}},
]
RUPTURES: dict[str, Any] = {
    "query": "query R($f: FiltreRuptures, $n: Int!) { ruptures(filtre: $f, first: $n) { totalCount } }",
    "variables": {"f": {"depuis": "2026-09-01", "statut": ["RUPTURANT"]}, "n": 2},
}
DOCUMENTS = [*LIGHT_ONES * 5, RUPTURES]
STRANGE: list[Any] = [
    None, True, -1, 0, 1.5, 2**31, 2**63, -(10**40), "", "x" * 2000, "\x00", "\ud800", "'; DROP TABLE jeunes --", "\u202e",
    [], {}, [[]], [None], {"": {}}, {"__proto__": {}}, {"__class__": 1}, "2026-13-45", "0000-00-00", "0750736T", "é" * 50,
]  # fmt: skip
ENDS = ["{", "}", "(", ")", "...", "@skip(if: true)", "on", "fragment", "query", "mutation", "subscription", "$a", ":", "!",
         "[", "]", "\"", '"""', "#", "&", "|", "@defer", "__typename", "__schema", "first: -1", "id",
         "\ufeff", "\u2028"]  # fmt: skip
NATURES = ["application/json", "application/json; charset=utf-8", "application/json;charset=utf-16", "text/plain", ""]
ACCEPTS = ["", "*/*", "application/json", "application/graphql-response+json"] * 8
ACCEPTS += ["text/html", "application/json;q=x", ",;,", "*/*;q=0"]


def _strange_value(randomness: random.Random, valeur: Any) -> Any:
    """The value, with something odd somewhere in it."""
    if isinstance(valeur, dict) and valeur and randomness.random() < 0.8:
        key = randomness.choice(list(valeur))
        return {**valeur, randomness.choice([key, key, key, key + "x"]): _strange_value(randomness, valeur[key])}
    if isinstance(valeur, str) and randomness.random() < 0.7:
        cut = randomness.randrange(len(valeur) + 1)
        following = cut + randomness.choice([0, 0, 1, 7])
        return valeur[:cut] + randomness.choice([*ENDS, " "]) * randomness.choice([1, 1, 2, 300]) + valeur[following:]
    return randomness.choice(STRANGE)


def _body(randomness: random.Random) -> bytes:
    document: Any = randomness.choice(DOCUMENTS)
    for _ in range(randomness.randrange(4)):
        document = _strange_value(randomness, document)
    content = bytearray(json.dumps(document).encode())
    for _ in range(randomness.choice([0, 0, 0, 1, 3])):
        where = randomness.randrange(len(content) + 1)
        content[where : where + randomness.randrange(3)] = randomness.randbytes(randomness.randrange(3))
    return bytes(content[: randomness.choice([len(content)] * 9 + [len(content) // 2])])


async def _try_out(edge: Edge, count: int, seed: int) -> Counter[int]:
    randomness, statuts = random.Random(seed), Counter[int]()
    for rank in range(count):
        body, nature, accept = (
            _body(randomness),
            randomness.choice(NATURES[:1] * 9 + NATURES),
            randomness.choice(ACCEPTS),
        )
        response = await edge.call(body, content_type=nature, accept=accept)
        statuts[response.statut] += 1
        following = f"seed {seed}, body {rank}: {body[:300]!r}"
        assert response.statut < 500, following
        assert "ERREUR_INTERNE" not in response.codes, following
    return statuts


def _note(statuts: Counter[int]) -> None:
    told_values = ", ".join(f"{statut} × {n}" for statut, n in sorted(statuts.items()))
    note(f"{statuts.total()} corps au hasard : 0 réponse >= 500 ({told_values})")


def test_g14_ten_thousand_bodies_at_random_never_fail(edge: Edge) -> None:
    statuts = edge.loop.run(_try_out(edge, IN_SHORT, SEED))
    _note(statuts)
    assert statuts.keys() >= {200, 400, 406, 415}  # every door was tried, the graph's included


@pytest.mark.chaos
def test_g14_two_hundred_thousand_bodies_at_random_never_fail(edge: Edge) -> None:
    seed = random.SystemRandom().randrange(2**32)
    _note(edge.loop.run(_try_out(edge, IN_FULL, seed)))
