"""Who may be joined whatever the sum of evidence: docs/domaine.md, « Ce qu'aucune somme ne passe » and « Ce qui demande un
témoin », written here again as they read, against ten thousand drawn pairs."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from random import Random
from typing import Any

import pytest

from gateway.domain.similarity import compare, weights
from tests.support.unit.identity import contrat, trait

CASES = 10_000
NAMES = [
    ("Leclercq", "Leclercq"),
    ("Leclercq", "Leclerq"),
    ("Martin-Dubois", "Martin"),
    ("Martin", "Bernard"),
    ("INCONNU", "Martin"),
]
FIRST_NAMES = [
    ("Alexandre", "Alexandre"), ("Youssef", "Youcef"), ("Lucas", "Lucqs"), ("Alexandre", "Alex"), ("Jules", "J."),
    ("Lucas Paul", "Paul"), ("Mathis", "Mathias"), ("Emma", "Chloé"), ("INCONNU", "Lucas"),
]  # fmt: skip
BORN = date(2006, 3, 7)
BIRTHS = [BORN, date(2006, 7, 3), date(2006, 3, 8), date(1900, 1, 1), date(1988, 11, 20)]
TOLD: dict[str, list[tuple[Any, Any]]] = {
    "sexe": [(None, "F"), ("F", "F"), ("F", "F"), ("F", "F"), ("F", "M")],
    "telephone": [(None, "0639980001"), ("0639980001", "0639980001"), ("0639980001", "0639980002")],
    "courriel": [(None, "a@b.invalid"), ("a@b.invalid", "a@b.invalid"), ("a@b.invalid", "c@d.invalid")],
    "ine": [(None, None), (None, None), (None, None), ("123456789AB", "123456789AB"), ("123456789AB", "123456789AC")],
    "code_postal": [(None, "60000"), ("60000", "60000"), ("60000", "60100"), ("60000", "59000")],
    "cfas": [((), ()), (("0600001A",), ("0600001A",)), (("0600001A",), ("0600002B",))],
    "contrats": [
        ((), ()),
        ((contrat("060A"),), (contrat("060A"),)),
        ((contrat(None),), (contrat("060A"),)),
        ((contrat(None, siren=None),), (contrat("060A"),)),
        ((contrat("060A"),), (contrat("060B", siren="356000000"),)),
        ((contrat("060A"),), (contrat("060B", debut=date(2029, 9, 1), fin=date(2030, 8, 31)),)),
    ],
}  # fmt: skip


def may_be_joined(told: Mapping[str, str]) -> bool:
    """By the letter of the paper, of the degrees of two records."""
    nom, prenom, naissance, ine = told["nom"], told["prenom"], told["naissance"], told.get("ine") == "identique"
    agreed = sum(degree not in {"autre", "absent"} for degree in (nom, prenom, naissance))
    refused = (
        told.get("sexe") == "autre",
        agreed < 2,
        prenom == "autre" and not ine,
    )
    return not any(refused) and (ine or told.get("contrat") in {"numero", "employeur"} or _needs_no_witness(told))


def _needs_no_witness(told: Mapping[str, str]) -> bool:
    """Of two records that share neither a national number nor a contract."""
    nom, prenom, naissance, cfa = told["nom"], told["prenom"], told["naissance"], told.get("cfa")
    elsewhere = cfa == "autre" or told.get("contrat") in {"autre", "incompatible"}
    supported = cfa == "commun" or told.get("telephone") == told.get("courriel") == "identique"
    begun_together = nom == "identique" and cfa == "commun" and told.get("contrat") == "debut"
    refused = (
        naissance == "autre",
        prenom in {"voisin", "absent"} or nom == "absent",
        naissance != "identique" and prenom not in {"identique", "variante"},
        naissance == "absent" and not begun_together,
        naissance == "proche" and elsewhere,
        prenom in {"initiale", "diminutif", "partie"} and (elsewhere or not supported),
    )
    return not any(refused)


def draw(randomness: Random) -> tuple[Any, Any]:
    nom, prenom = randomness.choice(NAMES), randomness.choice(FIRST_NAMES)
    sides: tuple[dict[str, Any], dict[str, Any]] = {}, {}
    for name, pairs in TOLD.items():
        pair = randomness.choice(pairs)
        for side, value in zip(sides, pair, strict=True):
            side[name] = frozenset(value) if name == "cfas" else value
    one = trait(nom=nom[0], prenom=prenom[0], naissance=BORN, **sides[0])
    return one, trait("registre", nom=nom[1], prenom=prenom[1], naissance=randomness.choice(BIRTHS), **sides[1])


def test_ten_thousand_pairs_are_joined_where_the_sum_is_enough_and_the_paper_allows_it() -> None:
    randomness, rules, seen = Random(20261130), weights(), Counter[tuple[bool, bool]]()
    for _ in range(CASES):
        one, other = draw(randomness)
        found = compare(one, other)
        total = rules.a_priori + sum(rules.poids[criterion][degree] for criterion, degree in found.agreements)
        allowed = may_be_joined(dict(found.agreements))
        seen[allowed, total >= rules.probable] += 1
        assert (found.score >= rules.probable) is (allowed and total >= rules.probable), found
        assert found.score == (total if allowed else min(total, rules.probable - 1))
    assert all(seen[pair] > 300 for pair in ((True, True), (False, True), (False, False), (True, False))), seen


@pytest.mark.parametrize("prenom", ["Emma", "Chloé"])
def test_one_national_number_is_one_person_whatever_the_first_name(prenom: str) -> None:
    shared: dict[str, Any] = {"ine": "123456789AB", "telephone": "0639980001"}
    assert compare(trait(prenom="Emma", **shared), trait("imilo", prenom=prenom, **shared)).score >= weights().probable
