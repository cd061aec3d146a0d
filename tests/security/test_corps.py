"""Ten thousand bodies that no client should send: each is answered, none is a failure of ours (SECURITY G14)."""

import json
import random
from collections import Counter
from typing import Any

import pytest

from tests.chiffres import noter
from tests.security.bord import Bord

GRAINE = 20_261_015
EN_COURT, EN_LONG = 10_000, 200_000
LEGERS: list[dict[str, Any]] = [
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
DOCUMENTS = [*LEGERS * 5, RUPTURES]
ETRANGES: list[Any] = [
    None, True, -1, 0, 1.5, 2**31, 2**63, -(10**40), "", "x" * 2000, "\x00", "\ud800", "'; DROP TABLE jeunes --", "\u202e",
    [], {}, [[]], [None], {"": {}}, {"__proto__": {}}, {"__class__": 1}, "2026-13-45", "0000-00-00", "0750736T", "é" * 50,
]  # fmt: skip
BOUTS = ["{", "}", "(", ")", "...", "@skip(if: true)", "on", "fragment", "query", "mutation", "subscription", "$a", ":", "!",
         "[", "]", "\"", '"""', "#", "&", "|", "@defer", "__typename", "__schema", "first: -1", "id",
         "\ufeff", "\u2028"]  # fmt: skip
NATURES = ["application/json", "application/json; charset=utf-8", "application/json;charset=utf-16", "text/plain", ""]
ACCEPTS = ["", "*/*", "application/json", "application/graphql-response+json"] * 8
ACCEPTS += ["text/html", "application/json;q=x", ",;,", "*/*;q=0"]


def _etrange(hasard: random.Random, valeur: Any) -> Any:
    """The value, with something odd somewhere in it."""
    if isinstance(valeur, dict) and valeur and hasard.random() < 0.8:
        cle = hasard.choice(list(valeur))
        return {**valeur, hasard.choice([cle, cle, cle, cle + "x"]): _etrange(hasard, valeur[cle])}
    if isinstance(valeur, str) and hasard.random() < 0.7:
        coupe = hasard.randrange(len(valeur) + 1)
        suite = coupe + hasard.choice([0, 0, 1, 7])
        return valeur[:coupe] + hasard.choice([*BOUTS, " "]) * hasard.choice([1, 1, 2, 300]) + valeur[suite:]
    return hasard.choice(ETRANGES)


def _corps(hasard: random.Random) -> bytes:
    document: Any = hasard.choice(DOCUMENTS)
    for _ in range(hasard.randrange(4)):
        document = _etrange(hasard, document)
    octets = bytearray(json.dumps(document).encode())
    for _ in range(hasard.choice([0, 0, 0, 1, 3])):
        ou = hasard.randrange(len(octets) + 1)
        octets[ou : ou + hasard.randrange(3)] = hasard.randbytes(hasard.randrange(3))
    return bytes(octets[: hasard.choice([len(octets)] * 9 + [len(octets) // 2])])


async def _eprouver(bord: Bord, combien: int, graine: int) -> Counter[int]:
    hasard, statuts = random.Random(graine), Counter[int]()
    for rang in range(combien):
        corps, nature, accept = _corps(hasard), hasard.choice(NATURES[:1] * 9 + NATURES), hasard.choice(ACCEPTS)
        reponse = await bord.appel(corps, content_type=nature, accept=accept)
        statuts[reponse.statut] += 1
        suite = f"seed {graine}, body {rang}: {corps[:300]!r}"
        assert reponse.statut < 500, suite
        assert "ERREUR_INTERNE" not in reponse.codes, suite
    return statuts


def _noter(statuts: Counter[int]) -> None:
    dits = ", ".join(f"{statut} × {n}" for statut, n in sorted(statuts.items()))
    noter(f"{statuts.total()} corps au hasard : 0 réponse >= 500 ({dits})")


def test_g14_ten_thousand_bodies_at_random_never_fail(bord: Bord) -> None:
    statuts = bord.boucle.run(_eprouver(bord, EN_COURT, GRAINE))
    _noter(statuts)
    assert statuts.keys() >= {200, 400, 406, 415}  # every door was tried, the graph's included


@pytest.mark.chaos
def test_g14_two_hundred_thousand_bodies_at_random_never_fail(bord: Bord) -> None:
    graine = random.SystemRandom().randrange(2**32)
    _noter(bord.boucle.run(_eprouver(bord, EN_LONG, graine)))
